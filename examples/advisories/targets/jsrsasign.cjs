// jsrsasign: `KJUR.jws.JWS.verifyJWT` with the algorithm, the issuer and the audience that are wanted.
"use strict";
const { KEYUTIL, KJUR } = require("jsrsasign");
const { NotThis, serve } = require("./line_protocol.cjs");

function verify(token, record) {
  const key = KEYUTIL.getKey(record.public_keys[0].pem);
  const wanted = { alg: ["RS256"], iss: [record.issuer], aud: [record.audience] };
  if (!KJUR.jws.JWS.verifyJWT(String(token), key, wanted)) throw new NotThis("verifyJWT says no");
  return KJUR.jws.JWS.parse(String(token)).payloadObj;
}

// It throws texts as well as errors.
serve({ name: "jsrsasign", version: require("jsrsasign/package.json").version, verify, rejects: () => true });
