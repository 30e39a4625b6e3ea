"""Eight clients of a store that is updated under them: clients.py COMMAND..., the command installs the new files.

Each client logs a user in, refreshes the tokens over and over and introspects them, in sessions of its own; half of
them prepare their statements. What a statement is told is counted by its SQLSTATE. After an error a client connects
anew and goes on with the tokens that it had: none may be lost."""

import collections
import multiprocessing
import subprocess
import sys
import time

import psycopg

CLIENTS = 8
BEFORE, AFTER = 5, 5        # seconds of load
# What a client may be told: the library of its session is not of the tables' version, or a prepared statement has more
# columns now. Both end with a new session.
DOCUMENTED = {"55000", "0A000"}
# Calls whose arguments or rows have changed in a way that a session with the old library must not try.
CHANGED = ["SELECT auth_store.user_create('a@load.example', metadata => 5)", "SELECT auth_store.check()",
           "SELECT auth_store.audit_write('x', risk_score => 0.5)", "SELECT auth_store.health()"]


def client(number, setup, stop, results):
    """Until it is told to stop; leaves how many calls there were, the errors, and whether its family lives."""
    prepare = number % 2 == 0
    calls, errors = 0, collections.Counter()
    refresh_token = access_token = None
    began, longest = time.monotonic(), 0.0
    while not stop.is_set():
        try:
            with psycopg.connect("", autocommit=True) as session:
                while not stop.is_set():
                    began = time.monotonic()
                    if refresh_token is None:
                        answer = session.execute(
                            "SELECT access_token, refresh_token, error FROM auth_store.token_issue(%s, %s, 'orders')",
                            (setup["client"], setup["users"][number])).fetchone()
                    else:
                        answer = session.execute(
                            "SELECT access_token, refresh_token, error FROM auth_store.token_refresh(%s, %s, "
                            "client_secret => %s)", (refresh_token, setup["client"], setup["secret"]),
                            prepare=prepare).fetchone()
                    if answer[2] is not None:
                        raise AssertionError(f"refused: {answer[2]}")
                    access_token, refresh_token = answer[:2]
                    state = session.execute("SELECT * FROM auth_store.token_introspect(%s)", (access_token,),
                                            prepare=prepare).fetchone()
                    if not state[0]:
                        raise AssertionError("a fresh token is not active")
                    calls += 2
                    longest = max(longest, time.monotonic() - began)
        except psycopg.Error as error:
            longest = max(longest, time.monotonic() - began)
            errors[error.sqlstate or str(error), str(error).split("\n", 1)[0]] += 1
            time.sleep(0.05)
        except AssertionError as error:
            errors["wrong", str(error)] += 1
            break
    results.put((number, calls, errors, longest))


def update(session):
    """As docs/how-to/install.md has it. Returns how many times it was tried, and the seconds of the last and of all."""
    session.execute("SET lock_timeout = '200ms'")
    first = time.monotonic()
    for attempt in range(1, 1000):
        began = time.monotonic()
        try:
            with session.transaction():
                session.execute("ALTER EXTENSION auth_store UPDATE")
                session.execute("SELECT auth_store.migrate()")
            return attempt, time.monotonic() - began, time.monotonic() - first
        except psycopg.errors.LockNotAvailable:
            time.sleep(0.5)
    raise SystemExit("the update never got its locks")


def with_old_library(session):
    """What a session that has the old library is told of what has changed: an SQLSTATE each."""
    told = []
    for statement in CHANGED:
        try:
            session.execute(statement)
            told.append("nothing")
        except psycopg.Error as error:
            told.append(error.sqlstate)
    return told


def main():
    with psycopg.connect("", autocommit=True) as session:
        session.execute("CREATE EXTENSION auth_store")
        old = session.execute("SELECT extversion FROM pg_extension WHERE extname = 'auth_store'").fetchone()[0]
        made = session.execute("SELECT client_id, client_secret FROM auth_store.client_create('Load', "
                               "ARRAY['https://load.example/cb'], scope => 'orders')").fetchone()
        users = [session.execute("SELECT auth_store.user_ensure(%s)", (str(n),)).fetchone()[0]
                 for n in range(CLIENTS)]
    setup = {"client": made[0], "secret": made[1], "users": users}
    stop, results = multiprocessing.Event(), multiprocessing.Queue()
    clients = [multiprocessing.Process(target=client, args=(n, setup, stop, results), daemon=True) for n in range(CLIENTS)]
    for one in clients:
        one.start()
    stale = psycopg.connect("", autocommit=True)
    stale.execute("SELECT auth_store.token_introspect('x')")
    time.sleep(BEFORE)
    subprocess.run(sys.argv[1:], check=True)
    with psycopg.connect("", autocommit=True) as session:
        attempts, seconds, all_seconds = update(session)
        time.sleep(AFTER)
        stop.set()
        found = [results.get() for _ in clients]
        new, version = session.execute("SELECT extversion, (SELECT max(version) FROM auth_store.schema_version) "
                                       "FROM pg_extension WHERE extname = 'auth_store'").fetchone()
        problems = session.execute("SELECT object, problem FROM auth_store.check()").fetchall()
        live = session.execute("SELECT count(*) FROM auth_store.grants WHERE revoked_at IS NULL").fetchone()[0]
        told = with_old_library(stale)
        stale.close()
    errors = sum((one[2] for one in found), collections.Counter())
    print(f"{old} to {new}, tables of version {version}: {attempts} attempt(s) in {all_seconds:.1f} s, "
          f"the last of {seconds:.2f} s")
    print(f"{sum(one[1] for one in found)} calls of {CLIENTS} clients; the longest took "
          f"{max(one[3] for one in found):.2f} s; {live} families live")
    for (state, message), count in sorted(errors.items()):
        print(f"{count} x {state}: {message}")
    bad = [state for state, _ in errors if state not in DOCUMENTED]
    if bad or problems or live != CLIENTS or new == old or not set(told) <= DOCUMENTED | {"42883"}:
        raise SystemExit(f"failed: {bad} {problems} {told}")


if __name__ == "__main__":
    main()
