#!/bin/bash
# What the npm package @mikro-orm/postgresql does to a schema that its option schemaGenerator.ignoreSchema names. The
# option hides what is there: tables of that schema that no entity has are not dropped. It does not hide the entities:
# one whose table is in that schema, and is there already, is still to be created, so that the statement fails and the
# update with it. Naming the table in skipTables as well, with its schema, leaves it alone.
#
# @mikro-orm/core, @mikro-orm/postgresql 7.2.5, pgserver 0.1.4 (PostgreSQL 16.2), 2026-11-28, seen of
# getUpdateSchemaSQL():
#   neither: create table "other"."users" no, drop table "other"."kept" yes
#   ignoreSchema: create table "other"."users" yes, drop table "other"."kept" no
#   ignoreSchema and skipTables: create table "other"."users" no, drop table "other"."kept" no
#   update() with ignoreSchema: 42P07
#
# Needs Node.js with npm (20 was used), and a Python that pgserver has a wheel for (3.11 was used), with pip and venv.
# Run as root it starts the server as the user nobody.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
bin=
stop() {
    if [ -n "$bin" ]; then
        unprivileged "$bin/pg_ctl" -D "$folder/run/data" -m immediate stop > "$folder/stop.log" 2>&1 || true
    fi
    rm -rf "$folder"
}
trap stop EXIT

# PostgreSQL does not run as root.
unprivileged() {
    if [ "$(id -u)" = 0 ]; then
        (cd "$folder/run" && exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@")
    else
        (cd "$folder/run" && exec "$@")
    fi
}

chmod 755 "$folder"
mkdir "$folder/run"
[ "$(id -u)" != 0 ] || chown nobody "$folder/run"
python3 -m venv --without-pip "$folder/venv"
python3 -m pip --python "$folder/venv/bin/python" install --quiet --no-deps pgserver==0.1.4
bin=$(echo "$folder"/venv/lib/python3*/site-packages/pgserver/pginstall/bin)
unprivileged "$bin/initdb" -D data -U postgres -A trust --no-locale -E UTF8 > "$folder/initdb.log"
unprivileged "$bin/pg_ctl" -D data -w -l server.log \
    -o "-c listen_addresses='' -c unix_socket_directories='$folder/run'" start > "$folder/start.log"
unprivileged "$bin/psql" -X -q -h "$folder/run" -U postgres -d postgres -v ON_ERROR_STOP=1 -c '
    CREATE SCHEMA other; CREATE TABLE other.users (id uuid PRIMARY KEY); CREATE TABLE other.kept (id uuid PRIMARY KEY)'

npm install --silent --no-fund --no-audit --prefix "$folder" @mikro-orm/core@7.2.5 @mikro-orm/postgresql@7.2.5 \
    > "$folder/npm.log" 2>&1
cat > "$folder/update.mjs" <<'JS'
import { EntitySchema, MikroORM } from '@mikro-orm/postgresql';

const User = new EntitySchema({
  name: 'User', schema: 'other', tableName: 'users', properties: { id: { type: 'uuid', primary: true } },
});
const connect = (schemaGenerator) => MikroORM.init({
  host: process.argv[2], user: 'postgres', dbName: 'postgres', entities: [User], schemaGenerator,
});
for (const [what, options] of [
  ['neither', {}],
  ['ignoreSchema', { ignoreSchema: ['other'] }],
  ['ignoreSchema and skipTables', { ignoreSchema: ['other'], skipTables: ['other.users'] }],
]) {
  const orm = await connect(options);
  const sql = await orm.schema.getUpdateSchemaSQL();
  const has = (text) => (sql.includes(text) ? 'yes' : 'no');
  const [made, dropped] = ['create table "other"."users"', 'drop table if exists "other"."kept"'];
  console.log(`${what}: ${made} ${has(made)}, drop table "other"."kept" ${has(dropped)}`);
  await orm.close();
}
const orm = await connect({ ignoreSchema: ['other'] });
try { await orm.schema.update(); console.log('update() with ignoreSchema: done'); } catch (error) {
  console.log(`update() with ignoreSchema: ${error.code}`);
}
await orm.close();
JS
seen=$(node "$folder/update.mjs" "$folder/run" 2> "$folder/node.log")
echo "$seen"
diff <(echo "$written") <(echo "$seen") && echo "as written"
