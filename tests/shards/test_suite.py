"""tests/sql through pgbouncer in transaction mode, against tests/expected: all files over one connection to the server,
and over four, of which each transaction gets the next, those that keep nothing in their session. Temporary objects are
ordinary ones there."""

import contextlib, re, shutil, subprocess, sys

import psycopg

import stage
from stage import BINDIR, PG_TESTDIR, REPO, Bouncer, Server, ok

NAME = "auth_store_regress"
# What a file has of its session, so that it needs one connection to the server.
KEPT = {"it sets its session": r"^(?:SET|RESET) (?!LOCAL |TRANSACTION )|set_config\([^)]*false\)",
        "it prepares statements in SQL": r"^\s*PREPARE\b"}
REGRESS = f"{PG_TESTDIR}/regress/pg_regress"


def database(server):
    """As pg_regress makes it."""
    with server.connect("postgres") as db:
        db.execute(f"DROP DATABASE IF EXISTS {NAME}")
        db.execute(f"CREATE DATABASE {NAME} TEMPLATE template0")
        for setting in ("lc_messages TO 'C'", "lc_monetary TO 'C'", "lc_numeric TO 'C'", "lc_time TO 'C'",
                        "bytea_output TO 'hex'", "timezone_abbreviations TO 'Default'"):
            db.execute(f"ALTER DATABASE {NAME} SET {setting}")
    with server.connect(NAME) as db:
        db.execute("CREATE EXTENSION auth_store")


def connections_of(bouncer, count):
    """Lets pgbouncer open as many connections to the server, by as many transactions at a time; how many take turns
    at what one client then does."""
    with contextlib.ExitStack() as clients:
        opened = [clients.enter_context(psycopg.connect(bouncer.dsn(NAME))) for _ in range(count)]
        for client in opened:
            client.execute("SELECT 1")
    with psycopg.connect(bouncer.dsn(NAME), autocommit=True) as client:
        return len({client.execute("SELECT pg_backend_pid()").fetchone() for _ in range(2 * count)})


def regress(server, bouncer, folder, name, setup, connections):
    """What differs from what is expected, after a setup that no connection of pgbouncer's has seen."""
    with server.connect(NAME) as db:
        db.execute(setup)
    bouncer.admin(f"RECONNECT {NAME}")
    assert connections_of(bouncer, connections) == connections
    out = REPO / "target/shards/suite"
    done = subprocess.run([REGRESS, f"--inputdir={folder}", f"--outputdir={out}", "--use-existing",
                           f"--bindir={BINDIR}", f"--dbname={NAME}", f"--host={bouncer.socket}",
                           f"--port={bouncer.PORT}", "--user=postgres", name],
                          cwd=folder.parent, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        diffs = out / "regression.diffs"
        return diffs.read_text() if diffs.exists() else done.stdout + done.stderr
    return ""


HELPERS = (REPO / "tests/sql/include/helpers.sql").read_text()


def lasting(text):
    """A test with ordinary objects instead of temporary ones."""
    return re.sub(r"\bpg_temp\.(?=\w)", "public.", re.sub(r"\bCREATE TEMP(?:ORARY)? ", "CREATE ", text))


def spread(folder):
    """The tests so, and their helpers, which every connection to the server has to see before."""
    for path in [*REPO.glob("tests/sql/**/*.sql"), *REPO.glob("tests/expected/*.out")]:
        new = folder / path.relative_to(REPO / "tests")
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(lasting(path.read_text()))
    (folder / "sql/include/helpers.sql").write_text("".join(re.findall(r"^\\.*\n", HELPERS, re.M)))
    return ("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC; "
            + lasting(re.sub(r"^\\.*\n", "", HELPERS, flags=re.M)))


def why_kept(name):
    text = (REPO / f"tests/sql/{name}.sql").read_text()
    return next((why for why, pattern in KEPT.items() if re.search(pattern, text, re.M | re.I)), None)


names = sorted(path.stem for path in REPO.glob("tests/sql/*.sql"))
chosen = sys.argv[1:] or names
left_out = {name: why_kept(name) for name in names if why_kept(name)}
server = Server("suite", "shards", "fsync=off", "shared_preload_libraries=auth_store")
try:
    for connections in (1, 4):
        database(server)
        folder, files, setup = REPO / "tests", chosen, "SELECT"
        if connections > 1:
            folder, files = REPO / "target/shards/spread/tests", [name for name in chosen if name not in left_out]
            shutil.rmtree(folder, ignore_errors=True)
            setup = spread(folder)
        bouncer = Bouncer([server], ["postgres"], default_pool_size=connections, server_round_robin=1)
        ok(connections_of(bouncer, connections) == connections, f"a client's transactions go over {connections}")
        differ = {name: text for name in files if (text := regress(server, bouncer, folder, name, setup, connections))}
        bouncer.stop()
        for text in differ.values():
            print(text[:3000])
        ok(not differ, f"{len(files)} of {len(chosen)} files of tests/sql over {connections}", [*differ])
finally:
    server.stop()
for why in KEPT:
    print(f"# over one connection only, because {why}:", *[name for name in chosen if left_out.get(name) == why])
raise SystemExit(stage.failures > 0)
