#!/bin/bash
# What PL/Proxy makes of dates where a remote database prints them otherwise than the local one: it gets the results as
# text, and of a connection's settings it gives the remote session client_encoding alone. Day and month change places
# without a word as long as both are at most 12; other dates are errors.
#
# postgresql-15-plproxy 2.10.0, 2026-11-29, seen:
#   local DateStyle ISO, MDY; remote DateStyle SQL, DMY
#   the remote's 12 November 2026: 2026-12-11
#   the remote's 13 November 2026: 22008
#   the remote's 12 November 2026, 10:00 UTC: 2026-12-11 10:00:00+00
#   the same as JSON: "2026-11-12T10:00:00+00:00"
#   both with DateStyle ISO: 2026-11-12
#
# Needs apt-get and PostgreSQL 15's server programs, as root or as a user who may run them; nothing is installed.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
bin=/usr/lib/postgresql/15/bin
as=()
if [ "$(id -u)" = 0 ]; then as=(runuser -u postgres --); fi
server=$folder/server
trap '"${as[@]}" "$bin/pg_ctl" -D "$server/data" -m immediate stop > /dev/null; rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
mkdir server
[ ${#as[@]} = 0 ] || chown postgres . server
apt-get download -q postgresql-15-plproxy > apt.log 2>&1
dpkg-deb --extract postgresql-15-plproxy_2.10.0-*.deb .

"${as[@]}" "$bin/initdb" -D "$server/data" -U postgres -A trust > initdb.log
"${as[@]}" "$bin/pg_ctl" -D "$server/data" -w -l "$server/log" -o "-c listen_addresses= \
    -c unix_socket_directories=$server -c dynamic_library_path=$folder/usr/lib/postgresql/15/lib" start > pg_ctl.log
export PGHOST=$server PGUSER=postgres PGDATABASE=postgres
ask() { psql -XAtqc '\set VERBOSITY sqlstate' -c "$1" 2>&1 | sed 's/^ERROR:  //'; }

psql -XAtqc 'CREATE DATABASE remote' -c "ALTER DATABASE remote SET DateStyle = 'SQL, DMY'" \
    -c "ALTER ROLE postgres SET TimeZone = 'UTC'"
psql -XAtq <<SQL
CREATE FUNCTION plproxy_call_handler() RETURNS language_handler LANGUAGE c AS 'plproxy';
CREATE FUNCTION plproxy_fdw_validator(text[], oid) RETURNS boolean LANGUAGE c AS 'plproxy';
CREATE LANGUAGE plproxy HANDLER plproxy_call_handler;
CREATE FOREIGN DATA WRAPPER plproxy VALIDATOR plproxy_fdw_validator;
CREATE SERVER one FOREIGN DATA WRAPPER plproxy OPTIONS (p0 'dbname=remote host=$server');
CREATE USER MAPPING FOR PUBLIC SERVER one OPTIONS (user 'postgres');
CREATE FUNCTION day(n integer) RETURNS date LANGUAGE plproxy AS
    \$\$ CLUSTER 'one'; RUN ON 0; SELECT pg_catalog.make_date(2026, 11, n); \$\$;
CREATE FUNCTION moment() RETURNS timestamptz LANGUAGE plproxy AS
    \$\$ CLUSTER 'one'; RUN ON 0; SELECT timestamptz '2026-11-12 10:00:00+00'; \$\$;
CREATE FUNCTION moment_json() RETURNS json LANGUAGE plproxy AS
    \$\$ CLUSTER 'one'; RUN ON 0; SELECT pg_catalog.to_json(timestamptz '2026-11-12 10:00:00+00'); \$\$;
CREATE FUNCTION style() RETURNS text LANGUAGE plproxy AS
    \$\$ CLUSTER 'one'; RUN ON 0; SELECT pg_catalog.current_setting('DateStyle'); \$\$;
SQL
seen="local DateStyle $(ask 'SHOW DateStyle'); remote DateStyle $(ask 'SELECT style()')
the remote's 12 November 2026: $(ask 'SELECT day(12)')
the remote's 13 November 2026: $(ask 'SELECT day(13)')
the remote's 12 November 2026, 10:00 UTC: $(ask 'SELECT moment()')
the same as JSON: $(ask 'SELECT moment_json()')"
psql -XAtqc "ALTER DATABASE remote SET DateStyle = ISO"
seen+="
both with DateStyle ISO: $(ask 'SELECT day(12)')"
echo "$seen"
diff <(echo "$written") <(echo "$seen") && echo "as written"
