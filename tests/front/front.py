"""The front over real HTTP, against the server that PGHOST … name.

    front.py FRONT RESTART...     the program, and the command that restarts the server

Prints "ok" or "not ok" for each test. Ends every process that it starts.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))

import documents, harness, people, protocol  # noqa: E402, E401

harness.run([protocol.provider, protocol.endpoints, protocol.bounds, protocol.callers, protocol.ends,
             people.log_in, people.consent, people.factors, people.forms, people.mails, people.device, people.tenant,
             people.log_out, people.account, documents.documents, protocol.restarts])
