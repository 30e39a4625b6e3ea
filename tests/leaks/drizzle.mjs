import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { attempt, connection, cured, secret } from './common.mjs'

const pool = new pg.Pool(connection)
await attempt(() => drizzle(pool).execute(sql`SELECT * FROM auth_store.client_create(name => ${secret}, client_type => ${'mobile'})`)
  .catch(error => { throw cured ? error.cause : error }))
await pool.end()
