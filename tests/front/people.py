"""What people do: pages without scripts."""

import re, tempfile
from pathlib import Path

import harness
import protocol
from harness import Browser, Client, Front, call, ok, one, until

PASSWORD = "correct horse battery"


def person(name, **policy):
    call("user_create", email=f"{name}@example.com", password=PASSWORD)
    return f"{name}@example.com"


def user_id(name):
    return one("SELECT user_id FROM auth_store.user_find(%s)", name)


def shop():
    return Client(protocol.front, protocol.web, protocol.secret)


def log_in():
    browser = Browser(protocol.front)
    browser.get("/account")
    ok(browser.page.forms[0]["action"] == "/login" and not browser.page.unlabelled(), "the account asks to log in",
       browser.text)
    browser.send(email="ada@example.com", password="wrong")
    ok(browser.status == 401 and "wrong" in browser.page.alert, "a wrong password is told", browser.page.alert)
    browser.send(email="ada@example.com", password=PASSWORD)
    ok("ada@example.com" in browser.page.text and browser.status == 200, "the right one leads on", browser.page.text)
    policy = browser.headers["content-security-policy"]
    ok("default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
       and browser.headers["cache-control"] == "no-store", "pages allow nothing that they do not need", policy)
    other = Browser(protocol.front)
    other.get("/login?then=//evil.example/").send(email="ada@example.com", password=PASSWORD)
    ok(other.left is None and other.status == 200, "no log-in leads to another site", other.left)


def consent():
    browser, client = Browser(protocol.front), shop()
    browser.get(client.path(login_hint="ada@example.com"))
    ok("Web <shop>" in browser.page.text and 'value="ada@example.com"' in browser.text, "the page says who asks",
       browser.text)
    browser.send(email="ada@example.com", password=PASSWORD)
    ok("Web <shop>" in browser.page.text and "see your e-mail address" in browser.page.text
       and "app.example" in browser.page.text, "it asks", browser.page.text)
    ok(not browser.page.unlabelled() and "<shop>" not in browser.text, "by labels, and escaped", browser.text)
    page = (browser.text, browser.page)
    browser.send(button="accept", scope="email")
    status, _, tokens = client.redeem(browser)
    ok(status == 200 and set(tokens["scope"].split()) == {"openid", "email"} and tokens.get("id_token"), "a token",
       (status, tokens))
    ok(client.answer(browser).get("iss") == protocol.front.origin, "with the issuer", client.answer(browser))
    browser.text, browser.page = page
    browser.send(button="accept", scope="email")
    ok(browser.status == 400 and not browser.left, "a decision is made once", (browser.status, browser.left))
    browser.get(client.path())
    ok(browser.left and client.redeem(browser)[0] == 200, "what was agreed to is not asked again", browser.page.text)
    browser.get(client.path(scope="openid orders"))
    browser.send(button="deny")
    ok(client.answer(browser).get("error") == "access_denied", "a refusal goes to the client", browser.left)
    browser.get(client.path(scope="openid email orders profile"))
    browser.send(button="accept", scope=["profile"])
    scope = set(client.redeem(browser)[2]["scope"].split())
    ok(scope == {"openid", "email", "profile"}, "what is not ticked is not given", scope)
    browser.get(client.path(prompt="login"))
    ok(browser.page.forms[0]["action"] == "/login", "prompt=login asks to log in again", browser.page.text)
    browser.send(email="ada@example.com", password=PASSWORD)
    ok(browser.left is not None and "code" in client.answer(browser), "and leads back", browser.page.text)
    browser.get(client.path(response_mode="form_post", scope="openid email"))
    ok(browser.status == 200 and 'action="https://app.example/cb"' in browser.text, "form_post is a page", browser.text)
    browser.get(client.path(redirect_uri="https://evil.example/"))
    ok(browser.status == 400 and not browser.left and "edirect_uri" in browser.page.text,
       "an error that must not go to the client is a page", (browser.status, browser.left, browser.page.text))
    stranger = Browser(protocol.front)
    stranger.get("/consent?interaction=0190e9a5-0000-8000-8000-00000000000f")
    ok(stranger.status == 400, "an interaction that is not there", stranger.status)


