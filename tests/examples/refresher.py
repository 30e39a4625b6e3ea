"""What refreshes connections against a provider that rotates refresh tokens and ends a family of which one is used
twice: examples/refresher/refresher.py, or the worker.

    refresher.py PYTHON [WORKER]    PYTHON is that of tests/provider/install; the server is the one that PGHOST … and
                                    CLUSTER_DIR name

Prints "ok" or "not ok" for each test. Ends every process that it starts.
"""

import base64, contextlib, hashlib, json, os, re, secrets, shutil, subprocess, sys, tempfile, time
import urllib.error, urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import psycopg
from psycopg.rows import dict_row

REPO = Path(__file__).resolve().parents[2]
WORKER = sys.argv[2] if len(sys.argv) > 2 else None
# The worker's lease must be 5 s longer than its time limit, and it refreshes four at once.
MANY, LEASE, TIMEOUT, AT_ONCE = (24, 9, 4, 4) if WORKER else (24, 5, 4, 1)
NO_CONNECTION = "no connection: connection refused" if WORKER else "ConnectionRefusedError"
TROUBLED = [f"user {n}" for n in range(11, 17)]
processes, texts, known, ids, failures = [], [], set(), {}, 0


def ok(good, name, detail=""):
    global failures
    failures += not good
    print("ok -" if good else "not ok -", name, *[f"({detail})"] * (not good), flush=True)


def until(true, name, at_most=60):
    end = time.monotonic() + at_most
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"not ok - waited {at_most} s for: {name}")
        time.sleep(0.05)


# --- the provider --------------------------------------------------------------------------------------------------

class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Provider:
    """The process, and what the application and the tests ask of it."""

    def __init__(self, python, directory):
        self.command, self.port, self.past = [python, REPO / "tests/provider/provider.py", directory], None, []

    def start(self):
        command = self.command + ([str(self.port)] if self.port else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(self.process)
        self.client = json.loads(self.process.stdout.readline())
        self.port = self.client["port"]
        self.address = f"http://127.0.0.1:{self.port}"
        basic = ":".join(quote_plus(self.client[name]) for name in ("client_id", "client_secret"))
        self.basic = "Basic " + base64.b64encode(basic.encode()).decode()

    def stop(self):
        self.past = self.refreshes()
        self.process.stdin.close()
        self.process.wait()

    def send(self, path, form=None, *handlers, **headers):
        body = urlencode(form).encode() if form else None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect, *handlers)
        try:
            response = opener.open(urllib.request.Request(self.address + path, body, headers))
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return response.status, response.headers, response.read()

    def control(self, **settings):
        body = json.dumps(settings).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.address + "/control", body) as response:
            return json.load(response)

    def refreshes(self):
        """All that ever came: digest, status, seen (by the provider itself)."""
        return self.past + self.control()["refreshes"]

    def arrived(self):
        """How many are waiting for an answer."""
        return sum(refresh["status"] is None for refresh in self.refreshes())

    def log_in(self, user):
        """The authorization code flow with PKCE, for a user who is logged in and agrees."""
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        redirect_uri = self.client["redirect_uris"]
        query = {"response_type": "code", "client_id": self.client["client_id"], "redirect_uri": redirect_uri,
                 "scope": "read write",
                 "state": state, "code_challenge": challenge, "code_challenge_method": "S256"}
        _, headers, _ = self.send("/o/authorize/?" + urlencode(query), None,
                                  urllib.request.HTTPCookieProcessor(CookieJar()),
                                  **{"Remote-User": user})
        back = parse_qs(urlsplit(headers["Location"]).query)
        assert back["state"] == [state], back
        _, _, body = self.send("/o/token/",
                               {"grant_type": "authorization_code", "code": back["code"][0],
                                "redirect_uri": redirect_uri,
                                             "code_verifier": verifier}, Authorization=self.basic)
        tokens = json.loads(body)
        known.update((tokens["access_token"], tokens["refresh_token"]))
        return tokens

    def is_active(self, access_token):
        return json.loads(self.send("/o/introspect/", {"token": access_token}, Authorization=self.basic)[2])["active"]

    def revoke(self, refresh_token):
        self.send("/o/revoke_token/", {"token": refresh_token, "token_type_hint": "refresh_token"},
                  Authorization=self.basic)


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


# --- the store -----------------------------------------------------------------------------------------------------

