"""A receiver of webhooks, and a provider's token endpoint, on a free port of loopback: what it does is in the path, and
it remembers what came."""

import json, threading, time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


def lowered(headers):
    """By their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, host="127.0.0.1"):
        super().__init__((host, 0), Handler)
        self.lock = threading.Lock()
        self.arrived = threading.Condition(self.lock)
        self.came = defaultdict(list)      # path: [(id, headers, body, time)]
        self.here = defaultdict(int)       # id: requests that wait for an answer
        self.twice_at_once = set()
        self.busy = self.most_at_once = 0  # of the requests of /busy
        self.reached = []                  # the address of each connection, on this side
        self.held = threading.Event()      # what /held waits for
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path, host="127.0.0.1"):
        return f"http://{host}:{self.server_port}{path}"

    def ids(self, path):
        with self.lock:
            return [id for id, *_ in self.came[path]]

    def get_request(self):
        connection, client = super().get_request()
        self.reached.append(connection.getsockname()[0])
        return connection, client

    def handle_error(self, *_):
        pass  # a worker that is killed closes its connections


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path.startswith("/token/"):
            return self.token(path.removeprefix("/token/"), parse_qs(body.decode()))
        id, server = self.headers["webhook-id"], self.server
        with server.lock:
            server.came[path].append((id, dict(self.headers), body, time.time()))
            server.arrived.notify_all()
            server.here[id] += 1
            if server.here[id] > 1:
                server.twice_at_once.add(id)
        try:
            getattr(self, "at_" + path.split("/")[1], self.at_ok)()
        finally:
            with server.lock:
                server.here[id] -= 1

    def at_ok(self):
        self.answer(200, b"thanks")

    def at_brief(self):
        time.sleep(0.02)
        self.answer(204)

    def at_slow(self):
        time.sleep(1.5)
        self.answer(200)

    def at_busy(self):
        with self.server.lock:
            self.server.busy += 1
            self.server.most_at_once = max(self.server.busy, self.server.most_at_once)
        time.sleep(0.5)
        with self.server.lock:
            self.server.busy -= 1
        self.answer(200)

    def at_held(self):
        self.server.held.wait(30)
        self.answer(200)

    def at_fail(self):
        self.answer(500, b"no\0t now")

    def at_gone(self):
        self.answer(410)

    def at_later(self):
        self.answer(429, Retry_After="3600")

    def at_redirect(self):
        self.answer(302, Location=self.server.url("/elsewhere"))

    def at_huge(self):
        self.answer(200, b"x" * 50_000_000)

    def at_endless(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"2000\r\n" + b"y" * 0x2000 + b"\r\n")

    def at_dripping(self):
        """Never done within a time limit for the whole, always within one for each read."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(b"z")
            time.sleep(0.1)

    def at_silent(self):
        time.sleep(20)

    def at_unknown(self):
        self.answer(999, b"no")

    def at_nonsense(self):
        self.wfile.write(b"220 mail.example ESMTP\r\n")
        self.close_connection = True

    def token(self, kind, form):
        with self.server.lock:
            self.server.came["/token/" + kind].append((form["refresh_token"][0], dict(self.headers), form, time.time()))
            number = len(self.server.came["/token/" + kind])
        if kind == "hangup" and number > 1:
            self.close_connection = True    # kept open after the first answer, and closed when the next request comes
            return
        if kind == "silent":
            return time.sleep(5)
        if kind == "endless":
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            while True:
                self.wfile.write(b" " * 65536)
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 28_800))
        status, body = {
            "rotating": (200, {"access_token": f"access {number}", "refresh_token": f"refresh {number}",
                               "expires_in": "3600", "x_refresh_token_expires_in": 8_726_400}),
            "created": (201, {"token": "of 201", "expiresAt": soon}),
            "form": (200, "access_token=of+a+form&expires_in=0"),
            "nolife": (200, {"access_token": "no life", "token_type": "bearer", "scope": None}),
            "assumed": (200, {"access_token": "no life", "expires_in": None}),
            "millis": (200, {"access_token": "of millis", "expires_in": 1_800_000}),
            "wrapped": (200, {"message": "success", "data": {"access_token": "in data", "refresh_token": "next",
                                                             "expires_in": 86_400, "open_id": "x"}}),
            "user": (200, {"ok": True, "authed_user": {"access_token": "of a user", "refresh_token": "next",
                                                       "expires_in": 43_200}}),
            "hangup": (200, {"access_token": "a", "refresh_token": "next"}),
            "dead": (200, {"error": "bad_refresh_token", "error_description": "of the provider"}),
            "notok": (200, {"ok": False, "error": "invalid_refresh_token"}),
            "errcode": (200, {"errcode": 40030, "errmsg": "invalid refresh_token"}),
            "errors": (200, {"errors": [{"errorType": "invalid_token", "message": "m"}], "success": False}),
            "page": (200, "<!doctype html><title>access_token=</title>"),
            "empty": (200, ""),
            "moved": (307, ""),
        }.get(kind, (503, {"error": "invalid_grant"}))
        text = body if isinstance(body, str) else json.dumps(body)
        self.answer(status, text.encode(), Location=self.server.url("/token/elsewhere"))
