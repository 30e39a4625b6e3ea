#!/bin/bash
# What a pg_dump that is older than the minors of November 2026 makes of a server of them: the server keeps a version of
# its own beside the options of every column (pg_attver), and the older pg_dump takes it for one that the user has set.
# Such a dump goes back into the newer server, which then counts by itself and ignores the value, and not into a server
# as old as the pg_dump, although that one is of a newer major.
#
# postgresql-15 15.20, pgserver 0.1.4 (PostgreSQL 16.2), 2026-11-30, seen:
#   pg_dump (PostgreSQL) 15.20 of 15.20 sets: c n_distinct
#   pg_dump (PostgreSQL) 16.2 of 15.20 sets: a pg_attver, b pg_attver, c pg_attver and n_distinct
#   the latter into 15.20: no error
#   the latter into 16.2: 3 errors, all unrecognized parameter "pg_attver"; of c is set: nothing
#
# Needs apt-get, python3 with pip and the libraries that PostgreSQL 15 needs; nothing is installed.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
as=()
if [ "$(id -u)" = 0 ]; then as=(runuser -u postgres --); fi
servers=()
end() {
    local server
    for server in "${servers[@]}"; do
        "${as[@]}" "$server/bin/pg_ctl" -D "$server/data" -m immediate stop > /dev/null
    done
    rm -rf "$folder"
}
trap end EXIT
cd "$folder"
chmod 755 .
for package in postgresql-15 postgresql-client-15; do
    apt-get download -q "$package" > apt.log 2>&1
    dpkg-deb --extract "$package"_15.20-*.deb .
done
python3 -m pip download --quiet --no-deps --only-binary :all: --dest . pgserver==0.1.4
python3 -m zipfile -e pgserver-*.whl wheel
chmod -R a+rX wheel
chmod 755 wheel/pgserver/pginstall/bin/*
newer=$folder/usr/lib/postgresql/15
older=$folder/wheel/pgserver/pginstall

# start NAME PLACE: a server of its own with a socket under its name.
start() {
    mkdir "$1"
    [ ${#as[@]} = 0 ] || chown postgres "$1"
    "${as[@]}" "$2/bin/initdb" -D "$1/data" -U postgres -A trust ${3:+-L "$3"} > "$1.initdb"
    servers+=("$1")
    ln -s "$2/bin" "$1/bin"
    "${as[@]}" "$2/bin/pg_ctl" -D "$1/data" -w -l "$1/log" \
        -o "-c listen_addresses= -c unix_socket_directories=$folder/$1" start > "$1.ctl"
}
start new "$newer" "$folder/usr/share/postgresql/15"
start old "$older"
# ask SERVER ARGUMENTS: psql there.
ask() { psql -XAtq -h "$folder/$1" -U postgres -d postgres "${@:2}"; }
# options DUMP: the columns' options that it sets.
options() {
    sed -nE 's/^ALTER TABLE ONLY public.t ALTER COLUMN (.) SET \((.*)\);$/\1 \2/p' "$1" |
        sed -E 's/=[0-9-]+//g; s/, / and /' | paste -sd, | sed 's/,/, /g'
}
# errors SERVER DATABASE DUMP: what psql says while it restores.
errors() { psql -XAtq -h "$folder/$1" -U postgres -d "$2" -f "$3" 2>&1 | sed -n 's/.*ERROR:  //p'; }

ask new -c 'CREATE TABLE t (a integer, b text, c text)' -c 'ALTER TABLE t ALTER COLUMN c SET (n_distinct = 5)' \
    -c 'CREATE DATABASE other'
"$newer/bin/pg_dump" -h "$folder/new" -U postgres -t t postgres > new.sql
"$older/bin/pg_dump" -h "$folder/new" -U postgres -t t postgres > old.sql
seen="$("$newer/bin/pg_dump" --version | cut -d' ' -f1-3) of $(ask new -c 'SHOW server_version' | cut -d' ' -f1) sets: \
$(options new.sql)
$("$older/bin/pg_dump" --version) of $(ask new -c 'SHOW server_version' | cut -d' ' -f1) sets: $(options old.sql)
the latter into $(ask new -c 'SHOW server_version' | cut -d' ' -f1): "
said=$(errors new other old.sql)
seen+="${said:-no error}
the latter into $(ask old -c 'SHOW server_version'): "
said=$(errors old postgres old.sql)
seen+="$(wc -l <<< "$said") errors, all $(sort -u <<< "$said"); of c is set: "
said=$(ask old -c "SELECT attoptions FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c'")
seen+=${said:-nothing}
echo "$seen"
diff <(echo "$written") <(echo "$seen") && echo "as written"
