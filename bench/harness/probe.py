"""Calls of one connection between two looks of the backend at itself: the processor's time it has had, user and system
together (/proc/self/schedstat, nanoseconds), and its own memory (RssAnon of /proc/self/status, kB). What the client
does between the calls, and what else runs on the machine, is in neither."""

import re
import tempfile

from . import pgbench
from .server import run

# The first calls fill the session's caches and plan its statements.
WARM = 500

BEGIN = """\\if :done = :warm
SELECT ns AS began_ns, kb AS began_kb FROM bench.probe() \\gset
\\endif
"""
END = """\\set done :done + 1
\\if :done = :total
INSERT INTO bench.probed SELECT ns - :began_ns, kb - :began_kb, kb FROM bench.probe();
\\endif
"""


def sandwich(text, hot):
    """The script between the two looks. A hot one presents the same token for ever: what an answer says of the next one
    goes to other variables, and none is chosen at random."""
    if hot:
        text = re.sub(r"(?m)^\\set t random\(1, :\w+\)$", r"\\set t 1", text)
        text, count = re.subn(r"\\gset\s*\Z", r"\\gset next_\n", text.rstrip())
        if count != 1:
            raise AssertionError("a script for one hot token ends with \\gset")
    return BEGIN + text.rstrip() + "\n" + END


def calls(server, database, text, variant, size, count, hot=False, sync="off"):
    """What `count` calls cost the backend: nanoseconds a call, kB more than before them, kB in the end."""
    server.psql(database, "TRUNCATE bench.probed")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(sandwich(text, hot))
        file.flush()
        command = pgbench.command(server, file.name, size, calls=count + WARM)
        for name, value in (("done", 0), ("warm", WARM), ("total", count + WARM)):
            command += ["-D", f"{name}={value}"]
        pgbench.parse(run(command, env=pgbench.environment(server, database, variant, sync)).stdout)
    found = server.psql(database, "SELECT ns, grown_kb, kb FROM bench.probed").splitlines()
    if len(found) != 1:
        raise AssertionError(f"the backend looked at itself {len(found)} times, expected once")
    spent, grown, kept = (int(word) for word in found[0].split("|"))
    if spent <= 0:
        raise AssertionError("this kernel does not account for a process's time in /proc/self/schedstat")
    return {"ns": spent / count, "grown_kb": grown, "kb": kept}
