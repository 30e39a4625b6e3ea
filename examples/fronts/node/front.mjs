// An OAuth 2.1 and OpenID Connect provider: each request goes to auth_store in one call, whose answer goes back.
//
//     node front.mjs [PORT]        Connects as psql does, as a role that has auth_store_app; needs pg of npm.
//
// The application logs its users in on pages of its own, see docs/how-to/fronts.md, and keeps the session's token in
// the cookie "session".
import { createServer } from 'node:http'
import pg from 'pg'

// docs: begin
const pool = new pg.Pool({ max: 10 })
const text = 'SELECT status, headers, body FROM auth_store.http(method => $1, path => $2, query => $3, ' +
  'headers => $4, body => $5, ip => $6, session_token => $7)'

const server = createServer(async (request, response) => {
  try {
    const body = []
    let size = 0
    for await (const chunk of request) {
      if ((size += chunk.length) > 65536) return response.writeHead(413, { connection: 'close' }).end()
      body.push(chunk)
    }
    const [, path, query] = request.url.match(/^([^?]*)\??(.*)$/s)
    const session = /(?:^|; *)session=([^;]*)/.exec(request.headers.cookie)?.[1]
    const values = [request.method, path, Buffer.from(query, 'latin1'), request.headersDistinct, Buffer.concat(body),
      request.socket.remoteAddress, session]
    const { rows: [row] } = await pool.query({ name: 'http', text, values })
    response.writeHead(row.status, row.headers).end(row.body ?? '')
  } catch (error) {
    console.error(error.code ?? 'failed', error.hint ?? '')
    response.writeHead(500).end()
  }
})
// docs: end
server.listen(process.argv[2] ?? 8000, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
