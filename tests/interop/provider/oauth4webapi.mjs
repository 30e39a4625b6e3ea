// oauth4webapi 3.8, the strictest reader of answers there is: each endpoint by hand, and what a resource server does.
import * as oauth from 'oauth4webapi'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { end, issuer, must, refused, same, stage, step, visit } from './stage.mjs'

const http = { [oauth.allowInsecureRequests]: true }
const basic = stage.clients.basic
const client = { client_id: basic.client_id }
const secret = oauth.ClientSecretBasic(basic.client_secret)
const redirect_uri = stage.redirect_uri

const as = await step('oauth4webapi: OpenID Connect discovery', async () =>
  oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http)))
await step('oauth4webapi: RFC 8414 metadata', async () =>
  oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...http, algorithm: 'oauth2' })))

const begin = async (scope, more = {}) => {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const parameters = { client_id: client.client_id, response_type: 'code', redirect_uri, scope, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more }
  return { verifier, state, nonce, parameters }
}
const finish = async ({ verifier, state, nonce, parameters }, more = {}) => {
  const url = new URL(as.authorization_endpoint)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  const answered = oauth.validateAuthResponse(as, client, await visit(url), state)
  const answer = await oauth.authorizationCodeGrantRequest(as, client, secret, answered, redirect_uri, verifier,
    { ...http, ...more })
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce,
    requireIdToken: true })
  await oauth.validateApplicationLevelSignature(as, answer, http)
  return tokens
}

const tokens = await step('oauth4webapi: code flow; the ID token and its signature', async () =>
  finish(await begin('openid email offline_access')))
await step('oauth4webapi: userinfo', async () => {
  const answer = await oauth.userInfoRequest(as, client, tokens.access_token, http)
  same((await oauth.processUserInfoResponse(as, client, stage.sub, answer)).email, stage.email)
})
await step('oauth4webapi: pushed authorization request', async () => {
  const begun = await begin('openid')
  const answer = await oauth.pushedAuthorizationRequest(as, client, secret, begun.parameters, http)
  const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, answer)
  await finish({ ...begun, parameters: { client_id: client.client_id, request_uri } })
})
await step('oauth4webapi: refresh', async () => {
  const answer = await oauth.refreshTokenGrantRequest(as, client, secret, tokens.refresh_token, http)
  await oauth.processRefreshTokenResponse(as, client, answer)
})
await step('oauth4webapi: introspection and revocation', async () => {
  const state = async () => oauth.processIntrospectionResponse(as, client,
    await oauth.introspectionRequest(as, client, secret, tokens.access_token, http))
  same((await state()).active, true)
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, secret, tokens.access_token, http))
  same((await state()).active, false)
})
await step('oauth4webapi: introspection as a signed JWT (RFC 9701)', async () => {
  const { access_token } = await finish(await begin('openid'))
  const answer = await oauth.introspectionRequest(as, client, secret, access_token,
    { ...http, requestJwtResponse: true })
  same(answer.headers.get('content-type').split(';')[0], 'application/token-introspection+jwt')
  same((await oauth.processIntrospectionResponse(as, client, answer)).active, true)
  await oauth.validateApplicationLevelSignature(as, answer, http)
})
await step('oauth4webapi: device authorization and a pending poll', async () => {
  const device = { client_id: stage.clients.device.client_id }
  const answer = await oauth.deviceAuthorizationRequest(as, device, oauth.None(), { scope: 'openid' }, http)
  const { device_code } = await oauth.processDeviceAuthorizationResponse(as, device, answer)
  const poll = await oauth.deviceCodeGrantRequest(as, device, oauth.None(), device_code, http)
  await refused(oauth.processDeviceCodeResponse(as, device, poll), 'authorization_pending')
})
await step('oauth4webapi: registration', async () => {
  const answer = await oauth.dynamicClientRegistrationRequest(as, { redirect_uris: [redirect_uri],
    token_endpoint_auth_method: 'client_secret_basic' }, http)
  const registered = await oauth.processDynamicClientRegistrationResponse(answer)
  same(registered.client_secret_expires_at, 0)
  must(registered.registration_access_token && registered.registration_client_uri, 'what RFC 7592 needs')
  const again = await fetch(registered.registration_client_uri, {
    headers: { authorization: `Bearer ${registered.registration_access_token}` } })
  same((await again.json()).client_id, registered.client_id)
})

