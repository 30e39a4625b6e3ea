"""A receiver of webhooks: verifies what comes, and takes nothing twice. Python's standard library is all it needs.

    WEBHOOK_SECRET=whsec_... python3 receiver.py [PORT]

The secret is what webhook_create() answered, once; several with spaces between them while it is rotated. Signatures are
those of Standard Webhooks, for which there are libraries in most languages: https://www.standardwebhooks.com/
"""

import base64, hashlib, hmac, json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 300     # seconds that a delivery may be old, or early by our clock


def verify(secrets, headers, body):
    """Whether the sender knows one of the secrets, and signed this body just now."""
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    given = [text.removeprefix("v1,") for text in headers.get("webhook-signature", "").split() if text[:3] == "v1,"]
    signed = f"{id}.{timestamp}.".encode() + body       # the bytes as they came, not JSON that was read and written
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        own = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        if any([hmac.compare_digest(own.encode(), text.encode()) for text in given]):
            return True
    return False


class Handler(BaseHTTPRequestHandler):
    secrets = os.environ.get("WEBHOOK_SECRET", "").split()
    seen = set()        # an application has a table of them, and inserts in the transaction of what it does

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not verify(self.secrets, self.headers, body):
            return self.answer(401, "refused: the signature is not right")
        if self.headers["webhook-id"] in self.seen:
            return self.answer(204, "again, and done already: " + self.headers["webhook-id"])
        event = json.loads(body)
        self.seen.add(self.headers["webhook-id"])
        # Do what takes long later: the sender waits for the answer, and sends again without one.
        self.answer(204, f"verified: {event['type']} {json.dumps(event['data'])}")

    def answer(self, status, line):
        print(line, flush=True)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    if not Handler.secrets:
        sys.exit("WEBHOOK_SECRET is not set")
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Handler) as server:
        print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
