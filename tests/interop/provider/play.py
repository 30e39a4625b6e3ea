"""What tests/interop/provider/run runs: a provider in one database, behind one of the fronts, and the clients one after
the other.

    play.py FRONT PYTHON NODE [CLIENT...]
"""

import json, os, pathlib, signal, socket, subprocess, sys, tempfile, threading, time, urllib.request

import psycopg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

import person

HERE = pathlib.Path(__file__).parent
REPO = HERE.parents[2]
CLIENTS = ["openid_client.mjs", "oauth4webapi.mjs", "oidc_client_ts.mjs", "simple_oauth2.mjs", "mcp.mjs",
           "authlib_client.py", "requests_client.py", "mcp_client.py"]
REDIRECT, LOGGED_OUT = "https://client.example/callback", "https://client.example/bye"
EMAIL, PASSWORD = "ada@example.com", "correct horse battery staple 7"
GRANTS = ["authorization_code", "refresh_token", "client_credentials", "token-exchange", "device_code"]
GRANTS[3:] = [f"urn:ietf:params:oauth:grant-type:{name}" for name in GRANTS[3:]]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def b64(number, size):
    import base64
    return base64.urlsafe_b64encode(number.to_bytes(size)).decode().rstrip("=")


def keys():
    """The client's keys, by the algorithm that each signs with."""
    one = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    public = one.public_numbers
    p256 = {"kty": "EC", "crv": "P-256", "x": b64(public.x, 32), "y": b64(public.y, 32),
            "d": b64(one.private_value, 32)}
    raw = serialization.Encoding.Raw, serialization.NoEncryption()
    edwards = ed25519.Ed25519PrivateKey.generate()
    d = edwards.private_bytes(raw[0], serialization.PrivateFormat.Raw, raw[1])
    x = edwards.public_key().public_bytes(raw[0], serialization.PublicFormat.Raw)
    okp = {"kty": "OKP", "crv": "Ed25519", "x": b64(int.from_bytes(x), 32), "d": b64(int.from_bytes(d), 32)}
    made = {"ES256": p256, "EdDSA": okp}
    for algorithm in ("RS256", "PS256"):
        key = rsa.generate_private_key(65537, 2048).private_numbers()
        made[algorithm] = {"kty": "RSA", "n": b64(key.public_numbers.n, 256), "e": "AQAB", "d": b64(key.d, 256),
                           "p": b64(key.p, 128), "q": b64(key.q, 128), "dp": b64(key.dmp1, 128),
                           "dq": b64(key.dmq1, 128), "qi": b64(key.iqmp, 128)}
    for algorithm, key in made.items():
        key |= {"kid": algorithm.lower(), "alg": algorithm, "use": "sig"}
    return made


def public(jwk):
    return {name: value for name, value in jwk.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}


def set_up(db, issuer, pages, mcp):
    """The store as the administrator of a provider leaves it; what the clients need to know."""
    one = lambda sql, arguments=None: db.execute(f"SELECT * FROM auth_store.{sql}", arguments or {}).fetchone()
    settings = {"registration": "open", "registration_refresh": True, "dpop_nonce": True, "client_secret_jwt": True,
                "registration_max_per_network": 1000,
                "scope": "openid profile email offline_access orders mcp", "default_scope": "openid mcp"}
    if pages:
        settings |= {"login_url": f"{pages}/login", "consent_url": f"{pages}/consent",
                     "device_url": f"{pages}/device", "logout_url": f"{pages}/logout"}
    one("provider_set(%(issuer)s, %(settings)s)", {"issuer": issuer, "settings": Jsonb(settings)})
    one("signing_key_create('ES256', clock_timestamp())")
    resource = "https://orders.example/"
    described = f"{issuer}/api"      # on the provider's host, so that it serves the document where RFC 9728 has it
    for uri, scope in ((resource, "orders"), (mcp, "mcp"), (described, "orders")):
        one("resource_set(%(uri)s, scope => %(scope)s, access_token_format => 'jwt')", {"uri": uri, "scope": scope})
    user = one("user_create(email => %(email)s, password => %(password)s, first_name => 'Ada', last_name => "
               "'Lovelace')", {"email": EMAIL, "password": PASSWORD})["user_id"]

    def client(name, client_type="confidential", **more):
        arguments = {"name": name, "redirect_uris": [REDIRECT], "client_type": client_type, "grant_types": GRANTS,
                     "scope": "openid profile email offline_access orders mcp",
                     "post_logout_redirect_uris": [LOGGED_OUT], **more}
        if client_type == "public":
            arguments["grant_types"] = [grant for grant in GRANTS if grant.rpartition(":")[2] not in
                                        ("client_credentials", "token-exchange")]
        named = ", ".join(f"{name} => %({name})s" for name in arguments)
        made = one(f"client_create({named})", arguments)
        return {name: made[name] for name in ("client_id", "client_secret") if made[name]}

    made = keys()
    post = {"token_endpoint_auth_method": "client_secret_post"}
    return {
        "issuer": issuer, "redirect_uri": REDIRECT, "post_logout_redirect_uri": LOGGED_OUT, "resource": resource,
        "described": described, "mcp": mcp,
        "mcp_metadata": mcp.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"),
        "sub": str(user), "email": EMAIL, "keys": made,
        "clients": {
            "basic": client("Shop", refresh_grace="0 s"), "post": client("Post", **post),
            "public": client("Phone", "public"),
            "spa": client("Page", "public"), "device": client("Television", "public"),
            "key": client("Signs", token_endpoint_auth_method="private_key_jwt",
                          jwks=Jsonb({"keys": [public(key) for key in made.values()]})),
            "secret_jwt": client("Signs with its secret", token_endpoint_auth_method="client_secret_jwt")}}


