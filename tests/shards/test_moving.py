"""256 buckets move to another shard and back while clients through pgbouncer refresh and introspect tokens in all
buckets: nothing is refused, nothing is lost, nothing is there twice."""

import collections

import load
import stage
from stage import Stage, ok

USERS, MOVED = 120, 256


def users(shards):
    """The shards that have each user."""
    found = collections.defaultdict(list)
    for name, rows in shards.everywhere("SELECT id FROM auth_store.users").items():
        for row in rows:
            found[row["id"]].append(name)
    return found


with Stage(3) as shards:
    load.client(shards)
    tokens = load.log_ins(shards, [f"user {number}" for number in range(USERS)])
    before = users(shards)
    first = next(bucket for bucket, name in shards.map.ranges() if name == "shard3")
    in_them = [user for user in before if first <= load.id_bucket(user) < first + MOVED]
    ok(len(before) == USERS and in_them, f"{len(in_them)} of {USERS} users are in the buckets that move")
    for source, target in (("shard3", "shard1"), ("shard1", "shard3")):
        running = load.Load(shards, tokens)
        for part, seconds, said in load.move(shards, first, first + MOVED - 1, shards[source], shards[target]):
            print(f"# {part}, {seconds:.1f} s: {said}")
        tokens = running.end()
        ok(not any(running.wrong.values()) and not any(running.failed.values()),
           f"to {target}: all {sum(running.answered.values())} refreshes were answered, "
           f"{sum(running.waited.values())} of them after the fence", (running.wrong, running.errors))
        after = users(shards)
        ok(set(after) == set(before) and all(len(homes) == 1 for homes in after.values()),
           "each user is on one shard", [homes for homes in after.values() if len(homes) != 1][:5])
        ok(all(after[user] == [target] for user in in_them), f"those that moved on {target}")
    problems = {name: rows for name, rows in shards.everywhere("SELECT * FROM auth_store.check()").items() if rows}
    ok(not problems, "check() has nothing to say on any shard", problems)

raise SystemExit(stage.failures > 0)
