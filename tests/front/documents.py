"""Documents of clients, which the front fetches."""

import http.server, json, ssl, sys, tempfile, threading, urllib.request
from pathlib import Path

import harness
import people
from harness import Browser, Client, Front, ok, one

sys.path.insert(0, str(Path(__file__).parents[1] / "worker"))
import certificates  # noqa: E402


class Publisher(http.server.BaseHTTPRequestHandler):
    asked, gone, name = [], set(), "Editor"

    def do_GET(self):
        self.asked.append(self.path)
        if self.path in self.gone:
            return self.send_error(404)
        url = f"https://localhost:{self.server.server_port}{self.path}"
        document = {"client_id": url, "client_name": self.name, "redirect_uris": ["http://127.0.0.1/cb"],
                    "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"],
                    "scope": "openid email"}
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/client")
            return self.end_headers()
        body = b"x" * 100_000 if self.path == "/endless" else json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.path == "/page" else "application/json")
        self.send_header("Cache-Control", "max-age=600")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def documents():
    """A client whose id is the URL of its metadata."""
    settings = json.dumps({"metadata_documents": True})
    at = harness.port()
    one("SELECT auth_store.provider_set(issuer => %s, settings => %s)", f"http://localhost:{at}", settings)
    with tempfile.TemporaryDirectory() as folder:
        certificates.write(folder, "localhost", "127.0.0.1")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(folder) / "own", Path(folder) / "key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        front = Front(at=at, FRONT_CA_FILE=str(Path(folder) / "authority"), FRONT_ALLOW="127.0.0.1")
        url = f"https://localhost:{server.server_port}"
        browser = Browser(front)
        client = Client(front, f"{url}/client", redirect_uri="http://127.0.0.1:4711/cb")
        browser.get(client.path())
        ok("Editor" in browser.page.text, "a client is known by what it publishes", browser.page.text)
        browser.send(email="ada@example.com", password=people.PASSWORD).send(button="accept")
        status, _, tokens = client.redeem(browser)
        ok(status == 200 and tokens["access_token"], "and gets its tokens", (browser.left, tokens))
        ok(Publisher.asked == ["/client"], "asked once", Publisher.asked)
        over = "UPDATE auth_store.clients SET document_expires_at = now() WHERE origin = 'document'"
        Publisher.name = "Painter"
        harness.db.execute(over)
        browser.get(client.path(prompt="consent"))
        ok("Painter" in browser.page.text and Publisher.asked == ["/client"] * 2, "and again when its time is over",
           (browser.page.text, Publisher.asked))
        harness.db.execute(over)
        Publisher.gone.add("/client")
        browser.get(client.path())
        ok(browser.status == 400 and not browser.left and "could not be read" in browser.page.text,
           "a client that publishes nothing any more is none", (browser.status, browser.page.text))
        one("SELECT auth_store.provider_set(settings => %s)", '{"error_url": "https://www.example/oops"}')
        browser.get(client.path())
        ok((browser.left or "").startswith("https://www.example/oops?error=unauthorized_client"),
           "which the application's own page says", browser.left)
        ok(not any(name.startswith("auth-store") for name in browser.headers), "and nothing else", browser.headers)
        one("SELECT auth_store.provider_set(settings => %s)", '{"error_url": null}')
        for path in ("moved", "page", "endless"):
            browser.get(Client(front, f"{url}/{path}", redirect_uri="http://127.0.0.1:4711/cb").path())
            ok(browser.status == 400 and not browser.left, f"not by /{path}", (browser.status, browser.page.text))
        front.end()
        secure = Front(FRONT_TLS_CERTIFICATE=str(Path(folder) / "own"), FRONT_TLS_KEY=str(Path(folder) / "key"))
        trusting = ssl.create_default_context(cafile=str(Path(folder) / "authority"))
        with urllib.request.urlopen(f"https://localhost:{secure.port}/jwks", context=trusting) as answer:
            ok(answer.status == 200, "it speaks TLS itself where it has a certificate")
        secure.end()
        public = Front(at=at, FRONT_CA_FILE=str(Path(folder) / "authority"))
        before = len(Publisher.asked)
        browser = Browser(public)
        browser.get(Client(public, f"{url}/other", redirect_uri="http://127.0.0.1:4711/cb").path())
        ok(browser.status == 400 and len(Publisher.asked) == before, "no address that is not public is asked",
           browser.page.text)
        public.end()
        server.shutdown()
    one("SELECT auth_store.provider_set(issuer => %s, settings => '{}')", people.protocol.front.origin)
