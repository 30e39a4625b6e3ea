// TypeORM over node-postgres: query() with the driver's own parameters. Its exception has them as error.parameters, and
// so the secrets: pass on driverError, which is the driver's and has none.
import { job, rolledBack } from './job.mjs'

// docs: begin
import 'reflect-metadata'
import { DataSource } from 'typeorm'

const { PGHOST: host, PGPORT: port, PGUSER: username, PGDATABASE: database } = process.env
// logging: false, its default: with it on, TypeORM writes the parameters of every statement.
const source = await new DataSource({ type: 'postgres', host, port: Number(port), username, database }).initialize()

// The row of auth_store.fn(); db is the source's manager or a transaction's. The names are the program's own, never input.
const call = async (db, fn, args) => {
  const names = Object.keys(args).map((name, i) => `"${name}" => $${i + 1}`).join(', ')
  try {
    return (await db.query(`SELECT * FROM auth_store.${fn}(${names})`, Object.values(args)))[0]
  } catch (error) {
    throw error.driverError ?? error
  }
}
// docs: end
const { client_id, user_id } = await job((fn, args) => call(source.manager, fn, args), error => [error.code, error.hint])
// docs: begin
let token
await source.transaction(async db => {
  await db.query('INSERT INTO orders (user_id) VALUES ($1)', [user_id])
  token = (await call(db, 'token_issue', { client_id, user_id })).access_token
  throw new Error('the order failed')
}).catch(() => {})
// docs: end
const [{ count }] = await source.query('SELECT count(*) FROM orders WHERE user_id = $1', [user_id])
await rolledBack((fn, args) => call(source.manager, fn, args), token, count)
await source.destroy()
