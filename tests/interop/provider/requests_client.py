"""requests-oauthlib 2.0, whose Basic is not form-encoded and whose public client sends an empty password."""

import os, time

# The stage is on this machine and speaks http.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

from oauthlib.oauth2 import BackendApplicationClient, DeviceClient, LegacyApplicationClient
from requests_oauthlib import OAuth2Session

from stage import end, metadata, refused, same, stage, step, visit

BASIC, PUBLIC = stage["clients"]["basic"], stage["clients"]["public"]
TOKEN = metadata["token_endpoint"]


def session(who=BASIC, scope=("openid", "email", "offline_access"), **more):
    return OAuth2Session(who["client_id"], redirect_uri=stage["redirect_uri"], scope=list(scope), pkce="S256", **more)


def code_flow(client, how="accept", **more):
    prompt = {"prompt": "consent"} if how == "deny" else {}
    url, _ = client.authorization_url(metadata["authorization_endpoint"], **prompt)
    return client.fetch_token(TOKEN, authorization_response=visit(url, how), **more)


@step("requests-oauthlib: code flow with PKCE, and userinfo")
def tokens():
    client = session()
    token = code_flow(client, client_secret=BASIC["client_secret"])
    same(set(token["scope"]), {"openid", "email", "offline_access"})
    same(client.get(metadata["userinfo_endpoint"]).json()["sub"], stage["sub"])
    return token


@step("requests-oauthlib: a public client, which it sends as Basic with an empty password")
def _():
    code_flow(session(PUBLIC, ["openid"]))


@step("requests-oauthlib: a public client by its client_id alone")
def _():
    code_flow(session(PUBLIC, ["openid"]), include_client_id=True)


@step("requests-oauthlib: a token that has ended is refreshed on use")
def _():
    kept = []
    client = session(token=tokens | {"expires_at": time.time() - 10, "expires_in": -10}, auto_refresh_url=TOKEN,
                     auto_refresh_kwargs={"client_id": BASIC["client_id"], "client_secret": BASIC["client_secret"]},
                     token_updater=kept.append)
    same(client.get(metadata["userinfo_endpoint"]).status_code, 200)
    assert kept[0]["refresh_token"] != tokens["refresh_token"]


@step("requests-oauthlib: client credentials")
def _():
    client = OAuth2Session(client=BackendApplicationClient(BASIC["client_id"], scope="orders"))
    same(client.fetch_token(TOKEN, client_secret=BASIC["client_secret"])["scope"], ["orders"])


@step("requests-oauthlib: device flow, polled by hand")
def _():
    who = stage["clients"]["device"]
    client = OAuth2Session(client=DeviceClient(who["client_id"]))
    device = client.post(metadata["device_authorization_endpoint"], withhold_token=True,
                         data={"client_id": who["client_id"], "scope": "openid"}).json()
    poll = lambda: client.fetch_token(TOKEN, device_code=device["device_code"], include_client_id=True)
    refused(poll, "authorization_pending")
    visit(f"{device['verification_uri']}?user_code={device['user_code']}", "device")
    time.sleep(device["interval"])
    same(poll()["scope"], ["openid"])


@step("requests-oauthlib: who denies is access_denied")
def _():
    refused(lambda: code_flow(session(), "deny", client_secret=BASIC["client_secret"]), "access_denied")


@step("requests-oauthlib: a wrong secret is invalid_client")
def _():
    refused(lambda: code_flow(session(), client_secret="wrong"), "invalid_client")


@step("requests-oauthlib: the password grant is unsupported_grant_type")
def _():
    client = OAuth2Session(client=LegacyApplicationClient(BASIC["client_id"]))
    refused(lambda: client.fetch_token(TOKEN, username="ada", password="x", client_secret=BASIC["client_secret"]),
            "unsupported_grant_type")


end()