def factors():
    name = person("tess")
    browser = Browser(protocol.front).log_in(name, PASSWORD)
    browser.get("/account/enroll").send()
    secret = re.search(r"Secret: <code>([A-Z2-7]+)</code>", browser.text)[1]
    ok("<svg" in browser.text and "<path" in browser.text, "an app is shown a picture")
    browser.send(code="000000")
    ok("wrong" in browser.page.alert, "a wrong code is told", browser.page.alert)
    browser.send(action="/account/enroll", code=harness.totp(secret))
    codes = re.findall(r"<li>([0-9a-z-]+)</li>", browser.text)
    ok(len(codes) == 10, "recovery codes are shown", browser.text)
    client, other = shop(), Browser(protocol.front)
    other.get(client.path()).send(email=name, password=PASSWORD)
    ok(other.page.forms[0]["action"] == "/login/factor", "the log-in asks for the app", other.page.text)
    ok(not other.page.unlabelled() and not other.cookies.get("session"), "and there is no session before")
    other.send(code="123456")
    ok(other.status == 401 and "wrong" in other.page.alert, "a wrong one is told", other.page.alert)
    # The code of the enrollment counts as used.
    other.send(code=harness.totp(secret, 1))
    ok(other.page.forms[0]["action"] == "/consent", "the right one leads on", other.page.text)
    other.send(button="accept")
    ok(client.redeem(other)[0] == 200, "to a token")
    third = Browser(protocol.front).log_in(name, PASSWORD)
    third.follow("Use a recovery code").send(code=codes[0])
    ok(name in third.page.text, "a recovery code is good", third.page.text)
    call("password_set", user_id=user_id(name), password=PASSWORD, must_change=True)
    bound = Browser(protocol.front).log_in(name, PASSWORD).follow("Use a recovery code").send(code=codes[1])
    ok(bound.page.forms[0]["action"] == "/login/password" and not bound.cookies.get("session"),
       "a second factor is no way around a new password", bound.page.text)
    bound.send(old=PASSWORD, new="another horse battery")
    ok(name in bound.page.text, "with which the log-in ends", bound.page.text)
    call("password_set", user_id=user_id(name), password=PASSWORD)
    stolen = Browser(protocol.front)
    stolen.cookies = {"pending": Browser(protocol.front).log_in(name, PASSWORD).cookies["pending"]}
    stolen.get("/login/factor")
    ok(stolen.page.forms[0]["action"] == "/login", "a log-in is one browser's alone", stolen.page.text)
    one("SELECT auth_store.tenant_policy_set('default', '{\"mfa\": \"required\", \"mfa_grace\": 0}')")
    new = Browser(protocol.front).log_in(person("nell"), PASSWORD)
    ok(new.page.forms[0]["action"] == "/login/enroll", "who needs a factor sets one up first", new.page.text)
    new.send()
    secret = re.search(r"Secret: <code>([A-Z2-7]+)</code>", new.text)[1]
    new.send(code=harness.totp(secret)).send()
    ok("nell@example.com" in new.page.text, "and is logged in then", new.page.text)
    one("SELECT auth_store.tenant_policy_set('default', '{\"mfa\": \"optional\"}')")


def forms():
    browser = Browser(protocol.front).log_in("ada@example.com", PASSWORD)
    browser.get("/account/sessions")
    for what, headers, members in (("another origin", {"Origin": "https://evil.example"}, {}),
                                   ("another site", {"Sec-Fetch-Site": "cross-site"}, {}),
                                   ("no token", {}, {"form": ""}), ("another token", {}, {"form": "1.AAAA"})):
        page = browser.page
        browser.send(headers=headers, **members)
        ok(browser.status == 403, f"a form with {what} does nothing", browser.status)
        browser.page = page
    other = Browser(protocol.front).get("/login")
    browser.send(form=dict(other.page.forms[0]["members"])["form"])
    ok(browser.status == 403, "nor does one of another browser", browser.status)
    browser.get("/account/nothing")
    ok(browser.status == 404, "a page that there is not", browser.status)
    ok(browser.go("DELETE", "/login").status == 405, "a method that there is not", browser.status)


def mails():
    with tempfile.TemporaryDirectory() as folder:
        box, program = Path(folder) / "box", Path(folder) / "sendmail"
        program.write_text(f'#!/bin/sh\ncat > "{box}.new" && mv "{box}.new" "{box}"\n')
        program.chmod(0o755)
        front = Front(FRONT_SENDMAIL=str(program), FRONT_MAIL_FROM="id@example.com")
        browser = Browser(front).get("/login")
        browser.follow("Log in with a link by mail").send(email="nobody@example.com")
        same = browser.page.alert
        browser.get("/login/link").send(email="ADA@example.com")
        ok(browser.page.alert == same, "the answer is the same for an address that nobody has", browser.page.alert)
        mail = until(lambda: box.exists() and box.read_text(), "a mail") or ""
        link = re.search(rf"{front.origin}(/login/link\?token=\S+)", mail)
        ok("To: ada@example.com\n" in mail and link, "a mail goes to the stored address", mail)
        browser.get(link[1])
        browser.get(link[1])
        ok("ada@example.com" in browser.page.text and browser.page.forms, "a look uses nothing", browser.page.text)
        browser.send()
        ok("Your account" in browser.page.text and browser.cookies.get("session"), "the button logs in",
           browser.page.text)
        browser.get(link[1])
        ok(browser.status == 400, "once", browser.status)
        box.unlink()
        browser = Browser(front).get("/login/reset").send(email="ada@example.com")
        mail = until(lambda: box.exists() and box.read_text(), "a mail") or ""
        browser.get(re.search(r"(/login/reset\?token=\S+)", mail)[1]).send(new="short")
        ok("8 characters" in browser.page.alert and browser.page.forms, "a bad password is told", browser.page.text)
        browser.send(new="another horse battery")
        ok("set" in browser.page.alert, "a new password is set", browser.page.text)
        ok(Browser(front).log_in("ada@example.com", "another horse battery").cookies.get("session"), "and logs in")
        call("password_set", user_id=user_id("ada@example.com"), password=PASSWORD)
        front.end()


