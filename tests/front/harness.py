"""What the tests of the front share: the server that PGHOST … name, a front, requests, a browser without scripts."""

import base64, hashlib, html.parser, http.client, json, os, secrets, signal, socket, subprocess, sys, tempfile, time
import urllib.parse
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

FRONT = sys.argv[1]
failures = 0
processes = []
db = None


def ok(good, name, detail=""):
    global failures
    failures += not good
    print("ok -" if good else "not ok -", name, *[f"({detail})"] * (not good), flush=True)


def until(true, name, at_most=5):
    end = time.monotonic() + at_most
    while not (found := true()):
        if time.monotonic() > end:
            ok(False, f"waited {at_most} s for: {name}")
            return found
        time.sleep(0.02)
    return found


def connect():
    global db
    db = psycopg.connect(autocommit=True, row_factory=dict_row)


def rows(sql, *values):
    return db.execute(sql, values or None).fetchall()


def one(sql, *values):
    return next(iter(rows(sql, *values)[0].values()))


def call(function, **arguments):
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    return db.execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchall()


def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Front:
    """Its output goes to a file, so that it can be read while it runs."""

    def __init__(self, at=None, **environment):
        self.file = tempfile.TemporaryFile("w+")
        self.port, self.metrics = at or port(), port()
        self.origin = f"http://localhost:{self.port}"
        settings = {"PGUSER": "front", "FRONT_LISTEN": f"127.0.0.1:{self.port}", "FRONT_ORIGIN": self.origin,
                    "FRONT_METRICS": f"127.0.0.1:{self.metrics}", "FRONT_PATIENCE": "5"}
        self.process = subprocess.Popen([FRONT], stdin=subprocess.DEVNULL, stdout=self.file, stderr=self.file,
                                        env=os.environ | settings | environment)
        processes.append(self.process)
        until(lambda: "started" in self.text() or self.process.poll() is not None, "the front starts")

    def text(self):
        self.file.seek(0)
        return self.file.read()

    def log(self):
        """The lines of the access log."""
        lines = [json.loads(line) for line in self.text().splitlines() if line.startswith("{")]
        return [line for line in lines if "status" in line]

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(30)

    def ask(self, method, path, body=None, headers={}, at=None):
        """Status, headers in lower case, and body."""
        connection = http.client.HTTPConnection("127.0.0.1", at or self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            pairs = [(name.lower(), value) for name, value in answer.getheaders()]
            return answer.status, pairs, answer.read().decode()
        finally:
            connection.close()

    def post(self, path, secret=None, headers={}, **members):
        """A form of OAuth, with the client's secret as Basic."""
        basic = {"Authorization": "Basic " + base64.b64encode(":".join(secret).encode()).decode()} if secret else {}
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | basic | headers
        status, pairs, body = self.ask("POST", path, urllib.parse.urlencode(members), headers)
        return status, dict(pairs), json.loads(body) if body else None

    def counted(self):
        return self.ask("GET", "/metrics", at=self.metrics)[2]

    def memory(self):
        """What it has now, in kB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


class Reader(html.parser.HTMLParser):
    """The forms, links and text of a page, and what a screen reader needs."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.links, self.words, self.labels, self.inputs, self.tags = [], {}, [], set(), [], []
        self.alert, self.open, self.link = "", None, None
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, pairs):
        of = dict(pairs)
        self.tags.append((tag, of))
        if tag == "form":
            self.forms.append({"action": of.get("action"), "method": of.get("method"), "members": [], "buttons": []})
        elif tag == "label":
            self.labels.add(of.get("for"))
        elif tag == "input":
            if of.get("type") != "hidden":
                self.inputs.append(of.get("id"))
            is_sent = of.get("name") and "disabled" not in of and (of.get("type") != "checkbox" or "checked" in of)
            if self.forms and is_sent:
                self.forms[-1]["members"].append((of["name"], of.get("value", "")))
        elif tag == "button" and self.forms:
            self.forms[-1]["buttons"].append((of.get("name"), of.get("value")))
        elif tag == "a":
            self.link = of.get("href")
        if of.get("role") in ("alert", "status") and "hidden" not in of:
            self.open = tag

    def handle_endtag(self, tag):
        if tag == "a":
            self.link = None
        if tag == self.open:
            self.open = None

    def handle_data(self, data):
        self.words.append(data)
        if self.link:
            self.links[data.strip()] = self.link
        if self.open:
            self.alert += data

    def unlabelled(self):
        return [name for name in self.inputs if name not in self.labels]


