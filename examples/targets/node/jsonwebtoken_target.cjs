// jsonwebtoken with jwks-rsa, as the documentation of both shows it: a client, kept, and a callback that asks it for the key.
"use strict";
const fs = require("node:fs");
const https = require("node:https");
const jwt = require("jsonwebtoken");
const jwksClient = require("jwks-rsa");
const { NotThis, serve } = require("./line_protocol.cjs");

let client;

function onboarded(record) {
  const requestAgent = record.ca_file ? new https.Agent({ ca: fs.readFileSync(record.ca_file) }) : undefined;
  client = jwksClient({ jwksUri: record.jwks_uri, requestAgent });
}

function verify(token, record) {
  const getKey = (header, callback) =>
    client.getSigningKey(header.kid, (error, key) => (error ? callback(error) : callback(null, key.getPublicKey())));
  const options = {
    algorithms: record.algorithms,
    audience: record.audience,
    issuer: record.issuer,
    clockTolerance: record.leeway_s,
  };
  // What comes back as an error is a no, of whatever class; what is thrown is none.
  const no = (error) => new NotThis(`${error.name}: ${error.message}`);
  return new Promise((done, failed) =>
    jwt.verify(String(token), getKey, options, (error, claims) => (error ? failed(no(error)) : done(claims))),
  );
}

serve({
  name: "jsonwebtoken",
  version: require("jsonwebtoken/package.json").version,
  verify,
  onboarded,
  rejects: () => false,
});
