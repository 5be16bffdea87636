// The line protocol (docs/protocol.md) around one function: all that a target in Node needs of it.
//
// `verify(token, integration)` returns the claims of a true token, or a promise of them, and throws what `rejects(error)`
// knows for any other. The token is text, or a Buffer when it is no valid UTF-8. Anything else that it throws ends the
// process: a crash, as in a program of its own. `onboarded(integration)` may prepare for it, and names what of it this
// program cannot do. It must never import Touchstone.
"use strict";
const readline = require("node:readline");

/** What `verify` throws for a token whose claims are not those that its caller wants. */
class NotThis extends Error {}

async function serve({ name, version, verify, rejects, onboarded = () => {} }) {
  const records = new Map();

  async function authenticate(request) {
    if (records.size === 0) return { verdict: "reject", reason: "issuer" };
    const [record] = records.values();
    const token = request.token ?? Buffer.from(request.token_base64, "base64");
    let claims;
    try {
      claims = await verify(token, record);
    } catch (error) {
      if (!(error instanceof NotThis) && !rejects(error)) throw error;
      return { verdict: "reject", detail: `${error.name}: ${error.message}`.slice(0, 500) };
    }
    const named = ["iss", "sub", record.custom_claim].filter((one) => one != null && Object.hasOwn(claims, one));
    return { verdict: "accept", claims: Object.fromEntries(named.map((one) => [one, claims[one]])) };
  }

  function onboard(record) {
    const several = [...records.keys()].some((id) => id !== record.id) && "several_integrations";
    const capability = several || onboarded(record);
    if (capability) return { verdict: "unsupported", capability };
    records.set(record.id, record);
    return { verdict: "onboarded" };
  }

  async function answer(request) {
    switch (request.cmd) {
      case "start":
        return { ok: true, name, version, language: "javascript" };
      case "onboard":
        return onboard(request.integration);
      case "authenticate":
        return authenticate(request);
      case "offboard":
        records.delete(request.id);
        return { ok: true };
      case "reset":
        records.clear();
        return { ok: true };
      default:
        return { ok: true };
    }
  }

  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    process.stdout.write(`${JSON.stringify({ seq: request.seq, ...(await answer(request)) })}\n`);
    if (request.cmd === "stop") break;
  }
}

module.exports = { serve, NotThis };
