// oidc-client-ts 3.5, as a single-page application has it: a public client, with a store in memory for the browser's.
import { ErrorResponse, InMemoryWebStorage, Log, OidcClient, WebStorageStateStore } from 'oidc-client-ts'
import { end, must, refused, same, stage, step, visit } from './stage.mjs'

Log.setLogger(console)
const settings = {
  authority: stage.issuer, client_id: stage.clients.spa.client_id, redirect_uri: stage.redirect_uri,
  post_logout_redirect_uri: stage.post_logout_redirect_uri, scope: 'openid profile email offline_access',
  stateStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }), loadUserInfo: true,
}
const client = new OidcClient(settings)

const signIn = async (more = {}, how) => {
  const request = await client.createSigninRequest({ state: 'mine', ...more })
  return client.processSigninResponse((await visit(request.url, how)).href)
}
const first = await step('oidc-client-ts: sign-in with PKCE, ID token and userinfo', async () => {
  const answer = await signIn()
  same(answer.profile.sub, stage.sub)
  same(answer.profile.email, stage.email)
  same(answer.userState, 'mine')
  return answer
})
await step('oidc-client-ts: silent sign-in of a person who is there', async () => {
  same((await signIn({ prompt: 'none' }, 'again')).profile.sub, stage.sub)
})
const second = await step('oidc-client-ts: refresh', async () => {
  const state = { refresh_token: first.refresh_token, id_token: first.id_token, session_state: null,
    scope: first.scope, profile: first.profile, data: undefined }
  const answer = await client.useRefreshToken({ state })
  must(answer.refresh_token !== first.refresh_token, 'rotated')
  return answer
})
await step('oidc-client-ts: revocation', () => client.revokeToken(second.refresh_token, 'refresh_token'))
await step('oidc-client-ts: sign-out and back', async () => {
  const { id_token } = await signIn()
  const request = await client.createSignoutRequest({ id_token_hint: id_token, state: 'mine' })
  const answer = await client.processSignoutResponse((await visit(request.url, 'logout')).href)
  same(answer.error, null)
})
const code = error => (error instanceof ErrorResponse ? error.error : error.message)
await step('oidc-client-ts: prompt=none of nobody is login_required', () =>
  refused(signIn({ prompt: 'none' }, 'nobody'), 'login_required', code))
await step('oidc-client-ts: who denies is access_denied', () =>
  refused(signIn({ prompt: 'consent' }, 'deny'), 'access_denied', code))
await step('oidc-client-ts: a page of the application may read every endpoint (CORS)', async () => {
  const origin = new URL(stage.redirect_uri).origin
  const metadata = await client.metadataService.getMetadata()
  for (const endpoint of ['token_endpoint', 'userinfo_endpoint', 'revocation_endpoint', 'jwks_uri']) {
    const answer = await fetch(metadata[endpoint], { method: 'OPTIONS', headers: { origin,
      'access-control-request-method': endpoint === 'jwks_uri' ? 'GET' : 'POST',
      'access-control-request-headers': 'authorization, dpop' } })
    must([origin, '*'].includes(answer.headers.get('access-control-allow-origin')), `${endpoint} allows ${origin}`)
  }
  const ask = async origin => (await fetch(metadata.token_endpoint, { method: 'POST', headers: { origin },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'none', client_id: settings.client_id }) }))
    .headers.get('access-control-allow-origin')
  same(await ask(origin), origin)
  same(await ask('https://stranger.example'), null)
})
end()
