import { Sequelize } from 'sequelize'
import { attempt, connection, cured, secret, text } from './common.mjs'

const { database, user, host, port } = connection
const sequelize = new Sequelize(database, user, '', { host, port, dialect: 'postgres', logging: false })
await attempt(async () => {
  if (!cured) return sequelize.query(text(':name', ':type'), { replacements: { name: secret, type: 'mobile' } })
  await sequelize.query(text('$name', '$type'), { bind: { name: secret, type: 'mobile' } }).catch(({ original }) => {
    delete original.parameters
    throw original
  })
})
await sequelize.close()
