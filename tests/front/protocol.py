"""What programs ask: endpoints, bounds, addresses, the end of the front and of the server."""

import json, socket, subprocess, sys, threading, time

import harness
from harness import Client, Front, call, ok, one, until

RESTART = sys.argv[2:]
front = web = secret = None


def provider():
    """An issuer, a key, a user and a client, and the front that the other tests share."""
    global front, web, secret
    harness.db.execute("DROP ROLE IF EXISTS front; CREATE ROLE front LOGIN; GRANT auth_store_app TO front")
    at = harness.port()
    one("SELECT auth_store.provider_set(issuer => %s)", f"http://localhost:{at}")
    one("SELECT auth_store.signing_key_create()")
    call("user_create", email="ada@example.com", password="correct horse battery", first_name="Ada")
    made = call("client_create", name="Web <shop>", redirect_uris=["https://app.example/cb"],
                scope="openid email profile orders offline_access",
                grant_types=["authorization_code", "refresh_token", "client_credentials"])[0]
    web, secret = made["client_id"], made["client_secret"]
    front = Front(at=at)
    ok("started" in front.text(), "the front starts", front.text())
    lost = Front(PGDATABASE="postgres")
    ok(until(lambda: "auth_store" in lost.text().partition("started")[2], "what is lacking"),
       "a front without the store says so at its start", lost.text())
    lost.end()


def endpoints():
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
        status, headers, body = front.ask("GET", path)
        metadata = json.loads(body) if status == 200 else {}
        ok(metadata.get("issuer") == front.origin and dict(headers)["content-type"] == "application/json",
           f"metadata at {path}", (status, body[:200]))
    status, headers, _ = front.ask("GET", "/.well-known/openid-configuration")
    again = front.ask("GET", "/.well-known/openid-configuration", headers={"If-None-Match": dict(headers)["etag"]})
    ok(again[0] == 304 and again[2] == "", "metadata that is known is not sent again", again)
    keys = json.loads(front.ask("GET", "/jwks")[2])
    ok(len(keys["keys"]) == 1, "keys", keys)
    status, headers, token = front.post("/token", secret=(web, secret), grant_type="client_credentials", scope="orders")
    ok(status == 200 and token["token_type"] == "Bearer", "a token", (status, token))
    status, _, state = front.post("/introspect", secret=(web, secret), token=token["access_token"])
    ok(status == 200 and state["active"] is True, "it is active", state)
    status, _, _ = front.post("/revoke", secret=(web, secret), token=token["access_token"])
    _, _, state = front.post("/introspect", secret=(web, secret), token=token["access_token"])
    ok(status == 200 and state == {"active": False}, "and not when it is revoked", (status, state))
    status, headers, error = front.post("/token", secret=(web, "wrong"), grant_type="client_credentials")
    ok(status == 401 and error["error"] == "invalid_client" and "www-authenticate" in headers, "a wrong secret",
       (status, error))
    ok(front.ask("GET", "/nowhere")[0] == 404 and front.ask("PATCH", "/token")[0] == 405, "other paths and methods")
    ok(front.ask("HEAD", "/jwks")[2] == "", "HEAD has no body")
    # One call of the database for what pages answer, too, once it is known where that is.
    apart, ask = Front(), Client(front, web, secret).path()
    first = apart.ask("GET", ask)[0]
    harness.db.execute("REVOKE EXECUTE ON FUNCTION auth_store.http FROM auth_store_app")
    again, keys = apart.ask("GET", ask)[0], apart.ask("GET", "/jwks")[0]
    harness.db.execute("GRANT EXECUTE ON FUNCTION auth_store.http TO auth_store_app")
    ok((first, again) == (303, 303) and keys >= 500, "the second request does not ask where /authorize is",
       (first, again, keys))
    apart.end()


