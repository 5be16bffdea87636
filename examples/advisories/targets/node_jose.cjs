// node-jose as its README shows it: a key store, and `JWS.createVerify(keystore).verify(token)`.
"use strict";
const jose = require("node-jose");
const { NotThis, serve } = require("./line_protocol.cjs");

async function verify(token, record) {
  const keystore = await jose.JWK.asKeyStore(record.jwks);
  const { payload } = await jose.JWS.createVerify(keystore).verify(String(token));
  const claims = JSON.parse(payload.toString());
  if (claims.iss !== record.issuer || claims.aud !== record.audience) throw new NotThis("another issuer or audience");
  return claims;
}

serve({ name: "node-jose", version: require("node-jose/package.json").version, verify, rejects: (error) => error instanceof Error });
