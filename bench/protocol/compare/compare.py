"""What bench/protocol/compare/run runs: the token endpoints under one load, in turns."""

import base64, os, pathlib, signal, statistics, subprocess, sys, time, urllib.request

HERE = pathlib.Path(__file__).parent
QUICK = bool(os.environ.get("PROTOCOL_QUICK"))
ROUNDS, SECONDS = (1, "1") if QUICK else (int(os.environ.get("COMPARE_ROUNDS", 4)),
                                          os.environ.get("COMPARE_SECONDS", "5"))
CONNECTIONS = os.environ.get("COMPARE_CONNECTIONS", "128")
TICK = os.sysconf("SC_CLK_TCK")
FORM = "grant_type=client_credentials&scope=orders"
JWT = FORM + "&resource=https%3A%2F%2Forders.example%2F"


def children(pid):
    found = [pid]
    for one in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in one.read_text().split():
            found += children(int(child))
    return found


def cpu(pids):
    """Seconds of the processor that these processes and all below them have had, the ended ones among them."""
    total = 0
    for pid in pids:
        for one in children(pid):
            try:
                fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            except FileNotFoundError:
                continue
            total += sum(map(int, fields[11:13] if one != pid else fields[11:15]))
    return total / TICK


class Server:
    def __init__(self, name, command, port, credentials, target=None, counted=(), more=None):
        self.name, self.port, self.target, self.form = name, port, target, FORM
        self.basic = base64.b64encode(credentials.encode()).decode()
        self.process = subprocess.Popen(command, env=os.environ | (more or {}), stdout=subprocess.DEVNULL,
                                        start_new_session=True)
        self.counted = [self.process.pid, *counted]
        self.rates, self.costs, self.slow = [], [], []

    def answers(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/token", self.form.encode(),
                                         {"Authorization": f"Basic {self.basic}"})
        for attempt in range(300):
            try:
                answer = urllib.request.urlopen(request).read()
                assert b'"access_token"' in answer
                return answer
            except urllib.error.HTTPError as error:
                sys.exit(f"{self.name}: {error.code} {error.read()[:300]}")
            except OSError:
                if attempt == 299:
                    raise
                time.sleep(0.1)

    def load(self, seconds):
        before = cpu(self.counted)
        out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", HERE / "token.lua",
                              f"http://127.0.0.1:{self.port}/token"], capture_output=True, text=True, check=True,
                             env=os.environ | {"LOAD_BODY": self.form, "LOAD_BASIC": self.basic}).stdout
        used = cpu(self.counted) - before
        requests, took, errors, median, slow = out.split("load ")[1].split()
        if int(errors):
            sys.exit(f"{self.name}: {errors} of {requests} requests failed")
        return int(requests) / float(took), used / int(requests) * 1e6, float(slow)

    def round(self):
        rate, cost, slow = self.load(SECONDS)
        self.rates.append(rate)
        self.costs.append(cost)
        self.slow.append(slow)

    def end(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def main(front, python, node, database, store_client):
    postmaster = [int((pathlib.Path(database) / "postmaster.pid").read_text().split()[0])]
    gunicorn = [f"{python}/bin/gunicorn", "--chdir", HERE, "--workers", "4", "--log-level", "error", "--bind"]
    port = int(os.environ["FRONT_PORT"])
    store = Server("auth_store, durable", [front], port, store_client, counted=postmaster, more={"PGUSER": "front"})
    servers = [
        store,
        Server("node-oidc-provider, in memory", ["node", f"{node}/oidc_provider.mjs", str(port + 1)], port + 1,
               "load:load-secret", 8),
        Server("Authlib, on PostgreSQL", [*gunicorn, f"127.0.0.1:{port + 2}", "authlib_app"], port + 2,
               "load:load-secret", 20, counted=postmaster),
        Server("django-oauth-toolkit, on PostgreSQL", [*gunicorn, f"127.0.0.1:{port + 3}", "django_app"], port + 3,
               "load:load-secret", 20, counted=postmaster)]
    try:
        for server in servers:
            server.answers()
        forms = [(server, FORM) for server in servers] + [(server, JWT) for server in servers[:2]]
        kept = {}
        for number in range(-1, ROUNDS):
            for server, form in forms:
                server.form = form
                if number < 0:
                    server.load("1")
                    continue
                server.rates, server.costs, server.slow = kept.setdefault((server, form), ([], [], []))
                server.round()
        report(kept)
    finally:
        for server in servers:
            server.end()


def report(kept):
    base = {}
    print(f"{'':48} {'requests/s':>11} {'CPU us':>8} {'p99 ms':>8} {'auth_store has':>14}")
    with open(os.environ["TARGETS"], "a") as targets:
        for (server, form), measured in kept.items():
            rate, cost, slow = map(statistics.median, measured)
            base.setdefault(form, rate)
            times = base[form] / rate
            what = server.name + (", JWT ES256" if form == JWT else "")
            print(f"{what:48} {rate:11.0f} {cost:8.0f} {slow:8.1f} {f'{times:.1f} x' if times != 1 else '':>14}")
            if server.target and form == FORM:
                targets.write(f"the token endpoint through front/, durable, of {what}|{times:.1f} x|"
                              f">= {server.target} x\n")


main(*sys.argv[1:])
