// jwt-simple: `decode(token, pem)`, which takes the algorithm from the token.
"use strict";
const jwt = require("jwt-simple");
const { NotThis, serve } = require("./line_protocol.cjs");

function verify(token, record) {
  const claims = jwt.decode(String(token), record.public_keys[0].pem);
  if (claims.iss !== record.issuer || claims.aud !== record.audience) throw new NotThis("another issuer or audience");
  return claims;
}

// It has no error class of its own.
serve({ name: "jwt-simple", version: require("jwt-simple/package.json").version, verify, rejects: (error) => error instanceof Error });
