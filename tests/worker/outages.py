"""When the server, its notifications or a receiver are away."""

import os, socket, statistics, subprocess, sys, tempfile, time
from pathlib import Path

import certificates, harness
from deaf import Deaf
from harness import Worker, attempts, call, emit, hook, hooks, ok, one, receiver, rows, until

# Seconds after the first, second … attempt, each moved by up to a fifth.
SCHEDULE = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)


def notified():
    """Nobody looks for an hour, so it is told."""
    name, worker = hook("/ok/notified"), Worker(WORKER_POLL="3600")
    until(lambda: worker.count_claims() > 0, "the first look")
    emit(name)
    ok(until(lambda: receiver.ids("/ok/notified"), "a delivery", 10), "a notification wakes the worker")
    worker.end()


def unheard():
    """Behind a pooler in transaction mode LISTEN is accepted and useless."""
    name = hook("/ok/unheard")
    deaf = Deaf(f"{os.environ['PGHOST']}/.s.PGSQL.{os.environ['PGPORT']}")
    worker = Worker(PGHOST="127.0.0.1", PGPORT=str(deaf.port), WORKER_POLL="2")
    until(lambda: worker.count_claims() > 0, "the first look")
    emit(name, 3)
    ok(until(lambda: len(receiver.ids("/ok/unheard")) == 3, "deliveries", 20) and deaf.kept_back > 0,
       "where no notification comes, the worker looks for itself", deaf.kept_back)
    worker.end()


def sessions_ended():
    name, worker = hook("/ok/ended"), Worker()
    emit(name)
    until(lambda: len(receiver.ids("/ok/ended")) == 1, "a delivery before")
    one("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'auth_store_worker'")
    emit(name, 3)
    until(lambda: len(receiver.ids("/ok/ended")) == 4, "deliveries after")
    ok(len(set(receiver.ids("/ok/ended"))) == 4, "a worker whose sessions are ended goes on")
    worker.end()


def server_restarted():
    """While deliveries are on their way, and others wait."""
    name, worker = hook("/held/restart"), Worker(WORKER_TIMEOUT="20", WORKER_LEASE="30", WORKER_PER_HOST="5")
    receiver.held.clear()
    emit(name, 15)
    until(lambda: len(receiver.ids("/held/restart")) >= 5, "some are on their way")
    harness.db.close()
    subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)
    receiver.held.set()
    harness.connect()
    log = attempts("/held/restart", 15)
    ok({row["outcome"] for row in log} == {"delivered"} and len(set(receiver.ids("/held/restart"))) == 15,
       "after a restart of the server all is delivered and completed")
    ok(len(receiver.ids("/held/restart")) == 15, "nothing twice", len(receiver.ids("/held/restart")))
    ok("trying again" in worker.text() and worker.end() == 0, "and the worker has said what it waited for")


def server_elsewhere():
    """Over TLS with a password, as on another machine: the password is in a file, the certificate of our authority."""
    address, other, data = "127.93.4.5", "127.93.4.6", Path(os.environ["CLUSTER_DIR"]) / "data"
    with tempfile.TemporaryDirectory() as folder:
        certificates.write(folder, "db.test", address)
        for name in ("own", "key"):
            (data / name).write_bytes((Path(folder) / name).read_bytes())
            os.chown(data / name, data.stat().st_uid, data.stat().st_gid)
            (data / name).chmod(0o600)
        rules = (data / "pg_hba.conf").read_text()
        rules = "hostssl all sender1 all scram-sha-256\nhost all sender1 all reject\n" + rules
        (data / "pg_hba.conf").write_text(rules)
        harness.db.execute("ALTER ROLE sender1 PASSWORD 'a:b\\c'")
        harness.db.close()
        subprocess.run([*sys.argv[2:], f"listen_addresses={address},{other}", "ssl=on", "ssl_cert_file=own",
                        "ssl_key_file=key"], check=True, stdout=subprocess.DEVNULL)
        harness.connect()
        passwords = Path(folder) / "pgpass"
        passwords.write_text(f"# of the test\n{address}:1:*:sender1:x\n*:*:*:sender1:a\\:b\\\\c\n")
        given = {"PGHOST": address, "PGPASSFILE": str(passwords), "WORKER_CA_FILE": str(Path(folder) / "authority")}
        worker = Worker(PGSSLMODE="require", **given)
        emit(hook("/ok/elsewhere"), 2)
        ok(until(lambda: len(receiver.ids("/ok/elsewhere")) == 2, "deliveries", 20),
           "a server over TLS, with a password", worker.text())
        worker.end()
        for name, wrong in (("a server of an unknown authority", {"WORKER_CA_FILE": ""}),
                            ("a server of another name", {"PGHOST": other}),
                            ("a wrong password", {"PGPASSWORD": "x"}), ("no TLS", {"PGSSLMODE": "disable"})):
            worker = Worker(**{"PGSSLMODE": "require"} | given | wrong)
            until(lambda: "trying again" in worker.text(), f"{name} is noticed", 20)
            ok(worker.count_claims() == 0, f"{name} is none", worker.text())
            worker.end()


