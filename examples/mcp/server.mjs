// An MCP server whose users log in at a provider that is auth_store. Needs @modelcontextprotocol/sdk, express and jose.
//
//     node server.mjs ISSUER RESOURCE      as in  node server.mjs https://id.example https://mcp.example/mcp
import express from 'express'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from
  '@modelcontextprotocol/sdk/server/auth/router.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'

// docs: begin
const [issuer, resource] = process.argv.slice(2)
const { pathname, port } = new URL(resource)
const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
const verifier = {
  async verifyAccessToken(token) {
    const { payload } = await jwtVerify(token, keys, { issuer, audience: resource, typ: 'at+jwt' })
      .catch(error => { throw new InvalidTokenError(error.code) })
    return { token, clientId: payload.client_id, scopes: payload.scope.split(' '), expiresAt: payload.exp,
      resource: new URL(resource), extra: { sub: payload.sub } }
  },
}
const resourceServerUrl = new URL(resource)
const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resourceServerUrl)
const app = express()
app.use(express.json())
app.use(mcpAuthMetadataRouter({ oauthMetadata: metadata, resourceServerUrl, scopesSupported: ['mcp'] }))
app.post(pathname, requireBearerAuth({ verifier, requiredScopes: ['mcp'], resourceMetadataUrl }),
  async (request, response) => {
    const server = new McpServer({ name: 'orders', version: '1.0.0' })
    server.registerTool('whoami', { description: 'Who calls' }, async ({ authInfo }) =>
      ({ content: [{ type: 'text', text: authInfo.extra.sub }] }))
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
    await server.connect(transport)
    await transport.handleRequest(request, response, request.body)
  })
// docs: end
app.listen(port, '127.0.0.1', () => console.log('ready'))
