// Drizzle over node-postgres. In its template a bare array is spread into a list: values go through sql.param().
import { job, rolledBack } from './job.mjs'

// docs: begin
import pg from 'pg'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'

const pool = new pg.Pool({ max: 4 })
const orm = drizzle(pool)

// The row of auth_store.fn(); db is the ORM or a transaction of it. The message of Drizzle's own exception has the values, so the
// secrets: pass on its cause, which is the driver's and has none.
const call = async (db, fn, args) => {
  const given = Object.entries(args).map(([name, value]) => sql`${sql.identifier(name)} => ${sql.param(value)}`)
  try {
    return (await db.execute(sql`SELECT * FROM auth_store.${sql.identifier(fn)}(${sql.join(given, sql`, `)})`)).rows[0]
  } catch (error) {
    throw error.cause ?? error
  }
}
// docs: end
const { client_id, user_id } = await job((fn, args) => call(orm, fn, args), error => [error.code, error.hint])
// docs: begin
let token
await orm.transaction(async db => {
  await db.execute(sql`INSERT INTO orders (user_id) VALUES (${user_id})`)
  token = (await call(db, 'token_issue', { client_id, user_id })).access_token
  throw new Error('the order failed')
}).catch(() => {})
// docs: end
const { rows } = await orm.execute(sql`SELECT count(*) FROM orders WHERE user_id = ${user_id}`)
await rolledBack((fn, args) => call(orm, fn, args), token, rows[0].count)
await pool.end()
