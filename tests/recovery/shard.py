"""A shard whose standby is synchronous fails over under load, beside another, which follows its registry of clients."""

import contextlib
import itertools

from clients import (CODE, VERIFIER, Issuer, Map, Redeemer, Refresher, flagged, issue, refresh, register, user,
                     wait_for_answers)
from fail_over import comes_back
from programs import check, run, wait_for
from routing import user_bucket
from servers import PASSWORD, Alone, cluster

EACH = 4
CODES = 3000
SLOT = ("type=logical", "database=postgres", "plugin=pgoutput")
ROTATIONS = "SELECT rotation_count FROM auth_store.grants WHERE id = (auth_store.token_introspect(%s)).grant_id"
INACTIVE = "SELECT count(*) FROM unnest(%s) t WHERE NOT (auth_store.token_introspect(t)).active"
CLIENTS = "SELECT string_agg(id, ' ' ORDER BY id COLLATE \"C\") FROM auth_store.clients"
# The shard that fails over has the buckets before it.
MIDDLE = 2048


def names(is_of_shard):
    """External ids of users that live on the shard."""
    return (name for name in (f"user-{n}" for n in itertools.count())
            if is_of_shard(user_bucket(None, name, "external")))


class Load:
    """Clients of each kind, for users of one shard."""

    def __init__(self, known, server, is_of_shard):
        users = [user(server, name) for name in itertools.islice(names(is_of_shard), EACH)]
        self.refreshers = [Refresher(known, issue(server, user_id)) for user_id in users]
        self.issuers = [Issuer(known, user_id) for user_id in users]
        self.redeemers = [Redeemer(known, codes(server, user_id)) for user_id in users]
        self.all = self.refreshers + self.issuers + self.redeemers
        for client in self.all:
            client.start()

    def end(self):
        for client in self.all:
            client.end()

    def access_tokens(self):
        """Those that a client was given, and that nothing should have ended."""
        return ([token for client in self.issuers for token, _ in client.tokens]
                + [token for client in self.redeemers for token, _ in client.tokens.values()]
                + [client.access_token for client in self.refreshers])


def codes(server, user_id):
    return server.ask(f"SELECT array_agg(({CODE}).code) FROM generate_series(1, {CODES})", user_id, VERIFIER)


def shard():
    with contextlib.ExitStack() as ending:
        beside = Alone("beside")
        beside.make()
        beside.start()
        ending.callback(beside.stop)
        # A client whose answer was lost repeats its refresh after the fail-over, at the latest.
        old, new = cluster(ending, {"synchronous_mode": True},
                           **{"auth_store.refresh_grace": "5 min", "wal_level": "logical"})
        new.put_key()
        register(old)
        subscribe(beside, [old, new])
        wait_for("a copy of the slot",
                 lambda: "slot registry is safe to be used after a failover" in new.patroni.said())
        wait_for("the synchronous standby",
                 lambda: old.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"))
        scenario(old, new, beside)


def subscribe(beside, publisher):
    """As docs/how-to/replication.md has it, with a slot that Patroni keeps."""
    old = publisher[0]
    old.ask("CREATE PUBLICATION registry FOR TABLE auth_store.tenants, auth_store.clients, auth_store.roles "
            "WITH (publish = 'insert, update')")
    # A slot decodes with the catalog of its time, so the publication is there first.
    keep = [word for line in SLOT for word in ("-s", f"slots.registry.{line}")]
    run("patronictl", "-c", old.config, "edit-config", "store", "--force", *keep)
    wait_for("the slot", lambda: old.ask("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'registry'"))
    beside.ask("CREATE EXTENSION auth_store")
    ports = ",".join(str(server.port) for server in publisher)
    options = ["create_slot = false", "slot_name = registry"]
    if beside.ask("SELECT current_setting('server_version_num')::int >= 160000"):
        options.append("run_as_owner = true")
    beside.ask(f"CREATE SUBSCRIPTION registry CONNECTION 'host=127.0.0.1,127.0.0.1 port={ports} dbname=postgres "
               f"user=postgres password={PASSWORD} target_session_attrs=read-write' PUBLICATION registry "
               f"WITH ({', '.join(options)})")
    # The slots of a first copy are on the old primary alone.
    wait_for("the registry", lambda: beside.ask(
        "SELECT count(*) = 3 AND bool_and(srsubstate = 'r') FROM pg_subscription_rel"))
    beside.put_key()


def scenario(old, new, beside):
    known = Map({0: [old, new], MIDDLE: [beside]})
    load = Load(known, old, lambda bucket: bucket < MIDDLE)
    other = Load(known, beside, lambda bucket: bucket >= MIDDLE)
    wait_for_answers(load.all + other.all, 20)

    register(old, "late")
    # What is committed from here on is at the standby, but no client is told.
    old.link.loses_there.set()
    wait_for("waiting clients", lambda: old.ask(
        "SELECT count(*) = %s FROM pg_stat_activity WHERE wait_event = 'SyncRep'", len(load.all)))
    lsn = old.ask("SELECT pg_current_wal_flush_lsn()")
    wait_for("the standby", lambda: new.ask("SELECT pg_last_wal_receive_lsn() >= %s", lsn))
    asked = [redeemer.code for redeemer in load.redeemers]
    redeemed = sum(len(redeemer.tokens) for redeemer in load.redeemers)
    old.kill()
    # Meanwhile the other shard answers.
    wait_for_answers(other.all, 50)
    wait_for("a new primary", new.is_primary)
    wait_for_answers(load.all, 5)
    load.end()

    check(new.ask(INACTIVE, load.access_tokens()), 0, "each token that was given is good")
    check([client.refused for client in load.refreshers], [[]] * EACH, "no refresh token is refused")
    check([new.ask(ROTATIONS, client.access_token) for client in load.refreshers],
          [client.answered for client in load.refreshers], "and each refresh was made once, also if it was repeated")
    check(flagged(new, "refresh_reuse"), 0, "none is said to be reused")
    check([redeemer.not_redeemed for redeemer in load.redeemers], [[code] for code in asked],
          "a code whose redemption had no answer is not redeemed again")
    redemptions = "SELECT count(*) FROM auth_store.audit_log WHERE event = 'code.redeemed' AND error IS NULL"
    given = sum(len(redeemer.tokens) for redeemer in load.redeemers)
    check((given > redeemed, new.ask(redemptions)), (True, given + EACH), "each code was redeemed once")
    check(new.health("timeline")[0], "warn", "health() asks what was lost")
    new.ask("SELECT auth_store.recovered(now(), now())")
    check(new.health("timeline")[0], "ok", "nothing was")
    check([refresh(new, client.token).startswith("asrt_") for client in load.refreshers], [True] * EACH,
          "and the families go on")

    register(new, "later")
    wait_for("the registry", lambda: "later" in beside.ask(CLIENTS))
    check(beside.ask(CLIENTS), "app late later", "the other shard knows the clients of before and after")
    other.end()
    check([client.unanswered + client.refused for client in other.all], [[]] * len(other.all),
          "every call of the other shard was answered")
    check([client.not_redeemed for client in other.redeemers], [[]] * EACH, "and each of its codes redeemed")
    check(beside.ask("SELECT count(*) FROM auth_store.audit_log WHERE error IS NOT NULL"), 0,
          "none of them with an error")
    comes_back(old, new)
    wait_for("the synchronous standby",
             lambda: new.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"))
