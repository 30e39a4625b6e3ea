"""The authorization code flow with PKCE over HTTP: an authorization server that keeps everything in auth_store, and a
client.

Each endpoint is one function call. Its row holds the tokens, or `error` as the RFCs spell it. What the calling program
did wrong is an exception instead. Connects as psql does: PGHOST, PGPORT, PGUSER, PGDATABASE.
"""

import base64, hashlib, http.client, json, secrets, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlencode, urlsplit

import psycopg
from psycopg.rows import dict_row

# Autocommit: a refusal writes too. It leaves an audit row and may end a family of tokens; a rollback would undo both.
db = psycopg.connect(autocommit=True, row_factory=dict_row)


def call(function, **arguments):
    """The row of auth_store.function(). Arguments by name, values as bind parameters: no secret is in the statement's
    text."""
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    return db.execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchone()


class Server(BaseHTTPRequestHandler):
    user_id = None  # a real server has a log-in page, and one that asks whether the client may and sends a POST

    def do_GET(self):
        path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        if path == "/authorize":
            names = ("client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
            # First of all: a redirect_uri that is not registered could be anybody's, and nothing is sent there.
            if not call("client_allows_redirect_uri", client_id=query.get("client_id"),
                        redirect_uri=query.get("redirect_uri"))["client_allows_redirect_uri"]:
                return self.answer(400, {"error": "invalid_request"})
            row = self.call("code_issue", user_id=self.user_id, **{name: query.get(name) for name in names})
            back = {name: row[name] for name in ("code", "error", "error_description", "state")
                    if row[name] is not None}
            return self.answer(302, {}, Location=f"{query['redirect_uri']}?{urlencode(back)}")
        # A resource server. token_authorize() only reads, so this could as well ask a standby.
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        row = call("token_authorize", token=token, required_scope="orders")
        status = {None: 200, "insufficient_scope": 403}.get(row["error"], 401)
        self.answer(status, row if row["error"] else {"orders_of": str(row["user_id"])})

    def do_POST(self):
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        function, names = {
            ("/token", "authorization_code"): ("code_redeem", ("code", "redirect_uri", "code_verifier")),
            ("/token", "refresh_token"): ("token_refresh", ("refresh_token", "scope")),
            ("/token", "client_credentials"): ("token_issue_client_credentials", ("scope",)),
            ("/revoke", None): ("token_revoke", ("token", "token_type_hint")),
        }.get((self.path, form.get("grant_type")), (None, ()))
        if function is None:
            return self.answer(400, {"error": "unsupported_grant_type"})
        row = self.call(function, **{name: form.get(name) for name in names}, **self.credentials(form))
        self.answer({None: 200, "invalid_client": 401, "temporarily_unavailable": 429}.get(row["error"], 400), row)

    def credentials(self, form):
        """The client's id and secret. In the header they are form-encoded (RFC 6749 section 2.3.1): many clients send _
        as %5F."""
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return {"client_id": form.get("client_id"), "client_secret": form.get("client_secret")}
        try:
            client_id, _, secret = base64.b64decode(encoded).decode("latin-1").partition(":")
        except ValueError:
            return {"client_id": None}  # nobody: invalid_client
        return {"client_id": unquote_plus(client_id), "client_secret": unquote_plus(secret)}

    def call(self, function, **arguments):
        """With where the request came from, for the audit trail."""
        return call(function, **arguments, ip=self.client_address[0], user_agent=self.headers.get("User-Agent"))

    def answer(self, status, row, **headers):
        kept = ("error", "error_description") if row.get("error") else (
            "access_token", "token_type", "expires_in", "refresh_token", "scope", "orders_of")
        body = json.dumps({name: row[name] for name in kept if row.get(name) is not None}).encode()
        self.send_response(status)
        headers |= {"Content-Type": "application/json", "Content-Length": len(body), "Cache-Control": "no-store"}
        if status == 401 and (self.command == "GET" or "Authorization" in self.headers):
            headers["WWW-Authenticate"] = "Bearer" if self.command == "GET" else "Basic"
        if status == 429:
            headers["Retry-After"] = row["retry_after"]
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: the request line of /authorize is no place for a log."""


class Client:
    """Runs on the user's machine. Knows its client_id and the server's address, nothing of the database."""

    def __init__(self, address, client_id):
        self.address, self.client_id, self.redirect_uri = address, client_id, "http://127.0.0.1:8765/callback"

    def send(self, method, path, form=None, **headers):
        connection = http.client.HTTPConnection(*self.address)
        connection.request(method, path, urlencode(form) if form else None, headers)
        response = connection.getresponse()
        return response.status, response.headers, json.loads(response.read())

    def log_in(self, scope):
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        request = {"response_type": "code", "client_id": self.client_id, "redirect_uri": self.redirect_uri,
                   "scope": scope,
                   "state": state, "code_challenge": challenge, "code_challenge_method": "S256"}
        _, headers, _ = self.send("GET", "/authorize?" + urlencode(request))
        back = dict(parse_qsl(urlsplit(headers["Location"]).query))
        assert back.pop("state") == state
        if "error" in back:
            return back
        return self.token(grant_type="authorization_code", code=back["code"], redirect_uri=self.redirect_uri,
                          code_verifier=verifier)

    def token(self, **form):
        return self.send("POST", "/token", form | {"client_id": self.client_id})[2]

    def orders(self, tokens):
        status, _, body = self.send("GET", "/orders", Authorization="Bearer " + tokens["access_token"])
        return status, body


def service(address, job):
    """A client with a secret, and a library that encodes every character of it that is no letter or digit."""
    def basic(text):
        return quote_plus(text).replace("_", "%5F").replace("-", "%2D")
    header = base64.b64encode(f"{basic(job['client_id'])}:{basic(job['client_secret'])}".encode()).decode()
    client = Client(address, job["client_id"])
    form = {"grant_type": "client_credentials"}
    status, _, body = client.send("POST", "/token", form, Authorization="Basic " + header)
    again, headers, refusal = client.send("POST", "/token", form, Authorization="Basic " + header)
    return status, body["scope"], again, refusal["error"], int(headers["Retry-After"]) > 0


def main():
    # Registering is the administrator's; the server has the rights of auth_store_app and no others.
    db.execute("SET ROLE auth_store_admin")
    client_id = call("client_create", name="Example", redirect_uris=["http://127.0.0.1/callback"], client_type="public",
                     scope="openid orders", refresh_grace="3 s")["client_id"]
    job = call("client_create", name="Nightly job", scope="reports", rate_limit_per_hour=1)
    db.execute("SET ROLE auth_store_app")
    Server.user_id = call("user_ensure", external_id="example-user-1")["user_ensure"]
    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Client(server.server_address, client_id)
    print("service:           ", *service(server.server_address, job))

    first = client.log_in("openid orders")
    print("logged in:         ", first["token_type"], first["scope"], first["expires_in"], "s")
    print("orders:            ", *client.orders(first))
    second = client.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    again = client.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    print("refreshed twice:   ", "the same successor", again["refresh_token"] == second["refresh_token"])
    third = client.token(grant_type="refresh_token", refresh_token=second["refresh_token"])
    time.sleep(4)  # within the grace it could be another tab of the client: refused, and no more
    print("replayed by a thief:", client.token(grant_type="refresh_token", refresh_token=first["refresh_token"]))
    print("the family ended:  ", *client.orders(third))
    other = client.log_in("openid")
    print("not for orders:    ", *client.orders(other))
    print("not registered for:", client.log_in("openid admin"))
    status, _, _ = client.send("POST", "/revoke", {"token": other["refresh_token"], "client_id": client_id})
    print("logged out:        ", status, *client.orders(other))
    server.shutdown()


if __name__ == "__main__":
    main()
