// An OAuth 2.1 and OpenID Connect provider: each request goes to auth_store in one call, whose answer goes back.
//
//     node front.mjs [PORT]        Connects as psql does, as a role that has auth_store_app; needs pg of npm.
//
// The application logs its users in on pages of its own and keeps the session's token in the cookie "session".
import { createServer } from 'node:http'
import pg from 'pg'

// docs: begin
const pool = new pg.Pool({ max: 10 })
const alone = {       // the two endpoints that answer with more than a response
  '/authorize': r => ['http_authorize(method => $1, query => $2, body => $3, session_token => $4, ip => $5, ' +
    'user_agent => $6)', [r.method, r.query, r.body, r.session, r.ip, r.agent]],
  '/logout': r => ['http_end_session(query => $1, session_token => $2, ip => $3)',
    [r.method === 'POST' ? r.body : r.query, r.session, r.ip]],
}
const http = r => ['http(method => $1, path => $2, query => $3, headers => $4, body => $5, ip => $6, ' +
  'session_token => $7)', [r.method, r.path, r.query, r.headers, r.body, r.ip, r.session]]

const server = createServer(async (request, response) => {
  try {
    const chunks = []
    for await (const chunk of request) {
      chunks.push(chunk)
      if (chunks.reduce((sum, { length }) => sum + length, 0) > 65536) return response.writeHead(413).end()
    }
    const [, path, query] = request.url.match(/^([^?]*)\??(.*)$/s)
    const headers = Object.fromEntries(Object.entries(request.headersDistinct)
      .map(([name, all]) => [name, all.length === 1 ? all[0] : all]))
    const session = /(?:^|; *)session=([^;]*)/.exec(request.headers.cookie)?.[1]
    const [call, values] = (alone[path] ?? http)({ method: request.method, path, query: Buffer.from(query, 'latin1'),
      headers, body: Buffer.concat(chunks), ip: request.socket.remoteAddress, agent: request.headers['user-agent'],
      session })
    const text = `SELECT status, headers, body FROM auth_store.${call}`
    const { rows: [row] } = await pool.query({ name: call, text, values })
    response.writeHead(row.status, row.headers).end(row.body ?? '')
  } catch (error) {
    console.error(error.code ?? 'failed', error.hint ?? '')
    response.writeHead(500).end()
  }
})
// docs: end
server.listen(process.argv[2] ?? 8000, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
