"""Shards, a pgbouncer in front of them and, where wanted, a router: for the tests here, the demonstration and the
benchmark. Servers are those of scripts/cluster, which the library has to be installed for; everything listens on
Unix sockets alone.

    with Stage(3) as stage:                     # shard1, shard2, shard3
        stage.shard(bucket)                     # the shard on which the map has the bucket
        stage.shards[0].connect()               # straight to it, as superuser
        stage.connect("shard1", user="app")     # through pgbouncer
"""

import base64, contextlib, json, os, re, secrets, shlex, shutil, signal, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

REPO = Path(__file__).resolve().parents[2]
BUCKETS = 4096
DATABASE = "store"
# Slots and workers for a registry that every shard follows, and for buckets that move.
SETTINGS = ["fsync=off", "shared_preload_libraries=auth_store", "auth_store.sharded=on", "wal_level=logical",
            "max_wal_senders=20", "max_replication_slots=20", "max_logical_replication_workers=16",
            "max_sync_workers_per_subscription=2", "max_worker_processes=32", "wal_retrieve_retry_interval=200ms",
            "max_connections=200"]


# Whoever ends a test or a demonstration ends its servers with it.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: sys.exit(128 + number))


def run(*words, **how):
    """The output of a program that has to succeed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **how)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(map(str, words))}: {done.stderr[-2000:]}{done.stdout[-2000:]}")
    return done.stdout.strip()


def until(true, what, at_most=60):
    """The first answer of true() that is true."""
    end = time.monotonic() + at_most
    while not (found := true()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {at_most} s for: {what}")
        time.sleep(0.05)
    return found


# Who runs servers here, and which: lib.sh decides it.
SERVER_USER, BINDIR, PG_TESTDIR = run(
    "bash", "-c", 'set -e; . scripts/lib.sh; pg_resolve; printf "%s\n" "$SERVER_USER" "$PG_BINDIR" "$PG_TESTDIR"',
    cwd=REPO).splitlines()


def private_folder():
    """The server's user's, with a name that is short enough for a socket."""
    folder = tempfile.mkdtemp(prefix="auth_store.", dir="/tmp")
    if os.getuid() == 0:
        shutil.chown(folder, SERVER_USER)
    return folder


def private_file(path, text):
    path.touch(0o600)
    path.write_text(text)
    if os.getuid() == 0:
        shutil.chown(path, SERVER_USER)


def at_once(action, things):
    """action(thing) of each, in threads; the results in their order."""
    with ThreadPoolExecutor(len(things)) as threads:
        return list(threads.map(action, things))


def command(action, cluster, *settings):
    # A server keeps the output it was started with, so it gets none of ours.
    with tempfile.TemporaryFile("w+") as output:
        if subprocess.call([REPO / "scripts/cluster", action, cluster, *settings], stdin=subprocess.DEVNULL,
                           stdout=output, stderr=output):
            output.seek(0)
            raise RuntimeError(f"{cluster}: {action}: {output.read()[-2000:]}")


class Server:
    """A cluster with one database, and the name that pgbouncer knows it by."""

    def __init__(self, name, prefix, *settings):
        self.name, self.cluster = name, f"{prefix}-{name}"
        command("start", self.cluster, *settings)
        self.folder = re.search(r"CLUSTER_DIR=(\S+)", run(REPO / "scripts/cluster", "env", self.cluster))[1]
        self.socket, self.port, self.log = f"{self.folder}/sock", 5432, Path(self.folder) / "log"
        with self.connect("postgres") as db:
            db.execute(f"CREATE DATABASE {DATABASE}")

    def dsn(self, database=DATABASE, user="postgres"):
        return f"host={self.socket} port={self.port} dbname={database} user={user}"

    def connect(self, database=DATABASE, user="postgres", **how):
        return psycopg.connect(self.dsn(database, user), autocommit=True, row_factory=dict_row, **how)

    def run(self, sql):
        """A script in a session of its own; the rows of its last statement."""
        with self.connect() as db:
            return rows(db.execute(sql))

    def halt(self):
        """Ends it at once, as a crash would."""
        command("halt", self.cluster)

    def resume(self):
        command("resume", self.cluster)

    def stop(self):
        command("stop", self.cluster)


def rows(cursor):
    while cursor.nextset():
        pass
    return cursor.fetchall() if cursor.description else []


class Map:
    """Which shard has each bucket. The store never knows it; clients and routers do."""

    def __init__(self, names):
        self.home = [names[bucket * len(names) // BUCKETS] for bucket in range(BUCKETS)]

    def move(self, first, last, name):
        self.home[first:last + 1] = [name] * (last - first + 1)

    def ranges(self):
        """The first bucket of each range, and its shard."""
        return [(bucket, name) for bucket, name in enumerate(self.home)
                if bucket == 0 or self.home[bucket - 1] != name]


class Bouncer:
    """A pgbouncer in transaction mode with an entry for each server, and of the first all its other databases by their
    own names. It keeps prepared statements."""

    PORT = 6432

    def __init__(self, servers, users, **settings):
        self.socket = private_folder()
        self.servers, self.users, self.config = servers, list(users), Path(self.socket) / "pgbouncer.ini"
        self.settings = {
            "listen_port": self.PORT, "listen_addr": "", "unix_socket_dir": self.socket, "auth_type": "trust",
            "auth_file": f"{self.socket}/users.txt", "logfile": f"{self.socket}/log", "admin_users": "postgres",
            "pool_mode": "transaction", "max_prepared_statements": 200, "max_client_conn": 2000,
            "default_pool_size": 20,
            # JDBC sends it, and pgbouncer does not keep it for a client, as it does a time zone.
            "ignore_startup_parameters": "extra_float_digits",
            # A shard that is down is told at once, and tried again each second.
            "server_login_retry": 1, "server_connect_timeout": 2, "query_wait_timeout": 3, **settings}
        self._write()
        as_server = ["-u", SERVER_USER] if os.getuid() == 0 else []
        self.process = subprocess.Popen([run(REPO / "tests/shards/install"), "-q", *as_server, self.config],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=open(f"{self.socket}/started", "w"))
        until(self._answers, "pgbouncer starts", 20)

    def _write(self):
        entries = [f"{server.name} = host={server.socket} port={server.port} dbname={DATABASE}"
                   for server in self.servers]
        entries.append(f"* = host={self.servers[0].socket} port={self.servers[0].port}")
        settings = [f"{name} = {value}" for name, value in self.settings.items()]
        private_file(Path(self.socket) / "users.txt", "".join(f'"{user}" ""\n' for user in self.users))
        private_file(self.config, "\n".join(["[databases]", *entries, "[pgbouncer]", *settings, ""]))

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("pgbouncer ended: " + Path(self.socket, "started").read_text()[-2000:])
        with contextlib.suppress(psycopg.OperationalError):
            return self.admin("SHOW VERSION")

    def admin(self, command):
        """What its console answers to a command, which knows the simple protocol alone."""
        with psycopg.connect(self.dsn("pgbouncer"), autocommit=True, row_factory=dict_row,
                             cursor_factory=psycopg.ClientCursor) as console:
            return rows(console.execute(command))

    def add_user(self, name):
        self.users.append(name)
        self._write()
        self.admin("RELOAD")

    def dsn(self, database, user="postgres"):
        return f"host={self.socket} port={self.PORT} dbname={database} user={user}"

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)
        shutil.rmtree(self.socket)


def registry_blocks():
    """What docs/how-to/replication.md says of clients for several stores: for the publisher, for a subscriber."""
    page = (REPO / "docs/how-to/replication.md").read_text()
    section = page.split("\n## Clients for several stores\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```sql\n(.*?)^```$", section, re.M | re.S)
    publisher = "".join(block for block in blocks if block.startswith("-- on the publisher"))
    subscriber = "".join(block for block in blocks if block.startswith("-- on each subscriber"))
    assert "CREATE PUBLICATION" in publisher and "CREATE SUBSCRIPTION" in subscriber, section
    return publisher, subscriber


class Stage:
    """Shards that follow the registry of the first of them. `router` is a server more, which is empty; `settings` are
    those of all servers."""

    def __init__(self, count=3, bouncer=True, router=False, prefix="shards", settings=(), **bouncer_settings):
        self.shards, self.router, self.bouncer, self.prefix = [], None, None, prefix
        self.folder = private_folder()
        self.names = [f"shard{number}" for number in range(1, count + 1)] + ["router"] * router
        try:
            self._start(router, settings)
            if bouncer:
                self.bouncer = Bouncer(self.servers(), ["postgres", "app"], **bouncer_settings)
        except BaseException:
            self.stop()
            raise

    def _start(self, router, settings):
        # Rows that the vault has sealed open on every shard, so all have one master key.
        key = Path(self.folder) / "master.key"
        private_file(key, f"shards: {base64.b64encode(secrets.token_bytes(32)).decode()}\n")
        settings = [*SETTINGS, f"auth_store.master_key_file={key}", *settings]
        self.shards = at_once(lambda name: Server(name, self.prefix, *settings), self.names)
        self.router = self.shards.pop() if router else None
        self.map = Map([shard.name for shard in self.shards])
        self.map_file = Path(self.folder) / "map.json"
        self.write_map()
        self._install()
        self.everywhere("CREATE ROLE app LOGIN; GRANT auth_store_app, auth_store_admin TO app")

    def _install(self):
        publisher, subscriber = registry_blocks()
        first, *others = self.shards
        first.run("CREATE EXTENSION auth_store")
        major = first.run("SELECT current_setting('server_version_num')::int / 10000 AS major")[0]["major"]
        if major < 16:
            subscriber = re.sub(r"\s+WITH \(run_as_owner = true\)", "", subscriber)
        for statement in publisher.split(";\n"):
            first.run(statement)
        for shard in others:
            mine = re.sub(r"CONNECTION '.*?'", f"CONNECTION '{first.dsn()}'", subscriber)
            mine = re.sub(r"SUBSCRIPTION (\w+)", rf"SUBSCRIPTION \1_{shard.name}", mine)
            for statement in mine.split(";\n"):
                shard.run(statement)
        for shard in others:
            until(lambda: shard.run("SELECT count(*) > 0 AND bool_and(srsubstate IN ('r', 's')) AS copied "
                                    "FROM pg_subscription_rel")[0]["copied"], f"{shard.name} has the registry")

    def servers(self):
        return self.shards + ([self.router] if self.router else [])

    def __getitem__(self, name):
        return next(server for server in self.servers() if server.name == name)

    def shard(self, bucket):
        return self[self.map.home[bucket]]

    def move(self, first, last, name):
        """In the map alone: the rows have to be there."""
        self.map.move(first, last, name)
        self.write_map()

    def route(self):
        """Makes the router a router, as docs/how-to/shards_router.md has it; again, if it is one."""
        run(REPO / "tests/shards/plproxy")
        places = json.dumps({shard.name: shard.dsn().rpartition(" user=")[0] for shard in self.shards})
        script = self.shards[0].run(
            f"SELECT auth_store.router_sql('router', '{places}', '{json.dumps(self.map.ranges())}') AS script")
        self.router.run(script[0]["script"])

    def write_map(self):
        """For clients in other languages: [[first bucket of a range, its shard], …]. A reader never sees half of it."""
        new = self.map_file.with_suffix(".new")
        new.write_text(json.dumps(self.map.ranges()))
        new.rename(self.map_file)

    def everywhere(self, sql):
        """A script on each shard; the rows of its last statement by the name of the shard."""
        return {shard.name: shard.run(sql) for shard in self.shards}

    def registry_arrived(self):
        """Waits until each shard has what was written to the first one's registry by now."""
        first = self.shards[0]
        at = first.run("SELECT pg_current_wal_insert_lsn() AS at")[0]["at"]
        until(lambda: first.run(f"SELECT count(*) AS n FROM pg_stat_replication WHERE replay_lsn >= '{at}' AND "
                                "application_name LIKE 'registry_shard_'")[0]["n"] == len(self.shards) - 1,
              "the registry arrives")

    def dsn(self, name, user="app"):
        """The entry of pgbouncer, else the server itself."""
        return self.bouncer.dsn(name, user) if self.bouncer else self[name].dsn(user=user)

    def connect(self, name, user="app", **how):
        return psycopg.connect(self.dsn(name, user), autocommit=True, row_factory=dict_row, **how)

    def environment(self, user="app"):
        """For a client that is a program of its own: PGHOST …, and SHARD_MAP, the file of the map. The names of shards
        are those of databases."""
        return os.environ | {"PGHOST": self.bouncer.socket, "PGPORT": str(self.bouncer.PORT), "PGUSER": user,
                             "SHARD_MAP": str(self.map_file)}

    def stop(self):
        if self.bouncer:
            self.bouncer.stop()
        # Those too that did not come up.
        at_once(lambda name: command("stop", f"{self.prefix}-{name}"), self.names)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


failures = 0


def ok(good, name, detail=""):
    """One test; tests/shards/run counts the lines."""
    global failures
    failures += not good
    print("ok -" if good else "not ok -", name, *[f"({detail})"] * (not good), flush=True)
    return good


def call(db, function, **arguments):
    """The row of auth_store.function(). Names are the program's own; values are bind parameters."""
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    return db.execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchone()
