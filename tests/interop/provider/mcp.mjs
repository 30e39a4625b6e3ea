// The MCP SDK for TypeScript 1.32, both sides: the server of examples/mcp, and clients that find the provider by the
// server's 401, register, log in, refresh and call a tool.
import { spawn } from 'node:child_process'
import { auth } from '@modelcontextprotocol/sdk/client/auth.js'
import { ClientCredentialsProvider, PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { end, must, refused, same, stage, step, visit } from './stage.mjs'

const resource = stage.mcp
const resourceMetadataUrl = new URL(stage.mcp_metadata)
const metadata = await (await fetch(`${stage.issuer}/.well-known/oauth-authorization-server`)).json()
const server = spawn('node', [new URL('mcp_server.mjs', import.meta.url).pathname, stage.issuer, resource],
  { stdio: ['ignore', 'pipe', 'inherit'] })
await new Promise(resolve => server.stdout.once('data', resolve))

// --- its clients ----------------------------------------------------------------------------------------------------
class Provider {
  constructor(metadata = {}, information) {
    this.clientMetadata = { redirect_uris: [stage.redirect_uri], client_name: 'MCP client', ...metadata }
    this.information = information
  }
  redirectUrl = stage.redirect_uri
  clientInformation = () => this.information
  saveClientInformation = information => { this.information = information }
  tokens = () => this.saved
  saveTokens = tokens => { this.saved = tokens }
  saveCodeVerifier = verifier => { this.verifier = verifier }
  codeVerifier = () => this.verifier
  redirectToAuthorization = url => { this.url = url }
}
const logIn = async (provider, how) => {
  same(await auth(provider, { serverUrl: resource, resourceMetadataUrl }), 'REDIRECT')
  const back = await visit(provider.url, how)
  const code = back.searchParams.get('code')
  if (!code) throw Object.assign(new Error(back.search), { error: back.searchParams.get('error') })
  return auth(provider, { serverUrl: resource, authorizationCode: code, resourceMetadataUrl })
}
const call = async authProvider => {
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL(resource), { authProvider }))
  const answer = await client.callTool({ name: 'whoami', arguments: {} })
  await client.close()
  return answer.content[0].text
}

const provider = new Provider({ grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
  token_endpoint_auth_method: 'none' })
await step('MCP TypeScript: a client that is not logged in is sent to the authorization endpoint', async () => {
  const error = await call(provider).catch(error => error)
  same(error.constructor.name, 'UnauthorizedError')
  same(provider.url.origin + provider.url.pathname, metadata.authorization_endpoint)
  same(provider.url.searchParams.get('resource'), resource)
  same(provider.url.searchParams.get('scope'), 'mcp')
})
await step('MCP TypeScript: registration, log-in and a call', async () => {
  same(await logIn(provider), 'AUTHORIZED')
  must(!provider.information.client_secret, 'a public client')
  same(await call(provider), stage.sub)
})
await step('MCP TypeScript: the access token refreshed', async () => {
  const { access_token, refresh_token } = provider.saved
  must(refresh_token, 'a refresh token')
  same(await auth(provider, { serverUrl: resource, resourceMetadataUrl }), 'AUTHORIZED')
  must(provider.saved.access_token !== access_token, 'another one')
  same(await call(provider), stage.sub)
})
await step('MCP TypeScript: a registered client with a secret', async () => {
  const confidential = new Provider({ token_endpoint_auth_method: 'client_secret_post' })
  same(await logIn(confidential), 'AUTHORIZED')
  must(confidential.information.client_secret, 'a secret')
  same(await call(confidential), stage.sub)
})
await step('MCP TypeScript: a client known before, by client credentials', async () => {
  const { client_id, client_secret } = stage.clients.basic
  const machine = new ClientCredentialsProvider({ clientId: client_id, clientSecret: client_secret, scope: 'mcp',
    expectedIssuer: stage.issuer })
  same(await call(machine), client_id)
})
await step('MCP TypeScript: a client known before, by private_key_jwt', async () => {
  const { client_id } = stage.clients.key
  const machine = new PrivateKeyJwtProvider({ clientId: client_id, privateKey: stage.keys.ES256, algorithm: 'ES256',
    scope: 'mcp', expectedIssuer: stage.issuer })
  same(await call(machine), client_id)
})
await step('MCP TypeScript: who denies is access_denied', () => refused(logIn(new Provider(), 'deny'), 'access_denied'))
await step('MCP TypeScript: a token without the scope is insufficient_scope', async () => {
  const answer = await fetch(metadata.token_endpoint, { method: 'POST', body: new URLSearchParams({
    grant_type: 'client_credentials', scope: 'orders', resource, ...stage.clients.basic }) })
  const { access_token } = await answer.json()
  const refusal = await fetch(resource, { method: 'POST', body: '{}', headers: {
    authorization: `Bearer ${access_token}`, 'content-type': 'application/json' } })
  same(refusal.status, 403)
})
await step('MCP TypeScript: a token of another resource is refused', async () => {
  const answer = await fetch(metadata.token_endpoint, { method: 'POST', body: new URLSearchParams({
    grant_type: 'client_credentials', scope: 'orders', resource: stage.resource, ...stage.clients.basic }) })
  const { access_token } = await answer.json()
  const refusal = await fetch(resource, { method: 'POST', body: '{}', headers: {
    authorization: `Bearer ${access_token}`, 'content-type': 'application/json' } })
  same(refusal.status, 401)
})
server.kill()
end()