// --- a resource server ----------------------------------------------------------------------------------------------
const resource = stage.resource
const at = await step('oauth4webapi: an access token for a resource is a JWT', async () => {
  const answer = await oauth.clientCredentialsGrantRequest(as, client, secret, { scope: 'orders', resource }, http)
  return (await oauth.processClientCredentialsResponse(as, client, answer)).access_token
})
const arrives = token => new Request(resource, { headers: { authorization: `Bearer ${token}` } })
await step('oauth4webapi: the resource server verifies it (RFC 9068)', async () => {
  const claims = await oauth.validateJwtAccessToken(as, arrives(at), resource, http)
  same(claims.client_id, client.client_id)
  same(claims.scope, 'orders')
})
await step('oauth4webapi: another resource server does not', () =>
  refused(oauth.validateJwtAccessToken(as, arrives(at), 'https://other.example/', http), oauth.JWT_CLAIM_COMPARISON,
    error => error.code))
await step('oauth4webapi: an ID token is no access token', async () =>
  refused(oauth.validateJwtAccessToken(as, arrives((await finish(await begin('openid'))).id_token), resource, http),
    oauth.INVALID_RESPONSE, error => error.code))
await step('jose: the access token by the JWKS of the metadata', async () => {
  const keys = createRemoteJWKSet(new URL(as.jwks_uri))
  const { payload } = await jwtVerify(at, keys, { issuer: stage.issuer, audience: resource, typ: 'at+jwt' })
  same(payload.sub, client.client_id)
})
await step('oauth4webapi: the metadata of the resource (RFC 9728)', async () => {
  const url = new URL(stage.described)
  const metadata = await oauth.processResourceDiscoveryResponse(url, await oauth.resourceDiscoveryRequest(url, http))
  same(metadata.authorization_servers[0], stage.issuer)
})
await step('oauth4webapi: DPoP with the nonces of token endpoint and userinfo', async () => {
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  // The first request learns the nonce and is made again.
  const twice = async ask => {
    try {
      return await ask()
    } catch (error) {
      if (oauth.isDPoPNonceError(error)) return ask()
      throw error
    }
  }
  const grant = async () => oauth.processClientCredentialsResponse(as, client,
    await oauth.clientCredentialsGrantRequest(as, client, secret, { scope: 'orders' }, { ...http, DPoP }))
  same((await twice(grant)).token_type, 'dpop')
  const begun = await begin('openid', { dpop_jkt: await DPoP.calculateThumbprint() })
  const { access_token, token_type } = await finish(begun, { DPoP })
  same(token_type, 'dpop')
  await twice(async () => oauth.processUserInfoResponse(as, client, stage.sub,
    await oauth.userInfoRequest(as, client, access_token, { ...http, DPoP })))
})
await step('oauth4webapi: userinfo refuses with a challenge', async () => {
  const answer = await oauth.userInfoRequest(as, client, 'asat_nothing', http)
  const error = await refused(oauth.processUserInfoResponse(as, client, stage.sub, answer), undefined)
  same(error.cause[0].parameters.error, 'invalid_token')
})
await step('oauth4webapi: a code of another client is invalid_grant', async () => {
  const begun = await begin('openid')
  const url = new URL(as.authorization_endpoint)
  for (const [name, value] of Object.entries(begun.parameters)) url.searchParams.set(name, value)
  const answered = oauth.validateAuthResponse(as, client, await visit(url), begun.state)
  const other = { client_id: stage.clients.post.client_id }
  const theirs = oauth.ClientSecretPost(stage.clients.post.client_secret)
  const answer = await oauth.authorizationCodeGrantRequest(as, other, theirs, answered, redirect_uri, begun.verifier,
    http)
  await refused(oauth.processAuthorizationCodeResponse(as, other, answer), 'invalid_grant')
})
end()
