// Which of several databases with auth_store has what a call is about: its bucket, 0 to 4095, and the map.
//
//   node routing.mjs VECTORS.json     compares the functions here with what the store says
import assert from 'node:assert'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

export const hashed = (...parts) =>   // the first 12 bits of SHA-256
  parseInt(createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 3), 16)
export const idBucket = id => parseInt(id.slice(15, 18), 16)   // 01b8dac5-b422-8abc-8a33-1fdde7032f33: abc
export function tokenBucket (text) {   // one of the store begins with its id, behind a prefix; another's has its digest
  const native = /^(?:asrt_([\w-]{86})|[\w-]{0,31}_([\w-]{64}))$/.exec(text)
  const front = Buffer.from(native ? (native[1] ?? native[2]).slice(8, 12) : 'AAAA', 'base64url')
  return front[0] >> 4 === 8 && front[2] >> 6 === 2 ? front.readUInt16BE() & 0xfff : jwtBucket(text)
}

const OWN = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** What the middle of a JWT says, whoever signed it. */
function claims (text) {
  const parts = text.split('.')
  try {
    return (parts.length === 3 && JSON.parse(Buffer.from(parts[1], 'base64url'))) || {}
  } catch {
    return {}
  }
}

/** An access token that is a JWT of the store has its id as jti. */
function jwtBucket (text) {
  const { jti } = claims(text)
  return OWN.test(jti) ? idBucket(jti) : hashed(text)
}

/** Names beyond ASCII are folded by Unicode's rules: SELECT auth_store.user_bucket(…) on any shard says the bucket. */
export class AskTheStore extends Error {}

export function userBucket (tenantId, name, kind) {
  kind ??= name.includes('@') ? 'email' : name.trimStart().startsWith('+') ? 'phone' : 'username'
  if (['email', 'username'].includes(kind) && /[^\0-\x7f]/.test(name)) throw new AskTheStore(name)
  const key = {
    email: () => name.includes('@') ? name.toLowerCase() : null,
    external: () => name,
    identity: () => name.replace(' ', '\0'),   // a provider and the user's name there
    phone: () => name.replace(/[^0-9]/g, ''),
    username: () => name.toLowerCase()
  }[kind]?.()
  return key == null ? 0 : hashed(tenantId ?? 'default', key)
}

/** A user of the store, else an id of the application's own. */
export const actorBucket = (tenantId, actorId) =>
  OWN.test(actorId.toLowerCase()) ? idBucket(actorId) : hashed(tenantId ?? 'default', actorId)

/** The first three of eleven letters, as digits. */
export function userCodeBucket (userCode) {
  const letters = userCode.replace(/[^\p{L}\p{N}]/gu, '').toUpperCase()
  if (!/^[BCDFGHJKLMNPQRSTVWXZ]{11}$/.test(letters)) return 0
  const number = [...letters.slice(0, 3)].reduce((number, letter) => number * 20 + 'BCDFGHJKLMNPQRSTVWXZ'.indexOf(letter), 0)
  return number < 4096 ? number : 0
}

export function dpopBucket (proof) {
  const { jti } = claims(proof)
  return jti ? hashed(jti) : 0
}

const BUCKET = {
  token_bucket: tokenBucket, key_bucket: tokenBucket, id_bucket: idBucket, client_bucket: hashed, text_bucket: hashed,
  claim_bucket: hashed, user_bucket: userBucket, actor_bucket: actorBucket, user_code_bucket: userCodeBucket,
  dpop_bucket: dpopBucket
}

/** As the store says it: 0 where what decides is missing. */
export function bucket (name, ...values) {
  const needed = ['user_bucket', 'actor_bucket'].includes(name) ? values.slice(1, 2) : values
  return needed.every(Boolean) ? BUCKET[name](...values) : 0
}

/** The map, a JSON file [[first bucket of a range, name of its shard], …], and a pool of connections to each shard. */
export class Shards {
  constructor (file, connect) {
    Object.assign(this, { file, connect, open: new Map() })
    this.read()
  }

  read () {
    this.ranges = JSON.parse(readFileSync(this.file, 'utf8'))
  }

  name (bucket) {
    return this.ranges.findLast(([first]) => first <= bucket)[1]
  }

  of (bucket) {
    const name = this.name(bucket)
    if (!this.open.has(name)) this.open.set(name, this.connect(name))
    return this.open.get(name)
  }
}

export function compare (vectors) {
  let alike = 0, asked = 0
  for (const vector of JSON.parse(readFileSync(vectors, 'utf8'))) {
    try {
      assert.equal(bucket(vector.function, ...vector.arguments), vector.bucket, JSON.stringify(vector))
      alike++
    } catch (error) {
      if (!(error instanceof AskTheStore)) throw error
      asked++
    }
  }
  console.log(`vectors: ${alike} alike, ${asked} for the store to answer`)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) compare(process.argv[2])
