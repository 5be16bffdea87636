// fast-jwt: `createVerifier` with the key's PEM, as SPKI (KEY_FORM=spki) or as PKCS#1 (KEY_FORM=pkcs1).
"use strict";
const crypto = require("node:crypto");
const { createVerifier, TokenError } = require("fast-jwt");
const { serve } = require("./line_protocol.cjs");

function verify(token, record) {
  const pem = crypto.createPublicKey(record.public_keys[0].pem).export({ type: process.env.KEY_FORM, format: "pem" });
  const check = createVerifier({ key: pem, allowedIss: record.issuer, allowedAud: record.audience });
  return check(String(token));
}

const fs = require("node:fs");
const path = require("node:path");
const manifest = path.join(__dirname, "node_modules", "fast-jwt", "package.json");
serve({ name: "fast-jwt", version: JSON.parse(fs.readFileSync(manifest)).version, verify, rejects: (error) => error instanceof TokenError });
