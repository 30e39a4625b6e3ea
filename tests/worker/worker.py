"""The worker over real HTTP, against the server that PGHOST … and CLUSTER_DIR name.

    worker.py WORKER            the program

Prints "ok" or "not ok" for each test. Ends every process that it starts.
"""

import base64, hashlib, hmac, json, os, re, signal, socket, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.request
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

sys.path.insert(0, str(Path(__file__).parent))
from receiver import Receiver  # noqa: E402

WORKER = sys.argv[1]
TIMEOUT, LEASE = 2, 7
processes, failures = [], 0


def ok(good, name, detail=""):
    global failures
    failures += not good
    print("ok -" if good else "not ok -", name, *[f"({detail})"] * (not good), flush=True)


def lowered(headers):
    """By their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


def until(true, name, at_most=60):
    end = time.monotonic() + at_most
    while not (found := true()):
        if time.monotonic() > end:
            ok(False, f"waited {at_most} s for: {name}")
            return found
        time.sleep(0.05)
    return found


db = psycopg.connect(autocommit=True, row_factory=dict_row)


def call(function, **arguments):
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    return db.execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchall()


def one(sql, *values):
    return next(iter(db.execute(sql, values).fetchone().values()))


class Worker:
    """Its output goes to a file, so that it can be read while the worker runs."""

    def __init__(self, user="sender1", **environment):
        self.file = tempfile.TemporaryFile("w+")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        settings = {"PGUSER": user, "WORKER_TIMEOUT": str(TIMEOUT), "WORKER_LEASE": str(LEASE), "WORKER_POLL": "1",
                    "WORKER_ALLOW": "127.0.0.1", "WORKER_LISTEN": self.address}
        self.process = subprocess.Popen([WORKER], stdin=subprocess.DEVNULL, stdout=self.file, stderr=subprocess.STDOUT,
                                        env=os.environ | settings | environment)
        processes.append(self.process)
        until(lambda: "started" in self.text(), "a worker starts")

    def text(self):
        self.file.seek(0)
        return self.file.read()

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(60)

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def count(self, status):
        return int(re.search(f'status="{status}"}} (\\d+)', self.get("/metrics")[1])[1])

    def memory(self):
        """The most that it ever had, in kB."""
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1])


receiver = Receiver()
hooks = {}


def hook(path, host="127.0.0.1", **more):
    """A webhook for the type that is called like the path."""
    name = "test." + re.sub("[^a-z]", "_", path.strip("/")) + ("" if host == "127.0.0.1" else "_named")
    call("webhook_event_type_register", name=name, category="test", description="A test.")
    made = call("webhook_create", target_url=receiver.url(path, host), event_types=[name], **more)[0]
    hooks[path] = made
    return name


def emit(name, count=1):
    db.execute("SELECT auth_store.webhook_emit(%s, jsonb_build_object('n', n)) FROM generate_series(1, %s) n",
               [name, count])


def attempts(path, min_count=1):
    """The log of a webhook's attempts, once there are so many."""
    def found():
        rows = db.execute("SELECT * FROM auth_store.webhook_attempts WHERE webhook_id = %s ORDER BY attempted_at",
                          [hooks[path]["webhook_id"]]).fetchall()
        return rows if len(rows) >= min_count else None
    return until(found, f"{min_count} attempts of {path}") or []


def verified(secret, headers, body):
    """By the words of the specification: HMAC-SHA256 of id, time and body."""
    lower = lowered(headers)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{lower['webhook-id']}.{lower['webhook-timestamp']}.".encode() + body
    mine = "v1," + base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
    return mine in lower["webhook-signature"].split(" ") and lower["webhook-timestamp"].isdigit()


# --- what is sent, and what is not ---------------------------------------------------------------------------------

