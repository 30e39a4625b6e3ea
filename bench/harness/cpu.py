"""What a call costs the backend: its own processor time with one hot token and one connection, beside the statement
that it is compared with and beside SELECT 1, which is what any call costs."""

from . import pgbench, probe, rates, settings
from .server import say

OPERATIONS = ["introspect", "session_validate", "api_key_verify"]
VARIANTS = ["store", "row", "plain", "classic"]
BASE = "SELECT 1 AS c1 \\gset\n"


def measure(server, size):
    return [operation(server, size, name) for name in OPERATIONS]


def operation(server, size, name):
    say(f"backend CPU of {name}: {settings.CPU_ROUNDS} rounds of {settings.CPU_CALLS:,} calls")
    variants = ["base", *VARIANTS]
    measured = {variant: [] for variant in variants}
    for variant in rates.in_turn(variants, settings.CPU_ROUNDS):
        text = BASE if variant == "base" else pgbench.script(name, variant).read_text()
        spent = probe.calls(server, rates.DATABASE, text, variant, size, settings.CPU_CALLS, hot=True)
        measured[variant].append(spent["ns"] / 1000)
    return {"operation": name, "microseconds": measured}
