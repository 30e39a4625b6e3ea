// The main job over several databases behind pgbouncer, with node-postgres: each call goes to the shard of what it is
// about. PGHOST, PGPORT and PGUSER lead to pgbouncer, where each shard is a database of its name; SHARD_MAP is the file
// of the map. A query with a name is prepared once on each connection, and pgbouncer keeps it.
import assert from 'node:assert'
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'

import pg from 'pg'

import { Shards, compare, idBucket, tokenBucket, userBucket } from './routing.mjs'

const client_id = 'phone', redirect_uri = 'https://app.example/cb'
const shards = new Shards(process.env.SHARD_MAP, database => new pg.Pool({ database, max: 4 }))

/** The row of auth_store.fn() on the bucket's shard. */
async function call (bucket, fn, args) {
  const names = Object.keys(args)
  const list = names.map((name, i) => `"${name}" => $${i + 1}`).join(', ')
  const query = { name: `${fn} ${names}`, text: `SELECT * FROM auth_store.${fn}(${list})`, values: Object.values(args) }
  for (;;) {
    try {
      return (await shards.of(bucket).query(query)).rows[0]
    } catch (error) {
      if (error.code !== '55006') throw error   // the bucket is moving to another shard
      await setTimeout(50)
      shards.read()
    }
  }
}

/** One user's way; returns the shard, and what a program would show. */
async function logIn (external_id) {
  const said = []
  const { user_ensure: user_id } = await call(userBucket(null, external_id, 'external'), 'user_ensure', { external_id })
  const home = idBucket(user_id)
  const code_verifier = randomBytes(32).toString('base64url')
  const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')
  const { code } = await call(home, 'code_issue', { client_id, user_id, redirect_uri, scope: 'orders', code_challenge })
  const redeem = { code, client_id, redirect_uri, code_verifier }
  const first = await call(tokenBucket(code), 'code_redeem', redeem)
  said.push(`redeemed: ${first.token_type} ${first.expires_in} ${first.scope}`)
  const state = await call(tokenBucket(first.access_token), 'token_introspect', { token: first.access_token })
  assert(state.active && state.user_id === user_id)
  const second = await call(tokenBucket(first.refresh_token), 'token_refresh',
    { refresh_token: first.refresh_token, client_id })
  assert(second.error === null && second.refresh_token !== first.refresh_token)
  said.push('refreshed: another refresh token')
  const { session_token } = await call(home, 'session_create', { user_id })
  assert((await call(tokenBucket(session_token), 'session_validate', { session_token })).valid)
  said.push('session: valid')
  const { api_key } = await call(home, 'api_key_create', { name: 'ci', user_id, scope: 'deploy', prefix: 'shop_' })
  assert((await call(tokenBucket(api_key), 'api_key_verify', { api_key, required_scope: 'deploy' })).valid)
  said.push('API key: valid')
  await call(tokenBucket(second.refresh_token), 'token_revoke', { token: second.refresh_token, client_id })
  const token = second.access_token
  assert(!(await call(tokenBucket(token), 'token_introspect', { token })).active)
  said.push('revoked: not active', `refused: ${(await call(tokenBucket(code), 'code_redeem', redeem)).error}`)
  const foreign = "another store's token"
  assert(!(await call(tokenBucket(foreign), 'token_introspect', { token: foreign })).active)
  return [shards.name(home), said.join('\n')]
}

compare(process.env.VECTORS)
const ways = await Promise.all(Array.from({ length: 30 }, (_, n) => logIn(`${randomBytes(8).toString('hex')} ${n}`)))
console.log(`users: ${ways.length} on ${new Set(ways.map(([shard]) => shard)).size} shards`)
for (const said of new Set(ways.map(([, said]) => said))) console.log(said)
for (const pool of shards.open.values()) await pool.end()
