// simple-oauth2 5.1: its grants, the client's secret in the header and in the body.
import { AuthorizationCode, ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2'
import { createHash, randomBytes } from 'node:crypto'
import { end, must, refused, same, stage, step, visit } from './stage.mjs'

const metadata = await (await fetch(new URL('/.well-known/openid-configuration', stage.issuer))).json()
const path = url => new URL(url).pathname
const auth = { tokenHost: stage.issuer, tokenPath: path(metadata.token_endpoint),
  revokePath: path(metadata.revocation_endpoint) }
const authorizing = { ...auth, authorizePath: path(metadata.authorization_endpoint) }
const who = { id: stage.clients.basic.client_id, secret: stage.clients.basic.client_secret }
const code = error => error.data?.payload?.error
const redirect_uri = stage.redirect_uri

const getToken = async (client, how, more = {}) => {
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const url = client.authorizeURL({ redirect_uri, scope: 'profile offline_access', state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
    ...more })
  const back = await visit(url, how)
  same(back.searchParams.get('state'), state)
  const answer = back.searchParams.get('error')
  if (answer) throw Object.assign(new Error(answer), { data: { payload: { error: answer } } })
  return client.getToken({ code: back.searchParams.get('code'), redirect_uri, code_verifier: verifier })
}

for (const authorizationMethod of ['header', 'body']) {
  for (const credentialsEncodingMode of ['strict', 'loose']) {
    const options = { authorizationMethod, credentialsEncodingMode }
    await step(`simple-oauth2: client credentials, ${authorizationMethod}, ${credentialsEncodingMode}`, async () => {
      const { token } = await new ClientCredentials({ client: who, auth, options }).getToken({ scope: 'orders' })
      same(token.scope, 'orders')
      must(token.expires_at instanceof Date, 'expires_at')
    })
  }
}
const client = new AuthorizationCode({ client: who, auth: authorizing })
await step('simple-oauth2: code flow, refresh and revocation of both', async () => {
  const first = await getToken(client)
  const second = await first.refresh()
  must(second.token.refresh_token !== first.token.refresh_token, 'rotated')
  await second.revokeAll()
  await refused(second.refresh(), 'invalid_grant', code)
})
await step('simple-oauth2: who denies is access_denied', () =>
  refused(getToken(client, 'deny', { prompt: 'consent' }), 'access_denied', code))
await step('simple-oauth2: a wrong secret is invalid_client', () =>
  refused(new ClientCredentials({ client: { ...who, secret: 'wrong' }, auth }).getToken({}), 'invalid_client', code))
await step('simple-oauth2: the password grant is unsupported_grant_type', () =>
  refused(new ResourceOwnerPassword({ client: who, auth }).getToken({ username: 'ada', password: 'x' }),
    'unsupported_grant_type', code))
end()
