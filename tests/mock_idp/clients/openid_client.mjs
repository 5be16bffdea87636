// openid-client and jose against a running mock IdP: discovery, code with PKCE, refresh, client credentials,
// introspection, revocation, device flow and logout. Prints one JSON object; any refusal is a crash.
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oidc from 'openid-client'

const [issuer, clientId, secret, back] = process.argv.slice(2)
const insecure = { execute: [oidc.allowInsecureRequests] }
const config = await oidc.discovery(new URL(issuer), clientId, secret, undefined, insecure)
const server = config.serverMetadata()
const keys = createRemoteJWKSet(new URL(server.jwks_uri))

const verifier = oidc.randomPKCECodeVerifier()
const state = oidc.randomState()
const nonce = oidc.randomNonce()
const address = oidc.buildAuthorizationUrl(config, {
  redirect_uri: back,
  scope: 'openid profile email offline_access',
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  login_hint: 'ann',
  state,
  nonce,
})
const answer = await fetch(address, { redirect: 'manual' })
const tokens = await oidc.authorizationCodeGrant(config, new URL(answer.headers.get('location')), {
  pkceCodeVerifier: verifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
})
const claims = tokens.claims()
const me = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token)
const reused = await oidc.refreshTokenGrant(config, tokens.refresh_token).catch((error) => error.error)

const machine = await oidc.clientCredentialsGrant(config, { scope: 'read' })
const verified = await jwtVerify(machine.access_token, keys, { issuer })
const before = await oidc.tokenIntrospection(config, machine.access_token)
await oidc.tokenRevocation(config, machine.access_token)
const after = await oidc.tokenIntrospection(config, machine.access_token)

const device = await oidc.initiateDeviceAuthorization(config, { scope: 'openid' })
await fetch(device.verification_uri, {
  method: 'POST',
  body: new URLSearchParams({ user_code: device.user_code, _sign_in: 'cleo' }),
})
const onDevice = await oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 0.01 })

const out = oidc.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: back,
  state: 'bye',
})
const left = await fetch(out, { redirect: 'manual' })

console.log(
  JSON.stringify({
    name: claims.name,
    me: me.preferred_username,
    rotated: refreshed.refresh_token !== tokens.refresh_token,
    reused,
    machine: verified.payload.sub,
    active: [before.active, after.active],
    device: onDevice.claims().preferred_username,
    left: left.headers.get('location'),
  }),
)
