"""How fast: every variant of an operation in turn, round after round, so that the machine's moods fall on all alike."""

import math

from . import pgbench, settings, store, wire
from .server import Failed, say

DATABASE = "bench"

# What an operation is compared with. `wire` is the classic flow of the Rust client, `wire_store` the same client
# calling auth_store: the two differ in nothing else.
COMPARED = ["store", "plain", "classic", "plpgsql", "wire_store", "wire"]
VARIANTS = {"introspect": ["store", "plain", "three", "row", "key", "classic", "plpgsql", "wire_store", "wire"],
            "api_key_verify": ["store", "plain", "row", "classic"],
            "session_validate": ["store", "plain", "row", "classic"],
            "device_poll": ["store", "plain", "classic"],
            "rate_limit_hit": ["store", "table", "plain"],
            "rate_limit_hits": ["store", "table"],
            "connection_get": ["store", "plain", "aes256", "row"],
            "connection_store": ["store", "plain", "aes256"],
            "connection_store_new": ["store", "plain", "aes256"],
            "connection_refresh": ["store", "plain", "aes256"]}
FLOW = {"wire": "classic", "wire_store": "store"}

# What no target of a check's or a writer's is about: half the rounds.
BRIEF = {"three", "key", "plpgsql", "wire_store", "wire"}

# The same operation with all grants on one OAuth client, whose row every foreign key check locks.
ONE_CLIENT = "issue_one_client"


def in_turn(variants, rounds, brief=()):
    """Every variant once a round, beginning with another one each time and turning round at every second; the brief
    ones in the first half of the rounds only."""
    for number in range(rounds):
        some = [one for one in variants if one not in brief or number < max(1, rounds // 2)]
        start = number % len(some)
        order = some[start:] + some[:start]
        yield from order if number % 2 == 0 else reversed(order)


class Cell:
    """One operation at one number of connections and one setting of synchronous_commit."""

    def __init__(self, operation, sync, clients):
        self.operation, self.sync, self.clients = operation, sync, clients

    def variants(self):
        if self.operation == ONE_CLIENT:
            return ["store", "plain", "classic"]
        return VARIANTS.get(self.operation, COMPARED)


def cells():
    for operation in settings.OPERATIONS:
        for sync in ["off"] if operation in settings.READS else settings.SYNC:
            for clients in settings.CLIENTS:
                yield Cell(operation, sync, clients)
            if operation == "issue":
                yield Cell(ONE_CLIENT, sync, settings.CLIENTS[-1])


class Rates:
    def __init__(self, server, size, attempts):
        self.server, self.size, self.attempts = server, size, attempts
        self.fastest = {}       # redemptions a second seen so far, by who keeps the codes

    def all(self):
        measured = [self.attempts(f"{cell.operation}, synchronous_commit {cell.sync}", lambda: self.cell(cell))
                    for cell in cells()]
        return [one for one in measured if one]

    def cell(self, cell):
        variants = cell.variants()
        rounds = settings.rounds_at(cell.clients, cell.operation)
        seconds = settings.seconds_at(cell.clients, cell.operation)
        say(f"{cell.operation}, {cell.clients} clients, synchronous_commit {cell.sync}: "
            f"{rounds} rounds of {len(variants)} runs")
        self.server.psql("postgres", "CHECKPOINT")
        measured = {variant: [] for variant in variants}
        for variant in in_turn(variants, rounds, BRIEF):
            measured[variant].append(self.run(cell, variant, seconds))
        return {"operation": cell.operation, "sync": cell.sync, "clients": cell.clients, "per_second": measured}

    def run(self, cell, variant, seconds):
        if cell.operation != "redeem":
            return self.once(cell, variant, seconds)
        # As many codes as a run may need; where it was faster than thought, once more with twice as many.
        who = "classic" if variant in ("classic", "plpgsql", "wire") else "store"
        per_second = self.fastest.get(who, 5000)
        for attempt in range(3):
            store.codes(self.server, DATABASE, math.ceil(per_second * seconds * 1.5) + 100 * cell.clients,
                        who == "classic")
            try:
                measured = self.once(cell, variant, seconds)
                self.fastest[who] = max(self.fastest.get(who, 0), measured)
                return measured
            except Failed:
                if attempt == 2:
                    raise
                per_second *= 2
        raise AssertionError("not reached")

    def once(self, cell, variant, seconds):
        if variant in FLOW:
            return wire.measure(self.server, DATABASE, FLOW[variant], cell.operation, self.size, cell.sync,
                                clients=cell.clients, seconds=seconds)["per_second"]
        operation = "issue" if cell.operation == ONE_CLIENT else cell.operation
        oauth_clients = 1 if cell.operation == ONE_CLIENT else 100
        return pgbench.measure(self.server, DATABASE, operation, variant, self.size, cell.sync, clients=cell.clients,
                               seconds=seconds, oauth_clients=oauth_clients).per_second


class Rated:
    """The cells of a run, as they were kept."""

    def __init__(self, cells):
        self.cells = {(cell["operation"], cell["sync"], cell["clients"]): cell["per_second"] for cell in cells}
        self.clients = sorted({clients for _, _, clients in self.cells})
        self.most = self.clients[-1] if self.clients else 0

    def ratios(self, operation, sync, clients, over, under):
        """Round by round, so that what slows the machine down slows both."""
        cell = self.cells.get((operation, sync, clients), {})
        if over not in cell or under not in cell:
            return []
        return [mine / other for mine, other in zip(cell[over], cell[under])]
