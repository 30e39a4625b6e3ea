"""Restores of a backup and of a dump: what was ended since lives again until recovered() ends it."""

import base64
import contextlib
import os
import time

from clients import flagged, issue, refresh, register, user
from programs import WORK, check, run, wait_for
from servers import KEY, Alone, Etcd, Member

LIVES = """SELECT (SELECT valid FROM auth_store.session_validate(%s)),
                  (SELECT valid FROM auth_store.api_key_verify(%s))"""
UNREADABLE = "SELECT count(*) FROM auth_store.vault_check() WHERE NOT readable"
MISSING = "the file that auth_store.master_key_file names is unusable: No such file or directory (os error 2)"


class Application:
    """What an application has at the time that is restored, and does afterwards."""

    def __init__(self, server):
        ada = user(server)
        self.session_id, self.session = server.ask(
            "SELECT session_id, session_token FROM auth_store.session_create(%s, idle_ttl => '7 days')", ada)
        self.key_id, self.key = server.ask("SELECT api_key_id, api_key FROM auth_store.api_key_create('Key', %s)", ada)
        server.ask("SELECT auth_store.connection_store('github', '42', 'access', 'refresh')")
        self.token, self.other = issue(server), issue(server)
        self.newest = self.newest_other = None

    def goes_on(self, server):
        server.ask("SELECT auth_store.session_revoke(%s), auth_store.api_key_revoke(%s)", self.session_id, self.key_id)
        self.newest = refresh(server, refresh(server, self.token))
        self.newest_other = refresh(server, self.other)


def is_restored(server, application, lost_from, lost_to):
    """The steps of docs/how-to/recovery.md, and what each changes."""
    missing = f"55000: {MISSING}"
    check(server.error(UNREADABLE), missing, "without the master key vault_check() tells")
    check(server.error("SELECT auth_store.connection_get('github', '42')"), missing, "as does who needs it")
    check(server.health("master_key"), ("fail", MISSING), "and health()")
    check((refresh(server, application.newest_other), flagged(server, "refresh_lost")), ("invalid_grant", 1),
          "and the newest refresh token proves nothing, which logs a user out")
    server.put_key()
    check(server.ask(UNREADABLE), 0, "with its copy all that is sealed opens")
    check(server.ask("SELECT access_token FROM auth_store.connection_get('github', '42')"), "access", "and is served")

    check(server.health("timeline")[0], "warn", "health() tells of the restore")
    check(server.ask(LIVES, application.session, application.key), (True, True), "what was ended lives again")
    later = refresh(server, application.newest)
    check(later.startswith("asrt_"), True, "the newest refresh token goes on")
    check(refresh(server, application.token), "invalid_grant", "that of the restored time")
    check(flagged(server, "refresh_reuse"), 1, "is reuse")
    bystander = issue(server)
    server.ask("SELECT auth_store.recovered(%s, %s, 'window')", lost_from, lost_to)
    check(server.ask(LIVES, application.session, application.key), (False, False), "by recovered() it has ended")
    check(refresh(server, bystander).startswith("asrt_"), True, "but not what was made since")
    check(server.health("timeline")[0], "ok", "and health() is content")


def with_key(folder):
    """The files in which there is a master key, as text or as it is."""
    with open(KEY, encoding="utf-8") as file:
        text = file.read().split()[-1]
    found = []
    for path, _, names in os.walk(folder):
        for name in names:
            with open(f"{path}/{name}", "rb") as file:
                content = file.read()
            if text.encode() in content or base64.b64decode(text) in content:
                found.append(name)
    return found


def write_configuration(source):
    path = f"{WORK}/pgbackrest.conf"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"[global]\nrepo1-path={WORK}/repository\nlog-path={WORK}\nlock-path={WORK}/lock\n"
                   f"spool-path={WORK}/spool\nstart-fast=y\nprocess-max=1\n"
                   f"[store]\npg1-path={source.data}\npg1-port={source.port}\npg1-socket-path={WORK}\n"
                   "pg1-user=postgres\n")
    return "pgbackrest", f"--config={path}", "--stanza=store"


def point_in_time():
    """pgBackRest restores the time before the window."""
    with contextlib.ExitStack() as ending:
        source, restored = Alone("source"), Alone("restored")
        pgbackrest = write_configuration(source)
        source.make()
        source.start("archive_mode=on", f"archive_command={' '.join(pgbackrest)} archive-push %p")
        ending.callback(source.stop)
        source.ask("CREATE EXTENSION auth_store")
        source.put_key()
        register(source)
        run(*pgbackrest, "stanza-create")
        run(*pgbackrest, "--type=full", "backup")
        # pgBackRest knows the end of a backup in whole seconds, and restores none to a time that may be before it.
        time.sleep(2)
        application = Application(source)
        lost_from = source.ask("SELECT clock_timestamp()")
        application.goes_on(source)
        segment = source.ask("SELECT pg_walfile_name(pg_switch_wal())")
        wait_for("the archive", lambda: source.ask("SELECT last_archived_wal >= %s FROM pg_stat_archiver", segment))
        lost_to = source.ask("SELECT clock_timestamp()")
        source.stop()

        os.mkdir(restored.data, 0o700)
        run(*pgbackrest, f"--pg1-path={restored.data}", "--type=time", f"--target={lost_from}",
            "--target-action=promote", "--archive-mode=off", "restore")
        check(with_key(restored.data), [], "the backup has no master key")
        restored.start()
        ending.callback(restored.stop)
        is_restored(restored, application, lost_from, lost_to)
        restored.stop()
        is_taken_over(restored, ending)


def is_taken_over(restored, ending):
    """A cluster of Patroni begins with it, and with another timeline."""
    etcd = Etcd()
    ending.callback(etcd.stop)
    member = Member("member", etcd, {}, {}, data=restored.data)
    member.start()
    ending.callback(member.stop)
    wait_for("the primary", member.is_primary)
    member.put_key()
    check(member.health("timeline")[0], "warn", "a cluster of Patroni that begins with it promotes it once more")
    member.ask("SELECT auth_store.recovered(now(), now())")
    check(member.health("timeline"), ("ok", "primary on timeline 3"), "which is to be told too")


def dump():
    """A dump that is a day old comes to another server."""
    with contextlib.ExitStack() as ending:
        source, other = Alone("source"), Alone("other")
        source.make()
        # What the store does now it does a day ago, by the clock that the server sees.
        source.start(days_behind=1)
        ending.callback(source.stop)
        source.ask("CREATE EXTENSION auth_store")
        source.put_key()
        register(source)
        application = Application(source)
        lost_from = source.ask("SELECT clock_timestamp()")
        os.mkdir(f"{WORK}/dump")
        address = ("-h", WORK, "-U", "postgres", "-d", "postgres")
        run("pg_dump", *address, "-p", str(source.port), "-Fc", "-f", f"{WORK}/dump/store.dump")
        source.stop()
        source.start()
        application.goes_on(source)
        lost_to = source.ask("SELECT clock_timestamp()")
        check((lost_to - lost_from).days, 1, "the dump is a day old")
        source.stop()

        other.make()
        other.start()
        ending.callback(other.stop)
        run("pg_restore", *address, "-p", str(other.port), "--exit-on-error", f"{WORK}/dump/store.dump")
        run("pg_restore", "-f", f"{WORK}/dump/store.sql", f"{WORK}/dump/store.dump")
        check(with_key(f"{WORK}/dump"), [], "the dump has no master key")
        is_restored(other, application, lost_from, lost_to)
