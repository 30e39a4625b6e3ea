"""WAL and buffers per call, which do not vary by machine, at several sizes of the tables, and how many levels the
indexes have that a call descends: what the buffers may grow by."""

from . import pgbench, rates, settings, store
from .server import say

# Per call = what the long run used more than the short one, over the calls it had more: what a session needs once (its
# catalog caches, its plans) is in both.
SHORT, LONG = 1000, 3000
COLD_CALLS = 2000

# How many statements a call is, where it is not one.
STATEMENTS = {"connection_refresh": 2}


def database_of(size):
    return rates.DATABASE if size.tokens == settings.TOKENS else f"size_{size.tokens}"


def all_sizes(server, sizes, attempts):
    server.set(**{"pg_stat_statements.track": "top"})
    results = []
    for size in sizes:
        database = database_of(size)
        for operation in settings.OPERATIONS:
            here = ["store", "plain", "classic", "aes256"] if size.tokens == settings.TOKENS else ["store"]
            here = [variant for variant in here if variant in rates.VARIANTS.get(operation, rates.COMPARED)]
            for variant in here:
                what = f"WAL and buffers of {operation}.{variant} at {size.tokens:,} rows"
                say(what)
                results.append(attempts(what, lambda: warm_and_cold(server, database, operation, variant, size)))
    server.set(**{"full_page_writes": "on", "pg_stat_statements.track": "none"})
    return [one for one in results if one]


def warm_and_cold(server, database, operation, variant, size):
    server.set(full_page_writes="off")
    used = per_call(server, database, operation, variant, size)
    if size.tokens == settings.TOKENS and operation not in settings.READS:
        server.set(full_page_writes="on")
        server.psql("postgres", "CHECKPOINT")
        cold = use(server, database, operation, variant, size, COLD_CALLS)
        used["cold_wal_bytes"] = cold["wal_bytes"] / COLD_CALLS
    return used


def per_call(server, database, operation, variant, size):
    short = use(server, database, operation, variant, size, SHORT)
    long = use(server, database, operation, variant, size, LONG)
    used = {name: (long[name] - short[name]) / (LONG - SHORT) for name in long}
    used.update(operation=operation, variant=variant, tokens=size.tokens)
    return used


def use(server, database, operation, variant, size, calls):
    """What so many calls in one session used, all together."""
    if operation == "redeem":
        store.codes(server, database, calls, variant == "classic")
    server.psql(database, "SELECT pg_stat_statements_reset(); SELECT pg_stat_reset()")
    before = lsn(server, database)
    pgbench.measure(server, database, operation, variant, size, sync="off", calls=calls)
    after = lsn(server, database)
    # The measured statements are those with exactly that many calls; a script's start is called less often.
    counted = server.psql(database, f"""
        SELECT shared_blks_hit + shared_blks_read, shared_blks_read, shared_blks_dirtied
          FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
         WHERE d.datname = current_database() AND s.calls = {calls}""").splitlines()
    expected = STATEMENTS.get(operation, 1)
    if len(counted) != expected:
        raise AssertionError(f"{len(counted)} statements were called {calls} times, expected {expected}")
    buffers, read, dirtied = (sum(column) for column in zip(*(map(int, line.split("|")) for line in counted)))
    return {"wal_bytes": after - before, "buffers": buffers, "read": read, "dirtied": dirtied,
            "levels": levels(server, database)}


def levels(server, database):
    """The levels above the leaves of all that was descended: an index once for each search, and for each row that got
    an entry. The server's counters have both once the backend that was measured is gone."""
    others = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
              "AND backend_type = 'client backend'")
    while server.psql(database, others) != "0":
        pass
    return int(server.psql(database, """
        SELECT coalesce(sum((i.idx_scan + t.n_tup_ins + t.n_tup_upd - t.n_tup_hot_upd) * m.fastlevel), 0)
          FROM pg_stat_user_indexes i
          JOIN pg_stat_user_tables t USING (relid)
          JOIN pg_class c ON c.oid = i.indexrelid
          JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree',
               LATERAL bt_metap(i.indexrelid::regclass::text) m
         WHERE i.schemaname IN ('auth_store', 'classic', 'bench')"""))


def lsn(server, database):
    return int(server.psql(database, "SELECT pg_current_wal_insert_lsn() - '0/0'"))
