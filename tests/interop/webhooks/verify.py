"""Verifies a delivery with the library of PyPI: the first argument is a file with secrets, headers and body."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

with open(sys.argv[1], encoding="utf-8") as file:
    made = json.load(file)
for secret in made["secrets"]:
    assert Webhook(secret).verify(made["body"], made["headers"])["type"] == "agent.created"
    try:
        Webhook(secret).verify(made["body"] + " ", made["headers"])
    except WebhookVerificationError:
        continue
    raise AssertionError("another body passes")
