"""What the tests of the worker share: the server that PGHOST … and CLUSTER_DIR name, workers, webhooks, events."""

import os, re, signal, socket, subprocess, sys, tempfile, time
import urllib.error, urllib.request
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from receiver import Receiver

WORKER = sys.argv[1]
TIMEOUT, LEASE = 2, 7
processes, hooks = [], {}
failures = 0


def ok(good, name, detail=""):
    global failures
    failures += not good
    print("ok -" if good else "not ok -", name, *[f"({detail})"] * (not good), flush=True)


def until(true, name, at_most=60):
    end = time.monotonic() + at_most
    while not (found := true()):
        if time.monotonic() > end:
            ok(False, f"waited {at_most} s for: {name}")
            return found
        time.sleep(0.05)
    return found


db = None


def connect():
    global db
    db = psycopg.connect(autocommit=True, row_factory=dict_row)


def rows(sql, *values):
    return db.execute(sql, values or None).fetchall()


def one(sql, *values):
    return next(iter(rows(sql, *values)[0].values()))


def call(function, **arguments):
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    return db.execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchall()


def make_roles():
    db.execute("LOAD 'auth_store'")      # or the session does not know its settings
    db.execute("ALTER SYSTEM SET auth_store.webhook_allow_http = on")
    one("SELECT pg_reload_conf()")
    until(lambda: one("SHOW auth_store.webhook_allow_http") == "on", "the setting")
    for name in ("sender1", "sender2"):
        db.execute(f"CREATE ROLE {name} LOGIN; GRANT auth_store_worker TO {name}")


class Worker:
    """Its output goes to a file, so that it can be read while the worker runs."""

    def __init__(self, user="sender1", stdout=None, **environment):
        self.file = tempfile.TemporaryFile("w+")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        settings = {"PGUSER": user, "WORKER_TIMEOUT": str(TIMEOUT), "WORKER_LEASE": str(LEASE), "WORKER_POLL": "1",
                    "WORKER_ALLOW": "127.0.0.1", "WORKER_LISTEN": self.address}
        self.process = subprocess.Popen([WORKER], stdin=subprocess.DEVNULL, stdout=stdout or self.file,
                                        stderr=self.file, env=os.environ | settings | environment)
        processes.append(self.process)
        until(lambda: stdout or "started" in self.text(), "a worker starts")

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

    def count_claims(self):
        return int(re.search(r"_claims_total (\d+)", self.get("/metrics")[1])[1])

    def memory(self):
        """The most that it ever had, in kB."""
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1])


receiver = Receiver()


def hook(path, url=None, **more):
    """A webhook for a type that is called like the path."""
    name = "test." + re.sub("[^a-z0-9]", "_", path.strip("/"))
    call("webhook_event_type_register", name=name, category="test", description="A test.")
    hooks[path] = call("webhook_create", target_url=url or receiver.url(path), event_types=[name], **more)[0]
    return name


def emit(name, count=1):
    db.execute("SELECT auth_store.webhook_emit(%s, jsonb_build_object('n', n)) FROM generate_series(1, %s) n",
               [name, count])


def attempts(path, min_count=1, at_most=60):
    """The log of a webhook's attempts, once there are so many."""
    def found():
        log = rows("SELECT * FROM auth_store.webhook_attempts WHERE webhook_id = %s ORDER BY attempted_at",
                   hooks[path]["webhook_id"])
        return log if len(log) >= min_count else None
    return until(found, f"{min_count} attempts of {path}", at_most) or []


def run(tests):
    """Ends every process that was started."""
    try:
        connect()
        for test in tests:
            test()
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
    sys.exit(failures > 0)
