"""What is sent, what is not, and where to."""

import base64, hashlib, hmac, json, os, subprocess, sys
from pathlib import Path

import harness
from harness import LEASE, TIMEOUT, WORKER, Worker, attempts, emit, hook, hooks, ok, one, receiver, until
from receiver import lowered


def verified(secret, headers, body):
    """By the words of the specification: HMAC-SHA256 of id, time and body."""
    lower = lowered(headers)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{lower['webhook-id']}.{lower['webhook-timestamp']}.".encode() + body
    mine = "v1," + base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
    return mine in lower["webhook-signature"].split(" ") and lower["webhook-timestamp"].isdigit()


def sending():
    ordinary = hook("/ok")
    worker = Worker()
    with harness.db.transaction(force_rollback=True):
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

    for path in ("/fail", "/gone", "/later", "/redirect", "/huge", "/endless", "/dripping", "/silent", "/nonsense",
                 "/unknown"):
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
    ok(rows["/unknown"]["error"] == "the answer has the unknown status 999" and rows["/unknown"]["http_status"] is None,
       "and so is a status that HTTP does not know", rows["/unknown"]["error"])
    ok(worker.memory() < 64_000, "the worker stays small", f"{worker.memory()} kB")
    ok(worker.end() == 0 and "stopped" in worker.text(), "SIGTERM ends it")


def addresses():
    worker = Worker(WORKER_ALLOW="")
    for host in ("127.0.0.1", "localhost"):
        path = "/private/" + host.replace(".", "_")
        emit(hook(path, receiver.url(path, host)))
        ok(attempts(path)[0]["error"] == "the host's address is not allowed" and not receiver.ids(path),
           f"nothing is sent to {host} where it is not allowed")
    worker.end()


def names():
    """Names that lead elsewhere at each look-up: in a network of their own, with a resolver of their own."""
    alone = ["unshare", "--net", "--mount"] + ["--map-root-user"] * (os.geteuid() != 0)
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        return print("not run - names: a network of one's own needs unshare and the right to it")
    program = Path(__file__).parent / "names.py"
    # Its lines are lines of this test.
    status = subprocess.run([*alone, sys.executable, program, WORKER]).returncode
    ok(status == 0, "the tests of names come to their end", status)