db = psycopg.connect(autocommit=True, row_factory=dict_row)


def call(function, **arguments):
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    return db.execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchall()


def master_key():
    """A new key in the cluster's file, as its own words say: appended, and the configuration read again."""
    path = db.execute("SHOW auth_store.master_key_file").fetchone()["auth_store.master_key_file"]
    with open(path, "a") as file:
        file.write(call("vault_key_generate")[0]["vault_key_generate"].rstrip("\n") + "\n")
    db.execute("SELECT pg_reload_conf()")


def store(actor, tokens, expires_in, provider="example"):
    ids[actor] = call("connection_store", provider=provider, actor_id=actor, access_token=tokens["access_token"],
                refresh_token=tokens["refresh_token"], scope=tokens["scope"],
                access_token_expires_at=db.execute("SELECT now() + %s * interval '1 s' AS end",
                                                   [expires_in]).fetchone()["end"]
                )[0]["connection_store"]


def get(actor, provider="example"):
    row = call("connection_get", provider=provider, actor_id=actor)[0]
    known.update((row["access_token"], row["refresh_token"]))
    return row


def make_due(*actors):
    """As an application does whose access token was refused before its time."""
    for actor in actors:
        store(actor, get(actor), -1)


def due():
    return {row["actor_id"] for row in call("connections_due")}


def is_idle():
    """Whether nothing is due. connections_due() leaves out what another call of it looks at."""
    return db.execute("SELECT FROM auth_store.connections WHERE refresh_at <= now()"
                      " AND (leased_until <= now() OR leased_until IS NULL)").fetchone() is None


def last_error(actor):
    return db.execute("SELECT last_error FROM auth_store.provider_connections WHERE actor_id = %s",
                      [actor]).fetchone()["last_error"]


# --- the workers ---------------------------------------------------------------------------------------------------

class Run:
    """A worker. Its output goes to a file, so that it can be read while the worker runs."""

    def __init__(self, *options, user="worker1"):
        self.file, self.once = tempfile.TemporaryFile("w+"), "--once" in options
        command = [WORKER] if WORKER else [sys.executable, REPO / "examples/refresher/refresher.py", providers_file,
                                           "--lease", str(LEASE), "--timeout", str(TIMEOUT), *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.file, stderr=subprocess.STDOUT,
            env=os.environ | {"PGUSER": user, "TEST_SECRET": provider.client["client_secret"], "no_proxy": "127.0.0.1",
                              "WORKER_PROVIDERS": providers_file, "WORKER_LEASE": str(LEASE), "WORKER_POLL": "1",
                              "WORKER_TIMEOUT": str(TIMEOUT), "WORKER_LISTEN": ""})
        processes.append(self.process)

    def text(self):
        self.file.seek(0)
        return re.sub("^(started|stopped)\n", "", self.file.read(), flags=re.M)

    def end(self):
        if WORKER and self.once and self.process.poll() is None:    # it would go on, so it is ended when nothing is due
            until(is_idle, "nothing to be due")
            self.process.terminate()
        self.status = self.process.wait(60)
        texts.append(self.text())
        return self

    def lines(self, pattern, actor=None):
        """The lines about this actor's connection, or any, that end so."""
        return re.findall(f"^.*{ids[actor] if actor else ''}: (?:{pattern})$", self.text(), re.M)


def once(**how):
    return Run("--once", **how).end()


# --- the tests -----------------------------------------------------------------------------------------------------

