"""monitoring/ as an operator would use it: promtool over the rules, the dashboard against its types, the exporter with
the shipped configuration against the server that PGHOST … name, Prometheus over the exporter and the worker.

    monitoring.py FOLDER WORKER        the folder of tests/monitoring/install, the program

Prints "ok", "not ok" or "not run" for each test. Ends every process that it starts.
"""

import re, shutil, subprocess, sys
from pathlib import Path

from stage import (SHIPPED, Receiver, ask, copied, db, emit, end_all, exporter, get, log_in, metrics, one, panels,
                   prometheus, store, until, worker)

FOLDER, WORKER = Path(sys.argv[1]), sys.argv[2]
failures = 0


def ok(good, name, detail=""):
    global failures
    failures += not good
    print("ok -" if good else "not ok -", name, *[f"({detail})"] * (not good), flush=True)


def runs(name, command, at=SHIPPED):
    done = subprocess.run(command, cwd=at, capture_output=True, text=True)
    ok(done.returncode == 0, name, done.stdout + done.stderr)


def files():
    if (FOLDER / "promtool").exists():
        for what in ("check config prometheus.yml", "check rules auth_store_rules.yml",
                     "test rules auth_store_rules_test.yml"):
            runs(f"promtool {what}", [FOLDER / "promtool", *what.split()])
        rules = re.findall(r"- alert: (\w+)", (SHIPPED / "auth_store_rules.yml").read_text())
        tried = (SHIPPED / "auth_store_rules_test.yml").read_text()
        fires = [name for name in rules if re.search(rf"alertname: {name}\n +exp_alerts", tried)]
        ends = [name for name in rules if re.search(rf"alertname: {name}}}", tried)]
        ok(rules == fires == ends, "each rule is tried where it fires and where it does not",
           set(rules) - set(fires) | set(rules) - set(ends))
    else:
        print("not run promtool: package prometheus")
    if (FOLDER / "node_modules").exists() and shutil.which("node"):
        shutil.copy(Path(__file__).parent / "dashboard.mjs", FOLDER)
        check = ["node", FOLDER / "dashboard.mjs"]
        runs("the dashboard is of Grafana's types", [*check, "dashboard.json"])
        text = (SHIPPED / "dashboard.json").read_text()
        for name, was, becomes in (("a value of another kind", '"refresh": "30s"', '"refresh": 30'),
                                   ("an option that a panel lacks", '"showPoints"', '"showPoint"')):
            assert was in text
            wrong = FOLDER / "wrong.json"
            wrong.write_text(text.replace(was, becomes))
            done = subprocess.run([*check, wrong], capture_output=True, text=True)
            ok(done.returncode == 1 and done.stdout, f"{name} would be found", done.stdout + done.stderr)
    else:
        print("not run the dashboard's types: node and npm")


def selectors():
    """{selector: where it stands} of the rules and the dashboard, without those of the time series of alerts."""
    asked = {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in panels()}
    rules = (SHIPPED / "auth_store_rules.yml").read_text()
    asked |= {name: [expr] for name, expr in re.findall(r"- alert: (\w+)\n +expr: (.*)", rules)}
    return {selector: place for place, exprs in asked.items() for expr in exprs
            for selector in re.findall(r"\b(?:sql_|auth_store_|up\b)\w*(?:\{[^}]*\})?", expr)}


def jobs():
    """A run of pg_cron's, as its own table has it."""
    if not one("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'"):
        return False
    db.execute("""CREATE EXTENSION pg_cron;
        GRANT USAGE ON SCHEMA cron TO auth_store_monitor;
        CREATE POLICY auth_store_monitor ON cron.job FOR SELECT TO auth_store_monitor USING (true);
        CREATE POLICY auth_store_monitor ON cron.job_run_details FOR SELECT TO auth_store_monitor USING (true)""")
    db.execute("SELECT auth_store.jobs_schedule()")
    db.execute("""INSERT INTO cron.job_run_details (jobid, runid, database, username, command, status, start_time)
        SELECT jobid, jobid, database, username, command, 'failed', now() - interval '1 hour' FROM cron.job""")
    return True


def seen(name, found):
    """{label: value} of the series of a metric, by its own label."""
    label = {"sql_auth_store_stats": "name", "sql_auth_store_health": "check_name",
             "sql_auth_store_alerts": "alert"}[name]
    return {dict(labels)[label]: value for (metric, labels), value in found.items() if metric == name}