class Browser:
    """Cookies, redirects within the site, and forms; no scripts."""

    def __init__(self, front):
        self.front, self.cookies = front, {}
        self.status = self.headers = self.page = self.left = None

    def go(self, method, path, body=None, headers={}):
        """Follows redirects of the site; `left` is where it leads out of it."""
        self.left = None
        for _ in range(10):
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            given = {"Cookie": cookie} | ({"Origin": self.front.origin, "Sec-Fetch-Site": "same-origin",
                                           "Content-Type": "application/x-www-form-urlencoded"} if body else {})
            self.status, pairs, text = self.front.ask(method, path, body, given | headers)
            self.headers = dict(pairs)
            for value in (value for name, value in pairs if name == "set-cookie"):
                name, _, rest = value.partition("=")
                self.cookies[name] = rest.split(";")[0]
                if "Max-Age=0" in value:
                    del self.cookies[name]
            location = self.headers.get("location")
            if self.status not in (302, 303) or not location:
                self.text, self.page = text, Reader(text)
                return self
            if not location.startswith("/") and not location.startswith(self.front.origin):
                self.left = location
                return self
            method, path, body = "GET", location.removeprefix(self.front.origin), None
        raise RuntimeError("a circle of redirects")

    def get(self, path):
        return self.go("GET", path)

    def send(self, action=None, button=None, headers={}, **members):
        """Sends the form of the page with this action, or the first one."""
        form = next(form for form in self.page.forms if action in (None, form["action"]))
        kept = [(name, value) for name, value in form["members"] if name not in members]
        pairs = kept + [(name, one) for name, value in members.items()
                        for one in (value if isinstance(value, list) else [value])]
        if button:
            pairs += [pair for pair in form["buttons"] if pair[1] == button]
        return self.go("POST", form["action"], urllib.parse.urlencode(pairs), headers)

    def follow(self, text):
        return self.get(self.page.links[text])

    def log_in(self, name, password):
        return self.get("/login").send(email=name, password=password)


class Client:
    """A client of OAuth with PKCE."""

    def __init__(self, front, client_id, secret=None, redirect_uri="https://app.example/cb", scope="openid email"):
        self.front, self.client_id, self.secret = front, client_id, secret
        self.redirect_uri, self.scope = redirect_uri, scope

    def path(self, **more):
        """Where it sends the browser."""
        self.verifier, self.state = secrets.token_urlsafe(48), secrets.token_urlsafe(9)
        digest = hashlib.sha256(self.verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        query = {"response_type": "code", "client_id": self.client_id, "redirect_uri": self.redirect_uri,
                 "scope": self.scope, "state": self.state, "code_challenge": challenge,
                 "code_challenge_method": "S256"} | more
        return "/authorize?" + urllib.parse.urlencode({name: value for name, value in query.items() if value})

    def answer(self, browser):
        """What came back to it."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(browser.left or "").query))

    def redeem(self, browser):
        answer = self.answer(browser)
        assert answer.get("state") == self.state, answer
        return self.front.post("/token", secret=self.secret and (self.client_id, self.secret),
                               grant_type="authorization_code", code=answer.get("code", ""),
                               redirect_uri=self.redirect_uri, code_verifier=self.verifier,
                               **({} if self.secret else {"client_id": self.client_id}))


def totp(secret, step=0):
    """The code of an authenticator app (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    import hmac
    mac = hmac.digest(key, (int(time.time()) // 30 + step).to_bytes(8, "big"), "sha1")
    place = mac[-1] & 15
    return f"{(int.from_bytes(mac[place:place + 4], 'big') & 0x7fffffff) % 10**6:06}"


def run(tests):
    """Ends every process that was started."""
    try:
        connect()
        for test in tests:
            test()
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
    sys.exit(failures > 0)
