"""What cleanup does to those who refresh meanwhile: a paced load, its latencies before and during."""

import threading
import time

from . import rates, settings, wire
from .server import say

CONNECTIONS = 8
BEFORE = settings.number("BENCH_CLEANUP_SECONDS", 10)
EXPIRED = settings.number("BENCH_EXPIRED", settings.TOKENS // 10)


def measure(server, size):
    say(f"cleanup of {EXPIRED:,} expired among {size.tokens:,} live access tokens while refreshes run")
    server.file(rates.DATABASE, "expired.sql", expired=EXPIRED)
    server.psql("postgres", "CHECKPOINT")
    full = wire.measure(server, rates.DATABASE, "store", "refresh", size, clients=CONNECTIONS, seconds=2)["per_second"]
    pace = round(full * 0.4)
    samples = settings.TARGET / "bench/samples"
    samples.parent.mkdir(parents=True, exist_ok=True)
    window = {}

    def clean():
        time.sleep(BEFORE)
        left = expired(server)
        began = time.time()
        server.psql(rates.DATABASE, "CALL auth_store.cleanup(max_batches => 100000)")
        window.update(began=began, ended=time.time(), removed=left - expired(server))

    worker = threading.Thread(target=clean)
    worker.start()
    # Long enough for the cleanup to end within; what comes after it is not looked at.
    wire.measure(server, rates.DATABASE, "store", "refresh", size, clients=CONNECTIONS, seconds=BEFORE * 3, rate=pace,
                 samples=samples)
    worker.join()
    if "removed" not in window:
        raise AssertionError("the cleanup failed")
    calls = [tuple(int(word) for word in line.split()) for line in samples.read_text().splitlines()]
    last = calls[-1][0] / 1e6
    if window["ended"] > last:
        say("the cleanup outlasted the load; its last part was measured without")
    began, ended = window["began"] * 1e6, window["ended"] * 1e6
    return {"pace": pace, "full": full, "removed": window["removed"], "seconds": window["ended"] - window["began"],
            "before": percentiles([latency for end, latency in calls if end < began]),
            "during": percentiles([latency for end, latency in calls if began <= end <= ended])}


def expired(server):
    return int(server.psql(rates.DATABASE, "SELECT count(*) FROM auth_store.access_tokens WHERE expires_at < now()"))


def percentiles(latencies):
    latencies = sorted(latencies)
    if not latencies:
        raise AssertionError("no call fell into this part")
    return {"calls": len(latencies),
            **{name: latencies[min(len(latencies) - 1, int(len(latencies) * share))] / 1000
               for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))}}
