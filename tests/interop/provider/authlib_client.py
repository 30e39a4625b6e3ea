"""Authlib 1.9: its client and its validator of JWT access tokens."""

import time

import requests
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from joserfc import jwt
from joserfc.jwk import JWKRegistry, KeySet

from stage import end, metadata, query, refused, same, stage, step, visit

BASIC, POST, KEY = stage["clients"]["basic"], stage["clients"]["post"], stage["clients"]["key"]
TOKEN = metadata["token_endpoint"]
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"]).json())


def session(who=BASIC, method="client_secret_basic", **more):
    return OAuth2Session(who["client_id"], who.get("client_secret"), token_endpoint_auth_method=method,
                         redirect_uri=stage["redirect_uri"], code_challenge_method="S256", **more)


def code_flow(client, how="accept", verifier=VERIFIER, **more):
    url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=VERIFIER, **more)
    back = visit(url, how)
    if "error" in query(back):
        raise OAuthError(query(back)["error"])
    return client.fetch_token(TOKEN, authorization_response=back, state=state, code_verifier=verifier)


@step("Authlib: code flow with PKCE; the ID token by joserfc")
def tokens():
    token = code_flow(session(scope="openid email offline_access"), nonce="n-0S6_WzA2Mj")
    claims = jwt.decode(token["id_token"], keys).claims
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": stage["issuer"]},
                          aud={"essential": True, "value": BASIC["client_id"]},
                          sub={"essential": True, "value": stage["sub"]},
                          nonce={"essential": True, "value": "n-0S6_WzA2Mj"}).validate(claims)
    return token


@step("Authlib: userinfo with the session's token")
def _():
    client = OAuth2Session(BASIC["client_id"], token=tokens)
    same(client.get(metadata["userinfo_endpoint"]).json()["email"], stage["email"])


@step("Authlib: a token that has ended is refreshed on use")
def second():
    kept = []
    client = session(token=tokens | {"expires_at": int(time.time()) - 10}, token_endpoint=TOKEN,
                     update_token=lambda token, refresh_token, access_token=None: kept.append(token))
    same(client.get(metadata["userinfo_endpoint"]).status_code, 200)
    assert kept[0]["refresh_token"] != tokens["refresh_token"]
    return kept[0]


@step("Authlib: introspection and revocation")
def _():
    client = session()
    state = lambda: client.introspect_token(metadata["introspection_endpoint"], second["access_token"]).json()
    same(state()["active"], True)
    same(client.revoke_token(metadata["revocation_endpoint"], second["refresh_token"]).status_code, 200)
    same(state(), {"active": False})


for who, method in ((BASIC, "client_secret_basic"), (POST, "client_secret_post")):
    @step(f"Authlib: client credentials, {method}")
    def _():
        same(session(who, method).fetch_token(TOKEN, grant_type="client_credentials", scope="orders")["scope"],
             "orders")

for algorithm in ("ES256", "RS256", "PS256"):
    @step(f"Authlib: private_key_jwt, {algorithm}, for the token endpoint")
    def _():
        jwk = stage["keys"][algorithm]
        client = OAuth2Session(KEY["client_id"], JWKRegistry.import_key(jwk),
                               token_endpoint_auth_method=PrivateKeyJWT(TOKEN, alg=algorithm,
                                                                        headers={"kid": jwk["kid"]}))
        same(client.fetch_token(TOKEN, grant_type="client_credentials", scope="orders")["scope"], "orders")


@step("Authlib: client_secret_jwt")
def _():
    who = stage["clients"]["secret_jwt"]
    client = OAuth2Session(who["client_id"], who["client_secret"], token_endpoint_auth_method=ClientSecretJWT(TOKEN))
    client.fetch_token(TOKEN, grant_type="client_credentials", scope="orders")


@step("Authlib: a public client")
def _():
    token = code_flow(session(stage["clients"]["public"], "none", scope="openid"))
    same(jwt.decode(token["id_token"], keys).claims["sub"], stage["sub"])


@step("Authlib: device flow, polled by hand")
def _():
    client = session(stage["clients"]["device"], "none")
    device = requests.post(metadata["device_authorization_endpoint"],
                           {"client_id": stage["clients"]["device"]["client_id"], "scope": "openid"}).json()
    poll = lambda: client.fetch_token(TOKEN, grant_type="urn:ietf:params:oauth:grant-type:device_code",
                                      device_code=device["device_code"])
    refused(poll, "authorization_pending")
    visit(f"{device['verification_uri']}?user_code={device['user_code']}", "device")
    time.sleep(device["interval"])
    same(poll()["scope"], "openid")


class Validator(JWTBearerTokenValidator):
    def get_jwks(self):
        return requests.get(metadata["jwks_uri"]).json()


@step("Authlib: a resource server verifies the access token (RFC 9068)")
def _():
    token = session().fetch_token(TOKEN, grant_type="client_credentials", scope="orders", resource=stage["resource"])
    validator = Validator(stage["issuer"], stage["resource"])
    claims = validator.authenticate_token(token["access_token"])
    validator.validate_token(claims, ["orders"], None)
    same(claims["client_id"], BASIC["client_id"])
    other = Validator(stage["issuer"], "https://other.example/")
    refused(lambda: other.validate_token(other.authenticate_token(token["access_token"]), ["orders"], None),
            "invalid_token")


@step("Authlib: another verifier is invalid_grant")
def _():
    refused(lambda: code_flow(session(scope="openid"), verifier="x" * 43), "invalid_grant")


@step("Authlib: who denies is access_denied")
def _():
    refused(lambda: code_flow(session(scope="openid"), how="deny", prompt="consent"), "access_denied")


@step("Authlib: a wrong secret is invalid_client")
def _():
    refused(lambda: session(BASIC | {"client_secret": "wrong"}).fetch_token(TOKEN, grant_type="client_credentials"),
            "invalid_client")


@step("Authlib: the password grant is unsupported_grant_type")
def _():
    refused(lambda: session().fetch_token(TOKEN, username="ada", password="x"), "unsupported_grant_type")


end()
