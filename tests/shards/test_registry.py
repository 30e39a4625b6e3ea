"""What is made on the first shard holds on all. What the vault of each seals is made on each, and agrees: a token of
any is verified by the JWKS of any, and events of all are delivered. And pgbouncer keeps what a call relies on: the role
with its pin, and prepared statements."""

import base64, hmac, json, os, re
from pathlib import Path

import psycopg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from psycopg.types.json import Jsonb

import stage
from stage import BINDIR, REPO, Stage, call, ok, rows, run

ISSUER, EVENT = "https://id.example", "order.shipped"


def plain(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(token, jwks):
    """The claims of a JWT if the key that it names is in a JWKS and has signed it, as a relying party sees it."""
    head, body, signature = token.split(".")
    for key in (key for key in jwks["keys"] if key["kid"] == json.loads(plain(head))["kid"]):
        x, y, r, s = (int.from_bytes(part, "big") for part in (plain(key["x"]), plain(key["y"]),
                                                               plain(signature)[:32], plain(signature)[32:]))
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        try:
            public.verify(utils.encode_dss_signature(r, s), f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
            return json.loads(plain(body))
        except InvalidSignature:
            return None


def signed(request, secret):
    """Whether a delivery has the signature of this secret (Standard Webhooks)."""
    headers, key = request["headers"], base64.b64decode(secret.removeprefix("whsec_"))
    content = ".".join([headers["webhook-id"], headers["webhook-timestamp"], request["body"]]).encode()
    expected = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split(" ")


def made_on_the_first(shards):
    """Issuers, resource servers, event types, switches and providers."""
    with shards.shards[0].connect() as db:
        call(db, "provider_set", issuer=ISSUER, settings=Jsonb({"client_secret_jwt": True}), tenant_id="acme")
        call(db, "resource_set", uri="https://api.example/", access_token_format="jwt", tenant_id="acme")
        call(db, "webhook_event_type_register", name=EVENT)
        call(db, "webhook_own_events_set", tenant_id="default", enabled=True)
        call(db, "provider_register", name="tickets", token_endpoint="https://tickets.example/token")
        call(db, "client_create", name="App", client_id="app", client_type="public", scope="openid orders",
             redirect_uris=["https://app.example/cb"], tenant_id="acme")
        call(db, "client_create", name="Signs", client_id="signs", token_endpoint_auth_method="client_secret_jwt",
             redirect_uris=["https://signs.example/cb"], tenant_id="acme")
    shards.registry_arrived()
    known = shards.everywhere(f"""
        SELECT (SELECT issuer FROM auth_store.provider_get('acme')) AS issuer,
               (SELECT body::jsonb->>'token_endpoint' FROM auth_store.http_metadata(tenant_id => 'acme')) AS endpoint,
               (SELECT uri FROM auth_store.resource_list('acme')) AS resource,
               (SELECT count(*) FROM auth_store.webhook_event_type_list() WHERE name = '{EVENT}') AS types,
               (SELECT token_endpoint FROM auth_store.provider_list() WHERE name = 'tickets') AS provider""")
    ok(all(one == [{"issuer": ISSUER, "endpoint": f"{ISSUER}/token", "resource": "https://api.example/", "types": 1,
                    "provider": "https://tickets.example/token"}] for one in known.values()),
       "an issuer, a resource, an event type and a provider are known everywhere", known)
    # What the first one's vault has sealed opens nowhere else, so it does not go there.
    sealed = {name: found[0] for name, found in shards.everywhere(
        "SELECT count(*) AS n, count(sealed) AS sealed, count(key_id) AS keys FROM auth_store.client_secrets "
        "WHERE client_id = 'signs'").items()}
    ok(sealed.pop("shard1") == {"n": 1, "sealed": 1, "keys": 1}
       and all(one == {"n": 1, "sealed": 0, "keys": 0} for one in sealed.values()),
       "a secret that the vault seals is published without that", sealed)


def first_key(shards):
    """A key that is made and imported as docs/how-to/shards.md has it; its name."""
    page = (REPO / "docs/how-to/shards.md").read_text()
    recipe, = re.findall(r"^```sh\n(openssl .*?)^```$", page, re.M | re.S)
    services = Path(shards.folder) / "services.conf"
    services.write_text("".join(f"[{shard.name}]\nhost={shard.socket}\ndbname={stage.DATABASE}\nuser=postgres\n"
                                for shard in shards.shards))
    answers = run("bash", "-c", recipe, cwd=shards.folder, env=os.environ | {
        "PGSERVICEFILE": str(services), "PATH": f"{BINDIR}:{os.environ['PATH']}", "PGOPTIONS": ""})
    names = re.findall(r"^ ([\w-]{43})$", answers, re.M)
    ok(len(names) == len(shards.shards) and len(set(names)) == 1, "a key has the same name on each shard", answers)
    return names[0]


def next_key(shards):
    """Another one, which waits."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    for shard in shards.shards:
        with shard.connect() as db:
            kid = call(db, "signing_key_import", pem=pem, tenant_id="acme")["signing_key_import"]
    return kid


def keys_agree(shards, kid, name):
    """An ID token and a JWT access token of each shard, by the JWKS of each."""
    jwks = {shard: json.loads(found[0]["body"]) for shard, found in
            shards.everywhere("SELECT body FROM auth_store.http_jwks('acme')").items()}
    failed = []
    for shard in shards.shards:
        with shard.connect() as db:
            user = call(db, "user_ensure", external_id="signs in", tenant_id="acme")["user_ensure"]
            session = call(db, "session_create", user_id=user)["session_id"]
            issued = call(db, "token_issue", client_id="app", user_id=user, session_id=session, scope="openid orders",
                          resource=["https://api.example/"])
        for token in issued["id_token"], issued["access_token"]:
            if json.loads(plain(token.split(".")[0]))["kid"] != kid:
                failed.append((shard.name, "another key"))
            failed += [(shard.name, other) for other, keys in jwks.items()
                       if (verified(token, keys) or {}).get("iss") != ISSUER]
    ok(not failed, name, failed)
    return jwks


def signing(shards, first):
    keys_agree(shards, first, "tokens of each shard are verified by the JWKS of each")
    second = next_key(shards)
    jwks = keys_agree(shards, first, "also while the next key waits")
    ok(all({key["kid"] for key in keys["keys"]} == {first, second} for keys in jwks.values()),
       "which each publishes already", jwks)
    for shard in shards.shards:
        with shard.connect() as db:
            call(db, "signing_key_retire", kid=first, reason="compromised", tenant_id="acme")
    jwks = keys_agree(shards, second, "and when it has taken over")
    ok(all([key["kid"] for key in keys["keys"]] == [second] for keys in jwks.values()), "the other one is gone", jwks)


def events(shards):
    """A webhook on each shard, for what happens there. Each has a secret and so an address of its own."""
    got = {}
    for shard in shards.shards:
        with shard.connect() as db:
            url = f"https://hooks.example/store?shard={shard.name}"
            made = call(db, "webhook_create", target_url=url, event_types=[EVENT, "user.created"])
            user = call(db, "user_create", email=f"buyer@{shard.name}.example")["user_id"]
            call(db, "webhook_emit", event_type=EVENT, payload=Jsonb({"of": shard.name}), user_id=user)
            requests = rows(db.execute("SELECT * FROM auth_store.webhook_claim()"))
            got[shard.name] = [(json.loads(request["body"])["type"], request["url"] == url,
                                signed(request, made["secret"])) for request in requests]
    ok(all(sorted(one) == [(EVENT, True, True), ("user.created", True, True)] for one in got.values()),
       "a webhook on each shard gets the application's event and the store's own that happened there", got)


with Stage(3) as shards:
    first, *others = shards.shards
    with shards.connect("shard1") as db:
        call(db, "tenant_create", id="acme")
        clients = {tenant: call(db, "client_create", name="Shop", redirect_uris=["https://shop.example/cb"],
                                tenant_id=tenant, grant_types=["authorization_code", "refresh_token"])
                   for tenant in ("default", "acme")}
    shards.registry_arrived()

    def issue(db, tenant):
        user = call(db, "user_ensure", external_id="one", tenant_id=tenant)["user_ensure"]
        return call(db, "token_issue", client_id=clients[tenant]["client_id"], user_id=user)

    tokens = {}
    for shard in shards.shards:
        with shards.connect(shard.name) as db:
            for tenant in clients:
                tokens[shard.name, tenant] = issue(db, tenant)["access_token"]
    ok(all(tokens.values()), "each shard issues for a client of the first")
    secret = clients["acme"]["client_secret"]
    for shard in others:
        with shards.connect(shard.name) as db:
            known = call(db, "client_authenticate", client_id=clients["acme"]["client_id"], client_secret=secret)
            ok(known["error"] is None, f"{shard.name} knows the client's secret", known)

    # The pin is a setting of the role in each database, which pgbouncer's pool of that role has.
    shards.everywhere("CREATE ROLE acme_app LOGIN; GRANT auth_store_app TO acme_app; "
                      "ALTER ROLE acme_app SET auth_store.tenant_id = 'acme'")
    shards.bouncer.add_user("acme_app")
    for shard in shards.shards:
        with shards.connect(shard.name, user="acme_app") as db:
            seen = {tenant: call(db, "token_introspect", token=tokens[shard.name, tenant])["active"]
                    for tenant in clients}
            ok(seen == {"default": False, "acme": True}, f"{shard.name}: a pinned role sees its tenant alone", seen)
            try:
                db.execute("SET auth_store.tenant_id = 'default'")
                ok(False, f"{shard.name}: nor can it change that")
            except psycopg.Error as error:
                ok(error.sqlstate == "42501", f"{shard.name}: nor can it change that", error)

    # One statement of the client is prepared once on a connection to the server, whichever client uses it next.
    with shards.connect("shard2", prepare_threshold=0) as db, shards.connect("shard2", prepare_threshold=0) as other:
        for _ in range(5):
            for client in (db, other):
                client.execute("SELECT active FROM auth_store.token_introspect(%s)", ["none"], prepare=True)
        held = db.execute("SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE '%%introspect%%'",
                          prepare=False).fetchone()["n"]
        ok(held == 1, "pgbouncer keeps prepared statements, one for all clients", held)

    first = first_key(shards)
    made_on_the_first(shards)
    signing(shards, first)
    events(shards)
    said = shards.everywhere('SELECT * FROM auth_store."check"() WHERE severity = \'problem\'')
    ok(not any(said.values()), "check() has no problem with any", said)

    # A suspension arrives everywhere.
    with shards.connect("shard1") as db:
        call(db, "tenant_set_status", id="acme", status="suspended")
    shards.registry_arrived()
    for shard in shards.shards:
        with shards.connect(shard.name) as db:
            seen = call(db, "token_introspect", token=tokens[shard.name, "acme"])["active"]
            ok(seen is False, f"{shard.name}: a tenant that is suspended", seen)

raise SystemExit(stage.failures > 0)
