"""What tests/browser/run runs: passkeys on the page of examples/passkeys."""

import json, pathlib, subprocess, sys, tempfile

import psycopg

from chromium import Browser, Count

REPO = pathlib.Path(__file__).resolve().parents[2]
count = Count()
check = count.check


class Page(Browser):
    def run(self, script):
        """The value of a script in the page, or the text of what it throws."""
        wrapped = f"(async () => {{ const p = await import('/passkeys.js'); {script} }})()"
        wrapped = f"{wrapped}.catch(error => `${{error.name}}: ${{error.message}}`)"
        return self.value(wrapped)


def main():
    server = subprocess.Popen([sys.executable, REPO / "examples/passkeys/server.py", "0"], stdout=subprocess.PIPE,
                              text=True)
    origin = server.stdout.readline().strip()
    with psycopg.connect(autocommit=True) as db, \
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:  # Chromium may be writing still
        browser = Page(profile)
        try:
            play(browser, db, origin)
        finally:
            browser.process.kill()
            browser.process.wait()
            server.kill()
    return count.failed > 0


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
