import { EntitySchema, MikroORM } from '@mikro-orm/postgresql'
import { sql } from 'kysely'
import { attempt, connection, cured, secret, text } from './common.mjs'

const { database, user, host, port } = connection
const Order = new EntitySchema({ name: 'Order', tableName: 'orders', properties: { id: { type: 'number', primary: true } } })
const orm = await MikroORM.init({ host, port, user, dbName: database, entities: [Order] })
const em = orm.em.fork()
await attempt(() => cured
  ? sql`SELECT * FROM auth_store.client_create(name => ${secret}, client_type => ${'mobile'})`.execute(em.getKysely())
  : em.execute(text('?', '?'), [secret, 'mobile']))
await orm.close()
