#!/bin/bash
# What prometheus-sql-exporter (sql_exporter) shows of a query that fails from some time on: the value that it read
# last, as if it were read now. The one sign is a gauge of the exporter's own, sql_exporter_last_scrape_failed, so that
# an alert that looks at the value alone never fires.
#
# prometheus-sql-exporter 0.4.5, PostgreSQL 15.20, 2026-11-29, seen:
#   while the table is there:
#   sql_exporter_last_scrape_failed 0
#   sql_queue 7
#   6 seconds after it was dropped:
#   sql_exporter_last_scrape_failed 1
#   sql_queue 7
#
# Needs apt-get, curl and PostgreSQL's server programs, as root or as a user who may run them; nothing is installed.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
bin=$(pg_config --bindir)
as=()
if [ "$(id -u)" = 0 ]; then as=(runuser -u postgres --); fi
exporter=
server=$folder/server
trap '[ -z "$exporter" ] || kill "$exporter"; "${as[@]}" "$bin/pg_ctl" -D "$server/data" -m immediate stop > /dev/null
      rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q prometheus-sql-exporter > apt.log 2>&1
dpkg-deb --extract prometheus-sql-exporter_0.4.5-*.deb .

mkdir server
[ ${#as[@]} = 0 ] || chown postgres . server
"${as[@]}" "$bin/initdb" -D "$server/data" -U postgres -A trust > initdb.log
"${as[@]}" "$bin/pg_ctl" -D "$server/data" -w -l "$server/log" \
    -o "-c listen_addresses= -c unix_socket_directories=$server" start > pg_ctl.log
export PGHOST=$server PGUSER=postgres PGDATABASE=postgres
psql -XAtqc 'CREATE TABLE queue AS SELECT 7 AS waiting'
cat > config.yml <<'YAML'
jobs:
  - name: job
    interval: 1s
    connections: ['postgres://']
    queries:
      - name: queue
        help: Rows that wait.
        values: [waiting]
        query: SELECT waiting FROM queue
YAML
read -r port < <(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
usr/bin/prometheus-sql-exporter -config.file config.yml -web.listen-address "127.0.0.1:$port" > exporter.log 2>&1 &
exporter=$!
shown() {
    curl -s "http://127.0.0.1:$port/metrics" | grep -E '^sql_(queue|exporter_last_scrape_failed)' |
        sed 's/{[^}]*}//' | sort
}
sleep 6
seen=$(
    echo "while the table is there:"
    shown
    psql -XAtqc 'DROP TABLE queue'
    sleep 6
    echo "6 seconds after it was dropped:"
    shown
)
echo "$seen"
[ "$seen" = "$written" ]
