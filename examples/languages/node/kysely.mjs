// Kysely over node-postgres. Its template makes every value a bind parameter without a type; sql.id() quotes a name.
import { job, rolledBack } from './job.mjs'

// docs: begin
import pg from 'pg'
import { Kysely, PostgresDialect, sql } from 'kysely'

const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ max: 4 }) }) })

// The row of auth_store.fn(); executor is db or a transaction. The names are the program's own, never input.
const call = async (executor, fn, args) => {
  const given = Object.entries(args).map(([name, value]) => sql`${sql.id(name)} => ${value}`)
  const { rows } = await sql`SELECT * FROM ${sql.id('auth_store', fn)}(${sql.join(given)})`.execute(executor)
  return rows[0]
}
// docs: end
const { client_id, user_id } = await job((fn, args) => call(db, fn, args), error => [error.code, error.hint])
// docs: begin
let token
await db.transaction().execute(async trx => {
  await trx.insertInto('orders').values({ user_id }).execute()
  token = (await call(trx, 'token_issue', { client_id, user_id })).access_token
  throw new Error('the order failed')
}).catch(() => {})
// docs: end
const { count } = await db.selectFrom('orders').where('user_id', '=', user_id)
  .select(eb => eb.fn.countAll().as('count')).executeTakeFirstOrThrow()
await rolledBack((fn, args) => call(db, fn, args), token, count)
await db.destroy()
