"""The MCP SDK for Python 2.3, both sides: the server of examples/mcp, and clients that find the provider by the
server's 401, register, log in, refresh and call a tool."""

import asyncio, pathlib, subprocess, sys, time, urllib.error, urllib.request

import httpx2
from joserfc.jwk import JWKRegistry
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import (ClientCredentialsOAuthProvider,
                                                           PrivateKeyJWTOAuthProvider, SignedJWTParameters)
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from stage import end, query, refused, same, stage, step, visit

RESOURCE = stage["mcp"]
SERVER = pathlib.Path(__file__).parents[3] / "examples/mcp/server.py"
server = subprocess.Popen([sys.executable, SERVER, stage["issuer"], RESOURCE])
for _ in range(300):
    try:
        urllib.request.urlopen(RESOURCE, b"{}")
    except urllib.error.HTTPError:
        break
    except OSError:
        time.sleep(0.1)


# --- its clients -----------------------------------------------------------------------------------------------------
class Storage:
    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


def provider(storage, how="accept", **more):
    back = {}

    async def redirect(url):
        back.update(query(await asyncio.to_thread(visit, url, how)))

    async def callback():
        return AuthorizationCodeResult(code=back.get("code", ""), state=back.get("state"), iss=back.get("iss"))

    about = OAuthClientMetadata(redirect_uris=[stage["redirect_uri"]], client_name="MCP client",
                                application_type="web", **more)
    return OAuthClientProvider(RESOURCE, about, storage, redirect, callback)


def call(auth):
    async def run():
        async with httpx2.AsyncClient(auth=auth) as http, Client(streamable_http_client(RESOURCE,
                                                                                        http_client=http)) as client:
            return (await client.call_tool("whoami", {})).content[0].text
    return asyncio.run(run())


storage = Storage()
auth = provider(storage)


@step("MCP Python: registration, log-in and a call")
def _():
    same(call(auth), stage["sub"])
    assert storage.client.client_id and storage.tokens.refresh_token


@step("MCP Python: a token that has ended is refreshed on use, without a person")
def _():
    before = storage.tokens
    auth.context.redirect_handler = None
    auth.context.token_expiry_time = time.time() - 10
    same(call(auth), stage["sub"])
    assert before.access_token != storage.tokens.access_token


@step("MCP Python: a public client")
def _():
    kept = Storage()
    same(call(provider(kept, token_endpoint_auth_method="none")), stage["sub"])
    same(kept.client.client_secret, None)


@step("MCP Python: a client known before, by client credentials")
def _():
    who = stage["clients"]["basic"]
    same(call(ClientCredentialsOAuthProvider(RESOURCE, Storage(), who["client_id"], who["client_secret"], scope="mcp",
                                             issuer=stage["issuer"])), who["client_id"])


@step("MCP Python: a client known before, by private_key_jwt")
def _():
    who, jwk = stage["clients"]["key"], stage["keys"]["ES256"]
    signed = SignedJWTParameters(issuer=who["client_id"], subject=who["client_id"], signing_algorithm="ES256",
                                 signing_key=JWKRegistry.import_key(jwk).as_pem(private=True).decode())
    same(call(PrivateKeyJWTOAuthProvider(RESOURCE, Storage(), who["client_id"], signed.create_assertion_provider(),
                                         scope="mcp", issuer=stage["issuer"])), who["client_id"])


@step("MCP Python: who denies gets no token")
def _():
    kept = Storage()
    refused(lambda: call(provider(kept, "deny")), None, lambda _: kept.tokens)


server.terminate()
end()
