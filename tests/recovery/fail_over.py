"""An asynchronous fail-over under load: the standby takes over without the last commits of the primary."""

import contextlib
import re

from clients import (CODE, REDEEM, VERIFIER, Map, Refresher, flagged, issue, refresh, register, user,
                     wait_for_answers)
from programs import check, wait_for
from servers import cluster

CLIENTS = 8
CLAIM = "SELECT auth_store.jti_claim('https://idp.example', 'jti', clock_timestamp() + interval '5 min')"
LEASE = "SELECT fence FROM auth_store.connection_lease(%s)"
LIMIT = "SELECT remaining FROM auth_store.rate_limit_hit('key', 5, period => '1 hour')"
MISSING = "the file that auth_store.master_key_file names is unusable: No such file or directory (os error 2)"


def fail_over():
    with contextlib.ExitStack() as ending:
        # Nobody is helped by the grace of a repeated refresh.
        old, new = cluster(ending, **{"auth_store.refresh_grace": "0"})
        register(old)
        stands_by(new)
        scenario(old, new)
        comes_back(old, new)


def stands_by(new):
    """A base backup has taken no master key along."""
    check(new.error("SELECT auth_store.vault_check()"), f"55000: {MISSING}", "a standby without the master key tells")
    check(new.health("master_key"), ("fail", MISSING), "as does its health()")
    new.put_key()
    check(new.ask("SELECT count(*) FROM auth_store.vault_check() WHERE NOT readable"), 0,
          "until it has a copy, which opens everything")


def scenario(old, new):
    connection = old.ask("SELECT auth_store.connection_store('github', '42', 'access', 'refresh')")
    stolen = issue(old)
    live = refresh(old, refresh(old, stolen))
    code = old.ask(f"SELECT code FROM {CODE}", user(old), VERIFIER)
    clients = [Refresher(Map({0: [old, new]}), issue(old)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    wait_for_answers(clients, 5)
    old_lsn = old.ask("SELECT pg_current_wal_lsn()")
    wait_for("replay", lambda: new.ask("SELECT pg_last_wal_replay_lsn() >= %s", old_lsn))

    old.link.loses_back.set()
    check(old.ask(CLAIM), True, "an id is claimed in the window")
    fence = old.ask(LEASE, connection)
    limited = old.ask(LIMIT)
    check(old.ask(REDEEM, code, VERIFIER)[2], None, "and a code is redeemed")
    wait_for_answers(clients, 10)
    old.kill()
    lost_to = new.ask("SELECT clock_timestamp()")
    wait_for("a new primary", new.is_primary)
    wait_for_answers(clients, 5)
    for client in clients:
        client.end()
    check([client.refused for client in clients], [[]] * CLIENTS, "nobody is logged out")
    check(flagged(new, "refresh_recovered"), CLIENTS, "every family goes on from a token of a lost commit")
    check(flagged(new, "refresh_reuse"), 0, "none is said to be reused")

    told = new.ask("SELECT status, detail, what_to_do FROM auth_store.health() WHERE check_name = 'timeline'")
    check((told[0], "timeline 2 of server" in told[1], "auth_store.recovered(lost_from, lost_to)" in told[2]),
          ("warn", True, True), "health() tells of the fail-over, with the statement")
    check(new.ask("SELECT severity, what_to_do FROM auth_store.alerts WHERE alert = 'timeline'"), ("warning", told[2]),
          "as does alerts")
    lost_from = re.findall("last completed transaction was at log time (.*)", new.patroni.said())[-1]
    done = new.ask("SELECT timeline, fences, single_use FROM auth_store.recovered(%s, %s, longest_claim => '10 min')",
                   lost_from, lost_to)
    check(done, (2, 1, 1), "recovered() takes the window from the server's log")
    check(new.health("timeline"), ("ok", "primary on timeline 2"), "and health() is content")
    check(new.ask(CLAIM), False, "an id that was claimed in the window is refused")
    check(new.ask(REDEEM, code, VERIFIER)[2], "invalid_grant", "a code that was redeemed in it too")
    check(new.ask(LEASE, connection) > fence + 1000, True, "fences are beyond those of the window")
    check([refresh(new, client.token).startswith("asrt_") for client in clients], [True] * CLIENTS,
          "the families go on after it")
    check(new.ask(LIMIT), limited, "rate limits begin anew")
    check(refresh(new, stolen), "invalid_grant", "a stolen older token is refused")
    check((flagged(new, "refresh_reuse"), refresh(new, live)), (1, "invalid_grant"), "as reuse, which ends its family")


def comes_back(old, new):
    """The old primary's lost commits are no commits any more."""
    old.link.loses_back.clear()
    old.link.loses_there.clear()
    old.start()
    wait_for("the old primary", lambda: old.ask("SELECT received_tli FROM pg_stat_wal_receiver") == 2)
    check(old.health("timeline")[0], "ok", "the old primary follows the new one")
    lsn = new.ask("SELECT pg_current_wal_lsn()")
    wait_for("replay", lambda: old.ask("SELECT pg_last_wal_replay_lsn() >= %s", lsn))
    trail = "SELECT count(*), max(id::text) FROM auth_store.audit_log"
    check(old.ask(trail), new.ask(trail), "with the new one's rows, and no others")
    check(old.ask("SELECT count(*) FROM auth_store.vault_check() WHERE NOT readable"), 0, "and its master key")
