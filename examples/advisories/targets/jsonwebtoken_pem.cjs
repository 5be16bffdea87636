// jsonwebtoken before 5: `verify(token, pem)`, with the key as SPKI (KEY_FORM=spki) or as PKCS#1 (KEY_FORM=pkcs1).
"use strict";
const crypto = require("node:crypto");
const jwt = require("jsonwebtoken");
const { serve } = require("./line_protocol.cjs");

function verify(token, record) {
  const pem = crypto.createPublicKey(record.public_keys[0].pem).export({ type: process.env.KEY_FORM, format: "pem" });
  const options = { audience: record.audience, issuer: record.issuer };
  return new Promise((done, failed) => jwt.verify(String(token), pem, options, (error, claims) => (error ? failed(error) : done(claims))));
}

serve({ name: "jsonwebtoken", version: require("jsonwebtoken/package.json").version, verify, rejects: () => true });
