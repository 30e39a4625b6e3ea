"""An OAuth 2.1 and OpenID Connect provider: each request goes to auth_store in one call, whose answer goes back.

    python3 front.py [PORT]     Connects as psql does, as a role that has auth_store_app.

The application logs its users in on pages of its own, see docs/how-to/fronts.md, and keeps the session's token in the
cookie "session".
"""

import sys, threading
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
from psycopg.types.json import Jsonb

# docs: begin
HTTP = """SELECT status, headers, body FROM auth_store.http(method => %s, path => %s, query => %s, headers => %s,
    body => %s, ip => %s, session_token => %s)"""
thread = threading.local()      # its connection


class Front(BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version = "HTTP/1.1", "front", ""

    def answer(self):
        size = self.headers.get("Content-Length", "0")
        if not size.isdecimal() or int(size) > 65536 or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            return self.send_error(413)
        path, _, query = self.path.partition("?")
        headers = {name.lower(): self.headers.get_all(name) for name in self.headers}
        session = SimpleCookie(self.headers.get("Cookie")).get("session")
        if not hasattr(thread, "db"):
            thread.db = psycopg.connect(autocommit=True)
        status, sent, body = thread.db.execute(HTTP, (
            self.command, path, query.encode("latin-1"), Jsonb(headers), self.rfile.read(int(size)),
            self.client_address[0], session and session.value)).fetchone()
        body = (body or "").encode()
        self.send_response(status)
        for name, value in [*sent.items(), ("content-length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer
# docs: end

    def log_message(self, *_):      # a query may hold what nobody should read
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Front)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
