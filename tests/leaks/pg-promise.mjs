import pgp from 'pg-promise'
import { attempt, connection, cured, secret, text } from './common.mjs'

const db = pgp()(connection)
await attempt(async () => {
  if (!cured) return db.one(text('$1', '$2'), [secret, 'mobile'])
  await db.one(new pgp.ParameterizedQuery({ text: text('$1', '$2'), values: [secret, 'mobile'] })).catch(error => {
    const { code, message, hint } = error       // whatever else it has, it has the values
    throw Object.assign(new Error(message), { code, hint })
  })
})
await db.$pool.end()