def reading():
    receiver = Receiver()
    store(receiver.url("/ok"))
    has_jobs = jobs()
    for n in range(1, 15):
        log_in(n)
    copied()
    for n in range(5):
        emit(n)
    program, address = exporter(FOLDER)
    found = metrics(get(f"http://{address}/metrics"))
    stats = dict(db.execute("SELECT name, value FROM auth_store.stats WHERE value IS NOT NULL").fetchall())
    shown = seen("sql_auth_store_stats", found)
    ok(set(shown) == set(stats), "the exporter shows every number of stats that is known", set(shown) ^ set(stats))
    ok(shown["webhook_queue"] == stats["webhook_queue"] == 5, "with its value", shown["webhook_queue"])
    checks = dict(db.execute("SELECT check_name, status FROM auth_store.health()").fetchall())
    ok({name: ["ok", "warn", "fail"][int(value)] for name, value in seen("sql_auth_store_health", found).items()}
       == checks, "every check of health() as it is", checks)
    rows = dict(db.execute("SELECT alert, count(*)::float8 FROM auth_store.alerts GROUP BY 1").fetchall())
    ok(seen("sql_auth_store_alerts", found) == rows and {"compromise", "cleanup"} <= set(rows), "and every alert", rows)
    failed = {labels for (name, labels), value in found.items() if name.endswith("last_scrape_failed") and value}
    ok(not failed, "no query fails", failed)
    for what in ("users", "audit_log", "webhook_health", "recent_activity"):
        ok(not one("SELECT has_table_privilege('auth_store_exporter', %s, 'SELECT')", f"auth_store.{what}"),
           f"the exporter's role cannot read {what}")

    watching(address, receiver, has_jobs)
    reading_again(address)


def all_in_time(lacking, what):
    """What is lacking at the end, or after 30 seconds."""
    try:
        until(lambda: not lacking(), what, 30)
    except TimeoutError:
        pass
    return lacking()


def watching(address, receiver, has_jobs):
    _, worker_address = worker(WORKER)
    until(lambda: len(receiver.ids("/ok")) >= 5, "five deliveries")
    watcher = prometheus(FOLDER, address, worker_address, "1s")
    wanted = selectors()
    if not has_jobs:
        print("not run the jobs' numbers: no pg_cron here")
        wanted = {selector: place for selector, place in wanted.items() if "_jobs" not in selector}
    lacking = all_in_time(lambda: {name for name in wanted if not ask(watcher, "query", query=name)["result"]},
                          "each series")
    ok(not lacking, f"the rules and the dashboard name {len(wanted)} series, each of which is there", lacking)
    # rate() takes two scrapes.
    empty = all_in_time(lambda: {panel["title"]: target["expr"] for panel in panels() for target in panel["targets"]
                                 if not ask(watcher, "query", query=target["expr"])["result"]}, "each panel")
    ok(not empty, "each query of the dashboard has an answer", empty)

    def rules():
        return [rule for group in ask(watcher, "rules")["groups"] for rule in group["rules"]]
    until(lambda: all(rule["health"] == "ok" for rule in rules()), "the rules are evaluated")
    fires = {rule["name"]: {alert["labels"].get("alert") for alert in rule["alerts"] if alert["state"] == "firing"}
             for rule in rules()}
    ok(len(fires) == 8 and fires["AuthStoreCritical"] == {"compromise"}, "the copied token fires", fires)


def reading_again(address):
    """The exporter reads every 15 seconds; then it may not log in for a while."""
    def shown():
        return metrics(get(f"http://{address}/metrics"))
    was = shown()
    read_at = next(key for key in was if key[0] == "sql_auth_store_read_at")
    until(lambda: shown()[read_at] > was[read_at] + 10, "the next reading", 30)
    ok(True, "the next reading comes by itself")
    db.execute("ALTER ROLE auth_store_exporter NOLOGIN")
    db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'auth_store_exporter'")
    last = shown()[read_at]
    until(lambda: any(name.endswith("last_scrape_failed") and value for (name, _), value in shown().items()),
          "a reading that fails", 40)
    ok(shown()[read_at] == last, "where it fails, the old numbers stay, and their time")
    db.execute("ALTER ROLE auth_store_exporter LOGIN")
    until(lambda: shown()[read_at] > last, "it reads again", 90)
    ok(True, "and it reads again as soon as it can")


try:
    if (FOLDER / "versions").exists():
        print("#", *(FOLDER / "versions").read_text().split("\n"))
    files()
    if (FOLDER / "prometheus-sql-exporter").exists() and (FOLDER / "prometheus").exists():
        reading()
    else:
        print("not run the exporter: packages prometheus-sql-exporter and prometheus")
finally:
    end_all()
sys.exit(1 if failures else 0)
