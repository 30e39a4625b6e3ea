"""The Rust client: built once, run like pgbench."""

import json

from . import pgbench, settings
from .server import run, say

PACKAGE = "auth_store_bench_wire"
PROGRAM = settings.TARGET / "release" / PACKAGE


def build():
    say("building the client over the wire")
    run(["cargo", "build", "--release", "--locked", "--quiet", "--package", PACKAGE, "--target-dir", settings.TARGET])


def command(flow, operation, size, clients=1, seconds=1, rate=0, spoil=False, samples=None):
    words = [PROGRAM, "--flow", flow, "--operation", operation, "--clients", clients, "--seconds", seconds,
             "--tokens", size.tokens, "--users", size.users, "--rate", rate]
    words += ["--samples", samples] if samples else []
    return words + (["--spoil"] if spoil else [])


def measure(server, database, flow, operation, size, sync="on", **options):
    done = run(command(flow, operation, size, **options), env=pgbench.environment(server, database, flow, sync))
    return json.loads(done.stdout)
