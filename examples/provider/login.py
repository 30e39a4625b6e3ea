"""Logs a person in at a provider, as a program on their computer does (RFC 8252): opens the browser, waits for it to
come back to a port of this machine, and shows what it got. Python's standard library is enough.

    python3 login.py ISSUER CLIENT_ID [SCOPE]
"""

import base64, hashlib, json, secrets, sys, webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import Request, urlopen

ISSUER, CLIENT_ID, SCOPE = [*sys.argv[1:], "openid email"][:3]


class Back(BaseHTTPRequestHandler):
    """Where the browser comes back."""

    def do_GET(self):
        self.server.answer = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Done. Go back to the terminal.")

    def log_message(self, *_):
        pass


def ask(url, form=None, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(url, urlencode(form).encode() if form else None, headers)) as answer:
        return json.load(answer)


metadata = ask(f"{ISSUER}/.well-known/openid-configuration")
assert metadata["issuer"] == ISSUER
verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
server = HTTPServer(("127.0.0.1", 0), Back)
redirect_uri = f"http://127.0.0.1:{server.server_port}/callback"
url = metadata["authorization_endpoint"] + "?" + urlencode({
    "response_type": "code", "client_id": CLIENT_ID, "redirect_uri": redirect_uri, "scope": SCOPE, "state": state,
    "code_challenge": challenge, "code_challenge_method": "S256"})
print("open", url, flush=True)
webbrowser.open(url)
server.handle_request()

answer = server.answer
# From whom it says it comes (RFC 9207), and for this request.
if answer.get("iss") != ISSUER or answer.get("state") != state:
    sys.exit("this answer is not for us")
if "error" in answer:
    sys.exit(f"refused: {answer['error']}")
tokens = ask(metadata["token_endpoint"], {"grant_type": "authorization_code", "code": answer["code"],
                                          "redirect_uri": redirect_uri, "client_id": CLIENT_ID,
                                          "code_verifier": verifier})
print("token:", tokens["token_type"], tokens["scope"])
print("hello,", ask(metadata["userinfo_endpoint"], token=tokens["access_token"])["email"])
