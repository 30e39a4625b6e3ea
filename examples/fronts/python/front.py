"""An OAuth 2.1 and OpenID Connect provider: each request goes to auth_store in one call, whose answer goes back.

    python3 front.py [PORT]     Connects as psql does, as a role that has auth_store_app.

The application logs its users in on pages of its own, see docs/tutorial/provider.md, and keeps the session's token in
the cookie "session".
"""

import sys, threading
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

# docs: begin
HTTP = """SELECT status, headers, body FROM auth_store.http(method => %(method)s, path => %(path)s, query => %(query)s,
    headers => %(headers)s, body => %(body)s, ip => %(ip)s, session_token => %(session)s)"""
ALONE = {       # the two endpoints that answer with more than a response
    "/authorize": """SELECT status, headers, body FROM auth_store.http_authorize(method => %(method)s,
        query => %(query)s, body => %(body)s, session_token => %(session)s, ip => %(ip)s, user_agent => %(agent)s)""",
    "/logout": """SELECT status, headers, body FROM auth_store.http_end_session(session_token => %(session)s,
        query => CASE %(method)s WHEN 'POST' THEN %(body)s ELSE %(query)s END, ip => %(ip)s)"""}
thread = threading.local()      # its connection


class Front(BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version = "HTTP/1.1", "front", ""

    def answer(self):
        size = self.headers.get("Content-Length", "0")
        if not size.isdecimal() or int(size) > 65536 or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            return self.send_error(413)
        body = self.rfile.read(int(size))
        path, _, query = self.path.partition("?")
        headers = {name.lower(): self.headers.get_all(name) for name in self.headers}
        cookie = SimpleCookie(self.headers.get("Cookie")).get("session")
        if not hasattr(thread, "db"):
            thread.db = psycopg.connect(autocommit=True, row_factory=dict_row)
        row = thread.db.execute(ALONE.get(path, HTTP), {
            "method": self.command, "path": path, "query": query.encode("latin-1"), "ip": self.client_address[0],
            "headers": Jsonb({name: all[0] if len(all) == 1 else all for name, all in headers.items()}),
            "body": body, "agent": self.headers.get("User-Agent"),
            "session": cookie and cookie.value}).fetchone()
        answer = (row["body"] or "").encode()
        self.send_response(row["status"])
        for name, value in [*row["headers"].items(), ("content-length", str(len(answer)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer
# docs: end

    def log_message(self, *_):      # a query may hold what nobody should read
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Front)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
