"""What tests/browser/run runs: the pages of front/ as people use them, by keyboard and with scripts off, except for
passkeys."""

import base64, hashlib, hmac, http.server, json, os, pathlib, socket, struct, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.parse, urllib.request

import psycopg
from psycopg.rows import dict_row

from chromium import Browser, Count

PASSWORD, SECRET = "correct horse battery staple 7", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
count = Count()
check = count.check


def totp(step=0):
    """The code that an app shows, so many steps from now (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    digest = hmac.new(base64.b32decode(SECRET), counter, hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place:place + 4])[0] & 0x7FFFFFFF) % 1000000:06}"


class Client(http.server.BaseHTTPRequestHandler):
    """Where the browser is sent back: keeps the parameters, by query or by form."""

    def do_GET(self):
        self.take(urllib.parse.urlsplit(self.path).query)

    def do_POST(self):
        self.take(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def take(self, text):
        if self.path.startswith("/callback"):       # and not for an icon
            self.server.answers.append({"method": self.command, **dict(urllib.parse.parse_qsl(text))})
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>The client</title>")

    def log_message(self, *_):
        pass


class Person(Browser):
    """Somebody at the browser. Runtime.evaluate works with the page's own scripts off."""

    def scripts(self, on):
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def waits(self, what, expression):
        for _ in range(600):
            try:
                if self.value(expression):
                    return
            except RuntimeError:
                pass        # the page went away under the question
            time.sleep(0.05)
        raise AssertionError(f"{what}: at {self.value('location.href')}: {self.value('document.body.innerText')}")

    def goes(self, url):
        self.call("Page.navigate", url=url)
        self.waits("loaded", "document.readyState == 'complete'")

    def sees(self, title):
        self.waits(title, f"document.readyState == 'complete' && document.title == {json.dumps(title)}")

    def types(self, text):
        self.call("Input.insertText", text=text)

    def presses(self, key):
        code = {"Tab": 9, "Enter": 13, " ": 32}[key]
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, code=key,
                      text={"Enter": "\r", " ": " "}.get(key, "") if kind == "keyDown" else "")

    def tabs_to(self, text):
        """Goes by Tab to what is called so, as who sees no pointer does, and presses Enter."""
        for _ in range(40):
            self.presses("Tab")
            if self.value("document.activeElement.textContent.trim()") == text:
                return self.presses("Enter")
        raise AssertionError(f"Tab does not reach {text}: {self.value('document.body.innerHTML')}")


