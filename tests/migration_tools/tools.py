"""The lines of docs/how-to/migration_tools.md, run against the tools: each makes a table with a foreign key to the
store and leaves the store alone, and where it would drop the store's tables without them, the guard refuses. Connects
as psql does, as a superuser: what these tools do to a developer's database."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import psycopg

page, tools = Path(sys.argv[1]).read_text(), Path(sys.argv[2])
here = Path(__file__).resolve().parent
failures = 0


def block(name):
    """The page's block whose first line is a comment that begins with name."""
    found = [text for text in re.findall(r"^```\w+\n(.*?)^```$", page, re.M | re.S)
             if re.match(rf"(#|//) {re.escape(name)}", text)]
    assert len(found) == 1, f"{len(found)} blocks about {name}"
    return found[0]


def ok(passed, what, more=""):
    global failures
    print(("ok - " if passed else "not ok - ") + what + ("" if passed else "\n" + textwrap.indent(str(more), "    ")))
    failures += not passed


def shape(db):
    """What the store is made of, and what check() says of it."""
    return db.execute("""SELECT (SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                                  WHERE c.relnamespace = 'auth_store'::regnamespace AND NOT a.attisdropped),
                                (SELECT string_agg(object || ' ' || problem, ', ') FROM auth_store.check())
                      """).fetchone()


