"""docs/how-to/recovery.md and docs/how-to/patroni.md with the real programs: see tests/recovery/run."""

import base64
import os
import shutil
import sys

import fail_over
import restore
import shard
from programs import WORK, failed
from servers import KEY

TESTS = {
    "fail_over": fail_over.fail_over,
    "point_in_time": restore.point_in_time,
    "dump": restore.dump,
    "shard": shard.shard,
}


def keep_logs(name):
    os.makedirs(f"{WORK}.logs/{name}")
    for entry in os.listdir(WORK):
        if entry.endswith(".log"):
            shutil.move(f"{WORK}/{entry}", f"{WORK}.logs/{name}")
    shutil.rmtree(WORK)


for name in sys.argv[3:]:
    print(f"== {name}", flush=True)
    os.mkdir(WORK)
    with open(KEY, "w", encoding="utf-8") as file:
        os.chmod(KEY, 0o600)
        file.write(f"first: {base64.b64encode(os.urandom(32)).decode()}\n")
    try:
        TESTS[name]()
    finally:
        keep_logs(name)
sys.exit(f"{len(failed)} failed" if failed else 0)
