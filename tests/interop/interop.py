"""What tests/interop/run runs: the store and the libraries of Python read what the other has made. Prints a line for
each case; the first argument is a file to write, with the answers of passkeys for interop.mjs."""

import functools, json, os, subprocess, sys, time, unicodedata

import argon2, bcrypt, django.conf, psycopg, pyotp, webauthn
from django.contrib.auth import hashers
from fido2.client import ClientError, DefaultClientDataCollector, Fido2Client
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (AttestedCredentialData, Aaguid, PublicKeyCredentialCreationOptions,
                            PublicKeyCredentialRequestOptions)
from fido2.cose import CoseKey
from fido2 import cbor
from passlib import hash as passlib_hash
from psycopg.rows import dict_row
from werkzeug import security as werkzeug

from authenticator import FLAG, Authenticator

django.conf.settings.configure(PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}" for name in (
    "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "Argon2PasswordHasher", "ScryptPasswordHasher",
    "BCryptSHA256PasswordHasher")])
db = psycopg.connect(autocommit=True, row_factory=dict_row)


def check(what, found, expected=True):
    print(f"ok {what}" if found == expected else f"not ok {what}: {found}, not {expected}", flush=True)


def call(function, *arguments, **named):
    """The row of auth_store.function()."""
    texts = ["%s"] * len(arguments) + [f"{name} => %s" for name in named]
    return db.execute(f"SELECT * FROM auth_store.{function}({', '.join(texts)})",
                      [*arguments, *named.values()]).fetchone()


def user(address=None):
    user.number += 1
    return call("user_create", address or f"python{user.number}@example.com")["user_id"]


user.number = 0

# --- passwords -------------------------------------------------------------------------------------------------------
COMPOSED = unicodedata.normalize("NFC", "Grüße, Ångström ﬁ 🐢")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
PASSWORDS = {"ASCII": "correct horse battery staple", "NFC": COMPOSED, "NFD": DECOMPOSED}


def argon2_hash(kind):
    return argon2.PasswordHasher(2, 8192, 2, type=kind).hash


def passlib(name, password):
    return getattr(passlib_hash, name).hash(password)


# What makes the hash, the format that the store is told, the hash of a password.
HASHES = [
    ("argon2-cffi argon2id", "auto", argon2_hash(argon2.Type.ID)),
    ("argon2-cffi argon2i", "argon2", argon2_hash(argon2.Type.I)),
    ("argon2-cffi argon2d", "argon2", argon2_hash(argon2.Type.D)),
    ("bcrypt", "auto", lambda password: bcrypt.hashpw(password.encode(), bcrypt.gensalt(5)).decode()),
    *((f"passlib {name}", "passlib", functools.partial(passlib, name))
      for name in ("pbkdf2_sha1", "pbkdf2_sha256", "pbkdf2_sha512", "scrypt", "bcrypt_sha256", "argon2")),
    *((f"Django {name}", "django", functools.partial(hashers.make_password, hasher=name))
      for name in ("pbkdf2_sha256", "pbkdf2_sha1", "argon2", "scrypt", "bcrypt_sha256")),
    *((f"Werkzeug {method}", "werkzeug", functools.partial(werkzeug.generate_password_hash, method=method))
      for method in ("scrypt", "pbkdf2:sha256:5000", "pbkdf2:sha512:5000")),
]
# What reads a hash of the store.
READERS = [
    ("argon2-cffi", lambda stored, password: argon2.PasswordHasher().verify(stored, password)),
    ("passlib", lambda stored, password: passlib_hash.argon2.verify(password, stored)),
    ("Django", lambda stored, password: hashers.check_password(password, "argon2" + stored)),
]


def stored_hash(owner):
    return db.execute("SELECT hash FROM auth_store.passwords WHERE user_id = %s", [owner]).fetchone()["hash"]


def passwords():
    for program, form, make in HASHES:
        for which, password in PASSWORDS.items():
            owner = user()
            call("password_import", owner, make(password), form)
            found = [call("password_verify", owner, typed)["ok"] for typed in (password + "x", "", password, password)]
            check(f"{program}, {which}: a hash that the store verifies", found, [False, False, True, True])
        check(f"{program}: has become one of the store's", argon2.PasswordHasher().verify(stored_hash(owner), COMPOSED))
    # A hash of the other normal form: the store tries NFC, which is what most have typed, beside what is typed now.
    owner = user()
    call("password_import", owner, hashers.make_password(COMPOSED), "django")
    check("a hash of NFC, typed in NFD", call("password_verify", owner, DECOMPOSED)["ok"])
    for program, verify in READERS:
        for which, password in PASSWORDS.items():
            call("password_set", owner, password)
            for made in (stored_hash(owner), call("password_hash", password)["password_hash"]):
                # The store hashes in NFC (RFC 8265 section 4.2).
                check(f"{program} verifies a hash of the store's, {which}",
                      [refused(verify, made, password + "x"), verify(made, unicodedata.normalize("NFC", password))],
                      [True, True])


