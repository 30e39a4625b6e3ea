"""The fronts of examples/fronts, each in the same way, in the database that PGHOST … name, with the extension. A front
whose runtime is not here is "not run".

    fronts.py FOLDER        the folder takes what is built
"""

import base64, http.client, json, os, pathlib, subprocess, sys, urllib.parse

import psycopg

REPO = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(REPO / "tests/interop/provider"))
import play

failed = 0


def check(what, found, expected):
    global failed
    good = found == expected
    failed += not good
    print(f"{'' if good else 'not '}ok {what}" + ("" if good else f": {found}, not {expected}"), flush=True)


def has(front):
    """Whether its runtime is at hand, once it is built."""
    ran = lambda *command, **more: subprocess.run(command, capture_output=True, **more).returncode == 0
    try:
        if front == "php":
            return ran("php", "-r", 'exit(extension_loaded("pdo_pgsql") ? 0 : 1);')
        if front == "node":
            # The driver is of npm, and in nobody's checkout.
            return ran("node", "-e", "require.resolve('pg')")
        if front == "go":
            os.environ["GO_FRONT"] = str(FOLDER / "front")
            return ran("go", "build", "-o", os.environ["GO_FRONT"], REPO / "examples/fronts/go/main.go",
                       env=os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
                                         "GOCACHE": str(FOLDER / "go")})
    except FileNotFoundError:
        return False
    return True


def talk(front, port, client_id, secret):
    def ask(method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    basic = lambda text: "Basic " + base64.b64encode(text.encode()).decode()
    status, body, headers = ask("GET", "/.well-known/openid-configuration")
    check(f"{front}: metadata", (status, json.loads(body)["issuer"]), (200, f"http://127.0.0.1:{port}"))
    check(f"{front}: and their type", headers["content-type"], "application/json")
    etag = headers["etag"]
    check(f"{front}: kept by who has them", ask("GET", "/.well-known/openid-configuration",
                                                **{"If-None-Match": etag})[:2], (304, b""))
    status, body, _ = ask("HEAD", "/.well-known/openid-configuration")
    check(f"{front}: HEAD", (status, body), (200, b""))
    grant = "grant_type=client_credentials&scope=orders"
    given = urllib.parse.quote(secret, safe="")
    status, body, headers = ask("POST", "/token", grant, **form, Authorization=basic(f"{client_id}:{given}"))
    check(f"{front}: a token", (status, json.loads(body).get("scope"), headers["cache-control"]),
          (200, "orders", "no-store"))
    status, body, headers = ask("POST", "/token", grant, **form, Authorization=basic(f"{client_id}:wrong"))
    check(f"{front}: a wrong secret", (status, json.loads(body)["error"]), (401, "invalid_client"))
    check(f"{front}: its challenge", (headers["www-authenticate"] or "").split()[:1], ["Basic"])
    check(f"{front}: bytes that are no text", ask("POST", "/token", b"grant_type=\xff\x00&client_id=\xe9", **form)[0],
          400)
    check(f"{front}: nor in a query", ask("GET", "/authorize?client_id=%ff%00&x=%")[0], 400)
    check(f"{front}: an unknown path", ask("GET", "/nothing")[0], 404)
    check(f"{front}: an unknown method", ask("DELETE", "/token")[0], 405)
    check(f"{front}: a body that is too long", ask("POST", "/token", b"a" * 65537, **form)[0], 413)
    location = ask("GET", "/authorize?" + urllib.parse.urlencode({
        "client_id": client_id, "response_type": "code", "redirect_uri": "https://app.example/cb",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}))[2]
    check(f"{front}: the way to the page of the application", (location["location"] or "").split("=")[0],
          "https://app.example/login?interaction")


def main():
    with psycopg.connect(autocommit=True) as db:
        one = lambda sql, *arguments: db.execute(f"SELECT * FROM auth_store.{sql}", arguments).fetchone()
        one("signing_key_create('ES256', clock_timestamp())")
        client_id, secret = db.execute(
            "SELECT client_id, client_secret FROM auth_store.client_create('Shop', '{https://app.example/cb}', "
            "scope => 'orders', grant_types => '{authorization_code,client_credentials}')").fetchone()
        for front in ("python", "node", "php", "go"):
            if not has(front):
                print(f"not run {front}", flush=True)
                continue
            port = play.free_port()
            issuer = f"http://127.0.0.1:{port}"
            one("provider_set(%s, %s)", issuer, json.dumps({
                f"{page}_url": f"https://app.example/{page}" for page in ("login", "consent", "logout")}))
            command, more = play.fronts(front, port)
            process = play.start(command, **more)
            try:
                play.ready(f"{issuer}/.well-known/openid-configuration", process)
                talk(front, port, client_id, secret)
            finally:
                play.end(process)
    return failed > 0


sys.exit(main())
