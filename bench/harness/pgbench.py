"""One run of pgbench: the prepared protocol, one script, fails where the script fails."""

import re

from . import settings
from .server import run


class Run:
    def __init__(self, calls, per_second, latency_ms):
        self.calls, self.per_second, self.latency_ms = calls, per_second, latency_ms


def script(operation, variant):
    return settings.BENCH / "pgbench" / f"{operation}.{variant}.sql"


# Plain SQL gets the plan it deserves: by its indexes, whatever the planner makes of small or skewed tables.
BY_INDEX = {"enable_seqscan": "off", "enable_mergejoin": "off", "enable_hashjoin": "off", "jit": "off"}


def environment(server, database, variant, sync):
    """auth_store is called as an application calls it: with the server's settings, by a role that may do nothing
    else."""
    if variant == "table":
        return server.environment(database, "bench_app", synchronous_commit=sync,
                                  **{"auth_store.rate_limit_shared": "off"})
    if variant in ("store", "many"):
        return server.environment(database, "bench_app", synchronous_commit=sync)
    return server.environment(database, "postgres", synchronous_commit=sync, **BY_INDEX)


def command(server, path, size, clients=1, seconds=None, calls=None, oauth_clients=100):
    words = [f"{server.bin}/pgbench", "-n", "-M", "prepared", "-c", clients, "-j", min(clients, 2), "-f", path]
    words += ["-T", seconds] if seconds else ["-t", calls]
    for name, value in (("left", 0), ("tokens", size.tokens), ("users", size.users), ("clients", oauth_clients)):
        words += ["-D", f"{name}={value}"]
    return words


def measure(server, database, operation, variant, size, sync="on", **options):
    done = run(command(server, script(operation, variant), size, **options),
               env=environment(server, database, variant, sync))
    return parse(done.stdout)


def parse(text):
    calls = int(re.search(r"transactions actually processed: (\d+)", text).group(1))
    per_second = float(re.search(r"^tps = ([0-9.]+)", text, re.M).group(1))
    latency = float(re.search(r"^latency average = ([0-9.]+) ms", text, re.M).group(1))
    failed = re.search(r"number of failed transactions: (\d+)", text)
    if calls == 0 or (failed and int(failed.group(1)) > 0):
        raise ValueError("pgbench counted failures or did nothing:\n" + text)
    return Run(calls, per_second, latency)