def test_side_by_side():
    provider.control(lifetime=1)
    users = [f"user {n}" for n in range(MANY)]
    first = {user: provider.log_in(user) for user in users}
    for user in users:
        store(user, first[user], first[user]["expires_in"])
    until(lambda: len(due()) == MANY, "all to be due")
    provider.control(lifetime=3600)
    for turn in ("first", "second"):
        held = {user: get(user) for user in users}
        before = len(provider.refreshes())
        workers = [Run("--once", user=f"worker{n % 2 + 1}") for n in range(3)]
        for worker in workers:
            worker.end()
        ok([worker.status for worker in workers] == [0, 0, 0], f"{turn} turn: three workers end",
           [worker.text() for worker in workers])
        came = provider.refreshes()[before:]
        ok(len(came) == MANY, f"{turn} turn: as many refreshes as connections", len(came))
        ok({refresh["status"] for refresh in came} == {200}, f"{turn} turn: all granted", came)
        ok({refresh["digest"] for refresh in came} == {digest(row["refresh_token"]) for row in held.values()},
           f"{turn} turn: each with the refresh token that was stored")
        ok(sum(len(worker.lines("refreshed")) for worker in workers) == MANY, f"{turn} turn: the workers say so")
        rows = {user: get(user) for user in users}
        ok(all(row["status"] == "valid" for row in rows.values()), f"{turn} turn: all are valid",
           {r["status"] for r in rows.values()})
        ok(all(provider.is_active(row["access_token"]) for row in rows.values()),
           f"{turn} turn: the provider knows the new access tokens")
        ok(not any(provider.is_active(row["access_token"]) for row in held.values()),
           f"{turn} turn: and no longer the old ones")
        ok(due() == set(), f"{turn} turn: nothing is due", due())
        if turn == "first":
            make_due(*users)
    ok(sum(len(worker.lines("refreshed")) > 0 for worker in workers) > 1, "the work was shared")


def test_revoked():
    provider.revoke(get("user 0")["refresh_token"])
    make_due("user 0")
    worker = once()
    ok(worker.lines("invalid_grant, not tried again") != [], "a refresh token that the provider revoked", worker.text())
    ok((get("user 0")["status"], last_error("user 0")) == ("error", "invalid_grant"), "ends as an error",
       get("user 0")["status"])
    before = len(provider.refreshes())
    ok(due() == set() and once().text() == "" and len(provider.refreshes()) == before, "and is not tried again")
    provider.control(answer=[200, '{"error": "bad_refresh_token"}'])
    make_due("user 1")
    worker = once()
    provider.control(answer=None)
    ok(worker.lines("invalid_grant, not tried again") != [] and due() == set(),
       "nor is one of which it says so in words of its own", worker.text())
    store("user 1", provider.log_in("user 1"), 3600)
    store("user 0", provider.log_in("user 0"), -1)
    ok(once().lines("refreshed") != [] and get("user 0")["status"] == "valid", "until the user connects anew")


def test_trouble():
    """Leaves the connections of TROUBLED backing off."""
    echo = json.dumps({"error": "{refresh_token}", "error_description": "{refresh_token}"})
    answers = (([503, "{}"], "http_503"), ([500, '{"error": "invalid_grant"}'], "http_500"), ([302, ""], "http_302"),
               ([200, "<html>{refresh_token}"], "malformed_response"), ([400, echo], "http_400"))
    for actor, (answer, reason) in zip(TROUBLED, answers):
        provider.control(answer=answer)
        make_due(actor)
        worker = once()
        ok(worker.lines(f"{reason}, again in \\d+ s", actor) != [],
           f"{answer[0]} with '{answer[1][:16]}' is backed off", worker.text())
        ok(last_error(actor) == reason, "and said so", last_error(actor))
    provider.control(answer=None)
    make_due(TROUBLED[-1])
    provider.stop()
    ok(once().lines(NO_CONNECTION + ", again in \\d+ s", TROUBLED[-1]) != [],
       "so is a provider that is not there")
    provider.start()
    store("stranger", {"access_token": "a", "refresh_token": "b", "scope": None}, -1, provider="unheard-of")
    worker = once()
    ok(worker.lines("provider_not_configured, again in \\d+ s", "stranger") != [], "so is one that is not in the file",
       worker.text())
    before, still = len(provider.refreshes()), due()
    worker = once()
    ok(still == set() and worker.text() == "" and len(provider.refreshes()) == before, "none is tried again at once",
       (still, worker.text()))


def test_later():
    until(lambda: due() >= set(TROUBLED), "the ends of the back-off", 150)
    worker = once()
    ok(len(worker.lines("refreshed")) == len(TROUBLED), "after the back-off all is fine", worker.text())
    ok({get(user)["status"] for user in TROUBLED} == {"valid"}, "and valid")


def hold(*options, **how):
    """A worker that has leased a connection and waits for the provider."""
    provider.control(hold=True)
    worker = Run(*options, **how)
    until(provider.arrived, "a refresh")
    return worker