def sending():
    ordinary = hook("/ok")
    worker = Worker()
    with db.transaction(force_rollback=True):
        emit(ordinary, 5)
    emit(ordinary, 40)
    until(lambda: len(receiver.ids("/ok")) >= 40, "40 deliveries")
    rows = attempts("/ok", 40)
    ids = receiver.ids("/ok")
    ok(len(ids) == len(set(ids)) == 40, "each event arrives once, none of a transaction that was undone", len(ids))
    ok({str(row["delivery_id"]) for row in rows} == set(ids), "the log has the ids that were sent")
    ok(all(verified(hooks["/ok"]["secret"], headers, body) for _, headers, body, _ in receiver.came["/ok"]),
       "every signature is right")
    bodies = [json.loads(body) for *_, body, _ in receiver.came["/ok"]]
    ok(sorted(body["data"]["n"] for body in bodies) == list(range(1, 41)) and {body["type"] for body in bodies}
       == {ordinary}, "the bodies are those of the events")
    ok(one("SELECT count(*) FROM auth_store.webhook_queue") == 0, "nothing is left in the queue")
    ok({(row["http_status"], row["response_body"], row["outcome"]) for row in rows} == {(200, "thanks", "delivered")},
       "status and body of the answers are logged")
    ok(worker.count("delivered") == 40, "the metrics count them")
    ok(worker.get("/healthz")[0] == 200, "and the worker is well")

    for path in ("/fail", "/gone", "/later", "/redirect", "/huge", "/endless", "/dripping", "/silent", "/nonsense"):
        emit(hook(path))
    rows = {path: attempts(path)[0] for path in hooks if path != "/ok"}
    said = {path: (row["http_status"], row["outcome"]) for path, row in rows.items()}
    ok(said["/fail"] == (500, "retrying") and rows["/fail"]["response_body"] == "no\ufffdt now",
       "a status 500 is tried again, and a NUL in its body is none any more", said["/fail"])
    ok(said["/gone"] == (410, "gone"), "410 is gone", said["/gone"])
    ok(said["/later"] == (429, "retrying"), "429 is tried again", said["/later"])
    ok(said["/redirect"] == (302, "retrying") and not receiver.ids("/elsewhere"), "a redirect is not followed")
    for path in ("/huge", "/endless"):
        ok(said[path] == (200, "delivered") and len(rows[path]["response_body"]) == 4096,
           f"of the answer {path} 4,096 bytes are read", said[path])
    for path in ("/dripping", "/silent"):
        ok(rows[path]["error"] == "timed out" and TIMEOUT * 1000 <= rows[path]["duration_ms"] < 1000 * LEASE,
           f"{path} ends at the time limit", rows[path]["duration_ms"])
    ok(rows["/nonsense"]["error"] is not None and rows["/nonsense"]["http_status"] is None,
       "what is no HTTP is a failure", rows["/nonsense"]["error"])
    ok(worker.memory() < 64_000, "the worker stays small", f"{worker.memory()} kB")
    ok(worker.end() == 0 and "stopped" in worker.text(), "SIGTERM ends it")


def addresses():
    worker = Worker(WORKER_ALLOW="")
    for path, host in (("/private", "127.0.0.1"), ("/named", "localhost")):
        emit(hook(path, host))
        ok(attempts(path)[0]["error"] == "the host's address is not allowed" and not receiver.ids(path),
           f"nothing is sent to {host} where it is not allowed")
    emit(hook("/unknown", "no-such-host.invalid"))
    ok(attempts("/unknown")[0]["error"] == "the host is not found", "a host that there is not is a failure")
    worker.end()


# --- crashes and company -------------------------------------------------------------------------------------------

def crashes():
    name = hook("/brief/1000", max_per_hour=None)
    emit(name, 1000)
    first = Worker()
    until(lambda: len(receiver.ids("/brief/1000")) > 200, "the first worker sends")
    first.end(signal.SIGKILL)
    before = len(receiver.ids("/brief/1000"))
    ok(before < 1000, "a worker is killed in the middle", before)
    second, third = Worker(), Worker(user="sender2")
    until(lambda: len(set(receiver.ids("/brief/1000"))) == 1000
          and one("SELECT count(*) FROM auth_store.webhook_queue") == 0, "all have arrived", 90)
    ids = receiver.ids("/brief/1000")
    numbers = {id: json.loads(body)["data"]["n"] for id, _, body, _ in receiver.came["/brief/1000"]}
    ok(len(set(ids)) == 1000 and set(numbers.values()) == set(range(1, 1001)), "each of 1000 arrives")
    ok(len(ids) - 1000 <= 120, "only what was on its way arrives twice, with the same id", len(ids) - 1000)

    name = hook("/brief/two")
    receiver.twice_at_once.clear()  # those that were given up while the receiver held them were sent again
    emit(name, 600)
    until(lambda: len(set(receiver.ids("/brief/two"))) == 600, "600 have arrived")
    attempts("/brief/two", 600)
    ok(len(receiver.ids("/brief/two")) == 600 and not receiver.twice_at_once,
       "two workers never send one delivery twice")
    ok(min(worker.count("delivered") for worker in (second, third)) > 0, "both do something")

    name = hook("/held/1")
    emit(name, 5)
    until(lambda: len(receiver.ids("/held/1")) == 5, "five are on their way")
    threading.Timer(1, receiver.held.set).start()
    ok(second.end() == third.end() == 0, "workers that are asked to end do so")
    ok(len(attempts("/held/1", 5)) == 5 and len(receiver.ids("/held/1")) == 5,
       "when what they have begun is completed")


