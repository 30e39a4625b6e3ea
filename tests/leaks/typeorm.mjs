import { DataSource } from 'typeorm'
import { attempt, connection, cured, secret, text } from './common.mjs'

const { database, user, host, port } = connection
const source = await new DataSource({ type: 'postgres', host, port, username: user, database }).initialize()
await attempt(() => source.query(text('$1', '$2'), [secret, 'mobile']).catch(error => { throw cured ? error.driverError : error }))
await source.destroy()
