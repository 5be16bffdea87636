// Ask jose every vector that a library can be asked: `node run.mjs DIR`, DIR made by `touchstone export DIR`.
// It needs jose (npm install jose) and the exported files, and neither Python nor Touchstone.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as jose from 'jose'

const sizes = ['256', '384', '512']
// What jose can do, in the words of `requires`.
const ABLE = new Set([
  ...['RS', 'PS', 'ES'].flatMap((family) => sizes.map((size) => `alg:${family}${size}`)),
  ...['alg:EdDSA', 'keys:jwks', 'clock'],
  ...['iss', 'aud', 'exp', 'nbf'].map((claim) => `check:${claim}`),
])

async function claimsOf(step, record) {
  const token = step.token ?? Buffer.from(step.token_base64, 'base64')
  const keys = jose.createLocalJWKSet(record.jwks)
  const { payload } = await jose.jwtVerify(token, keys, {
    issuer: record.issuer,
    audience: record.audience,
    algorithms: record.algorithms,
    clockTolerance: record.leeway_s,
    currentDate: new Date(step.now * 1000),
  })
  return payload
}

// The user that claims name: by the custom claim when it has a value, else by `sub`.
function userOf(claims, record, users) {
  const externalId = claims[record.custom_claim ?? 'sub'] || claims.sub
  return users.find((user) => user.external_id === externalId)?.name
}

// What is right for a library that declares no knobs: where a standard leaves a choice, either.
function rightAnswers(expect, knobs) {
  const free = expect.knob !== undefined && knobs[expect.knob].library === 'any'
  return free ? Object.values(expect.by_value).flatMap((one) => rightAnswers(one, knobs)) : expect.any_of
}

async function ask(vector, knobs) {
  const onboarded = vector.steps.filter((step) => step.do === 'onboard')
  const ids = new Set(onboarded.map((step) => step.integration.id))
  const able = (vector.requires ?? []).every((need) => ABLE.has(need))
  if (vector.scope !== 'library' || !able || ids.size > 1) return { came: 'not_applicable' }
  let record, users, answer
  for (const step of vector.steps) {
    if (step.do === 'onboard') [record, users] = [step.integration, step.users]
    if (step.do !== 'authenticate') continue
    try {
      answer = { kind: 'accept', user: userOf(await claimsOf(step, record), record, users) }
    } catch (error) {
      // Anything but an error of jose's own is a crash, which is no rejection.
      if (!(error instanceof jose.errors.JOSEError)) return { came: 'crash', taken: false }
      answer = { kind: 'reject' }
    }
    const right = rightAnswers(step.expect, knobs)
    if (!right.some((r) => r.kind === answer.kind && r.user === answer.user)) {
      return { came: 'wrong', taken: answer.kind === 'accept' }
    }
  }
  return { came: 'pass', taken: answer.kind === 'accept' }
}

const folder = process.argv[2]
const read = (path) => JSON.parse(readFileSync(join(folder, path), 'utf8'))
const index = read('index.json')
const vectors = [...new Set(index.vectors.map((entry) => entry.file))].flatMap((file) => read(file).vectors)
const asked = new Map()
for (const vector of vectors) asked.set(vector.id, await ask(vector, index.knobs))

const out = { pass: [], fail: [], warn: [], unproven: [], not_applicable: [] }
for (const { id, rules, control } of vectors) {
  const { came, taken } = asked.get(id)
  let kind = came === 'crash' ? 'fail' : came
  if (came === 'wrong') kind = ['SHOULD', 'MAY'].includes(rules[0].level) ? 'warn' : 'fail'
  // A no whose yes was refused too proves nothing.
  if (came === 'pass' && !taken && asked.has(control) && !asked.get(control).taken) kind = 'unproven'
  out[kind].push(id)
}
const counts = Object.fromEntries(Object.entries(out).map(([kind, ids]) => [kind, ids.length]))
const accepted = out.fail.filter((id) => asked.get(id).taken)
console.log(JSON.stringify({ counts, fail: out.fail, accepted, warn: out.warn, unproven: out.unproven }, null, 1))