def slow_receivers():
    """One receiver that takes long, with much due for it, does not hold up the others."""
    # Of two hosts: what one host gets at once has a cap of its own.
    slow, quick = hook("/slow/1", "localhost"), hook("/brief/quick")
    worker = Worker()
    emit(slow, 150)
    begun = time.time()
    emit(quick, 200)
    until(lambda: len(receiver.ids("/brief/quick")) == 200, "the quick ones arrive")
    times = sorted(at - begun for *_, at in receiver.came["/brief/quick"])
    ok(len(receiver.ids("/slow/1")) < 150, "while most of the slow ones still wait", len(receiver.ids("/slow/1")))
    print(f"# of 200 the 198th came after {times[-2]:.2f} s")
    worker.end()


def server_away():
    name = hook("/ok/restart")
    worker = Worker()
    emit(name)
    until(lambda: len(receiver.ids("/ok/restart")) == 1, "a delivery before")
    one("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'auth_store_worker'")
    emit(name, 3)
    until(lambda: len(receiver.ids("/ok/restart")) == 4, "deliveries after")
    ok(len(set(receiver.ids("/ok/restart"))) == 4, "a worker whose connections are ended goes on")
    worker.end()


# --- connections of the vault --------------------------------------------------------------------------------------

def connections():
    kinds = ("rotating", "form", "dead", "trouble", "unknown")
    providers = {kind: {"token_endpoint": receiver.url("/token/" + kind), "client_id": "us",
                        "client_secret_env": "TEST_SECRET", "dead_token_errors": ["bad_refresh_token"]}
                 for kind in kinds if kind != "unknown"}
    for kind in kinds:
        call("connection_store", provider=kind, actor_id="alice", access_token="old", refresh_token="first",
             access_token_expires_at=one("SELECT now() - interval '1 s' AS at"))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(providers, file)
        file.flush()
        worker = Worker(WORKER_PROVIDERS=file.name, TEST_SECRET="s e:cret")
        until(lambda: not call("connections_due"), "nothing is due")
        worker.end()
    rows = {row["provider"]: row for row in db.execute("SELECT * FROM auth_store.provider_connections").fetchall()}
    found = {kind: call("connection_get", provider=kind, actor_id="alice")[0] for kind in kinds}
    ok((found["rotating"]["access_token"], found["rotating"]["refresh_token"]) == ("access 1", "refresh 1"),
       "a connection is refreshed, and its refresh token is the new one")
    life = found["rotating"]["access_token_expires_at"].timestamp() - time.time()
    ok(3500 < life < 3600, "with the end that the provider says", life)
    ok((found["form"]["access_token"], found["form"]["refresh_token"]) == ("of a form", "first")
       and found["form"]["access_token_expires_at"] is None,
       "an answer that is a form is read, a life of 0 is no end, and the refresh token stays")
    ok(rows["dead"]["last_error"] == "invalid_grant", "a provider's own word is invalid_grant",
       rows["dead"]["last_error"])
    ok(rows["trouble"]["last_error"] == "http_503", "a server in trouble says nothing of the grant")
    ok(rows["unknown"]["last_error"] == "provider_not_configured", "a provider that is not in the file backs off")
    basic = "Basic " + base64.b64encode(b"us:s+e%3Acret").decode()
    sent = receiver.came["/token/rotating"]
    ok(len(sent) == 1 and lowered(sent[0][1])["authorization"] == basic, "the secret is sent form-encoded")
    text = worker.text()
    ok(not any(word in text for word in ("first", "access 1", "refresh 1", "cret")),
       "and nothing secret is printed", text)


def main():
    # A new key in the cluster's file, and the roles of workers.
    path = one("SHOW auth_store.master_key_file")
    with open(path, "a") as file:
        file.write(call("vault_key_generate")[0]["vault_key_generate"].rstrip("\n") + "\n")
    one("SELECT pg_reload_conf()")
    db.execute("ALTER SYSTEM SET auth_store.webhook_allow_http = on")
    one("SELECT pg_reload_conf()")
    until(lambda: one("SHOW auth_store.webhook_allow_http") == "on", "the setting")
    for name in ("sender1", "sender2"):
        db.execute(f"CREATE ROLE {name} LOGIN; GRANT auth_store_worker TO {name}")
    for test in (sending, addresses, crashes, slow_receivers, server_away, connections):
        test()


try:
    main()
finally:
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()
sys.exit(failures > 0)