def refused(verify, *arguments):
    try:
        return not verify(*arguments)
    except (argon2.exceptions.VerifyMismatchError, ValueError, webauthn.helpers.exceptions.WebAuthnException):
        return True


# --- one-time codes --------------------------------------------------------------------------------------------------
def step_begins(period=30):
    """Waits until enough is left of the step for what follows."""
    left = period - time.time() % period
    if left < 10:
        time.sleep(left + 0.1)


def oathtool(secret, algorithm, digits, period, moment):
    return subprocess.check_output([
        os.environ["OATHTOOL"], "--base32", f"--totp={algorithm}", f"--digits={digits}", f"--time-step-size={period}s",
        f"--now=@{int(moment)}", secret], text=True).strip()


def once_each(what, owner, code, period):
    """Codes of the last, this and the next step: each is accepted, and is used then."""
    now = time.time()
    found = [call("totp_verify", owner, code(now + steps * period))["ok"] for steps in (-2, -1, -1, 0, 0, 1, 1, 2)]
    check(what, found, [False, True, False, True, False, True, False, False])


def codes():
    step_begins()
    owner = user("ünal+totp@example.com")
    enrolled = call("totp_enroll", owner, issuer="Acme & Söhne")
    app = pyotp.parse_uri(enrolled["otpauth_uri"])
    check("pyotp reads the URI", [app.issuer, app.name, app.secret, app.digits, app.interval],
          ["Acme & Söhne", "ünal+totp@example.com", enrolled["secret"], 6, 30])
    now = time.time()
    check("pyotp's first code enrolls", [call("totp_confirm", owner, enrolled["factor_id"], code)["ok"]
                                         for code in ("000000", app.at(now - 30), app.at(now - 30))],
          [False, True, False])
    check("pyotp's codes, once each", [call("totp_verify", owner, app.at(now + seconds))["ok"]
                                       for seconds in (-30, 0, 0, 30, 30)], [False, True, False, True, False])
    for algorithm, digits, period in (("SHA1", 6, 30), ("SHA256", 8, 60), ("SHA512", 8, 30), ("SHA256", 6, 15)):
        secret, how = pyotp.random_base32(), f"{algorithm}, {digits} digits, {period} s"
        app = pyotp.parse_uri(f"otpauth://totp/a?secret={secret}&algorithm={algorithm}&digits={digits}&period={period}")
        for program, code in (("pyotp", lambda moment: app.at(int(moment))),
                              ("oathtool", lambda moment: oathtool(secret, algorithm, digits, period, moment))):
            owner = user()
            call("totp_import", owner, secret, algorithm=algorithm, digits=digits, period=period)
            step_begins(period)
            once_each(f"{program}'s codes, {how}, once each", owner, code, period)


# --- passkeys --------------------------------------------------------------------------------------------------------
RP, ORIGIN = "example.com", "https://example.com"
server = Fido2Server({"id": RP, "name": "Acme"}, verify_origin=lambda origin: origin == ORIGIN)
answers = []        # for interop.mjs


def client(device, origin=ORIGIN):
    return Fido2Client(device, DefaultClientDataCollector(origin, verify=lambda rp_id, origin: True))


def create(device, options, origin=ORIGIN):
    options = PublicKeyCredentialCreationOptions.from_dict(options)
    return json.loads(json.dumps(dict(client(device, origin).make_credential(options))))


def get(device, options, origin=ORIGIN):
    options = PublicKeyCredentialRequestOptions.from_dict(options)
    return json.loads(json.dumps(dict(client(device, origin).get_assertion(options).get_response(0))))


def flipped(text, at):
    """base64url with one bit changed."""
    data = bytearray(websafe_decode(text))
    data[at] ^= 1
    return websafe_encode(bytes(data))


# What is altered: its name; what the authenticator says, whether another origin or challenge is answered, what is done
# to the answer; who accepts it all the same.
ALTERED = [
    ("not altered", {}, {}, None, {"store", "fido2", "webauthn", "simplewebauthn"}),
    ("another origin", {}, {"origin": "https://www.example.com"}, None, set()),
    ("another port", {}, {"origin": "https://example.com:8443"}, None, set()),
    ("another challenge", {}, {"challenge": websafe_encode(bytes(32))}, None, set()),
    ("another relying party", {"rp": "www.example.com"}, {}, None, set()),
    ("nobody present", {"flags": FLAG.UV}, {}, None, set()),
    ("user not verified", {"flags": FLAG.UP}, {}, None, set()),
]
ALTERED_LOGINS = [
    ("a bit of the signature", {}, {}, lambda a: {"signature": flipped(a["signature"], -1)}, set()),
    ("a bit of the counter", {}, {}, lambda a: {"authenticatorData": flipped(a["authenticatorData"], -1)}, set()),
    ("a space in the client's data", {}, {},
     lambda a: {"clientDataJSON": websafe_encode(b" " + websafe_decode(a["clientDataJSON"]))}, set()),
    # fido2's server leaves the counter to its caller.
    ("a counter that went back", {"count": 1}, {}, None, {"fido2"}),
]


