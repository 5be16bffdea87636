// jose as its documentation uses it: createRemoteJWKSet, kept, and jwtVerify.
import { readFileSync } from "node:fs";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import protocol from "./line_protocol.cjs";

const manifest = new URL("node_modules/jose/package.json", import.meta.url);
let keys;

function onboarded(record) {
  if (record.ca_file) return "a certificate authority of one's own"; // Node's fetch takes none
  keys = createRemoteJWKSet(new URL(record.jwks_uri));
}

async function verify(token, record) {
  const { payload } = await jwtVerify(token, keys, {
    algorithms: record.algorithms,
    audience: record.audience,
    issuer: record.issuer,
    clockTolerance: record.leeway_s,
  });
  return payload;
}

await protocol.serve({
  name: "jose",
  version: JSON.parse(readFileSync(manifest)).version,
  verify,
  onboarded,
  rejects: (error) => error instanceof errors.JOSEError,
});
