// What the clients of npm share: the stage as setup.py has made it, the person at the browser, and the counting.
import { readFile } from 'node:fs/promises'

export const stage = JSON.parse(await readFile(process.argv[2], 'utf8'))
export const issuer = new URL(stage.issuer)

// The person goes to a URL, logs in and consents, or does what `how` says; this is where the browser ends.
export const visit = async (url, how = 'accept') => {
  const answer = await fetch(stage.person, { method: 'POST', body: JSON.stringify({ url: String(url), how }) })
  const { location, problem } = await answer.json()
  if (problem) throw new Error(`the person met: ${problem}`)
  return new URL(location)
}

let failed = 0

// One step of a client; what it throws is its failure. A step may return what the next ones need.
export const step = async (name, does) => {
  try {
    const value = await does()
    console.log(`ok ${name}`)
    return value
  } catch (error) {
    failed += 1
    console.log(`not ok ${name}`)
    console.log(`${error.stack}\n${error.cause ? JSON.stringify(error.cause) : ''}`.replace(/^/gm, '#   '))
  }
}

export const must = (holds, what) => {
  if (!holds) throw new Error(`not so: ${what}`)
}

export const same = (found, expected) => must(found === expected, `${found} is ${expected}`)

// A refusal: `of` takes the error code out of what the client throws.
export const refused = async (promise, expected, of = error => error.error) => {
  let value
  try {
    value = await promise
  } catch (error) {
    const code = of(error)
    if (code !== expected) throw new Error(`${code}, not ${expected}`, { cause: error })
    return error
  }
  throw new Error(`not refused: ${JSON.stringify(value)}`)
}

export const end = () => process.exit(failed > 0 ? 1 : 0)
