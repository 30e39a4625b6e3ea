"""A backend's own memory: after many calls of each hot function, and after tokens of very many tenants."""

from . import pgbench, probe, settings, store
from .server import say

DATABASE, TENANTS = "memory", "tenants"
OPERATIONS = ["introspect", "session_validate", "api_key_verify", "refresh", "redeem", "issue", "audit"]
# What writes takes ten times as long, and has a tenth of the calls.
SLOWER = 10


def load(server):
    size = store.Size(max(10_000, settings.MEMORY_CALLS // 10))
    store.create(server, DATABASE, size, core=True)
    load_tenants(server, settings.MEMORY_TENANTS)
    return size


def load_tenants(server, tenants):
    say(f"loading {tenants:,} tenants")
    server.psql("postgres", f"CREATE DATABASE {TENANTS}")
    server.psql(TENANTS, "CREATE EXTENSION auth_store")
    server.file(TENANTS, "helpers.sql")
    server.file(TENANTS, "seed_tenants.sql", tenants=tenants)
    server.file(TENANTS, "role.sql")
    server.psql(TENANTS, "VACUUM (ANALYZE, FREEZE)")


def tenants_text():
    return (settings.BENCH / "memory/tenants.sql").read_text()


def measure(server, size):
    found = []
    for operation in OPERATIONS:
        calls = settings.MEMORY_CALLS if operation in settings.READS else settings.MEMORY_CALLS // SLOWER
        say(f"memory of a backend over {calls:,} calls of {operation}")
        if operation == "redeem":
            store.codes(server, DATABASE, calls + probe.WARM)
        text = pgbench.script(operation, "store").read_text()
        found.append(dict(probe.calls(server, DATABASE, text, "store", size, calls), operation=operation, calls=calls))
    say(f"memory of a backend over tokens of {settings.MEMORY_TENANTS:,} tenants")
    tenants = probe.calls(server, TENANTS, tenants_text(), "store", store.Size(settings.MEMORY_TENANTS),
                          settings.MEMORY_TENANTS)
    return {"calls": found, "tenants": dict(tenants, tenants=settings.MEMORY_TENANTS)}
