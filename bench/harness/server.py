"""The throw-away server and everything that talks to it."""

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import time

from . import settings

NAME = "bench"


class Failed(Exception):
    """A program ended with an error."""


class Attempts:
    """What fails does not take along what comes after it, in a run of half an hour; the run ends with an error."""

    def __init__(self):
        self.failed = []

    def __call__(self, what, action):
        """What the action returns; None where it fails."""
        try:
            return action()
        except (Failed, AssertionError, ValueError) as failure:
            say(f"{what} failed: {failure}")
            self.failed.append(what)
            return None


BEGAN = time.monotonic()


def say(text):
    print(f"== {time.monotonic() - BEGAN:5.0f} s  {text}", file=sys.stderr, flush=True)


def run(command, env=None, stdin=None, check=True):
    done = subprocess.run([str(word) for word in command], env=env, input=stdin, text=True, cwd=settings.REPO,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check and done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise Failed(f"{shlex.join(str(word) for word in command[:6])} … ended with {done.returncode}:\n{tail}")
    return done


def memory_mb():
    with open("/proc/meminfo") as lines:
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemTotal"))


def shared_buffers_mb():
    return max(128, min(memory_mb() // 4, 8192))


# Loading needs no durability: whoever pulls the plug starts again.
LOADING = ["fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "archive_mode=off"]
# Measuring has the server's defaults but for: caches and WAL large enough that no checkpoint falls into a run, no
# autovacuum meanwhile (tables are vacuumed between the parts), nothing logged.
MEASURING = ["fsync=on", "full_page_writes=on", "wal_level=replica", "max_wal_senders=10"]


def common():
    return [f"shared_buffers={shared_buffers_mb()}MB", "max_wal_size=24GB", "checkpoint_timeout=1h", "autovacuum=off",
            "maintenance_work_mem=512MB", "max_connections=50", "max_locks_per_transaction=512",
            "pg_stat_statements.track=none", "pg_stat_statements.max=1000",
            "shared_preload_libraries=pg_stat_statements, auth_store"]


class Server:
    """A cluster of scripts/cluster; a context manager that stops it."""

    def __enter__(self):
        self._alone()
        say("starting a server of its own")
        self._cluster("start", *common(), *LOADING)
        text = self._cluster("env").stdout
        words = shlex.split(text)
        found = dict(word.split("=", 1) for word in words if "=" in word)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        self.env.update({name: found[name] for name in ("PGHOST", "PGPORT", "PGUSER")})
        self.env["PGTZ"] = "UTC"
        config = os.environ.get("PG_CONFIG") or run(
            ["bash", "-c", 'set -e; REPO=; . scripts/lib.sh; pg_resolve; echo "$PG_CONFIG"']).stdout.strip()
        self.bin = run([config, "--bindir"]).stdout.strip()
        return self

    def __exit__(self, *_):
        if settings.KEEP:
            say("left running: " + self._cluster("command").stdout.strip() + "; end it with scripts/cluster stop "
                + NAME)
        else:
            self._cluster("stop")

    def _alone(self):
        """A second run would take the first one's server away: it is refused, for as long as this program lives."""
        lock = settings.TARGET / "bench/lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        self.lock = lock.open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f"another run of the benchmark is under way in {settings.TARGET}") from None

    def _cluster(self, action, *words):
        return run([settings.REPO / "scripts/cluster", action, NAME, *words])

    def measure(self):
        """From loading to measuring: durable, as it would run."""
        self.psql("postgres", "CHECKPOINT")
        # What was loaded without fsync is written now, and not while the clock runs.
        os.sync()
        self._cluster("restart", *MEASURING)

    def load(self):
        self._cluster("restart", *LOADING)

    def free_bytes(self):
        """What the disk of the cluster has left."""
        return shutil.disk_usage(os.path.realpath(settings.TARGET / "cluster" / NAME)).free

    def environment(self, database, user="postgres", **options):
        env = dict(self.env, PGDATABASE=database, PGUSER=user)
        if options:
            env["PGOPTIONS"] = " ".join(f"-c {name}={value}" for name, value in options.items())
        return env

    def psql(self, database, sql, **variables):
        """Runs SQL as superuser; what it prints, unaligned."""
        command = [f"{self.bin}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        for name, value in variables.items():
            command += ["-v", f"{name}={value}"]
        return run(command, env=self.environment(database), stdin=sql).stdout.strip()

    def file(self, database, name, **variables):
        return self.psql(database, (settings.BENCH / "sql" / name).read_text(), **variables)

    def set(self, **changes):
        """Settings that need no restart."""
        for name, value in changes.items():
            self.psql("postgres", f"ALTER SYSTEM SET {name} = '{value}'")
        self.psql("postgres", "SELECT pg_reload_conf()")
        # The postmaster tells its children; a new session has it for certain.
        for name, value in changes.items():
            while self.psql("postgres", f"SHOW {name}") != str(value):
                pass
