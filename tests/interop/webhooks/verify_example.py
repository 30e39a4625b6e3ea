"""Verifies a delivery as examples/webhooks does: the first argument is a file with secrets, headers and body."""

import json
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[3] / "examples" / "webhooks"))

from receiver import TOLERANCE, verify  # noqa: E402

with open(sys.argv[1], encoding="utf-8") as file:
    made = json.load(file)
headers, body = made["headers"], made["body"].encode()
assert all(verify([secret], headers, body) for secret in made["secrets"])
assert verify(["whsec_" + "A" * 43 + "=", made["secrets"][1]], headers, body)
assert not verify(["whsec_" + "A" * 43 + "="], headers, body) and not verify([], headers, body)
assert not verify(made["secrets"], headers, body + b" ")
for name, value in (("webhook-id", "another"), ("webhook-timestamp", str(int(time.time()) - TOLERANCE - 9)),
                    ("webhook-timestamp", "soon"), ("webhook-signature", "v1,"), ("webhook-signature", "é")):
    assert not verify(made["secrets"], headers | {name: value}, body), (name, value)
    assert not verify(made["secrets"], {key: text for key, text in headers.items() if key != name}, body), name
