"""examples/routing: each language (routing.py, routing.mjs, routing.go, routing.rs) finds the buckets of vectors.json,
and does the main job over three shards through pgbouncer. What this machine lacks is told."""

import os, shutil, subprocess, sys
from pathlib import Path

import stage
from stage import REPO, Stage, call, ok

ROUTING = REPO / "examples/routing"
VECTORS = ROUTING / "vectors.json"
OUT = REPO / "target/shards"
sys.path.insert(0, str(ROUTING / "python"))


def with_go():
    if not shutil.which("go") or not Path("/usr/share/gocode/src/github.com/jackc/pgx/v4").is_dir():
        return "golang-go and golang-github-jackc-pgx-v4-dev"
    made = OUT / "routing-go"
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(OUT / "go")}
    sources = [ROUTING / "go/main.go", ROUTING / "go/routing.go"]
    stage.run("go", "build", "-o", made, *sources, env=environment)
    return [made]


def with_rust():
    target = os.environ.get("CARGO_TARGET_DIR", REPO / "target")
    stage.run("cargo", "build", "--quiet", "--locked", "--package", "auth-store-routing", "--target-dir", target,
              cwd=REPO)
    return [f"{target}/debug/routing"]


def with_node():
    """node-postgres of examples/languages/node, beside a copy of the files."""
    if not shutil.which("npm"):
        return "Node.js 20 with npm"
    made, packages = OUT / "routing-node", REPO / "examples/languages/node"
    made.mkdir(parents=True, exist_ok=True)
    for path in [*packages.glob("package*.json"), *(ROUTING / "node").glob("*.mjs")]:
        shutil.copy(path, made)
    if not (made / "node_modules").is_dir():
        stage.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", cwd=made)
    return ["node", made / "job.mjs"]


JOBS = {"python": lambda: ["/usr/bin/python3", "-B", ROUTING / "python/job.py"], "node": with_node, "go": with_go,
        "rust": with_rust}
EXPECTED = (REPO / "tests/examples/routing.out").read_text()

with Stage(3) as shards:
    with shards.connect("shard1") as db:
        call(db, "client_create", name="Phone", redirect_uris=["https://app.example/cb"], client_type="public",
             client_id="phone", scope="orders profile")
    shards.registry_arrived()
    for language in sys.argv[1:] or JOBS:
        command = JOBS[language]()
        if isinstance(command, str):
            print(f"not run - {language}: {command}")
            continue
        done = subprocess.run([*command], env=shards.environment() | {"VECTORS": str(VECTORS)},
                              capture_output=True, text=True)
        ok(done.stdout == EXPECTED, f"the main job over three shards: {language}", done.stdout + done.stderr[-3000:])
    with shards.connect("shard2") as db:
        kept = db.execute("SELECT count(*) AS n FROM pg_prepared_statements").fetchone()["n"]
        ok(kept > 5, "with prepared statements", kept)

raise SystemExit(stage.failures > 0)