def bounds():
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for size, expected in ((65_536, 401), (65_537, 413)):
        begun = time.monotonic()
        status, _, body = front.ask("POST", "/token", "a=" + "x" * (size - 2), form)
        took = time.monotonic() - begun
        ok(status == expected and json.loads(body)["error"] and took < 2,
           f"a body of {size} bytes is {expected}", (status, body, took))
    chunks = (b"x" * 8192 for _ in range(9))
    status, _, _ = front.ask("POST", "/token", chunks, form)
    ok(status == 413, "a body that does not say its length", status)
    status = front.ask("GET", "/jwks", headers={"X": "x" * 70_000})[0]
    ok(status == 431, "a header that is too long", status)
    many = {f"X-{number}": "x" for number in range(120)}
    ok(front.ask("GET", "/jwks", headers=many)[0] == 431, "too many headers")
    ok(front.ask("POST", "/token", b"\xff\x00=%zz&grant_type=\xff", form)[0] in (400, 401), "bytes that are no text")
    few = Front(FRONT_POOL="1", FRONT_TIMEOUT="1")
    with harness.psycopg.connect(autocommit=False) as other:
        other.execute("LOCK TABLE auth_store.access_tokens IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        members = {"secret": (web, secret), "grant_type": "client_credentials"}
        status, headers, error = few.post("/token", **members)
        took = time.monotonic() - begun
        ok(status == 503 and error["error"] == "temporarily_unavailable" and headers["retry-after"] and took < 4,
           "a database that waits is not waited for", (status, error, took))
        other.rollback()
    ok(until(lambda: few.post("/token", **members)[0] == 200, "tokens again", 10), "and afterwards it answers")
    few.end()


def callers():
    proxied = Front(FRONT_PROXIES="127.0.0.1", FRONT_CERTIFICATE_HEADER="Ssl-Client-Cert")
    cases = (("6.6.6.6, 198.51.100.7", "198.51.100.7"), ("2001:db8::5", "2001:db8::5"), ("unknown", "127.0.0.1"))
    for number, (address, counted) in enumerate(cases):
        proxied.post("/token", secret=(web, "wrong"), headers={"X-Forwarded-For": address}, grant_type="x")
        seen = until(lambda: proxied.log()[number:], "a line")[0]["ip"]
        ok(seen == counted, f"{address} is {counted}", seen)
    proxied.end()
    before = len(front.log())
    front.post("/token", secret=(web, "wrong"), headers={"X-Forwarded-For": "198.51.100.9"}, grant_type="x")
    until(lambda: len(front.log()) > before, "a line")
    ok(front.log()[-1]["ip"] == "127.0.0.1", "who is no proxy is not believed", front.log()[-1])
    line = front.log()[-1]
    ok(line["error"] == "invalid_client" and line["status"] == 401 and line["path"] == "/token", "the log", line)
    text = front.text()
    ok(secret not in text and "wrong" not in text and "asat_" not in text, "nothing secret is in the log")
    counted = front.counted()
    ok('auth_store_front_requests_total{endpoint="token",status="2xx"}' in counted
       and 'auth_store_front_errors_total{error="invalid_client"}' in counted, "metrics", counted)
    ok(front.ask("GET", "/healthz", at=front.metrics)[0] == 200, "health")


def ends():
    """SIGTERM ends what has begun, and nothing else begins."""
    ending, done = Front(), []
    with harness.psycopg.connect(autocommit=False) as other:
        other.execute("LOCK TABLE auth_store.access_tokens IN ACCESS EXCLUSIVE MODE")
        ask = threading.Thread(target=lambda: done.append(
            ending.post("/token", secret=(web, secret), grant_type="client_credentials")[0]))
        ask.start()
        until(lambda: "auth_store_front_in_flight 1" in ending.counted(), "a request waits")
        ending.process.terminate()
        time.sleep(0.2)
        with socket.socket() as late:
            refused = late.connect_ex(("127.0.0.1", ending.port)) != 0
        other.rollback()
    ask.join()
    ok(done == [200] and ending.process.wait(10) == 0 and refused, "what has begun comes to its end", (done, refused))


def restarts():
    if not RESTART:
        return
    subprocess.run(RESTART, check=True, stdout=subprocess.DEVNULL)
    harness.connect()
    ok(until(lambda: front.ask("GET", "/jwks")[0] == 200, "keys", 20), "a server that restarts is found again")
    codes = {line["status"] for line in front.log() if line["status"] >= 500}
    ok(codes <= {503}, "and until then it was 503 alone", codes)
    ok(front.end() == 0 and "stopped" in front.text(), "the front ends")
