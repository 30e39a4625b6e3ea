"""Databases with rows in them."""

import threading

from . import settings
from .server import say


# How pgcrypto encrypts a connection's tokens in a variant's table.
PGCRYPTO = {"plain": "", "aes256": "cipher-algo=aes256, compress-algo=0, s2k-mode=0"}


class Size:
    def __init__(self, tokens):
        self.tokens = tokens
        self.users = max(1000, tokens // 10)


def create(server, database, size, classic=False, core=False):
    """A database with auth_store filled to `size`: all of it, with the classic schema beside it, or the core alone,
    which is tokens, sessions, keys and what they refer to."""
    say(f"loading {size.tokens:,} grants and access tokens into database {database}" + (", twice" if classic else ""))
    server.psql("postgres", f"CREATE DATABASE {database}")
    server.psql(database, "CREATE EXTENSION auth_store; CREATE EXTENSION pg_stat_statements; "
                          "CREATE EXTENSION pageinspect")
    server.file(database, "helpers.sql")
    server.file(database, "seed_clients.sql", tokens=size.tokens)
    together(lambda: server.file(database, "seed_grants.sql"), lambda: server.file(database, "seed_tokens.sql"))
    together(lambda: server.file(database, "seed_api_keys.sql"), lambda: server.file(database, "seed_sessions.sql"))
    if not core:
        together(lambda: server.file(database, "seed_audit.sql"), lambda: server.file(database, "seed_keys.sql"))
        server.file(database, "seed_devices.sql")
        server.file(database, "seed_connections.sql")
        server.file(database, "seed_presented.sql", presented=settings.INSIDE_TOKENS)
    if classic:
        for name in ("classic.sql", "classic_plpgsql.sql", "seed_classic.sql", "seed_devices_classic.sql"):
            server.file(database, name)
        together(*(lambda variant=variant, options=options:
                   server.file(database, "seed_connections_pgcrypto.sql", table=f"connections_{variant}",
                               options=options)
                   for variant, options in PGCRYPTO.items()))
    server.file(database, "role.sql")
    server.psql(database, "VACUUM (ANALYZE, FREEZE)")


def together(*tasks):
    failures = []

    def run(task):
        try:
            task()
        except Exception as failure:  # of whatever kind: it ends the run, and not its thread alone
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def codes(server, database, number, classic=False):
    """Issues codes to be redeemed, before the clock starts."""
    number = max(50, -(-number // 50) * 50)
    server.file(database, "codes_classic.sql" if classic else "codes_store.sql", codes=number)
