"""examples/languages through pgbouncer in transaction mode: every driver that this machine has does the same job, with
the statements that it prepares. PHP's PDO ends its statements by SQL, which pgbouncer does not follow: it has to keep
from naming them."""

import os, re, shutil, subprocess, sys

import stage
from stage import REPO, Bouncer, Server, ok

DRIVERS = "psycopg3 asyncpg ruby perl sqlalchemy django pg postgres drizzle knex kysely typeorm prisma rust go".split()
PDO = REPO / "examples/languages/php/pdo.php"
EXPECTED = (REPO / "tests/examples/languages.out").read_text()


def php(environment):
    """What it prints with another option; None where there is no PDO for PostgreSQL."""
    if not shutil.which("php") or subprocess.run(
            ["php", "-r", 'exit(extension_loaded("pdo_pgsql") ? 0 : 1);'], stdin=subprocess.DEVNULL).returncode:
        return None
    text = PDO.read_text().replace("PDO::ATTR_EMULATE_PREPARES => false", "PDO::PGSQL_ATTR_DISABLE_PREPARES => true")
    done = subprocess.run(["php"], input=text, capture_output=True, text=True,
                          env=environment | {"PGDATABASE": "languages", "PGUSER": "app"})
    return done.stdout + done.stderr


server = Server("drivers", "shards", "fsync=off", "log_statement=all", "log_parameter_max_length=0",
                "log_parameter_max_length_on_error=0", "shared_preload_libraries=auth_store")
try:
    bouncer = Bouncer([server], ["postgres", "app"])
    address = os.environ | {"PGHOST": bouncer.socket, "PGPORT": str(bouncer.PORT)}
    done = subprocess.run([REPO / "tests/languages", *(sys.argv[1:] or DRIVERS)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env=address | {"SERVER_LOG": str(server.log)})
    for how, name in re.findall(r"^(ok|not ok|not run) (.*)$", done.stdout, re.M):
        if how == "not run":
            print(f"not run - {name}")
        else:
            ok(how == "ok", f"{name} through pgbouncer", done.stdout + done.stderr)
    said = php(address)
    if said is not None:
        ok(said == EXPECTED, "PDO without names of statements", said)
    errors = set(re.findall(r"ERROR: +(.*)", server.log.read_text()))
    ok(errors == {'invalid value for argument "client_type"'}, "no error but the mistake that the job makes", errors)
    bouncer.stop()
finally:
    server.stop()
raise SystemExit(stage.failures > 0)
