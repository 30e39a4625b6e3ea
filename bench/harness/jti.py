"""JWT ids, few and many: a check and a claim with ten thousand and with ten million live entries, and a table with a
unique key beside them. All of it is in shared buffers before the clock starts: what is compared is the structure, not
the disk."""

from . import pgbench, rates, settings
from .server import Failed, run, say

SCRIPTS = ["is_revoked", "is_revoked.plain", "claim", "claim.plain"]
CLIENTS = 8
# What one call touches, at so many rows.
CALLS = {"is_revoked": "auth_store.jti_is_revoked('jti' || n::bigint * 7919 % {rows})",
         "is_revoked, an unknown id": "auth_store.jti_is_revoked('no such ' || n)",
         "is_revoked.plain": "EXISTS (SELECT FROM plain_revoked p WHERE p.tenant_id = 'default' AND p.jti = 'jti' || "
                             "n::bigint * 7919 % {rows} AND p.expires_at > clock_timestamp())",
         "claim": "auth_store.jti_claim('https://idp.example', 'fresh' || n || clock_timestamp(), clock_timestamp() + "
                  "'5 min')"}


def database_of(rows):
    return f"jti_{rows}"


def text(name):
    return (settings.BENCH / "jti" / name).read_text()


def load(server, sizes):
    for rows in sizes:
        say(f"loading {rows:,} revoked and claimed JWT ids")
        server.psql("postgres", f"CREATE DATABASE {database_of(rows)}")
        server.psql(database_of(rows), text("load.sql"), rows=rows)
        check(server, rows)


def check(server, rows, prefix="jti"):
    """What was loaded is what the calls find: the rows are written past the store's functions."""
    for found in (f"auth_store.jti_is_revoked('{prefix}' || n)",
                  f"EXISTS (SELECT FROM plain_revoked p WHERE p.tenant_id = 'default' AND p.jti = '{prefix}' || n)"):
        missing = server.psql(database_of(rows), f"SELECT count(*) FROM generate_series(0, 99) n WHERE NOT {found}")
        if missing != "0":
            raise Failed(f"of 100 revoked ids {missing} are not: {found}")


def measure(server):
    for rows in settings.JTI_ROWS:
        server.psql(database_of(rows), "CREATE EXTENSION pg_prewarm; SELECT count(pg_prewarm(oid)) FROM pg_class "
                                       "WHERE relkind IN ('r', 'i') AND relname ~ '^(claimed_jtis|revoked_jtis|plain)'")
    buffers = {call: [used(server, rows, sql.format(rows=rows)) for rows in settings.JTI_ROWS]
               for call, sql in CALLS.items()}
    per_second = {}
    for script in SCRIPTS:
        say(f"jti {script}: {settings.ROUNDS} rounds at {CLIENTS} connections")
        per_second[script] = {rows: [] for rows in settings.JTI_ROWS}
        for rows in rates.in_turn(settings.JTI_ROWS, settings.ROUNDS):
            per_second[script][rows].append(once(server, script, rows))
    return {"rows": settings.JTI_ROWS, "clients": CLIENTS, "buffers": buffers,
            "per_second": {script: list(found.values()) for script, found in per_second.items()}}


def used(server, rows, sql):
    printed = server.psql(database_of(rows), text("buffers.sql"), call=sql)
    return float(printed.splitlines()[-1].split()[0])


def once(server, script, rows):
    command = [f"{server.bin}/pgbench", "-n", "-M", "prepared", "-c", CLIENTS, "-j", 2, "-T", settings.SECONDS, "-D",
               f"rows={rows}", "-f", settings.BENCH / "jti" / f"{script}.sql"]
    return pgbench.parse(run(command, env=server.environment(database_of(rows), synchronous_commit="off")).stdout
                         ).per_second
