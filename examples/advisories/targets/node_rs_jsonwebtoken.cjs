// @node-rs/jsonwebtoken, which is Rust's jsonwebtoken: `verifySync` with all checks of times on.
"use strict";
const jwt = require("@node-rs/jsonwebtoken");
const { serve } = require("./line_protocol.cjs");

function verify(token, record) {
  return jwt.verifySync(String(token), record.public_keys[0].pem, {
    algorithms: [jwt.Algorithm.RS256],
    aud: [record.audience],
    iss: [record.issuer],
    leeway: record.leeway_s,
    validateExp: true,
    validateNbf: true,
  });
}

serve({ name: "@node-rs/jsonwebtoken", version: require("@node-rs/jsonwebtoken/package.json").version, verify, rejects: (error) => error instanceof Error });
