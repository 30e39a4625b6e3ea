// Knex over node-postgres: raw() with named bindings.
import { job, rolledBack } from './job.mjs'

// docs: begin
import Knex from 'knex'

const { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database } = process.env
const knex = Knex({ client: 'pg', connection: { host, port: Number(port), user, database } })

// The row of auth_store.fn(); db is knex or a transaction of it. An undefined value throws: leave it out or pass null.
const call = async (db, fn, args) => {
  const names = Object.keys(args).map(name => `"${name}" => :${name}`).join(', ')
  return (await db.raw(`SELECT * FROM auth_store.${fn}(${names})`, args)).rows[0]
}
// docs: end
const { client_id, user_id } = await job((fn, args) => call(knex, fn, args), error => [error.code, error.hint])
// docs: begin
let token
await knex.transaction(async db => {
  await db.raw('INSERT INTO orders (user_id) VALUES (:user_id)', { user_id })
  token = (await call(db, 'token_issue', { client_id, user_id })).access_token
  throw new Error('the order failed')
}).catch(() => {})
// docs: end
const { rows } = await knex.raw('SELECT count(*) FROM orders WHERE user_id = :user_id', { user_id })
await rolledBack((fn, args) => call(knex, fn, args), token, rows[0].count)
await knex.destroy()