class Tool:
    def __init__(self, name):
        self.name, self.database, self.directory = name, f"tool_{name}", Path(tempfile.mkdtemp(prefix="auth_store."))
        self.db = None
        self.anew()
        self.before = shape(self.db)

    def application_role(self):
        """A role as extending.md has it, which owns nothing of the store's and may refer to users."""
        self.db.execute("DROP ROLE IF EXISTS tool_application")
        self.db.execute("""CREATE ROLE tool_application LOGIN IN ROLE auth_store_reader;
                           GRANT REFERENCES (id, tenant_id) ON auth_store.users TO tool_application;
                           GRANT CREATE ON SCHEMA public TO tool_application""")
        return {"PGUSER": "tool_application"}

    def anew(self, store=True):
        """A new database, with the store and a user in it, or empty."""
        if self.db:
            self.db.close()
        with psycopg.connect(dbname="postgres", autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {self.database}")
            server.execute(f"CREATE DATABASE {self.database}")
        self.db = psycopg.connect(dbname=self.database, autocommit=True)
        if store:
            self.db.execute("CREATE EXTENSION auth_store")
            self.db.execute("SELECT auth_store.user_ensure('1')")

    def run(self, *command, environment={}, **files):
        for path, text in files.items():
            self.write(path, text)
        done = subprocess.run([str(part) for part in command], cwd=self.directory, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              env={**os.environ, "PGDATABASE": self.database, "NODE_PATH": str(tools / "node_modules"),
                                   **environment})
        return done.returncode == 0, done.stdout

    def write(self, path, text):
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def left_alone(self, what, done, table=None):
        passed, output = done
        ok(passed and shape(self.db) == self.before, f"{self.name}: {what}",
           f"{output}\n{self.before}\n{shape(self.db)}")
        if table:
            keys = self.db.execute("SELECT count(*) FROM pg_constraint WHERE conrelid = to_regclass(%s) "
                                   "AND confrelid = 'auth_store.users'::regclass", (table,)).fetchone()[0]
            ok(keys == 1, f"{self.name}: {table} refers to the store", output)

    def stopped(self, what, done):
        passed, output = done
        ok(not passed and "is the auth store's and is not dropped" in output, f"{self.name}: {what} is stopped", output)
        ok(self.db.execute("SELECT count(*) FROM auth_store.users").fetchone()[0] == 1
           and shape(self.db)[0] == self.before[0],
           f"{self.name}: and every table is there", shape(self.db))

    def close(self):
        self.db.close()
        shutil.rmtree(self.directory)


ALEMBIC_ENV = """
from alembic import context
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Uuid, create_engine
metadata = target_metadata = MetaData()
{models}
with create_engine("postgresql+psycopg://").connect() as connection:
{configure}
    with context.begin_transaction():
        context.run_migrations()
"""


def alembic(tool):
    command = tools / "python/bin/alembic"
    tool.run(command, "init", "migrations")
    models, env = block("alembic: models"), block("alembic: env.py")
    tool.write("migrations/env.py", ALEMBIC_ENV.format(models=models, configure=textwrap.indent(env, "    ")))
    passed, output = tool.run(command, "revision", "--autogenerate", "-m", "orders", "--rev-id", "1")
    text = "".join(path.read_text() for path in (tool.directory / "migrations/versions").glob("1_*.py"))
    ok(passed and "create_table('orders'" in text and "schema='auth_store'" not in text,
       "alembic: autogenerate proposes the application's table alone", output + text)
    tool.left_alone("upgrade", tool.run(command, "upgrade", "head"), "public.orders")
    passed, output = tool.run(command, "check")
    ok(passed, "alembic: nothing is left to do", output)
    tool.left_alone("downgrade", tool.run(command, "downgrade", "base"))
    # As it is without the two functions.
    configure = "    context.configure(connection=connection, target_metadata=metadata, include_schemas=True)"
    tool.write("migrations/env.py", ALEMBIC_ENV.format(models="", configure=configure))
    tool.run(command, "upgrade", "head")
    tool.run(command, "revision", "--autogenerate", "-m", "everything", "--rev-id", "2")
    tool.stopped("a migration that drops what is not in the metadata", tool.run(command, "upgrade", "head"))


def django(tool):
    python = tools / "python/bin/python"
    tool.write("manage.py", """import os, sys
os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""")
    tool.write("settings.py", """import os
SECRET_KEY = "x"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql",
                         "NAME": os.environ["PGDATABASE"], "USER": os.environ.get("PGUSER", "")}}
""")
    tool.write("shop/__init__.py", "")
    tool.write("shop/models.py", "from django.db import models\n\n\n" + block("django: models"))
    passed, output = tool.run(python, "manage.py", "makemigrations", "shop")
    ok(passed, "django: makemigrations", output)
    tool.left_alone("migrate", tool.run(python, "manage.py", "migrate"), "public.shop_order")
    tool.left_alone("flush", tool.run(python, "manage.py", "flush", "--no-input"))
    ok(tool.db.execute("SELECT count(*) FROM auth_store.users").fetchone()[0] == 1,
       "django: flush keeps the store's rows")
    tool.left_alone("migrate to zero", tool.run(python, "manage.py", "migrate", "shop", "zero"))


def node(tool, name, *arguments):
    # Packages are found from where the script is.
    modules = tool.directory / "node_modules"
    if not modules.exists():
        modules.symlink_to(tools / "node_modules")
    text = (here / "tools.mjs").read_text().replace("/* BLOCK */", block(name))
    return tool.run("node", "tools.mjs", *arguments, **{"tools.mjs": text, "package.json": '{"type": "module"}'})


def typeorm(tool):
    tool.left_alone("synchronize", node(tool, "typeorm", "typeorm"), "public.typeorm_orders")
    tool.stopped("dropSchema with an entity of the store's", node(tool, "typeorm", "typeorm-drop"))


def mikro_orm(tool):
    tool.left_alone("schema.update", node(tool, "mikro-orm", "mikro-orm"), "public.mikro_orders")
    tool.stopped("schema.update without the setting", node(tool, "mikro-orm", "mikro-orm-drop"))


def knex(tool):
    tool.left_alone("migrate", node(tool, "knex: a migration", "knex-up"), "public.knex_orders")
    tool.left_alone("rollback", node(tool, "knex: a migration", "knex-down"))


def sequelize(tool):
    tool.stopped("sync with force of a model of the store's", node(tool, "knex: a migration", "sequelize-drop"))


def active_record(tool):
    script = here / "tools.rb"

    def task(name, application="", database=block("active record: config/database.yml"), environment={}):
        return tool.run("ruby", script, name, environment=environment,
                        **{"config/application.rb": application, "config/database.yml": database})

    def dumped(file, done):
        """The file, which left the store alone, and its lines that name the store."""
        tool.left_alone(f"dump of {file}", done)
        text = (tool.directory / "db" / file).read_text()
        return text, "\n".join(line.strip() for line in text.splitlines() if "auth_store" in line
                               and not line.startswith("--"))

    tool.write("db/migrate/20260101000000_create_orders.rb", block("active record: a migration"))
    tool.left_alone("db:migrate", task("migrate"), "public.ar_orders")
    text, lines = dumped("schema.rb", task("dump"))
    ok(re.fullmatch(r'enable_extension "auth_store"\nadd_foreign_key "ar_orders", "auth_store.users", .*', lines),
       "active_record: schema.rb has the extension and the foreign key alone of the store", text)
    tool.left_alone("db:schema:load over what is there", task("load"), "public.ar_orders")
    ok(tool.db.execute("SELECT count(*) FROM auth_store.users").fetchone()[0] == 1,
       "active_record: db:schema:load keeps the store's rows")
    tool.left_alone("db:rollback", task("down"))
    tool.anew(store=False)
    tool.left_alone("db:schema:load into an empty database", task("load"), "public.ar_orders")

    application = block("active record: config/application.rb")
    text, lines = dumped("structure.sql", task("dump", application))
    ok(" TABLE auth_store." not in lines and "REFERENCES auth_store.users(id)" in lines,
       "active_record: structure.sql has no table of the store's", lines)
    tool.anew()
    tool.left_alone("db:schema:load of structure.sql", task("load", application, environment=tool.application_role()),
                    "public.ar_orders")
    tool.anew()
    tool.left_alone("db:schema:load of schema.rb by a role of the application",
                    task("load", environment=tool.application_role()), "public.ar_orders")

    # As it is without the lines: the structure file has a copy of the store.
    application = "config.active_record.schema_format = :sql"
    text, lines = dumped("structure.sql", task("dump", application, ""))
    ok("CREATE TABLE auth_store.users" in lines,
       "active_record: structure.sql has the store's tables without the lines", lines)
    tool.anew()
    passed, output = task("load", application, "")
    ok(not passed and 'schema "auth_store" already exists' in output,
       "active_record: it is not loaded where the store is", output)
    tool.anew(store=False)
    passed, output = task("load", application, "")
    problems = shape(tool.db)[1]
    ok(passed and "belongs to" in (problems or ""), "active_record: check() tells of tables that it made",
       f"{output}\n{problems}")

    # And with the store in the search path.
    tool.anew()
    wide = "schema_search_path: public,auth_store"
    text, lines = dumped("schema.rb", task("dump", "", wide))
    ok('create_table "access_tokens"' in text,
       "active_record: schema.rb has the store's tables where the path has them", text)
    tool.stopped("db:schema:load of them", task("load", "", wide))


ALL = {"alembic": alembic, "django": django, "typeorm": typeorm, "mikro_orm": mikro_orm, "knex": knex,
       "sequelize": sequelize, "active_record": active_record}


def lacking(name):
    if name == "active_record":
        there = shutil.which("ruby") and subprocess.run(["ruby", "-e", "require 'active_record'; require 'pg'"],
                                                        capture_output=True).returncode == 0
        return None if there else "Ruby with Active Record and pg"
    if name not in ("alembic", "django") and not (tools / ".node").exists():
        return "npm"
    return None


for name in os.environ.get("TOOLS", " ".join(ALL)).split():
    if what := lacking(name):
        print(f"skipped - {name}: there is no {what} here")
        continue
    tool = Tool(name)
    try:
        ALL[name](tool)
    finally:
        tool.close()
sys.exit(failures > 0)
