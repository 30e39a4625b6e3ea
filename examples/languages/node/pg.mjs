// node-postgres. It sends text without a type, so the server reads it as whatever the argument is; objects go as JSON, arrays as arrays.
import { job, rolledBack } from './job.mjs'

// docs: begin
import pg from 'pg'

const pool = new pg.Pool({ max: 4 })

// The row of auth_store.fn(); db is the pool or a client. The names are the program's own, never input.
const call = async (db, fn, args) => {
  const names = Object.keys(args).map((name, i) => `"${name}" => $${i + 1}`).join(', ')
  return (await db.query(`SELECT * FROM auth_store.${fn}(${names})`, Object.values(args))).rows[0]
}
// docs: end
const { client_id, user_id } = await job((fn, args) => call(pool, fn, args), error => [error.code, error.hint])
// docs: begin
// With rows of the application's own: on one client of the pool.
let token
const db = await pool.connect()
try {
  await db.query('BEGIN')
  await db.query('INSERT INTO orders (user_id) VALUES ($1)', [user_id])
  token = (await call(db, 'token_issue', { client_id, user_id })).access_token
  throw new Error('the order failed')
} catch {
  await db.query('ROLLBACK')
} finally {
  db.release()
}
// docs: end
const { rows } = await pool.query('SELECT count(*) FROM orders WHERE user_id = $1', [user_id])   // bigint: a string
await rolledBack((fn, args) => call(pool, fn, args), token, rows[0].count)
await pool.end()
