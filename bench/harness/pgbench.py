"""One run of pgbench: the prepared protocol, one script, fails where the script fails."""

import re

from . import settings
from .server import run


class Run:
    def __init__(self, calls, per_second, latency_ms):
        self.calls, self.per_second, self.latency_ms = calls, per_second, latency_ms


def script(operation, variant):
    return settings.BENCH / "pgbench" / f"{operation}.{variant}.sql"


# auth_store is called as an application calls it, by a role that may do nothing else.
def user_of(variant):
    return "bench_app" if variant == "store" else "postgres"


def command(server, path, size, clients=1, seconds=None, calls=None, oauth_clients=100):
    words = [f"{server.bin}/pgbench", "-n", "-M", "prepared", "-c", clients, "-j", min(clients, 2), "-f", path]
    words += ["-T", seconds] if seconds else ["-t", calls]
    for name, value in (("left", 0), ("tokens", size.tokens), ("users", size.users), ("clients", oauth_clients)):
        words += ["-D", f"{name}={value}"]
    return words


def measure(server, database, operation, variant, size, sync="on", **options):
    done = run(command(server, script(operation, variant), size, **options),
               env=server.environment(database, user_of(variant), synchronous_commit=sync))
    return parse(done.stdout)


def parse(text):
    calls = int(re.search(r"transactions actually processed: (\d+)", text).group(1))
    per_second = float(re.search(r"^tps = ([0-9.]+)", text, re.M).group(1))
    latency = float(re.search(r"^latency average = ([0-9.]+) ms", text, re.M).group(1))
    failed = re.search(r"number of failed transactions: (\d+)", text)
    if calls == 0 or (failed and int(failed.group(1)) > 0):
        raise ValueError("pgbench counted failures or did nothing:\n" + text)
    return Run(calls, per_second, latency)
