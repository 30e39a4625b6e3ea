"""One of three shards goes down under load and comes back: the users of the others notice nothing, its own get a plain
error at once, and nothing that was answered is lost. Nobody does anything but start the server again."""

import collections, statistics, sys, threading, time

import psycopg

import stage
from stage import REPO, Stage, call, ok, until

sys.path.insert(0, str(REPO / "examples/routing/python"))
from routing import Shards, id_bucket, token_bucket  # noqa: E402

CLIENTS = 6
Call = collections.namedtuple("Call", "shard at took error token")
calls, stop = [], threading.Event()


def work(users):
    """A client that keeps a connection to each shard: issues and introspects for users of all shards in turn."""
    home = Shards(stages.map_file, lambda name: stages.connect(name, prepare_threshold=0))
    while not stop.is_set():
        for user in users:
            name, began, error, token = home.name(id_bucket(user)), time.monotonic(), None, None
            try:
                issued = call(home.of(id_bucket(user)), "token_issue", client_id="web", user_id=user)["access_token"]
                token = issued
                state = call(home.of(token_bucket(issued)), "token_introspect", token=issued)
                assert state["active"], state
            except psycopg.Error as problem:
                error = problem
            calls.append(Call(name, began, time.monotonic() - began, error, token))


def during(begin, end, *names):
    return [one for one in calls if one.shard in names and begin <= one.at and one.at + one.took <= end]


def median(some):
    return f"{statistics.median(one.took for one in some) * 1000:.1f} ms"


with Stage(3) as stages:
    with stages.connect("shard1") as db:
        call(db, "client_create", name="Web", redirect_uris=["https://web.example/cb"], client_type="public",
             client_id="web")
    stages.registry_arrived()
    users = []
    for shard in stages.shards:
        # Of names that a router would have sent here: the id has the name's bucket.
        with stages.connect(shard.name) as db:
            for number in range(400):
                user = call(db, "user_ensure", external_id=f"user {number}")["user_ensure"]
                if stages.map.home[id_bucket(user)] == shard.name:
                    users.append(user)
                if sum(stages.map.home[id_bucket(one)] == shard.name for one in users) == 3:
                    break
    ok(len(users) == 9, "three users on each shard", len(users))
    threads = [threading.Thread(target=work, args=(users,)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    time.sleep(3)
    down = time.monotonic()
    stages["shard3"].halt()
    dead = time.monotonic()
    time.sleep(8)
    starts = time.monotonic()
    stages["shard3"].resume()
    started = time.monotonic()
    until(lambda: any(one.shard == "shard3" and one.error is None and one.at > started for one in calls[-500:]),
          "its users are served again", 20)
    back = time.monotonic()
    time.sleep(3)
    stop.set()
    for thread in threads:
        thread.join()
    end = time.monotonic()

    others = during(0, end, "shard1", "shard2")
    refused = [one for one in others if one.error]
    ok(not refused and len(others) > 500, f"all {len(others)} calls for users of the others are answered",
       [str(one.error) for one in refused[:3]])
    lost = during(dead, starts, "shard3")
    ok(lost and all(one.error for one in lost), f"all {len(lost)} calls for its own users fail", len(lost))
    kinds = collections.Counter(type(one.error).__name__ for one in lost)
    ok(set(kinds) <= {"OperationalError"}, "with an error of the connection, as without pgbouncer", kinds)
    # The first to come waits query_wait_timeout for a connection; from then on pgbouncer knows.
    ok(sum(one.took > 1 for one in lost) <= 2 * CLIENTS, "which comes at once, but for those that met it first",
       sorted(one.took for one in lost)[-20:])
    after = during(back, end, "shard3")
    ok(after and not any(one.error for one in after), f"all {len(after)} calls for them are answered once it is back",
       [str(one.error) for one in after if one.error][:3])
    answered = [one.token for one in calls if one.token and one.shard == "shard3" and one.at < down]
    with stages.connect("shard3") as db:
        gone = sum(not call(db, "token_introspect", token=token)["active"] for token in answered)
    ok(answered and gone == 0, f"none of {len(answered)} tokens of before is lost", gone)
    print(f"# a call of the others: {median(during(0, down, 'shard1', 'shard2'))} before, "
          f"{median(during(dead, starts, 'shard1', 'shard2'))} while it was down; its own failed in {median(lost)}; "
          f"served again {back - started:.1f} s after its start")

raise SystemExit(stage.failures > 0)
