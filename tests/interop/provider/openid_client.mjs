// openid-client 6.9: every flow that it has, but for those that a provider of OAuth 2.1 has not.
import * as client from 'openid-client'
import { importJWK } from 'jose'
import { end, issuer, must, refused, same, stage, step, visit } from './stage.mjs'

const insecure = { execute: [client.allowInsecureRequests] }      // http, because the stage is on this machine
const basic = stage.clients.basic
const redirect_uri = stage.redirect_uri
const find = (who, metadata, authentication) =>
  client.discovery(issuer, who.client_id, metadata, authentication, insecure)

// Begins a code flow, and ends it with a token answer. `more` goes to the authorization endpoint.
const codeFlow = async (config, more = {}, { how, build = client.buildAuthorizationUrl, options, checks } = {}) => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = client.randomNonce()
  const url = await build(config, {
    redirect_uri, scope: 'openid profile email offline_access', state: expectedState, nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256', ...more,
  })
  const back = await visit(url, how)
  const expected = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, ...checks }
  return client.authorizationCodeGrant(config, back, expected, undefined, options)
}

const config = await step('openid-client: discovery', () => find(basic, basic.client_secret))
await step('openid-client: RFC 8414 metadata', () =>
  client.discovery(issuer, basic.client_id, undefined, undefined, { ...insecure, algorithm: 'oauth2' }))
const tokens = await step('openid-client: code flow with PKCE, state, nonce, iss and an ID token', async () => {
  const tokens = await codeFlow(config)
  same(tokens.claims().sub, stage.sub)
  same(tokens.token_type, 'bearer')
  must(tokens.refresh_token, 'a refresh token')
  return tokens
})
await step('openid-client: userinfo', async () => {
  const claims = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  same(claims.email, stage.email)
})
await step('openid-client: form_post', async () =>
  same((await codeFlow(config, { response_mode: 'form_post' })).claims().sub, stage.sub))
await step('openid-client: max_age gives auth_time', async () => {
  const tokens = await codeFlow(config, { max_age: '300' }, { checks: { maxAge: 300 } })
  must(tokens.claims().auth_time, 'auth_time')
})
await step('openid-client: introspection', async () => {
  const state = await client.tokenIntrospection(config, tokens.access_token)
  must(state.active, 'active')
  same(state.client_id, basic.client_id)
  same(state.sub, stage.sub)
})
const second = await step('openid-client: refresh', async () => {
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  must(second.refresh_token !== tokens.refresh_token, 'rotated')
  same(second.claims()?.sub ?? stage.sub, stage.sub)
  return second
})
await step('openid-client: narrower scope on refresh', async () => {
  const third = await client.refreshTokenGrant(config, second.refresh_token, { scope: 'openid profile' })
  same(third.scope, 'openid profile')
  await client.tokenRevocation(config, third.refresh_token)
  same((await client.tokenIntrospection(config, third.access_token)).active, false)
})
await step('openid-client: client credentials, Basic', async () => {
  const config = await find(basic, undefined, client.ClientSecretBasic(basic.client_secret))
  const answer = await client.clientCredentialsGrant(config, { scope: 'orders' })
  same(answer.scope, 'orders')
})
await step('openid-client: client credentials, post', async () => {
  const config = await find(stage.clients.post, undefined, client.ClientSecretPost(stage.clients.post.client_secret))
  await client.clientCredentialsGrant(config, { scope: 'orders' })
})
const algorithms = { ES256: { name: 'ECDSA', namedCurve: 'P-256' }, EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, PS256: { name: 'RSA-PSS', hash: 'SHA-256' } }
for (const alg of Object.keys(algorithms)) {
  await step(`openid-client: private_key_jwt, ${alg}`, async () => {
    const jwk = stage.keys[alg]
    const key = await crypto.subtle.importKey('jwk', { ...jwk, alg: undefined }, algorithms[alg], true, ['sign'])
    const config = await find(stage.clients.key, undefined, client.PrivateKeyJwt({ key, kid: jwk.kid }))
    await client.clientCredentialsGrant(config, { scope: 'orders' })
  })
}
await step('openid-client: client_secret_jwt', async () => {
  const who = stage.clients.secret_jwt
  await client.clientCredentialsGrant(await find(who, undefined, client.ClientSecretJwt(who.client_secret)),
    { scope: 'orders' })
})
const open = await step('openid-client: a public client', async () => {
  const config = await find(stage.clients.public, undefined, client.None())
  same((await codeFlow(config)).claims().sub, stage.sub)
  return config
})
await step('openid-client: pushed authorization request', async () => {
  const tokens = await codeFlow(config, {}, { build: client.buildAuthorizationUrlWithPAR })
  same(tokens.claims().sub, stage.sub)
})
await step('openid-client: signed request object', async () => {
  const jwk = stage.keys.ES256
  const key = { key: await importJWK(jwk, 'ES256'), kid: jwk.kid }
  const config = await find(stage.clients.key, undefined, client.PrivateKeyJwt(key))
  const build = (config, more) => client.buildAuthorizationUrlWithJAR(config, more, key)
  same((await codeFlow(config, {}, { build })).claims().sub, stage.sub)
})
await step('openid-client: DPoP for token, refresh and userinfo, with the nonces of the server', async () => {
  const options = { DPoP: client.getDPoPHandle(open, await client.randomDPoPKeyPair('ES256')) }
  const tokens = await codeFlow(open, {}, { options })
  same(tokens.token_type, 'dpop')
  await client.fetchUserInfo(open, tokens.access_token, stage.sub, options)
  const second = await client.refreshTokenGrant(open, tokens.refresh_token, undefined, options)
  await client.fetchUserInfo(open, second.access_token, stage.sub, options)
  const other = { DPoP: client.getDPoPHandle(open, await client.randomDPoPKeyPair('ES256')) }
  await refused(client.refreshTokenGrant(open, second.refresh_token, undefined, other), 'invalid_grant')
})
await step('openid-client: DPoP with Ed25519', async () => {
  const options = { DPoP: client.getDPoPHandle(open, await client.randomDPoPKeyPair('Ed25519')) }
  same((await codeFlow(open, {}, { options })).token_type, 'dpop')
})
await step('openid-client: device flow, polled from the first answer on', async () => {
  const config = await find(stage.clients.device, undefined, client.None())
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid profile' })
  const polling = client.pollDeviceAuthorizationGrant(config, device)
  const url = new URL(device.verification_uri)
  url.searchParams.set('user_code', device.user_code)
  await visit(url, 'device')
  same((await polling).claims().sub, stage.sub)
})
await step('openid-client: a denied device is access_denied', async () => {
  const config = await find(stage.clients.device, undefined, client.None())
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
  const url = new URL(device.verification_uri)
  url.searchParams.set('user_code', device.user_code)
  await visit(url, 'device_deny')
  await refused(client.pollDeviceAuthorizationGrant(config, device), 'access_denied')
})
await step('openid-client: token exchange', async () => {
  const answer = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: (await codeFlow(config)).access_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', scope: 'profile',
  })
  same(answer.scope, 'profile')
  same(answer.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
})
await step('openid-client: registration, and a flow of what was registered', async () => {
  const config = await client.dynamicClientRegistration(issuer, { redirect_uris: [redirect_uri],
    scope: 'openid profile email offline_access', grant_types: ['authorization_code', 'refresh_token'],
    client_name: 'Registered by itself' }, undefined, insecure)
  same((await codeFlow(config)).claims().sub, stage.sub)
})
await step('openid-client: log-out with an id_token_hint', async () => {
  const { id_token } = await codeFlow(config)
  const url = client.buildEndSessionUrl(config, { post_logout_redirect_uri: stage.post_logout_redirect_uri,
    id_token_hint: id_token, state: 'bye' })
  same((await visit(url, 'logout')).href, `${stage.post_logout_redirect_uri}?state=bye`)
})