def answer(ask, device, options, said, asked, alter):
    device.said = said
    options = {**options, **{name: asked[name] for name in asked if name == "challenge"}}
    given = ask(device, options, asked.get("origin", ORIGIN))
    if alter:
        given["response"].update(alter(given["response"]))
    device.said = {}
    return given


def verdicts(what, expected, **found):
    check(what, {program for program, accepted in found.items() if accepted}, expected & set(found))


def accepted(verify):
    return not refused(lambda: verify() is not None)


def registrations(name, device, owner):
    for what, said, asked, alter, expected in ALTERED[1:] + ALTERED[:1]:
        options = call("passkey_challenge", "registration", owner)["options"]
        given = answer(create, device, options, said, asked, alter)
        stored = call("passkey_register", owner, json.dumps(given), name)
        state = {"challenge": options["challenge"], "user_verification": "required"}
        verdicts(f"a registration, {name}, {what}", expected, store=not stored["error"],
                 fido2=accepted(lambda: server.register_complete(state, given)),
                 webauthn=accepted(lambda: webauthn.verify_registration_response(
                     credential=given, expected_challenge=websafe_decode(options["challenge"]), expected_rp_id=RP,
                     expected_origin=ORIGIN, require_user_verification=True)))
        answers.append({"what": f"a registration, {name}, {what}", "accepted": "simplewebauthn" in expected,
                        "challenge": options["challenge"], "response": given})
    return db.execute("SELECT * FROM auth_store.passkeys WHERE id = %s", [stored["passkey_id"]]).fetchone()


def log_ins(name, device, passkey):
    """By the public key that the store has of it."""
    key, credential_id = passkey["public_key"], passkey["credential_id"]
    credential = AttestedCredentialData.create(Aaguid(passkey["aaguid"].bytes), credential_id,
                                               CoseKey.parse(cbor.decode(key)))
    count = passkey["sign_count"]
    for what, said, asked, alter, expected in ALTERED + (ALTERED_LOGINS if device.counts else ALTERED_LOGINS[:3]):
        options = call("passkey_challenge", "login")["options"]
        given = answer(get, device, options, said, asked, alter)
        login = call("passkey_authenticate", json.dumps(given))
        state = {"challenge": options["challenge"], "user_verification": "required"}
        verdicts(f"a log-in, {name}, {what}", expected,
                 store=login["ok"] and login["user_id"] == passkey["user_id"],
                 fido2=accepted(lambda: server.authenticate_complete(state, [credential], given)),
                 webauthn=accepted(lambda: webauthn.verify_authentication_response(
                     credential=given, expected_challenge=websafe_decode(options["challenge"]), expected_rp_id=RP,
                     expected_origin=ORIGIN, credential_public_key=key, credential_current_sign_count=count,
                     require_user_verification=True)))
        answers.append({"what": f"a log-in, {name}, {what}", "accepted": "simplewebauthn" in expected,
                        "challenge": options["challenge"], "response": given, "publicKey": websafe_encode(key),
                        "counter": count})
        count = db.execute("SELECT sign_count FROM auth_store.passkeys WHERE id = %s", [passkey["id"]]).fetchone()[
            "sign_count"]


def passkeys():
    call("tenant_policy_set", "default", json.dumps({
        "passkey_rp_id": RP, "passkey_rp_name": "Acme", "passkey_origins": [ORIGIN],
        "passkey_user_verification": "required"}))
    for name, device in (
            ("ES256", Authenticator(-7)), ("EdDSA", Authenticator(-8)), ("RS256", Authenticator(-257)),
            ("synchronised", Authenticator(-7, FLAG.UP | FLAG.UV | FLAG.BE | FLAG.BS, counts=False))):
        owner = user()
        passkey = registrations(name, device, owner)
        log_ins(name, device, passkey)
        options = call("passkey_challenge", "registration", owner)["options"]
        try:
            create(device, options)
            found = "made"
        except ClientError as error:
            found = error.code
        check(f"{name}: no second one on the same authenticator", found, ClientError.ERR.DEVICE_INELIGIBLE)


passwords()
codes()
passkeys()
with open(sys.argv[1], "w") as file:
    json.dump(answers, file)
