#!/bin/bash
# Whether a PostgreSQL was built with ICU can't be told from pg_collation. The build in the Python package pgserver is
# one without ICU, and its catalog lists an ICU collation all the same: "unicode", which initdb adds. Using a collation
# of that provider, or making a database with it, is what says so.
#
# pgserver 0.1.4 (PostgreSQL 16.2), 2026-11-28, seen:
#   PostgreSQL 16.2
#   ICU collations: unicode
#   CREATE COLLATION: ERROR:  ICU is not supported in this build
#   ORDER BY … COLLATE "unicode": ERROR:  ICU is not supported in this build
#   CREATE DATABASE: ERROR:  ICU is not supported in this build
#
# Needs a Python that the package has a wheel for (3.11 was used), with pip and venv. Run as root it starts the server
# as the user nobody.
set -euo pipefail

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

say() {
    unprivileged "$bin/psql" -X -h "$folder/run" -U postgres -d postgres -v VERBOSITY=terse -Atc "$1" 2>&1 || true
}

seen="PostgreSQL $(say "SHOW server_version")
ICU collations: $(say "SELECT string_agg(collname, ', ' ORDER BY collname) FROM pg_collation WHERE collprovider = 'i'")
CREATE COLLATION: $(say "CREATE COLLATION german (provider = icu, locale = 'de')")
ORDER BY … COLLATE \"unicode\": $(say "SELECT x FROM unnest('{b,a}'::text[]) x ORDER BY x COLLATE \"unicode\"")
CREATE DATABASE: $(say "CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de'")"
echo "$seen"
diff <(sed -n 's/^#   //p' "$0") <(echo "$seen") && echo "as written"
