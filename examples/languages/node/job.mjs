// The main job, the same for each driver: it brings call(), and for its exceptions the function that finds SQLSTATE and HINT.
import assert from 'node:assert'
import { createHash, randomBytes } from 'node:crypto'

export async function job(call, mistake) {
  const redirect_uri = 'https://app.example/cb'
  const client = await call('client_create', { name: 'Phone', client_type: 'public', redirect_uris: [redirect_uri], scope: 'orders profile',
    access_token_ttl: '10 minutes', metadata: { team: 'shop' } })
  console.log('registered: a client')
  const { user_ensure: user_id } = await call('user_ensure', { external_id: randomBytes(8).toString('hex') })
  const code_verifier = randomBytes(32).toString('base64url')
  const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
  const { code } = await call('code_issue', { client_id: client.client_id, user_id, redirect_uri, scope: 'orders', code_challenge,
    auth_time: new Date(), amr: ['pwd', 'otp'], claims: { shop: 7 }, ip: '203.0.113.9', user_agent: null })
  const redeem = { code, client_id: client.client_id, redirect_uri, code_verifier }
  const first = await call('code_redeem', redeem)
  console.log('redeemed:', first.token_type, first.expires_in, first.scope)
  const state = await call('token_introspect', { token: first.access_token })
  assert(state.active && state.user_id === user_id && new Date(state.expires_at) > new Date(state.issued_at))
  console.log('introspected:', state.claims.shop)
  const second = await call('token_refresh', { refresh_token: first.refresh_token, client_id: client.client_id })
  assert(second.error === null && second.refresh_token !== first.refresh_token)
  console.log('refreshed: another refresh token')
  const { api_key } = await call('api_key_create', { name: 'ci', user_id, scope: 'deploy', allowed_cidrs: ['10.0.0.0/8'],
    expires_at: new Date(Date.now() + 30 * 86400e3) })
  assert((await call('api_key_verify', { api_key, required_scope: 'deploy', ip: '10.1.2.3' })).valid)
  console.log('API key: valid')
  await call('token_revoke', { token: second.refresh_token, client_id: client.client_id })
  assert(!(await call('token_introspect', { token: second.access_token })).active)
  console.log('revoked: not active')
  console.log('refused:', (await call('code_redeem', redeem)).error)
  await assert.rejects(call('client_create', { name: 'x', client_type: 'mobile' }), error => {
    console.log('mistake:', ...mistake(error))
    return true
  })
  return { client_id: client.client_id, user_id }
}

/** After the rollback: neither the token nor the order is there. */
export async function rolledBack(call, token, orders) {
  assert(!(await call('token_introspect', { token })).active)
  console.log('rolled back: orders', Number(orders))
}