def device():
    made = call("client_create", name="Television", client_type="public", scope="openid email", redirect_uris=None,
                grant_types=["urn:ietf:params:oauth:grant-type:device_code"])[0]
    poll = {"client_id": made["client_id"], "grant_type": "urn:ietf:params:oauth:grant-type:device_code"}

    def begin():
        return protocol.front.post("/device_authorization", client_id=made["client_id"], scope="openid email")[2]

    asked = begin()
    browser = Browser(protocol.front).get(f"/device?user_code={asked['user_code']}")
    ok(browser.page.forms[0]["action"] == "/login", "the device page asks to log in", browser.page.text)
    browser.send(email="ada@example.com", password=PASSWORD)
    ok(f'value="{asked["user_code"]}"' in browser.text, "a link fills the field only", browser.text)
    browser.send(user_code="BCDF-BCDF")
    ok("wrong" in browser.page.alert and not browser.page.unlabelled(), "a wrong code is told", browser.page.alert)
    browser.send(user_code=asked["user_code"].lower())
    ok("Television" in browser.page.text, "the right one asks", browser.page.text)
    browser.send(button="allow")
    ok("connected" in browser.page.text, "and connects", browser.page.text)
    status, _, tokens = protocol.front.post("/token", device_code=asked["device_code"], **poll)
    ok(status == 200 and tokens["access_token"], "the device has its token", tokens)
    asked = begin()
    browser.get("/device").send(user_code=asked["user_code"]).send(button="deny")
    _, _, error = protocol.front.post("/token", device_code=asked["device_code"], **poll)
    ok(error["error"] == "access_denied", "or is refused", error)


def tenant():
    """An issuer with a path, and endpoints where it wants them."""
    call("tenant_create", id="acme")
    call("user_create", email="ada@example.com", password="acme has another one", tenant_id="acme")
    paths = {"authorization": "/oauth/start", "end_session": "/bye", "device_verification": "/activate"}
    one("SELECT auth_store.provider_set(issuer => %s, settings => %s, tenant_id => 'acme')",
        f"{protocol.front.origin}/acme", harness.json.dumps({"paths": paths}))
    made = call("client_create", name="Anvil", client_type="public", scope="openid email", tenant_id="acme",
                redirect_uris=["https://anvil.example/cb"],
                grant_types=["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"])[0]
    call("signing_key_create", tenant_id="acme")
    client = Client(protocol.front, made["client_id"], redirect_uri="https://anvil.example/cb")
    browser = Browser(protocol.front)
    query = client.path().partition("?")[2]
    browser.get(f"/acme/oauth/start?{query}").send(email="ada@example.com", password="acme has another one")
    browser.send(button="accept")
    ok(client.answer(browser).get("iss") == f"{protocol.front.origin}/acme" and "code" in client.answer(browser),
       "an endpoint is where its issuer has it", (browser.left, browser.page and browser.page.text))
    ok(browser.get("/acme/authorize").status == 404 and browser.get("/activate").status == 404, "and nowhere else")
    browser.get("/acme/bye").send()
    ok("logged out" in browser.page.text and not browser.cookies.get("session"), "so is log-out", browser.page.text)
    asked = protocol.front.post("/acme/device_authorization", client_id=made["client_id"], scope="email")[2]
    ok(asked["verification_uri"] == f"{protocol.front.origin}/acme/activate", "a device shows where", asked)
    browser.get("/acme/activate").send(email="ada@example.com", password=PASSWORD)
    ok(browser.status == 401, "its users log in there, by their own passwords", browser.page.text)
    browser.send(password="acme has another one").send(user_code=asked["user_code"])
    ok("Anvil" in browser.page.text, "and are asked", browser.page.text)
    browser.send(button="allow")
    ok("connected" in browser.page.text, "for a device of the tenant", browser.page.text)
    browser.get("/account").follow("Log out").send()
    ok("logged out" in browser.page.text, "the menu of the account logs out of any tenant", browser.page.text)
    browser.get(f"/acme/oauth/start?{client.path(prompt='create').partition('?')[2]}")
    ok(client.answer(browser).get("error") == "invalid_request", "nobody makes an account without a page for it",
       browser.left)
    one("SELECT auth_store.provider_set(settings => %s, tenant_id => 'acme')",
        '{"create_url": "https://acme.example/new?x=y"}')
    browser.get(f"/acme/oauth/start?{client.path(prompt='create').partition('?')[2]}")
    new = browser.left or ""
    ok(new.startswith("https://acme.example/new?x=y&interaction="), "prompt=create leads to the page that does", new)
    browser.get(f"/acme/oauth/start?{client.path().partition('?')[2]}")
    link = browser.page.links.get("Make an account", "")
    ok(link.startswith("https://acme.example/new?x=y&interaction="), "and log-in has a link to it", link)
    browser.get("/login?interaction=" + new.rpartition("=")[2])
    ok(browser.page.forms[0]["action"] == "/login", "whoever has one logs in after all", browser.page.text)


