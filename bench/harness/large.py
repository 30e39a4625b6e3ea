"""The hot calls with ten thousand tokens, a million, and as many as are wanted: buffers and the backend's processor
time of a call, and what a token takes of the disk."""

import time

from . import pgbench, probe, settings, sizes, store
from .server import Failed, say

OPERATIONS = ["introspect", "session_validate", "api_key_verify", "refresh", "redeem", "issue", "audit"]
ROUNDS = 3
# An index is sorted on disk before it is written.
ROOM = 1.15


def database_of(tokens):
    return f"large_{tokens}"


def measure(server):
    """Every size is loaded first, because measuring has other settings."""
    found = []
    for tokens in settings.LARGE_SIZES:
        found.append(load(server, tokens, found[-1]["bytes_per_token"] if found else 0))
    server.measure()
    server.set(**{"pg_stat_statements.track": "top", "full_page_writes": "off"})
    for one in found:
        size = store.Size(one["tokens"])
        one["calls"] = [call(server, database_of(size.tokens), operation, size) for operation in OPERATIONS]
    return found


def load(server, tokens, bytes_per_token):
    free = server.free_bytes()
    fit = int((free - settings.LARGE_FREE_GB * 1e9) / ROOM / max(bytes_per_token, 1))
    if bytes_per_token and tokens > fit:
        raise Failed(f"{tokens:,} tokens at {bytes_per_token:.0f} bytes do not fit into {free / 1e9:.1f} GB of which "
                     f"{settings.LARGE_FREE_GB} stay free; {fit:,} do")
    database, began = database_of(tokens), time.time()
    store.create(server, database, store.Size(tokens), core=True)
    seconds = time.time() - began
    shares = {line.split("|")[0]: int(line.split("|")[1]) / tokens for line in server.psql(database, """
        SELECT relname, pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'auth_store' AND relkind = 'r' ORDER BY 2 DESC LIMIT 6""").splitlines()}
    whole = int(server.psql(database, "SELECT pg_database_size(current_database())")) / tokens
    say(f"{tokens:,} tokens in {seconds:.0f} s, {whole:.0f} bytes each: "
        + ", ".join(f"{name} {share:.0f}" for name, share in shares.items()))
    return {"tokens": tokens, "seconds": seconds, "bytes_per_token": whole, "shares": shares}


def call(server, database, operation, size):
    say(f"{operation} at {size.tokens:,} tokens")
    used = sizes.per_call(server, database, operation, "store", size)
    text = pgbench.script(operation, "store").read_text()
    spent = []
    for _ in range(ROUNDS):
        if operation == "redeem":
            store.codes(server, database, settings.CPU_CALLS + probe.WARM)
        spent.append(probe.calls(server, database, text, "store", size, settings.CPU_CALLS)["ns"] / 1000)
    return {"operation": operation, "buffers": used["buffers"], "levels": used["levels"],
            "wal_bytes": used["wal_bytes"], "microseconds": spent}
