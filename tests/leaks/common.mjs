import { inspect } from 'node:util'

const { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database } = process.env
export const connection = { host, port: Number(port), user, database }
export const secret = process.env.SECRET
export const cured = process.argv.includes('cured')
export const text = (name, type) => `SELECT * FROM auth_store.client_create(name => ${name}, client_type => ${type})`
// As console.error(error) and most loggers print one: the message, the stack, and every property.
export const attempt = async run => { try { await run() } catch (error) { console.log(inspect(error, { depth: 8 })) } }
