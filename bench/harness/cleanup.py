"""What cleanup does to those who refresh meanwhile: a paced load, its latencies before and during."""

import threading
import time

from . import rates, settings, wire
from .server import Failed, say

CONNECTIONS = 8
SHARE = 0.4                     # of what the same client reaches unpaced
# What a picture of the latencies shows: of twenty, a hundred and a thousand calls those that took longest.
SHARES = [0.0, *(n / 20 for n in range(1, 19)), *(n / 100 for n in range(91, 100)),
          *(n / 1000 for n in range(991, 1000)), 0.9995, 1.0]


def measure(server, size):
    server.psql("postgres", "CHECKPOINT")
    # autovacuum, which is off, would have told the index of the trail what the parts before have written: without it
    # the counting of the trail, which is a part of a cleanup, reads all of that for each of its steps.
    server.psql(rates.DATABASE, "VACUUM auth_store.audit_log")
    # The trail is counted up to now, as where a cleanup runs every few minutes.
    server.psql(rates.DATABASE, "CALL auth_store.cleanup(max_batches => 100000)")
    full = wire.measure(server, rates.DATABASE, "store", "refresh", size, clients=CONNECTIONS, seconds=2)["per_second"]
    pace = round(full * SHARE)
    rounds = [once(server, size, pace) for _ in range(settings.CLEANUP_ROUNDS)]
    return {"pace": pace, "full": full, "expired": settings.EXPIRED,
            "removed": [one["removed"] for one in rounds], "seconds": [one["seconds"] for one in rounds],
            **{part: latencies([latency for one in rounds for latency in one[part]])
               for part in ("before", "during")}}


def once(server, size, pace):
    say(f"cleanup of {settings.EXPIRED:,} expired among {size.tokens:,} live access tokens while {pace:,} refreshes a "
        "second run")
    server.file(rates.DATABASE, "expired.sql", expired=settings.EXPIRED)
    server.psql("postgres", "CHECKPOINT")
    samples = settings.TARGET / "bench/samples"
    samples.parent.mkdir(parents=True, exist_ok=True)
    window, before, left = {}, settings.CLEANUP_SECONDS, expired(server)

    def clean():
        time.sleep(before)
        began = time.time()
        server.psql(rates.DATABASE, "CALL auth_store.cleanup(max_batches => 100000)")
        window.update(began=began, ended=time.time(), removed=left - expired(server))

    worker = threading.Thread(target=clean)
    worker.start()
    # Long enough for the cleanup to end within; what comes after it is not looked at.
    wire.measure(server, rates.DATABASE, "store", "refresh", size, clients=CONNECTIONS, seconds=before * 3, rate=pace,
                 samples=samples)
    worker.join()
    if window.get("removed") != settings.EXPIRED:
        raise Failed(f"the cleanup removed {window.get('removed')} of {settings.EXPIRED} expired access tokens")
    calls = [tuple(int(word) for word in line.split()) for line in samples.read_text().splitlines()]
    if window["ended"] > calls[-1][0] / 1e6:
        say("the cleanup outlasted the load; its last part was measured without")
    began, ended = window["began"] * 1e6, window["ended"] * 1e6
    return {"removed": window["removed"], "seconds": window["ended"] - window["began"],
            "before": [latency for end, latency in calls if end < began],
            "during": [latency for end, latency in calls if began <= end <= ended]}


def expired(server):
    return int(server.psql(rates.DATABASE, "SELECT count(*) FROM auth_store.access_tokens WHERE expires_at < now()"))


def latencies(found):
    found = sorted(found)
    if not found:
        raise Failed("no call fell into this part")

    def at(share):
        return found[min(len(found) - 1, int(len(found) * share))] / 1000

    return {"calls": len(found), "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0),
            "curve": [[share, at(share)] for share in SHARES]}
