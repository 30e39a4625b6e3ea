"""The worker over real HTTP, against the server that PGHOST … and CLUSTER_DIR name.

    worker.py WORKER RESTART...     the program, and the command that restarts the server

Prints "ok" or "not ok" for each test. Ends every process that it starts.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

import connections, crashes, harness, outages, sending, watching  # noqa: E402, E401

harness.run([harness.make_roles, watching.lonely, sending.sending, sending.addresses, sending.names, crashes.crashes,
             crashes.slow_receivers, crashes.one_host, crashes.unheeded, outages.notified, outages.unheard,
             outages.sessions_ended, outages.server_restarted, outages.server_elsewhere, outages.receiver_down,
             connections.connections, connections.silent_provider, watching.metrics])