await step('openid-client: who denies is access_denied, with iss', () =>
  refused(codeFlow(config, { prompt: 'consent' }, { how: 'deny' }), 'access_denied'))
await step('openid-client: prompt=none without a session is login_required', () =>
  refused(codeFlow(config, { prompt: 'none' }, { how: 'nobody' }), 'login_required'))
await step('openid-client: an unknown scope is invalid_scope', () =>
  refused(codeFlow(config, { scope: 'openid no_such_scope' }), 'invalid_scope'))
await step('openid-client: another verifier is invalid_grant', () =>
  refused(codeFlow(config, {}, { checks: { pkceCodeVerifier: client.randomPKCECodeVerifier() } }), 'invalid_grant'))
await step('openid-client: a used refresh token is invalid_grant, and the family ends', async () => {
  const tokens = await codeFlow(config)
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  const third = await client.refreshTokenGrant(config, second.refresh_token)
  await refused(client.refreshTokenGrant(config, tokens.refresh_token), 'invalid_grant')
  await refused(client.refreshTokenGrant(config, third.refresh_token), 'invalid_grant')
})
await step('openid-client: a wrong secret is invalid_client', async () =>
  refused(client.clientCredentialsGrant(await find(basic, 'wrong')), 'invalid_client'))
await step('openid-client: a wrong secret by Basic is a challenge', async () => {
  const wrong = await find(basic, undefined, client.ClientSecretBasic('wrong'))
  const error = await refused(client.clientCredentialsGrant(wrong), undefined)
  same(error.cause[0].scheme, 'basic')
})
await step("openid-client: an assertion signed by a stranger's key is invalid_client", async () => {
  const { privateKey } = await crypto.subtle.generateKey(algorithms.ES256, true, ['sign', 'verify'])
  const wrong = await find(stage.clients.key, undefined, client.PrivateKeyJwt({ key: privateKey,
    kid: stage.keys.ES256.kid }))
  await refused(client.clientCredentialsGrant(wrong), 'invalid_client')
})
end()
