import pg from 'pg'
import { attempt, connection, secret, text } from './common.mjs'

const pool = new pg.Pool(connection)
await attempt(() => pool.query(text('$1', '$2'), [secret, 'mobile']))
await pool.end()