def test_killed():
    make_due("user 6")
    held = digest(get("user 6")["refresh_token"])
    worker = hold("--once")
    worker.process.kill()
    worker.end()
    provider.control(hold=False, answer=[503, ""])
    until(lambda: not provider.arrived(), "the answer")
    provider.control(answer=None)
    once(user="worker2")
    ok("user 6" not in due() and [refresh["seen"] for refresh in provider.refreshes()
                                  if refresh["digest"] == held] == [False],
       "what a killed worker has leased nobody takes")
    until(lambda: "user 6" in due(), "the end of the lease")
    ok(once(user="worker2").lines("refreshed", "user 6") != [], "until the lease has ended")
    ok(provider.is_active(get("user 6")["access_token"]), "and the access token works")


@contextlib.contextmanager
def no_server_for(user):
    """To this role the server is gone for a while."""
    db.execute(f"ALTER ROLE {user} NOLOGIN")
    db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [user])
    yield
    db.execute(f"ALTER ROLE {user} LOGIN")


def test_server_gone():
    make_due("user 7")
    worker = hold("--once")
    with no_server_for("worker1"):
        provider.control(hold=False)
        until(lambda: "trying again" in worker.text(), "the worker to notice")
    ok(worker.end().lines("refreshed", "user 7") != [],
       "a server that is away when the provider has answered is waited for", worker.text())
    ok(get("user 7")["status"] == "valid" and provider.is_active(get("user 7")["access_token"]),
       "and the new tokens are stored")


def test_overtaken():
    make_due("user 8")
    worker = hold("--once")
    late = {"access_token": "late" + "x" * 30, "refresh_token": "late" + "y" * 30, "expires_in": 3600}
    known.update((late["access_token"], late["refresh_token"]))
    with no_server_for("worker1"):
        provider.control(hold=False, answer=[200, json.dumps(late)])
        until(lambda: "trying again" in worker.text(), "the worker to notice")
        until(lambda: not provider.arrived(), "the late answer")
        provider.control(answer=None)
        until(lambda: "user 8" in due(), "the end of the lease")
        ok(once(user="worker2").lines("refreshed", "user 8") != [], "another worker takes over after the lease")
        row = get("user 8")
    ok(worker.end().lines("refused, lease_lost", "user 8") != [], "the late tokens of the first are refused",
       worker.text())
    ok(get("user 8") == row and provider.is_active(row["access_token"]), "and change nothing")


def test_stopped():
    pair = ("user 9", "user 10")
    make_due(*pair)
    worker = hold("--idle", "1")
    worker.process.terminate()
    provider.control(hold=False)
    worker.end()
    ok(worker.status == 0 and 1 <= len(worker.lines("refreshed")) <= AT_ONCE, "SIGTERM ends a worker after what it has",
       worker.text())
    once()
    ok([get(user)["status"] for user in pair] == ["valid"] * 2, "and leaves the rest to others")


def test_nothing_told():
    refreshes = provider.refreshes()
    reused, used = 0, set()
    for refresh in refreshes:
        reused += refresh["seen"] and refresh["digest"] in used
        if refresh["status"] == 200 and refresh["seen"]:
            used.add(refresh["digest"])
    ok(len(used) > 2 * MANY and reused == 0, "the provider never saw a refresh token twice", (len(used), reused))
    known.add(provider.client["client_secret"])
    said = "\n".join(texts)
    ok(len(known) > 6 * MANY and said.count("refreshed") > 2 * MANY
       and not any(secret in said for secret in known if len(secret) > 1),
       "no worker printed a token")
    log = Path(os.environ["CLUSTER_DIR"], "log").read_text()
    ok(not any(secret in log for secret in known if len(secret) > 1), "nor is one in the server's log")


def main():
    global provider, providers_file
    directory = tempfile.mkdtemp(prefix="auth_store.")
    try:
        master_key()
        for name in ("worker1", "worker2"):
            if db.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
                db.execute(f"CREATE ROLE {name} LOGIN IN ROLE auth_store_worker")
        provider = Provider(sys.argv[1], directory)
        provider.start()
        providers_file = directory + "/providers.json"
        Path(providers_file).write_text(json.dumps({"example": {
            "token_endpoint": provider.address + "/o/token/", "client_id": provider.client["client_id"],
            "client_secret_env": "TEST_SECRET",
            "dead_token_errors": ["bad_refresh_token"]}}))
        # The last but one waits for the back-off of the one before; in the others nothing is due but what they make so.
        for test in (test_side_by_side, test_revoked, test_server_gone, test_killed, test_overtaken, test_stopped,
                     test_trouble, test_later,
                     test_nothing_told):
            test()
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(directory)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
