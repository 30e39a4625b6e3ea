"""Passkeys: a page that makes them and logs in with them, and a server that keeps everything in auth_store.

    python3 server.py [PORT]        then open http://localhost:PORT (not 127.0.0.1: a passkey belongs to a name)

Connects as psql does: PGHOST, PGPORT, PGUSER, PGDATABASE, as a role that has auth_store_app. Before that, once, by an
administrator (on localhost auth_store.passkey_allow_localhost must be on):

    SELECT auth_store.tenant_policy_set('default', '{"passkey_rp_id": "localhost", "passkey_rp_name": "Example",
        "passkey_origins": ["http://localhost:8000"], "passkey_user_verification": "required"}');
"""

import json, pathlib, sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
from psycopg.rows import dict_row

HERE = pathlib.Path(__file__).parent
FILES = {"/": ("index.html", "text/html"), "/page.js": ("page.js", "text/javascript"),
         "/passkeys.js": ("passkeys.js", "text/javascript")}


def call(function, **arguments):
    """The row of auth_store.function(), in a transaction of its own: a refusal writes too."""
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    with psycopg.connect(autocommit=True, row_factory=dict_row) as db:
        return db.execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchone()


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path not in FILES:
            return self.send_error(404)
        name, kind = FILES[self.path]
        self.answer(200, (HERE / name).read_bytes(), kind)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        steps = {"/signup": self.sign_up, "/logout": self.log_out, "/register/options": self.register_options,
                 "/register": self.register, "/login/options": self.login_options, "/login": self.log_in}
        if self.path not in steps:
            return self.send_error(404)
        if self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return self.refuse("another site's request", 403)
        steps[self.path](body)

    def sign_up(self, body):
        user = call("user_create", email=body["email"])
        if user["error"]:
            return self.refuse(user["error"])
        self.begin(user["user_id"], None, {"user_id": str(user["user_id"])})

    def log_out(self, _):
        session = self.session()
        if session:
            call("session_revoke", session_id=session["session_id"], user_id=session["user_id"])
        self.answer(200, {}, cookies=["session=; Max-Age=0"])

    def register_options(self, _):
        session = self.session()
        if not session:
            return self.refuse("log in first", 401)
        self.ask("registration", user_id=session["user_id"])

    def register(self, body):
        session = self.session()
        if not session:
            return self.refuse("log in first", 401)
        made = call("passkey_register", user_id=session["user_id"], credential=json.dumps(body["credential"]),
                    name=body["name"], challenge=self.cookie("challenge"))
        if made["error"]:
            return self.refuse(made["error"])
        self.answer(200, {"passkey_id": str(made["passkey_id"])})

    def login_options(self, _):
        self.ask("login")

    def log_in(self, body):
        login = call("passkey_authenticate", credential=json.dumps(body["credential"]),
                     challenge=self.cookie("challenge"))
        if not login["ok"]:
            return self.refuse(login["error"], 401)
        self.begin(login["user_id"], login["amr"], {"user_id": str(login["user_id"]), "amr": login["amr"]})

    def ask(self, ceremony, **more):
        """The browser is to answer this challenge and no other: a cookie remembers it, or an answer from somewhere else
        could log it in as somebody else."""
        asked = call("passkey_challenge", ceremony=ceremony, **more)
        if asked["error"]:
            return self.refuse(asked["error"])
        self.answer(200, asked["options"], cookies=[f"challenge={asked['options']['challenge']}; Max-Age=300"])

    def begin(self, user_id, amr, body):
        session = call("session_create", user_id=user_id, amr=amr)
        self.answer(200, body, cookies=[f"session={session['session_token']}", "challenge=; Max-Age=0"])

    def session(self):
        session = call("session_touch", session_token=self.cookie("session"))
        return session if session["valid"] else None

    def cookie(self, name):
        cookie = SimpleCookie(self.headers.get("Cookie")).get(name)
        return cookie.value if cookie else ""

    def refuse(self, error, status=400):
        self.answer(status, {"error": error})

    def answer(self, status, body, kind="application/json", cookies=()):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        # Scripts of this site alone, from files: nothing that is put into the page can talk to the authenticator.
        self.send_header("Content-Security-Policy",
                         "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'")
        self.send_header("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)")
        for cookie in cookies:
            self.send_header("Set-Cookie", f"{cookie}; Path=/; HttpOnly; SameSite=Strict")     # over https: Secure too
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    server = ThreadingHTTPServer(("localhost", port), Server)
    print(f"http://localhost:{server.server_port}", flush=True)
    server.serve_forever()
