"""Servers on loopback: alone, and as members of a cluster of Patroni."""

import os
import shutil
import signal

import psycopg2
import yaml

from programs import BINDIR, WORK, Link, Program, free_port, run, wait_for

KEY = f"{WORK}/master.key"
PASSWORD = "secret"


def connect(*servers):
    """A connection to that one of these servers which takes writes, as an application's driver finds it."""
    connection = psycopg2.connect(
        host=",".join("127.0.0.1" for _ in servers), port=",".join(str(server.port) for server in servers),
        dbname="postgres", user="postgres", password=PASSWORD, connect_timeout=2,
        target_session_attrs="any" if len(servers) == 1 else "read-write")
    connection.autocommit = True
    return connection


class Server:
    """A server, and the file of master keys that it is to have."""

    def __init__(self, name):
        self.name, self.data, self.port, self.key = name, f"{WORK}/{name}", free_port(), f"{WORK}/{name}.key"

    def ask(self, sql, *values):
        """The columns of the first row; the one column as it is."""
        connection = connect(self)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                row = cursor.fetchone() if cursor.description else None
        finally:
            connection.close()
        return row[0] if row and len(row) == 1 else row

    def is_primary(self):
        return not self.ask("SELECT pg_is_in_recovery()")

    def error(self, sql):
        """SQLSTATE and message of what fails."""
        try:
            self.ask(sql)
        except psycopg2.Error as error:
            return f"{error.pgcode}: {error.diag.message_primary}"
        return None

    def health(self, name):
        return self.ask("SELECT status, detail FROM auth_store.health() WHERE check_name = %s", name)

    def put_key(self):
        """The copy of the master keys, which is kept apart, comes to where the configuration says it is."""
        shutil.copy(KEY, self.key)
        os.chmod(self.key, 0o600)
        self.ask("SELECT pg_reload_conf()")
        wait_for("the keys", lambda: self.health("master_key")[0] == "ok")


class Alone(Server):
    """A server of its own. Its clock may go some days behind."""

    def make(self):
        password = f"{WORK}/password"
        with open(password, "w", encoding="utf-8") as file:
            file.write(PASSWORD)
        run("initdb", "-D", self.data, "-U", "postgres", "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync",
            "--auth=scram-sha-256", "--auth-local=trust", f"--pwfile={password}")
        with open(f"{self.data}/postgresql.conf", "a", encoding="utf-8") as file:
            file.write("listen_addresses = '127.0.0.1'\nshared_preload_libraries = 'auth_store'\nfsync = off\n"
                       f"unix_socket_directories = '{WORK}'\nauth_store.refresh_grace = 0\n")

    def start(self, *settings, days_behind=0):
        environment = None
        if days_behind:
            environment = {**os.environ, "LD_PRELOAD": os.environ["FAKETIME_LIBRARY"], "FAKETIME": f"-{days_behind}d",
                           "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
        given = [f"port={self.port}", f"auth_store.master_key_file={self.key}", *settings]
        options = [word for setting in given for word in ("-c", setting)]
        self.program = Program(self.name, f"{BINDIR}/postgres", "-D", self.data, *options, environment=environment)
        wait_for(self.name, self.is_primary)

    def stop(self):
        self.program.end(signal.SIGINT)


class Member(Server):
    """A server under Patroni; the others reach it by a link."""

    def __init__(self, name, etcd, of_all, parameters, data=None):
        super().__init__(name)
        self.data = data or self.data
        self.link = Link(self.port)
        rest = f"127.0.0.1:{free_port()}"
        user = {"username": "postgres", "password": PASSWORD}
        self.config = f"{WORK}/{name}.yml"
        with open(self.config, "w", encoding="utf-8") as file:
            yaml.safe_dump({
                "scope": "store", "name": name, "etcd3": {"hosts": f"127.0.0.1:{etcd.port}"},
                "restapi": {"listen": rest, "connect_address": rest},
                "bootstrap": {
                    "dcs": {"ttl": 20, "loop_wait": 2, "retry_timeout": 5, "maximum_lag_on_failover": 64 << 20,
                            **of_all,
                            "postgresql": {"use_pg_rewind": True, "parameters": {
                                "shared_preload_libraries": "auth_store", "fsync": "off", **parameters}}},
                    "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
                },
                "postgresql": {
                    "listen": f"127.0.0.1:{self.port}", "connect_address": f"127.0.0.1:{self.link.port}",
                    "data_dir": self.data, "bin_dir": BINDIR, "pgpass": f"{WORK}/{name}.pgpass",
                    "authentication": {"superuser": user, "replication": {"username": "mover", "password": PASSWORD}},
                    # A path of its own on each machine, as these are one.
                    "parameters": {"unix_socket_directories": WORK, "auth_store.master_key_file": self.key},
                    # Not spread over the time until the next one.
                    "basebackup": [{"checkpoint": "fast"}],
                    "pg_hba": ["local all all trust", "host all all 127.0.0.1/32 scram-sha-256",
                               "host replication all 127.0.0.1/32 scram-sha-256"],
                },
            }, file)
        self.patroni = None

    def start(self):
        self.patroni = Program(self.name, "patroni", self.config)

    def kill(self):
        """As a machine that loses its power."""
        self.patroni.end(signal.SIGKILL)
        with open(f"{self.data}/postmaster.pid", encoding="utf-8") as file:
            os.kill(int(file.readline()), signal.SIGKILL)

    def stop(self):
        if self.patroni:
            self.patroni.end()


class Etcd:
    """Where Patroni keeps who leads."""

    def __init__(self):
        self.port = free_port()
        client, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{free_port()}"
        self.program = Program(
            "etcd", "etcd", "--data-dir", f"{WORK}/etcd",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}")

    def stop(self):
        self.program.end()


def cluster(ending, of_all=None, **parameters):
    """A primary with the store, and a standby that streams from it and has no master key yet."""
    etcd = Etcd()
    ending.callback(etcd.stop)
    old, new = [Member(name, etcd, of_all or {}, parameters) for name in ("old", "new")]
    for member in old, new:
        ending.callback(member.stop)
    old.start()
    wait_for("the primary", old.is_primary)
    old.ask("CREATE EXTENSION auth_store")
    old.put_key()
    new.start()
    wait_for("the standby", lambda: new.ask("SELECT count(*) FROM pg_stat_wal_receiver"))
    return old, new
