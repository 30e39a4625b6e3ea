"""The reads inside one statement: thousands of tokens checked by one call each, by one call for all, and by a join for
each of them."""

from . import pgbench, rates, settings
from .server import run, say

OPERATIONS = ["introspect", "session_validate", "api_key_verify"]
VARIANTS = ["store", "many", "plain"]
STATEMENTS = 5


def script(operation, variant):
    return settings.BENCH / "inside" / f"{operation}.{variant}.sql"


def presented(server):
    return int(server.psql(rates.DATABASE, "SELECT count(*) FROM bench.presented"))


def command(server, path, size, count, statements):
    return pgbench.command(server, path, size, calls=statements) + ["-D", f"presented={count}"]


def measure(server, size):
    count = presented(server)
    return [operation(server, size, name, count) for name in OPERATIONS]


def operation(server, size, name, count):
    say(f"{name} of {count:,} tokens in one statement: {settings.INSIDE_ROUNDS} rounds")
    measured = {variant: [] for variant in VARIANTS}
    for variant in rates.in_turn(VARIANTS, settings.INSIDE_ROUNDS):
        done = run(command(server, script(name, variant), size, count, STATEMENTS),
                   env=pgbench.environment(server, rates.DATABASE, variant, "off"))
        measured[variant].append(pgbench.parse(done.stdout).per_second * count)
    return {"operation": name, "presented": count, "per_second": measured}