def log_out():
    browser, client = Browser(protocol.front), shop()
    browser.log_in("ada@example.com", PASSWORD)
    browser.get("/logout")
    ok(browser.page.forms and browser.cookies.get("session"), "a link asks before it logs out", browser.page.text)
    status, pairs, _ = protocol.front.ask("POST", "/logout", b"client_id=x%0Dy")
    ok(status == 303 and dict(pairs).get("location") == "/logout?client_id=x%0Dy"
       and not any("session=" in value for _, value in pairs),
       "a form of another site, which brings no cookie, ends nothing", (status, pairs))
    _, pairs, _ = protocol.front.ask("GET", "/logout")
    ok(not any("session=" in value for _, value in pairs), "no cookie is removed that was not there", pairs)
    ok(protocol.front.ask("GET", "//evil.example/logout")[0] == 404, "no form leads to another host")
    browser.send()
    ok("logged out" in browser.page.text and not browser.cookies.get("session"), "the button does", browser.page.text)
    browser.get("/account")
    ok(browser.page.forms[0]["action"] == "/login", "the session has ended", browser.page.text)
    browser.send(email="ada@example.com", password=PASSWORD)
    browser.get(client.path())
    if not browser.left:        # a link by mail has proved the address, and with it ended what was agreed to before
        browser.send(button="accept")
    tokens = client.redeem(browser)[2]
    call("client_update", client_id=protocol.web, changes=harness.json.dumps(
        {"post_logout_redirect_uris": ["https://app.example/bye"]}))
    browser.get("/logout?" + harness.urllib.parse.urlencode(
        {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "https://app.example/bye", "state": "s t"}))
    ok(browser.left == "https://app.example/bye?state=s+t" and not browser.cookies.get("session"),
       "a client that shows its ID token logs out at once", (browser.left, browser.page and browser.page.text))


def account():
    name = person("olga")
    browser, other = Browser(protocol.front).log_in(name, PASSWORD), Browser(protocol.front).log_in(name, PASSWORD)
    browser.get("/account/sessions")
    ok(browser.page.text.count("Log out") >= 2 and "this one" in browser.page.text, "sessions", browser.page.text)
    browser.send(action="/account/sessions")
    other.get("/account")
    ok(other.page.forms[0]["action"] == "/login", "another session is ended", other.page.text)
    client = shop()
    browser.get(client.path()).send(button="accept")
    client.redeem(browser)
    browser.get("/account/applications")
    ok("Web <shop>" in browser.page.text, "applications", browser.page.text)
    browser.send()
    ok("No application" in browser.page.text, "lose their access", browser.page.text)
    browser.get("/account/keys").send(name="Backup", days="30")
    key = re.search(r"<code>(asak_[^<]+)</code>", browser.text)
    ok(key and call("api_key_verify", api_key=key[1])[0]["valid"], "an API key is made", browser.page.text)
    browser.get("/account/keys").send(action="/account/keys")
    ok("Backup" not in browser.page.text and not call("api_key_verify", api_key=key[1])[0]["valid"], "and removed",
       browser.page.text)
    browser.get("/.well-known/change-password").send(old="wrong", new="another horse battery")
    ok("wrong" in browser.page.alert, "a wrong present password is told", browser.page.alert)
    browser.send(old=PASSWORD, new="another horse battery")
    ok("Done" in browser.page.alert, "the password is changed", browser.page.text)
    harness.db.execute("UPDATE auth_store.sessions SET auth_time = now() - interval '11 min' WHERE user_id = %s",
                       [user_id(name)])
    browser.get("/account").follow("Change the password")
    ok(browser.page.forms[0]["action"] == "/login", "an old log-in is done again first", browser.page.text)
    browser.send(email=name, password="another horse battery")
    ok("Recovery codes" in browser.page.text, "and leads back", browser.page.text)
