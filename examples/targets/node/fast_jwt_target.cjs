// fast-jwt as its documentation uses it: createVerifier, kept, with a function that finds the key of a kid.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { createVerifier, TokenError } = require("fast-jwt");
const { serve } = require("./line_protocol.cjs");

let check;

function onboarded(record) {
  const keys = new Map(record.public_keys.filter((key) => key.pem).map((key) => [key.kid, key.pem]));
  check = createVerifier({
    key: async ({ header }) => {
      if (!keys.has(header.kid)) throw new Error("no key has this kid");
      return keys.get(header.kid);
    },
    algorithms: record.algorithms,
    allowedAud: record.audience,
    allowedIss: record.issuer,
    clockTolerance: record.leeway_s * 1000,
  });
}

const manifest = path.join(__dirname, "node_modules", "fast-jwt", "package.json"); // which its exports leave out
serve({
  name: "fast-jwt",
  version: JSON.parse(fs.readFileSync(manifest)).version,
  verify: (token) => check(String(token)),
  onboarded,
  rejects: (error) => error instanceof TokenError,
});