# What a page owes those who do not see it; the names of what is missing.
OWED = """(() => {
  const missing = [];
  const owes = (holds, what) => { if (!holds) missing.push(what); };
  owes(document.documentElement.lang, 'a language');
  owes(document.querySelectorAll('h1').length == 1, 'one heading');
  owes(document.querySelectorAll('main').length == 1, 'a landmark');
  owes(document.title, 'a title');
  for (const one of document.querySelectorAll('input:not([type=hidden])'))
    owes(one.labels.length || one.getAttribute('aria-label'), `a label of ${one.name}`);
  for (const one of document.querySelectorAll('button, a'))
    owes(one.textContent.trim() || one.getAttribute('aria-label'), `a name of ${one.outerHTML}`);
  owes(!document.querySelector('[onclick], [style], script:not([src])'), 'nothing in line');
  return missing.join(', ');
})()"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def set_up(db, issuer, back):
    one = lambda sql, *arguments: db.execute(f"SELECT * FROM auth_store.{sql}", arguments).fetchone()
    one("provider_set(%s, '{\"scope\": \"openid email orders\"}')", issuer)
    one("signing_key_create('ES256', clock_timestamp())")
    one("tenant_policy_set('default', %s)", json.dumps({
        "passkey_rp_id": "localhost", "passkey_rp_name": "Acme", "passkey_origins": [issuer],
        "passkey_user_verification": "required"}))
    user = one("user_create(email => 'ada@example.com', password => %s)", PASSWORD)["user_id"]
    one("totp_import(%s, %s)", user, SECRET)
    one("client_create('Shop', ARRAY[%s], 'public', client_id => 'shop', scope => 'openid email orders', grant_types "
        "=> ARRAY['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'])", back)


def ask(url, **form):
    try:
        return json.load(urllib.request.urlopen(url, urllib.parse.urlencode(form).encode()))
    except urllib.error.HTTPError as error:
        return json.load(error)


def ready(issuer):
    for _ in range(200):
        try:
            return urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration").read()
        except urllib.error.URLError:
            time.sleep(0.1)


def main():
    port = free_port()
    issuer = f"http://localhost:{port}"
    client = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Client)
    client.answers = []
    threading.Thread(target=client.serve_forever, daemon=True).start()
    back = f"http://127.0.0.1:{client.server_port}/callback"
    with psycopg.connect(autocommit=True, row_factory=dict_row) as db, \
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:  # Chromium may be writing still
        set_up(db, issuer, back)
        front = subprocess.Popen([os.environ["FRONT"]], stdout=subprocess.DEVNULL, env=os.environ | {
            "PGUSER": "front", "FRONT_LISTEN": f"127.0.0.1:{port}", "FRONT_ORIGIN": issuer, "FRONT_METRICS": ""})
        person = Person(profile)
        try:
            person.call("Page.enable")
            person.call("WebAuthn.enable")
            ready(issuer)
            play = Play(person, issuer, client.answers, back)
            for part in (play.log_in, play.form_post, play.device, play.make_passkey, play.account, play.log_out,
                         play.use_passkey):
                part()
        finally:
            person.process.kill()
            person.process.wait()
            front.terminate()
            front.wait(30)
    return count.failed > 0


class Play:
    """Somebody, the provider, and the client where the browser comes back."""

    def __init__(self, person, issuer, answers, back):
        self.person, self.issuer, self.answers, self.back = person, issuer, answers, back

    def url(self, **more):
        return f"{self.issuer}/authorize?" + urllib.parse.urlencode({
            "response_type": "code", "client_id": "shop", "redirect_uri": self.back, "scope": "openid email orders",
            "state": "s", "code_challenge": CHALLENGE, "code_challenge_method": "S256", **more})

    def good(self, page):
        check(f"{page}: usable without eyes", self.person.value(OWED), "")

    def came_back(self, what, method="GET"):
        """The claims of the ID token that the code is good for."""
        for _ in range(600):
            if self.answers:
                break
            time.sleep(0.05)
        answer = self.answers.pop(0)
        check(f"{what}: back at the client", (answer["method"], answer.get("state"), answer.get("iss")),
              (method, "s", self.issuer))
        token = ask(f"{self.issuer}/token", grant_type="authorization_code", code=answer.get("code", ""),
                    redirect_uri=self.back, client_id="shop", code_verifier=VERIFIER)
        check(f"{what}: the code is good", token.get("token_type"), "Bearer")
        return json.loads(base64.urlsafe_b64decode(token["id_token"].split(".")[1] + "=="))

    def log_in(self):
        person = self.person
        person.scripts(False)
        person.goes(self.url())
        person.sees("Log in")
        self.good("log-in")
        person.types("ada@example.com")
        person.presses("Tab")
        person.types("wrong horse battery staple")
        person.presses("Enter")
        person.waits("refused", "document.querySelector('[role=alert]')?.textContent")
        check("a wrong password is told", person.value("document.title"), "Log in")
        self.good("log-in, refused")
        person.value("document.getElementById('password').focus()")
        person.types(PASSWORD)
        person.presses("Enter")
        person.sees("Confirm that it is you")
        self.good("second factor")
        person.types(totp())
        person.presses("Enter")
        person.sees("Allow access?")
        self.good("consent")
        check("consent names the client", person.value("document.querySelector('main strong').textContent"), "Shop")
        person.goes(person.value("location.href"))
        person.sees("Allow access?")
        check("consent survives a reload", len(self.answers), 0)
        person.tabs_to("Allow")
        claims = self.came_back("password and TOTP")
        check("the ID token says how", sorted(claims["amr"]), ["mfa", "otp", "pwd"])
        person.goes(self.url())
        self.came_back("a second time, without a page")

    def form_post(self):
        self.person.scripts(True)
        self.person.goes(self.url(response_mode="form_post"))
        self.came_back("form_post", "POST")
        self.person.scripts(False)
        self.person.goes(self.url(response_mode="form_post"))
        self.person.tabs_to("Continue")
        self.came_back("form_post without scripts", "POST")

    def device(self):
        person = self.person
        device = ask(f"{self.issuer}/device_authorization", client_id="shop", scope="openid orders")
        person.goes(device["verification_uri"])
        person.sees("Connect a device")
        self.good("device code")
        person.types(device["user_code"].lower())
        person.presses("Enter")
        person.waits("asked", "document.body.innerText.includes('Shop')")
        self.good("device, asked")
        person.tabs_to("Allow")
        person.sees("The device is connected")
        self.good("device, done")
        token = ask(f"{self.issuer}/token", grant_type="urn:ietf:params:oauth:grant-type:device_code",
                    client_id="shop", device_code=device["device_code"])
        check("the device gets its token", token.get("token_type"), "Bearer")

    def make_passkey(self):
        person = self.person
        person.scripts(True)
        person.authenticator()
        person.goes(f"{self.issuer}/account/security")
        self.good("security")
        person.tabs_to("Make a passkey")
        person.waits("made", "document.body.innerText.includes('This device')")

    def account(self):
        for page in ("/account", "/account/sessions", "/account/applications", "/account/security", "/account/keys"):
            self.person.goes(self.issuer + page)
            self.good(page)

    def log_out(self):
        person = self.person
        person.scripts(False)
        person.goes(f"{self.issuer}/logout")
        person.sees("Log out?")
        self.good("log-out")
        person.tabs_to("Log out")
        person.sees("Logged out")
        person.goes(f"{self.issuer}/account")
        person.sees("Log in")

    def use_passkey(self):
        self.person.scripts(True)
        self.person.goes(self.url())
        self.person.sees("Log in")
        self.person.tabs_to("Log in with a passkey")
        check("the ID token says so", self.came_back("a passkey")["amr"], ["hwk", "user", "mfa"])


if __name__ == "__main__":
    sys.exit(main())
