// Prisma 7 over its adapter for node-postgres, which sends values without a type: $queryRawUnsafe() with bind parameters.
// "Unsafe" is the statement's text, and that has no name but the program's own.
import { job, rolledBack } from './job.mjs'

// docs: begin
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '@prisma/client'

const { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database } = process.env
const prisma = new PrismaClient({ adapter: new PrismaPg({ host, port: Number(port), user, database }) })

// The row of auth_store.fn(); db is the client or a transaction. A list goes as the text of an array.
const call = async (db, fn, args) => {
  const names = Object.keys(args).map((name, i) => `"${name}" => $${i + 1}`).join(', ')
  return (await db.$queryRawUnsafe(`SELECT * FROM auth_store.${fn}(${names})`, ...Object.values(args)))[0]
}
// docs: end
const mistake = ({ meta }) => [meta.driverAdapterError.cause.originalCode, meta.driverAdapterError.cause.hint]
const { client_id, user_id } = await job((fn, args) => call(prisma, fn, args), mistake)
// docs: begin
let token
await prisma.$transaction(async db => {
  await db.$executeRaw`INSERT INTO orders (user_id) VALUES (${user_id}::uuid)`
  token = (await call(db, 'token_issue', { client_id, user_id })).access_token
  throw new Error('the order failed')
}).catch(() => {})
// docs: end
const [{ count }] = await prisma.$queryRaw`SELECT count(*) FROM orders WHERE user_id = ${user_id}::uuid`
await rolledBack((fn, args) => call(prisma, fn, args), token, count)
await prisma.$disconnect()
