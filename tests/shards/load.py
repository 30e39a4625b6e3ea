"""Clients of several databases that go on whatever happens to one of them, and buckets that move under them."""

import collections, subprocess, sys, threading, time

import psycopg

from stage import BINDIR, REPO, call

sys.path.insert(0, str(REPO / "examples/routing/python"))
from routing import Shards, id_bucket, token_bucket, user_bucket  # noqa: E402

CLIENT = "phone"
MOVING = "55006"    # of a call whose bucket is moving to another shard


def client(stage):
    """Registers the client on the first shard, and waits until all know it."""
    with stage.connect(stage.shards[0].name) as db:
        call(db, "client_create", name="Phone", redirect_uris=["https://app.example/cb"], client_type="public",
             client_id=CLIENT, scope="orders profile")
    stage.registry_arrived()


def shards(stage):
    return Shards(stage.map_file, lambda name: stage.connect(name, prepare_threshold=0))


def log_ins(stage, names):
    """A refresh token of the user of each external id, made where it belongs."""
    home, found = shards(stage), []
    for name in names:
        at = home.of(user_bucket(None, name, "external"))
        user = call(at, "user_ensure", external_id=name)["user_ensure"]
        found.append(call(home.of(id_bucket(user)), "token_issue", client_id=CLIENT, user_id=user)["refresh_token"])
    return found


class Load:
    """Clients that refresh and introspect tokens in turn until told to stop. Each follows the map. What they saw is
    counted by shard: answered, failed where it was away, waited where a bucket was moving, and wrong: refused, or a new
    token that is not active."""

    def __init__(self, stage, tokens, clients=3):
        self.stage, self.done = stage, threading.Event()
        self.answered, self.failed, self.waited, self.wrong, self.errors = (collections.Counter() for _ in range(5))
        self.shares = [tokens[number::clients] for number in range(clients)]
        self.threads = [threading.Thread(target=self._work, args=(share,)) for share in self.shares]
        for thread in self.threads:
            thread.start()

    def _work(self, tokens):
        home = shards(self.stage)
        while not self.done.is_set():
            home.read()
            for number, token in enumerate(tokens):
                while (found := self._refresh(home, token_bucket(token), token)) == "moves":
                    home.read()
                tokens[number] = found or token

    def _refresh(self, home, bucket, token):
        """The next token of the family; None where its shard is away."""
        name = home.name(bucket)
        try:
            new = call(home.of(bucket), "token_refresh", refresh_token=token, client_id=CLIENT)
            active = new["error"] is None and call(home.of(bucket), "token_introspect",
                                                   token=new["access_token"])["active"]
            self.answered[name] += 1
            self.wrong[name] += not active
            return new["refresh_token"]
        except psycopg.OperationalError as error:
            if error.sqlstate == MOVING:
                self.waited[name] += 1
                time.sleep(0.05)
                return "moves"
            self.failed[name] += 1
            self.errors[f"{error.sqlstate} {str(error).strip()}"] += 1

    def end(self):
        """Stops them; the tokens that they hold."""
        self.done.set()
        for thread in self.threads:
            thread.join()
        return sum(self.shares, [])


def buckets_of(stage, name):
    """The ranges of a shard, as shard_move_sql() reads them."""
    starts = [*stage.map.ranges(), (len(stage.map.home), None)]
    return ",".join(f"{first}-{after - 1}" for (first, owner), (after, _) in zip(starts, starts[1:]) if owner == name)


def move(stage, first, last, source, target):
    """Moves buckets as docs/how-to/shards_moving.md says: yields each part, its seconds and what it says at its end."""
    ranges = buckets_of(stage, source.name), buckets_of(stage, target.name)
    for part in ("copy", "switch", "forget"):
        with source.connect() as db:
            script = db.execute("SELECT auth_store.shard_move_sql(%s, %s, %s, %s, %s, %s, %s) AS text",
                                [first, last, source.dsn(), target.dsn(), *ranges, part]).fetchone()["text"]
        began = time.monotonic()
        done = subprocess.run([f"{BINDIR}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", source.dsn()],
                              input=script, text=True, capture_output=True)
        if done.returncode:
            raise RuntimeError(f"{part}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
        if part == "switch":
            stage.move(first, last, target.name)
        yield part, time.monotonic() - began, done.stdout.strip().splitlines()[-1]
        # Clients read the map again with each round of theirs; then nobody asks the source any more.
        time.sleep(1)
