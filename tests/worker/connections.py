"""Connections of the vault, and what providers answer to a refresh."""

import base64, json, tempfile, time

import harness
from harness import TIMEOUT, Worker, call, ok, one, receiver, until
from receiver import lowered

NEVER, UNSAID = None, None

# What the connection has afterwards: access token, refresh token, seconds to the end. What providers answer is in
# receiver.py; what is more of the habits of many is in the unit tests of provider.rs.
GOOD = {
    "rotating": ({}, "access 1", "refresh 1", 3600),
    "created": ({}, "of 201", "first", 28_800),                         # Sentry: camelCase, 201, a time
    "form": ({}, "of a form", "first", NEVER),                          # and a life of 0
    "nolife": ({}, "no life", "first", UNSAID),
    "assumed": ({"expires_in": 3600}, "no life", "first", 3600),        # Salesforce, Jobber
    "millis": ({"expires_in_unit": "milliseconds"}, "of millis", "first", 1800),
    "wrapped": ({"tokens_in": "data"}, "in data", "next", 86_400),      # TikTok
    "user": ({"tokens_in": "authed_user"}, "of a user", "next", 43_200),    # Slack
}
# The error that the connection shows.
BAD = {
    "dead": ({"dead_token_errors": ["bad_refresh_token"]}, "invalid_grant"),    # GitHub, with status 200
    "notok": ({}, "invalid_refresh_token"),     # Slack: status 200, ok is false
    "errcode": ({}, "errcode_40030"),           # WeChat
    "errors": ({}, "invalid_token"),            # Fitbit
    "page": ({}, "malformed_response"),         # a page of HTML, with status 200
    "empty": ({}, "malformed_response"),
    "trouble": ({}, "http_503"),
    "moved": ({}, "http_307"),                  # never followed: the secret would go with it
    "endless": ({}, "malformed_response"),
    "silent": ({}, "timed out"),
    "unknown": (None, "provider_not_configured"),
}


def is_idle():
    """Whether nothing is due. connections_due() leaves out what another call of it looks at."""
    return not harness.rows("SELECT FROM auth_store.connections WHERE refresh_at <= now()"
                            " AND (leased_until <= now() OR leased_until IS NULL)")


def connections():
    kinds = GOOD | BAD
    providers = {kind: {"token_endpoint": receiver.url("/token/" + kind), "client_id": "us",
                        "client_secret_env": "TEST_SECRET"} | kinds[kind][0]
                 for kind in kinds if kinds[kind][0] is not None}
    for kind in kinds:
        call("connection_store", provider=kind, actor_id="alice", access_token="old", refresh_token="first",
             access_token_expires_at=one("SELECT now() - interval '1 s' AS at"))
    providers["hangup"] = {"token_endpoint": receiver.url("/token/hangup"), "client_id": "us"}
    for actor, token in (("alice", "first"), ("bob", "second")):
        call("connection_store", provider="hangup", actor_id=actor, access_token="old", refresh_token=token,
             access_token_expires_at=one("SELECT now() - interval '1 s' AS at"))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(providers, file)
        file.flush()
        worker = Worker(WORKER_PROVIDERS=file.name, TEST_SECRET="s e:cret")
        until(is_idle, "nothing is due")
        memory = worker.memory()
        worker.end()
    shown = {row["provider"]: row for row in harness.rows("SELECT * FROM auth_store.provider_connections")}
    for kind, (_, access_token, refresh_token, life) in GOOD.items():
        found = call("connection_get", provider=kind, actor_id="alice")[0]
        end = found["access_token_expires_at"]
        good = (end is None) == (life is None) and (end is None or -60 < end.timestamp() - time.time() - life < 5)
        ok(good and (found["access_token"], found["refresh_token"]) == (access_token, refresh_token)
           and shown[kind]["last_error"] is None, f"the answer {kind} is understood",
           (found, shown[kind]["last_error"]))
    for kind, (_, error) in BAD.items():
        ok(shown[kind]["last_error"] == error, f"the answer {kind} is {error}", shown[kind]["last_error"])
        ok(call("connection_get", provider=kind, actor_id="alice")[0]["access_token"] in ("old", None),
           f"and {kind} leaves no token of it")
    ok(not receiver.came["/token/elsewhere"], "a redirect of a token endpoint is not followed")
    ok(memory < 64_000, "an endless answer does not fill the memory", f"{memory} kB")
    sent = [token for token, *_ in receiver.came["/token/hangup"]]
    ok(sorted(sent) == ["first", "second"], "no refresh token is sent twice, whatever becomes of the connection", sent)
    basic = "Basic " + base64.b64encode(b"us:s+e%3Acret").decode()
    sent = receiver.came["/token/rotating"]
    ok(len(sent) == 1 and lowered(sent[0][1])["authorization"] == basic, "the secret is sent form-encoded")
    text = worker.text()
    ok(not any(word in text for word in ("first", "access 1", "refresh 1", "cret")),
       "and nothing secret is printed", text)


def silent_provider():
    """One that does not answer, with many connections, does not hold up the others."""
    for number in range(12):
        call("connection_store", provider="silent", actor_id=f"silent {number}", access_token="old",
             refresh_token="first", access_token_expires_at=one("SELECT now() - interval '1 s' AS at"))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"silent": {"token_endpoint": receiver.url("/token/silent"), "client_id": "us"}}, file)
        file.flush()
        worker, begun = Worker(WORKER_PROVIDERS=file.name), time.monotonic()
        until(is_idle, "nothing is due")
        took = time.monotonic() - begun
        ok(took < 10 * TIMEOUT, "several connections are refreshed at once", f"{took:.1f} s")
        worker.end()
