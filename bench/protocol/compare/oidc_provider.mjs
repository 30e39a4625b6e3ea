// node-oidc-provider with its adapter in memory: a token by client credentials, opaque, or a JWT where the request
// names the resource. Its defaults otherwise; nothing survives its end.
import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'

const port = Number(process.argv[2])
const resource = 'https://orders.example/'
const jwks = { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] }
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'load', client_secret: 'load-secret', grant_types: ['client_credentials'],
    redirect_uris: [], response_types: [], scope: 'orders',
    id_token_signed_response_alg: 'ES256' }],
  scopes: ['orders'],
  jwks: { keys: jwks.keys.map(key => ({ ...key, use: 'sig', alg: 'ES256', kid: 'one' })) },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: { enabled: true, defaultResource: () => undefined,
      getResourceServerInfo: () => ({ scope: 'orders', audience: resource, accessTokenTTL: 600,
        accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }) },
  },
})
provider.listen(port, '127.0.0.1', () => console.log('ready'))
