"""What shellcheck says of the scripts."""

import json
import shutil
import subprocess

from tree import Complaint

PROGRAM = "shellcheck"


def is_missing():
    return shutil.which(PROGRAM) is None


def shellcheck(tree):
    """Every shell script passes shellcheck; what is meant carries a directive with its reason."""
    scripts = tree.of("shell")
    if not scripts:
        return
    done = subprocess.run([PROGRAM, "--external-sources", "--format=json", *scripts], cwd=tree.root,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.stderr:
        yield Complaint(scripts[0], 0, done.stderr.strip())
    for one in json.loads(done.stdout or "[]"):
        yield Complaint(one["file"], one["line"], f"SC{one['code']}: {one['message']}", f"SC{one['code']}")
