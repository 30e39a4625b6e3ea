import Knex from 'knex'
import { attempt, connection, secret, text } from './common.mjs'

const knex = Knex({ client: 'pg', connection })
await attempt(() => knex.raw(text('?', '?'), [secret, 'mobile']))
await knex.destroy()
