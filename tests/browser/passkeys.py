"""What tests/browser/run runs: drives Chromium by its DevTools protocol, over a pipe."""

import json, os, pathlib, subprocess, sys, tempfile

import psycopg

REPO = pathlib.Path(__file__).resolve().parents[2]
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--remote-debugging-pipe"]


class Browser:
    """Chromium reads commands at descriptor 3 and answers at 4, each ended by a zero byte."""

    def __init__(self, profile):
        read, self.write = os.pipe()
        self.read, write = os.pipe()

        def descriptors():
            # Above 4 first: the pipes' own numbers may be 3 and 4.
            into, out = os.dup2(read, 103), os.dup2(write, 104)
            os.dup2(into, 3)
            os.dup2(out, 4)

        self.process = subprocess.Popen(
            [os.environ["CHROMIUM"], *OPTIONS, f"--user-data-dir={profile}", "about:blank"], preexec_fn=descriptors,
            close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read)
        os.close(write)
        self.number, self.rest, self.session = 0, b"", None
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]

    def call(self, method, **arguments):
        self.number += 1
        message = {"id": self.number, "method": method, "params": arguments}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def message(self):
        while b"\0" not in self.rest:
            chunk = os.read(self.read, 1 << 16)
            if not chunk:
                raise RuntimeError("chromium has ended")
            self.rest += chunk
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def run(self, script):
        """The value of a script in the page, or the text of what it throws."""
        wrapped = f"(async () => {{ const p = await import('/passkeys.js'); {script} }})()"
        wrapped = f"{wrapped}.catch(error => `${{error.name}}: ${{error.message}}`)"
        answer = self.call("Runtime.evaluate", expression=wrapped, awaitPromise=True, returnByValue=True)
        return answer["result"].get("value")

    def authenticator(self, **more):
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                   "isUserVerified": True, "automaticPresenceSimulation": True, **more}
        return self.call("WebAuthn.addVirtualAuthenticator", options=options)["authenticatorId"]


passed = failed = 0


def check(what, found, expected):
    global passed, failed
    if found == expected:
        passed += 1
        print(f"ok {what}")
    else:
        failed += 1
        print(f"not ok {what}: {found}, not {expected}")


def main():
    with psycopg.connect(autocommit=True) as db:
        db.execute("CREATE EXTENSION auth_store")
    server = subprocess.Popen([sys.executable, REPO / "examples/passkeys/server.py", "0"], stdout=subprocess.PIPE,
                              text=True)
    origin = server.stdout.readline().strip()
    with psycopg.connect(autocommit=True) as db, tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        try:
            play(browser, db, origin)
        finally:
            browser.process.kill()
            browser.process.wait()
            server.kill()
    print(f"{passed} passed, {failed} failed")
    return failed > 0


def play(browser, db, origin):
    one = lambda sql, *arguments: db.execute(sql, arguments).fetchone()

    def policy(**members):
        one("SELECT auth_store.tenant_policy_set('default', %s)", json.dumps(members))

    policy(passkey_rp_id="localhost", passkey_rp_name="Acme", passkey_origins=[origin],
           passkey_user_verification="required")
    browser.call("WebAuthn.enable")
    browser.call("Page.enable")
    device = browser.authenticator()
    browser.call("Page.navigate", url=origin)
    while browser.call("Runtime.evaluate", expression="document.readyState")["result"]["value"] != "complete":
        pass

    check("no passkey without a session", browser.run("return await p.register('x')"), "Error: log in first")
    user = browser.run("return (await p.signUp('ada@example.com')).user_id")
    check("a passkey is made", browser.run("return typeof (await p.register('Laptop')).passkey_id"), "string")
    check("and stored", one("SELECT count(*), min(p.name), min(p.attestation_format), bool_and(p.user_verified), "
                            "min(p.transports::text) FROM auth_store.passkey_list(%s) p", user),
          (1, "Laptop", "none", True, "{internal}"))
    check("no second one on this authenticator", browser.run("return await p.register('again')").split(":")[0],
          "InvalidStateError")
    browser.run("await p.logOut()")
    check("it logs in", browser.run("return (await p.logIn()).user_id"), user)
    check("with these methods", browser.run("return (await p.logIn()).amr"), ["hwk", "user", "mfa"])
    check("its counter and use are noted", one("SELECT sign_count, last_used_at IS NOT NULL FROM "
                                               "auth_store.passkey_list(%s)", user), (3, True))
    browser.call("WebAuthn.setUserVerified", authenticatorId=device, isUserVerified=False)
    check("no log-in without verification", browser.run("return await p.logIn()").split(":")[0], "NotAllowedError")
    browser.call("WebAuthn.setUserVerified", authenticatorId=device, isUserVerified=True)
    policy(passkey_origins=["https://example.com"])
    with_setting = browser.run("return (await p.logIn()).user_id")
    check("any port of localhost where the setting allows it", with_setting, user)
    for algorithm in (-7, -8, -257):
        check(f"a passkey of algorithm {algorithm}", browser.run(of_algorithm(algorithm)), True)
    check("three more", one("SELECT array_agg(DISTINCT algorithm ORDER BY algorithm) FROM auth_store.passkey_list(%s)",
                            user), ([-257, -8, -7],))
    browser.call("WebAuthn.removeVirtualAuthenticator", authenticatorId=device)
    browser.authenticator(defaultBackupEligibility=True, defaultBackupState=True)
    browser.run("await p.signUp('bob@example.com')")
    check("a synchronised passkey", browser.run("await p.register('Cloud'); return (await p.logIn()).amr"),
          ["swk", "user", "mfa"])


def of_algorithm(algorithm):
    """Makes a passkey with one algorithm offered, for a credential of its own: the list of those to exclude is left
    out."""
    return f"""
        const post = async (path, body) => (await fetch(path, {{ method: 'POST', body: JSON.stringify(body) }})).json();
        const options = await post('/register/options', {{}});
        options.pubKeyCredParams = [{{ type: 'public-key', alg: {algorithm} }}];
        options.excludeCredentials = [];
        const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
        const credential = await navigator.credentials.create({{ publicKey }});
        const made = await post('/register', {{ credential: credential.toJSON(), name: 'of {algorithm}' }});
        return typeof made.passkey_id === 'string' || made.error;"""


sys.exit(main())
