"""An MCP server whose users log in at a provider that is auth_store. Needs mcp of PyPI, which brings PyJWT and uvicorn.

    python3 server.py ISSUER RESOURCE       as in  python3 server.py https://id.example https://mcp.example/mcp
"""

import asyncio, json, sys, urllib.request
from urllib.parse import urlsplit

import jwt, uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer

# docs: begin
ISSUER, RESOURCE = sys.argv[1:]
METADATA = json.load(urllib.request.urlopen(f"{ISSUER}/.well-known/openid-configuration"))
KEYS = jwt.PyJWKClient(METADATA["jwks_uri"])


def read(token):
    if jwt.get_unverified_header(token).get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("no access token")
    return jwt.decode(token, KEYS.get_signing_key_from_jwt(token), ["ES256", "RS256"], issuer=ISSUER,
                      audience=RESOURCE, options={"require": ["exp", "client_id", "sub", "scope"]})


class Tokens:
    """Access tokens are JWTs of the store, verified here with the keys that it publishes."""

    async def verify_token(self, token):
        try:
            claims = await asyncio.to_thread(read, token)
        except jwt.PyJWTError:
            return None
        return AccessToken(token=token, client_id=claims["client_id"], scopes=claims["scope"].split(),
                           expires_at=claims["exp"], resource=RESOURCE, subject=claims["sub"])


server = MCPServer("orders", token_verifier=Tokens(), auth=AuthSettings(
    issuer_url=ISSUER, resource_server_url=RESOURCE, required_scopes=["mcp"], validate_token_resource=True))


@server.tool()
def whoami() -> str:
    return get_access_token().subject


app = server.streamable_http_app(streamable_http_path=urlsplit(RESOURCE).path)
# docs: end
uvicorn.run(app, host="127.0.0.1", port=urlsplit(RESOURCE).port, log_level="warning")