def start(command, **more):
    # The server of PHP says on its standard error what it has answered.
    quiet = subprocess.DEVNULL if command[0] == "php" else None
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, env=os.environ | more,
                               start_new_session=True)
    # What it says must not fill the pipe.
    threading.Thread(target=lambda: [None for _ in process.stdout], daemon=True).start()
    return process


def end(process):
    # Its workers with it: PHP's server leaves them behind.
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)


def fronts(name, port):
    """The command of a front, and the settings that it has besides."""
    front = REPO / "examples/fronts"
    return {
        "front": ([os.environ.get("FRONT", "")], {"FRONT_LISTEN": f"127.0.0.1:{port}", "FRONT_METRICS": "",
                                                  "FRONT_ORIGIN": f"http://127.0.0.1:{port}"}),
        "python": ([sys.executable, front / "python/front.py", str(port)], {}),
        "node": (["node", os.environ.get("NODE_FRONT", ""), str(port)], {}),
        "go": ([os.environ.get("GO_FRONT", ""), str(port)], {}),
        "php": (["php", "-S", f"127.0.0.1:{port}", front / "php/front.php"], {"PHP_CLI_SERVER_WORKERS": "4"}),
    }[name]


def main(front, python, node, *clients):
    port, mcp = free_port(), free_port()
    issuer = f"http://127.0.0.1:{port}"
    own = front != "front"
    pages = f"http://127.0.0.1:{free_port()}/pages" if own else None
    with psycopg.connect(autocommit=True, row_factory=dict_row) as db, tempfile.TemporaryDirectory() as folder:
        stage = set_up(db, issuer, pages, f"http://127.0.0.1:{mcp}/mcp")
        ends = [REDIRECT, LOGGED_OUT]
        shown = person.OwnPages(db, stage["sub"], pages) if own else person.FrontPages(EMAIL, PASSWORD)
        people = person.serve(lambda: person.Person(ends, shown))
        threading.Thread(target=people.serve_forever, daemon=True).start()
        stage["person"] = f"http://127.0.0.1:{people.server_port}/"
        file = pathlib.Path(folder) / "stage.json"
        file.write_text(json.dumps(stage))
        command, more = fronts(front, port)
        process = start(command, PGUSER="front", **more)
        try:
            ready(f"{issuer}/.well-known/openid-configuration", process)
            bad = 0
            for client in clients or CLIENTS:
                begun = time.monotonic()
                program = ["node", f"{node}/{client}"] if client.endswith(".mjs") else [python, HERE / client]
                bad += subprocess.run([*program, file]).returncode != 0
                print(f"# {client} through {front}: {time.monotonic() - begun:.1f} s", flush=True)
        finally:
            end(process)
    return bad > 0


def ready(url, process):
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit(f"the front has ended with {process.returncode}")
        try:
            return urllib.request.urlopen(url).read()
        except OSError as error:
            if hasattr(error, "code"):
                raise SystemExit(f"{error.code} {error.read()[:500]}")
            time.sleep(0.1)
    raise SystemExit("the front does not answer")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
