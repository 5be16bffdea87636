// jsonwebtoken with a callback that looks the kid up, and answers what it found: undefined for a kid that is unknown.
"use strict";
const jwt = require("jsonwebtoken");
const { serve } = require("./line_protocol.cjs");

function verify(token, record) {
  const keys = Object.fromEntries(record.public_keys.map((key) => [key.kid, key.pem]));
  const find = (header, answer) => answer(null, keys[header.kid]);
  const options = { audience: record.audience, issuer: record.issuer };
  return new Promise((done, failed) => jwt.verify(String(token), find, options, (error, claims) => (error ? failed(error) : done(claims))));
}

serve({ name: "jsonwebtoken", version: require("jsonwebtoken/package.json").version, verify, rejects: (error) => error instanceof jwt.JsonWebTokenError });
