// What tests/interop/run runs after interop.py: the store and the libraries of Node.js read what the other has made.
// Prints a line for each case; the argument is the file with the answers of passkeys that interop.py has written.
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server'
import argon2 from 'argon2'
import bcrypt from 'bcrypt'
import bcryptjs from 'bcryptjs'
import * as OTPAuth from 'otpauth'
import { generateSync } from 'otplib'
import pg from 'pg'

const db = new pg.Client()
await db.connect()

function check(what, found, expected) {
  const text = (value) => JSON.stringify(value)
  const fails = isDeepStrictEqual(found, expected) ? '' : `: ${text(found)}, not ${text(expected)}`
  console.log(`${fails ? 'not ok' : 'ok'} ${what}${fails}`)
}

async function call(name, ...values) {
  const places = values.map((_, n) => `$${n + 1}`)
  const { rows: [row] } = await db.query(`SELECT * FROM auth_store.${name}(${places})`, values)
  return row
}

let users = 0
const user = async () => (await call('user_create', `node${++users}@example.com`)).user_id

async function inTurn(values, ask) {
  const found = []
  for (const value of values) found.push(await ask(value))
  return found
}

// --- passwords -----------------------------------------------------------------------------------------------------
const composed = 'Grüße, Ångström ﬁ 🐢'.normalize('NFC')
const passwords = { ASCII: 'correct horse battery staple', NFC: composed, NFD: composed.normalize('NFD') }
const argon = (type, more) => (password) => argon2.hash(password, { type, memoryCost: 8192, ...more })
const hashes = [
  ['argon2 argon2id', 'auto', argon(argon2.argon2id)],
  ['argon2 argon2i', 'argon2', argon(argon2.argon2i, { parallelism: 1 })],
  ['argon2 argon2d, version 0x10', 'argon2', argon(argon2.argon2d, { version: 0x10 })],
  ['argon2 with associated data', 'argon2', argon(argon2.argon2id, { associatedData: Buffer.from('of this user') })],
  ['bcrypt', 'auto', (password) => bcrypt.hash(password, 5)],
  ['bcryptjs', 'bcrypt', (password) => bcryptjs.hash(password, 5)],
]
for (const [program, format, make] of hashes) {
  for (const [which, password] of Object.entries(passwords)) {
    const owner = await user()
    await call('password_import', owner, await make(password), format)
    const typed = [`${password}x`, '', password, password]
    check(`${program}, ${which}: a hash that the store verifies`,
      await inTurn(typed, async (text) => (await call('password_verify', owner, text)).ok), [false, false, true, true])
  }
}
for (const [which, password] of Object.entries(passwords)) {
  const owner = await user()
  await call('password_set', owner, password)
  const { rows: [{ hash }] } = await db.query('SELECT hash FROM auth_store.passwords WHERE user_id = $1', [owner])
  for (const made of [hash, (await call('password_hash', password)).password_hash]) {
    // The store hashes in NFC (RFC 8265 section 4.2).
    check(`argon2 verifies a hash of the store's, ${which}`,
      await inTurn([`${password}x`, password.normalize('NFC')], (text) => argon2.verify(made, text)), [false, true])
  }
}

// --- one-time codes ------------------------------------------------------------------------------------------------
async function stepBegins(period = 30) {
  const left = period - (Date.now() / 1000) % period
  if (left < 10) await setTimeout((left + 0.1) * 1000)
}
const accepted = (owner, codes) => inTurn(codes, async (code) => (await call('totp_verify', owner, code)).ok)

await stepBegins()
let owner = await user()
const { rows: [enrolled] } = await db.query(
  `SELECT * FROM auth_store.totp_enroll($1, 'ünal+totp@example.com', 'Acme & Söhne')`, [owner])
const app = OTPAuth.URI.parse(enrolled.otpauth_uri)
check('otpauth reads the URI', [app.issuer, app.label, app.secret.base32, app.algorithm, app.digits, app.period],
  ['Acme & Söhne', 'ünal+totp@example.com', enrolled.secret, 'SHA1', 6, 30])
const at = (steps) => app.generate({ timestamp: Date.now() + steps * 30_000 })
check("otpauth's first code enrolls", (await call('totp_confirm', owner, enrolled.factor_id, at(-1))).ok, true)
check("otpauth's codes, once each", await accepted(owner, [at(-1), at(0), at(0), at(1), at(1)]),
  [false, true, false, true, false])
for (const [algorithm, digits, period] of [['SHA1', 6, 30], ['SHA256', 8, 60], ['SHA512', 8, 30]]) {
  const secret = new OTPAuth.Secret({ size: 20 })
  const totp = new OTPAuth.TOTP({ secret, algorithm, digits, period })
  const programs = {
    otpauth: (moment) => totp.generate(moment),
    otplib: ({ timestamp }) => generateSync({
      secret: secret.base32, algorithm: algorithm.toLowerCase(), digits, period, epoch: Math.floor(timestamp / 1000) }),
  }
  for (const [program, generate] of Object.entries(programs)) {
    owner = await user()
    await call('totp_import', owner, secret.base32, program, algorithm, digits, period)
    await stepBegins(period)
    const now = Date.now()
    const codes = [-2, -1, -1, 0, 0, 1, 1, 2].map((steps) => generate({ timestamp: now + steps * period * 1000 }))
    check(`${program}'s codes, ${algorithm}, ${digits} digits, ${period} s, once each`, await accepted(owner, codes),
      [false, true, false, true, false, true, false, false])
  }
}

// --- passkeys ------------------------------------------------------------------------------------------------------
const expected = { expectedOrigin: 'https://example.com', expectedRPID: 'example.com', requireUserVerification: true }
for (const { what, accepted, challenge, response, publicKey, counter } of JSON.parse(readFileSync(process.argv[2]))) {
  const asked = { response, expectedChallenge: challenge, ...expected }
  const credential = publicKey && { id: response.id, publicKey: Buffer.from(publicKey, 'base64url'), counter }
  const verify = credential ? verifyAuthenticationResponse({ ...asked, credential }) : verifyRegistrationResponse(asked)
  const verified = await verify.then(({ verified }) => verified, () => false)
  check(`${what}: as @simplewebauthn/server has it`, verified, accepted)
}
await db.end()
