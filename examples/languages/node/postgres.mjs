// postgres.js. It asks the server for each argument's type and converts to it: arrays, dates and objects go as they are.
import { job, rolledBack } from './job.mjs'

// docs: begin
import postgres from 'postgres'

const sql = postgres({ max: 4 })

// The row of auth_store.fn(); db is sql or a transaction of it. unsafe() is for the names, which are the program's own: the values are
// bind parameters all the same. Written out it is sql`SELECT * FROM auth_store.token_introspect(token => ${token})`.
const call = async (db, fn, args) => {
  const given = Object.entries(args).filter(([, value]) => value !== undefined)     // undefined throws
  const names = given.map(([name], i) => `"${name}" => $${i + 1}`).join(', ')
  return (await db.unsafe(`SELECT * FROM auth_store.${fn}(${names})`, given.map(([, value]) => value)))[0]
}
// docs: end
const { client_id, user_id } = await job((fn, args) => call(sql, fn, args), error => [error.code, error.hint])
// docs: begin
let token
await sql.begin(async db => {
  await db`INSERT INTO orders (user_id) VALUES (${user_id})`
  token = (await call(db, 'token_issue', { client_id, user_id })).access_token
  throw new Error('the order failed')
}).catch(() => {})
// docs: end
const [{ count }] = await sql`SELECT count(*) FROM orders WHERE user_id = ${user_id}`
await rolledBack((fn, args) => call(sql, fn, args), token, count)
await sql.end()
