import postgres from 'postgres'
import { attempt, cured, secret } from './common.mjs'

const sql = postgres({ debug: !cured })
await attempt(() => sql`SELECT * FROM auth_store.client_create(name => ${secret}, client_type => ${'mobile'})`)
await sql.end()
