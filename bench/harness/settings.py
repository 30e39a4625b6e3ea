"""What a run does, from the environment: a quick try and the full run are the same script."""

import os
import pathlib
import sys

REPO = pathlib.Path(__file__).resolve().parent.parent.parent
BENCH = REPO / "bench"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or REPO / "target").absolute()
QUICK = os.environ.get("BENCH_QUICK") == "1"                 # everything small: to see that it works


def number(name, default, quick=None):
    text = os.environ.get(name, "")
    if text:
        return whole(name, text)
    return quick if QUICK and quick is not None else default


def whole(name, text):
    if not text.replace("_", "").isdecimal():
        sys.exit(f"error: {name}: '{text}' is no whole number")
    return int(text.replace("_", ""))


def words(name, default):
    return (os.environ.get(name) or default).split()


def some_of(name, default, known=None):
    """The words it has, the default where it has none. An unknown one is an error, not a run of less."""
    known = (known or default).split()
    chosen = words(name, default)
    for word in chosen:
        if word not in known:
            sys.exit(f"error: {name}: there is no '{word}'; there are: {' '.join(known)}")
    return chosen


PARTS = some_of("BENCH_PARTS", "sizes rates cpu inside cleanup jti", "sizes rates cpu inside cleanup jti memory large")
TOKENS = number("BENCH_TOKENS", 1_000_000, quick=10_000)     # live grants, each with an access token
# The last is the one the targets are about.
CLIENTS = [whole("BENCH_CLIENTS", n) for n in words("BENCH_CLIENTS", "8")]
SECONDS = number("BENCH_SECONDS", 2, quick=1)                # of one run; half of it at fewer clients
ROUNDS = number("BENCH_ROUNDS", 4, quick=1)                  # at the last number of clients; half as many at the others
SYNC = some_of("BENCH_SYNC", "off" if QUICK else "on off", "on off")
OPERATIONS = some_of("BENCH_OPERATIONS",
                     "introspect api_key_verify session_validate redeem refresh issue client_credentials device_poll "
                     "rate_limit_hit rate_limit_hits audit connection_get connection_store connection_store_new "
                     "connection_refresh")
# They wait for no commit and write no WAL.
READS = {"introspect", "api_key_verify", "session_validate", "connection_get"}
# No target of theirs lies within what half the rounds of half the time can tell.
BRIEF = {"client_credentials", "device_poll", "rate_limit_hit", "rate_limit_hits", "connection_get",
         "connection_store", "connection_store_new", "connection_refresh", "issue_one_client"}
SIZES = [whole("BENCH_SIZES", n) for n in words("BENCH_SIZES", f"{min(10_000, TOKENS // 10)} {TOKENS}")]
CPU_CALLS = number("BENCH_CPU_CALLS", 20_000, quick=2_000)   # of one run of the part cpu
CPU_ROUNDS = number("BENCH_CPU_ROUNDS", 5, quick=2)
INSIDE_ROUNDS = number("BENCH_INSIDE_ROUNDS", 5, quick=2)
INSIDE_TOKENS = number("BENCH_INSIDE_TOKENS", 10_000, quick=1_000)
CLEANUP_ROUNDS = number("BENCH_CLEANUP_ROUNDS", 3, quick=1)
CLEANUP_SECONDS = number("BENCH_CLEANUP_SECONDS", 10, quick=2)     # of refreshes before the cleanup begins
EXPIRED = number("BENCH_EXPIRED", TOKENS // 5)               # access tokens that a cleanup finds
JTI_ROWS = [whole("BENCH_JTI_ROWS", n) for n in
            words("BENCH_JTI_ROWS", "1000 20000" if QUICK else "10000 10000000")]
MEMORY_CALLS = number("BENCH_MEMORY_CALLS", 1_000_000, quick=5_000)
MEMORY_TENANTS = number("BENCH_MEMORY_TENANTS", 100_000, quick=1_000)
LARGE_TOKENS = number("BENCH_LARGE_TOKENS", 10_000_000, quick=30_000)
LARGE_SIZES = [whole("BENCH_LARGE_SIZES", n) for n in
               words("BENCH_LARGE_SIZES", "1000 10000" if QUICK else "10000 1000000")] + [LARGE_TOKENS]
LARGE_FREE_GB = number("BENCH_LARGE_FREE_GB", 5)             # of disk that stays free
KEEP = os.environ.get("BENCH_KEEP") == "1"                   # leave the server up


def seconds_at(clients, operation):
    return SECONDS if clients == CLIENTS[-1] and operation not in BRIEF else max(1, SECONDS // 2)


def rounds_at(clients, operation):
    return ROUNDS if clients == CLIENTS[-1] and operation not in BRIEF else max(1, ROUNDS // 2)
