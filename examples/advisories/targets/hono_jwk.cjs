// Hono's `jwk` middleware before a route, with the key set as its documentation shows it.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { Hono } = require("hono");
const { jwk } = require("hono/jwk");
const { NotThis, serve } = require("./line_protocol.cjs");

const options = process.env.ALG ? { alg: [process.env.ALG] } : {};
let app;

function onboarded(record) {
  app = new Hono();
  app.use("/*", jwk({ keys: record.jwks.keys, ...options }));
  app.get("/", (context) => context.json(context.get("jwtPayload")));
}

async function verify(token, record) {
  const answer = await app.request("/", { headers: { Authorization: `Bearer ${token}` } });
  if (answer.status !== 200) throw new NotThis(`status ${answer.status}`);
  const claims = await answer.json();
  if (claims.iss !== record.issuer || claims.aud !== record.audience) throw new NotThis("another issuer or audience");
  return claims;
}

const manifest = path.join(__dirname, "node_modules", "hono", "package.json"); // which its exports leave out
serve({ name: "hono", version: JSON.parse(fs.readFileSync(manifest)).version, verify, rejects: () => false, onboarded });
