// The tools of Node, each as the page says and as it must not be: node tools.mjs WHAT. The page's lines stand where the comment is.
const { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database } = process.env
const what = process.argv[2]
const typeorm = what.startsWith('typeorm') ? await import('typeorm') : {}
const mikro = what.startsWith('mikro') ? await import('@mikro-orm/postgresql') : {}
const EntitySchema = typeorm.EntitySchema ?? mikro.EntitySchema

const connection = { host, port: Number(port), user, username: user, database, dbName: database }

/* BLOCK */

const tools = {
  async typeorm() {
    const source = await new typeorm.DataSource({ ...connection, ...options }).initialize()
    await source.synchronize()
    await source.synchronize()
    await source.destroy()
  },
  async 'typeorm-drop'() {
    await new typeorm.DataSource({ ...connection, ...options, synchronize: true, dropSchema: true }).initialize()
  },
  async 'mikro-orm'() {
    const orm = await mikro.MikroORM.init({ ...connection, ...options })
    await orm.schema.update()
    const left = await orm.schema.getUpdateSchemaSQL()
    await orm.close()
    if (left.trim()) throw new Error(`left to do: ${left}`)
  },
  async 'mikro-orm-drop'() {
    const Other = new EntitySchema({ name: 'Other', tableName: 'mikro_others', properties: { id: { type: 'number', primary: true } } })
    const orm = await mikro.MikroORM.init({ ...connection, entities: [Other] })
    await orm.schema.update()
  },
  async knex(change) {
    const { default: Knex } = await import('knex')
    const knex = Knex({ client: 'pg', connection })
    await change(knex)
    await knex.destroy()
  },
  async 'knex-up'() {
    await tools.knex(up)
  },
  async 'knex-down'() {
    await tools.knex(down)
  },
  async 'sequelize-drop'() {
    const { Sequelize, DataTypes } = await import('sequelize')
    const sequelize = new Sequelize(database, user, '', { host, port, dialect: 'postgres', logging: false })
    sequelize.define('user', { id: { type: DataTypes.UUID, primaryKey: true } }, { schema: 'auth_store', tableName: 'users', timestamps: false })
    await sequelize.sync({ force: true })
  },
}

try {
  await tools[what]()
  process.exit(0)
} catch (error) {
  console.error(error.message, error.hint ?? '')
  process.exit(1)
}
