"""A store with something in it, the exporter, the worker and Prometheus around it, for monitoring.py and pictures.py.
The server is the one that PGHOST … name; the programs are those of tests/monitoring/install. Everything listens on
127.0.0.1 alone."""

import json, os, re, shutil, socket, subprocess, sys, tempfile, threading, time
import urllib.error, urllib.parse, urllib.request
from pathlib import Path

import psycopg

REPO = Path(__file__).resolve().parents[2]
SHIPPED = REPO / "monitoring"
sys.path.insert(0, str(REPO / "tests/worker"))
from receiver import Receiver  # noqa: E402,F401  for those who need one

processes, folders = [], []
db = psycopg.connect(autocommit=True)


def one(sql, *values):
    return db.execute(sql, values).fetchone()[0]


def get(url, timeout=10):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


def until(true, what, at_most=60):
    end = time.monotonic() + at_most
    while True:
        try:
            if found := true():
                return found
        except (urllib.error.URLError, ConnectionError):
            pass
        if time.monotonic() > end:
            raise TimeoutError(f"waited {at_most} s for: {what}")
        time.sleep(0.1)


def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Program:
    """Runs until end(); its output goes to a file."""

    def __init__(self, command, **environment):
        self.file = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.file, stderr=subprocess.STDOUT,
                                        env=os.environ | environment)
        processes.append(self.process)

    def text(self):
        self.file.seek(0)
        return self.file.read()


def end_all():
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(30)
    for folder in folders:
        shutil.rmtree(folder)


def exporter(folder):
    """The exporter with the shipped configuration; returns the program and the address of its metrics."""
    address = f"127.0.0.1:{port()}"
    program = Program([f"{folder}/prometheus-sql-exporter", "-config.file", SHIPPED / "sql_exporter.yml",
                       "-web.listen-address", address],
                      PGUSER="auth_store_exporter", PGSSLMODE="disable", LOGLEVEL="info")
    until(lambda: "sql_auth_store_alerts" in get(f"http://{address}/metrics"), "the exporter reads")
    return program, address


def worker(path):
    address = f"127.0.0.1:{port()}"
    program = Program([path], PGUSER="sender", WORKER_ALLOW="127.0.0.1", WORKER_LISTEN=address, WORKER_POLL="1")
    until(lambda: get(f"http://{address}/healthz"), "the worker starts")
    return program, address


def prometheus(folder, exporter_address, worker_address, every):
    """With the shipped configuration and rules, but for addresses and the time between two scrapes."""
    made = Path(tempfile.mkdtemp(prefix="auth_store_prometheus"))
    folders.append(made)
    text = (SHIPPED / "prometheus.yml").read_text()
    for was, becomes in (("127.0.0.1:9237", exporter_address), ("127.0.0.1:9464", worker_address),
                         ("_interval: 15s", f"_interval: {every}")):
        assert was in text
        text = text.replace(was, becomes)
    (made / "prometheus.yml").write_text(text)
    (made / "auth_store_rules.yml").write_text((SHIPPED / "auth_store_rules.yml").read_text())
    address = f"127.0.0.1:{port()}"
    Program([f"{folder}/prometheus", f"--config.file={made}/prometheus.yml", f"--storage.tsdb.path={made}/data",
             f"--web.listen-address={address}", "--log.level=warn"])
    until(lambda: get(f"http://{address}/-/ready"), "Prometheus starts")
    return address


def ask(address, path, **arguments):
    answer = json.loads(get(f"http://{address}/api/v1/{path}?{urllib.parse.urlencode(arguments)}"))
    assert answer["status"] == "success", answer
    return answer["data"]


def metrics(text):
    """{(name, frozenset of labels): value} of what an exporter shows."""
    found = {}
    for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.M):
        found[name, frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))] = float(value)
    return found


def panels():
    return json.loads((SHIPPED / "dashboard.json").read_text())["panels"]


def store(receiver_url):
    """Makes the extension, clients, users, a webhook, a worker's role, the exporter's role and what alerts tell of."""
    db.execute("CREATE EXTENSION IF NOT EXISTS auth_store")
    db.execute((SHIPPED / "role.sql").read_text())
    db.execute("CREATE ROLE sender LOGIN; GRANT auth_store_worker TO sender")
    database = one("SELECT current_database()")
    db.execute(f"ALTER DATABASE {database} SET auth_store.webhook_allow_http = on")
    db.execute("SET auth_store.webhook_allow_http = on")
    one("""SELECT count(auth_store.client_create('Shop', '{https://shop.example/cb}', 'public', client_id => 'shop',
           grant_types => '{authorization_code,refresh_token}'))""")
    one("SELECT webhook_id FROM auth_store.webhook_create(%s, '{agent.*}')", receiver_url)


USER = "auth_store.user_ensure('person ' || %s)"


def log_in(n):
    """A new token, its refresh, and one that is refused."""
    token = one(f"SELECT refresh_token FROM auth_store.token_issue('shop', {USER})", n)
    one("SELECT error FROM auth_store.token_refresh(%s, 'shop')", token)
    if n % 7 == 0:
        one("SELECT error FROM auth_store.token_refresh('none at all', 'shop')")
    return token


def copied():
    """A refresh token that comes again after it was replaced."""
    db.execute("SET auth_store.refresh_grace = 0")
    token = one(f"SELECT refresh_token FROM auth_store.token_issue('shop', {USER})", 1)
    for _ in range(2):
        one("SELECT error FROM auth_store.token_refresh(%s, 'shop')", token)
    db.execute("RESET auth_store.refresh_grace")


def emit(n):
    one("SELECT auth_store.webhook_emit('agent.updated', jsonb_build_object('n', %s::int))", n)


def running(action, pause):
    """Does it again and again in a thread until the event that it returns is set."""
    done = threading.Event()

    def work():
        n = 0
        while not done.is_set():
            n += 1
            action(n)
            time.sleep(pause)
    threading.Thread(target=work, daemon=True).start()
    return done