def receiver_down():
    """For the whole schedule. Time is moved in the database; nobody waits for a day."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    name = hook("/ok/down", f"http://127.0.0.1:{port}/ok/down")
    id, waits = hooks["/ok/down"]["webhook_id"], []
    worker = Worker()
    emit(name)
    for number in range(1, 10):
        attempts("/ok/down", number)
        until(lambda: rows("SELECT FROM auth_store.webhook_retries WHERE webhook_id = %s AND attempt = %s", id, number),
              f"attempt {number} has failed")
        row = rows("SELECT extract(epoch FROM due_at - failed_at)::float AS wait FROM auth_store.webhook_retries"
                   " WHERE webhook_id = %s", id)[0]
        waits.append(row["wait"])
        harness.db.execute("UPDATE auth_store.webhook_states SET open_until = now() WHERE webhook_id = %s"
                           " AND open_until IS NOT NULL", [id])
        harness.db.execute("UPDATE auth_store.webhook_retries SET due_at = now() WHERE webhook_id = %s", [id])
    log = attempts("/ok/down", 10)
    ok([row["attempt"] for row in log] == list(range(1, 11)) and len({row["delivery_id"] for row in log}) == 1,
       "a receiver that is down is tried ten times", [row["attempt"] for row in log])
    ok({row["error"] for row in log} == {"no connection: connection refused"}, "each time it refuses the connection",
       {row["error"] for row in log})
    ok(all(0.79 * due < wait < 1.21 * due for wait, due in zip(waits, SCHEDULE, strict=True))
       and statistics.pstdev(wait / due for wait, due in zip(waits, SCHEDULE)) > 0.005, "by the schedule, with jitter",
       [round(wait) for wait in waits])
    ok([row["outcome"] for row in log] == ["retrying"] * 9 + ["dead"], "and then it is a dead letter",
       [row["outcome"] for row in log])
    dead = rows("SELECT attempt, due_at FROM auth_store.webhook_retries WHERE webhook_id = %s", id)
    ok([(row["attempt"], row["due_at"]) for row in dead] == [(10, None)], "which nobody tries again by himself", dead)

    call("webhook_update", webhook_id=id, changes=f'{{"target_url": "{receiver.url("/ok/down")}"}}')
    time.sleep(2)
    ok(not receiver.ids("/ok/down"), "not where the receiver is back either")
    ok(call("webhooks_redrive", filter=f'{{"webhook_id": "{id}"}}')[0]["webhooks_redrive"] == 1, "redrive takes it")
    harness.db.execute("UPDATE auth_store.webhook_states SET open_until = now() WHERE webhook_id = %s", [id])
    until(lambda: receiver.ids("/ok/down"), "the redriven delivery")
    last = attempts("/ok/down", 11)[-1]
    ok(last["outcome"] == "delivered" and last["event_id"] == log[0]["event_id"]
       and last["delivery_id"] != log[0]["delivery_id"]
       and receiver.ids("/ok/down") == [str(last["delivery_id"])], "and it arrives, with an id of its own", last)
    worker.end()
