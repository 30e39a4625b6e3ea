"""A receiver of webhooks, and a provider's token endpoint, on a free port of loopback: what it does is in the path, and
it remembers what came."""

import json, threading, time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.came = defaultdict(list)      # path: [(id, headers, body, time)]
        self.here = defaultdict(int)       # id: requests that wait for an answer
        self.twice_at_once = set()
        self.held = threading.Event()      # what /held waits for
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path, host="127.0.0.1"):
        return f"http://{host}:{self.server_port}{path}"

    def ids(self, path):
        with self.lock:
            return [id for id, *_ in self.came[path]]

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

    def at_nonsense(self):
        self.wfile.write(b"220 mail.example ESMTP\r\n")
        self.close_connection = True

    def token(self, kind, form):
        with self.server.lock:
            self.server.came["/token/" + kind].append((form["refresh_token"][0], dict(self.headers), form, time.time()))
        number = len(self.server.came["/token/" + kind])
        if kind == "rotating":
            tokens = {"access_token": f"access {number}", "refresh_token": f"refresh {number}", "expires_in": "3600"}
            return self.answer(200, json.dumps(tokens).encode(), Content_Type="application/json")
        if kind == "form":
            return self.answer(200, b"access_token=of+a+form&expires_in=0", Content_Type="text/plain")
        if kind == "dead":
            return self.answer(200, b'{"error": "bad_refresh_token"}', Content_Type="application/json")
        self.answer(503, b'{"error": "invalid_grant"}')
