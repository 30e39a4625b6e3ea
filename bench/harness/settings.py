"""What a run does, from the environment: a quick try and the full run are the same script."""

import os
import pathlib
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent.parent
BENCH = REPO / "bench"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or REPO / "target").absolute()

FULL_TOKENS = 1_000_000


def number(name, default):
    text = os.environ.get(name, "")
    return whole(name, text) if text else default


def whole(name, text):
    if not text.replace("_", "").isdecimal():
        sys.exit(f"error: {name}: '{text}' is no whole number")
    return int(text.replace("_", ""))


def words(name, default):
    return (os.environ.get(name) or default).split()


def some_of(name, known):
    """The words it has, all of the known ones where it has none. Another one is an error, not a run of less."""
    chosen = words(name, known)
    for word in chosen:
        if word not in known.split():
            sys.exit(f"error: {name}: there is no '{word}'; there are: {known}")
    return chosen


TOKENS = number("BENCH_TOKENS", FULL_TOKENS)                 # live grants, each with an access token
# The last is the one the targets are about
CLIENTS = [whole("BENCH_CLIENTS", n) for n in words("BENCH_CLIENTS", "1 2 8")]
SECONDS = number("BENCH_SECONDS", 2)                         # of one run; half of it at fewer clients
ROUNDS = number("BENCH_ROUNDS", 4)                           # at the last number of clients; half as many at the others
SYNC = some_of("BENCH_SYNC", "on off")
OPERATIONS = some_of("BENCH_OPERATIONS",
                     "introspect api_key_verify session_validate redeem refresh issue client_credentials device_poll "
                     "rate_limit_hit rate_limit_hits audit connection_get connection_store connection_store_new "
                     "connection_refresh")
# They wait for no commit and write no WAL
READS = {"introspect", "api_key_verify", "session_validate", "connection_get"}
PARTS = some_of("BENCH_PARTS", "sizes rates cleanup")
SIZES = [whole("BENCH_SIZES", n) for n in words("BENCH_SIZES", f"10000 {TOKENS} {10 * TOKENS}")]
KEEP = os.environ.get("BENCH_KEEP") == "1"                   # leave the server up

# Only a run at full size may replace the published numbers.
REPORT = pathlib.Path(os.environ.get("BENCH_REPORT") or (
    REPO / "docs/explanation/performance.md" if TOKENS == FULL_TOKENS else TARGET / "bench/performance.md"))
RESULTS = TARGET / "bench/results.json"


def seconds_at(clients):
    return SECONDS if clients == CLIENTS[-1] else max(1, SECONDS // 2)


def rounds_at(clients):
    return ROUNDS if clients == CLIENTS[-1] else max(1, ROUNDS // 2)
