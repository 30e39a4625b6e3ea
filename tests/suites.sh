# shellcheck shell=bash
# What each suite of tests/run does: suite_NAME runs it, and counts with check, pass and fail. Sourced by tests/run,
# never run.
# shellcheck disable=SC2034,SC2154,SC2004  # the arrays are those of tests/run

# A check whose program this machine lacks is left out loudly, or fails where strictness was asked for.
lacking() {
    warn "NOT RUN: there is no $1 here ($2)"
    problems+=("$suite: NOT RUN, no $1 here")
    if [ -n "${AUTH_STORE_STRICT:-}" ]; then fail 1; else seconds[$suite]=skipped; fi
}

# failures LOG: which tests failed, for the last lines of a run, which may be all that one gets to see of it.
failures() {
    local names find='s/^not ok( +[0-9]+)? *([-+] *)?([^(]*[^( ]).*/\3/p; s/^test ([^ ]+) .*(FAILED|failed).*/\1/p'
    names=$(sed -nE "$find" "$1" | tr -s ' ' | head -n 8 | paste -sd, | sed 's/,/, /g') || true
    echo "${names:-it did not come to its end}"
}

# counted NAME LOG STATUS: takes over what a test has counted for itself, by its log and its status. Where not all has
# passed it fails, and shows what has not.
counted() {
    local bad
    bad=$(count '^not ok ' "$2")
    if [ "$3" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    pass "$(count '^ok ' "$2")"
    fail "$bad"
    if [ "$bad" = 0 ]; then return; fi
    problem "$1: $(failures "$2"): see $2"
    grep -v '^ok ' "$2" | tail -n 60
    return 1
}

suite_fmt() {
    if has_rustfmt; then
        check "cargo fmt --check" cargo fmt --all --check
    else
        lacking rustfmt "rustup component add rustfmt"
    fi
}

# The rules count for themselves, each once for what it says of these sources and once for being able to fail.
suite_tidy() {
    local log=$LOGS/tidy.log status=0
    { tests/tidy/run --selftest || status=1; tests/tidy/run && [ $status = 0 ]; } 2>&1 | tee "$log" || status=1
    pass "$(count '^ok ' "$log")"
    fail "$(count '^not ok ' "$log")"
    if [ $status != 0 ]; then
        if [ "${failed[tidy]}" = 0 ]; then fail 1; fi
        problem "$(sed -nE 's/^not ok ([^:]*).*/\1/p' "$log" | paste -sd, | sed 's/,/, /g'): see $log"
    fi
    if grep -q '^not run shellcheck' "$log"; then lacking shellcheck "package shellcheck"; fi
    check "the map shows the sources" scripts/map --check
    check "the pictures show the tables and the flows" scripts/pictures --check
    check "the links of the pages lead somewhere" scripts/check-links
    check "the tables and plots of the benchmark are those of its results" bench/run --check
}

# Every member of the workspace; the server's major is a feature of the extension alone.
workspace=(--workspace --locked --no-default-features --features "auth_store/$FEATURES")

# The worker and the front. With the features that the whole workspace gives to their crates, as in unit: fifty of them
# would be compiled once more for each of the two alone.
programs() { cargo build --quiet --locked --workspace --bin auth_store_worker --bin auth_store_front; }

suite_clippy() {
    if has_clippy; then
        check "cargo clippy" cargo clippy --quiet --all-targets "${workspace[@]}" -- -D warnings
    else
        lacking clippy "rustup component add clippy"
    fi
}

suite_unit() {
    local log=$LOGS/unit.log status=0
    cargo test --quiet "${workspace[@]}" 2>&1 | tee "$log" || status=1
    # cargo prints one "test result: ok. 12 passed; 0 failed; …" for each test program
    pass "$(awk '/^test result: / { n += $4 } END { print n + 0 }' "$log")"
    fail "$(awk '/^test result: / { n += $6 } END { print n + 0 }' "$log")"
    if [ $status != 0 ] && [ "${failed[unit]}" = 0 ]; then fail 1; problem "cargo test failed"; fi
}

# names_dropped SCRIPT: applications may have made something over these.
names_dropped() {
    sed -nE 's/^DROP (FUNCTION|PROCEDURE) auth_store\.([a-z0-9_]+)\(.*/\2/p' "$1" | while read -r name; do
        grep -qF "\`$name()\`" CHANGELOG.md || { echo "CHANGELOG.md does not name $name()"; return 1; }
    done
}

suite_install() {
    local dest=$LOGS/destdir version released from
    version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' Cargo.toml | head -n 1)
    # Not in a check, which is a subshell: what it finds is for the later suites too.
    needs_extension || return 0
    pass 1
    check "the installed library is the one built" \
        cmp "$PACKAGE_DIR$PG_PKGLIBDIR/auth_store.so" "$PG_PKGLIBDIR/auth_store.so"
    check "the control file names version $version" \
        grep -qx "default_version = '$version'" "$PG_EXTDIR/auth_store.control"
    check "META.json and CHANGELOG.md know version $version" \
        sh -c "grep -q '\"version\": \"$version\"' META.json && grep -qF '## $version' CHANGELOG.md"
    check "what an update does with each kind of change" tests/update_script
    rm -rf "$dest"
    check "install below DESTDIR" env DESTDIR="$dest" scripts/install
    check "it puts library, control file and script there" \
        ls "$dest$PG_PKGLIBDIR/auth_store.so" "$dest$PG_EXTDIR/auth_store.control" \
        "$dest$PG_EXTDIR/auth_store--$version.sql"
    for released in tests/upgrade/auth_store--*.sql; do
        from=${released##*--}
        from=$dest$PG_EXTDIR/auth_store--${from%.sql}--$version.sql
        check "and $(basename "$from")" ls "$from"
        check "CHANGELOG.md names the functions that it drops" names_dropped "$from"
    done
    check "and takes them away again" env DESTDIR="$dest" scripts/install --remove
    # shellcheck disable=SC2016  # the sh's own argument
    check "leaving nothing" sh -c '! find "$1" -type f | grep .' sh "$dest"
}

# drive PROGRAM FILES-TO-RUN FOLDER [setting=value ...]: pg_regress or pg_isolation_regress on a new server.
drive() {
    local program=$1 tests=$2 input=$3 out=$TARGET/tests/$suite; shift 3
    needs_extension || return 0
    [ -n "$tests" ] || return 0
    clusters+=("test-$suite")
    scripts/cluster start "test-$suite" fsync=off "$@" || { fail 1; problem "the server did not start"; return; }
    rm -rf "$out"
    mkdir -p "$out"
    local status=0
    # shellcheck disable=SC2086  # the tests' names are words
    (
        eval "$(scripts/cluster env "test-$suite")"
        "$program" --inputdir="$input" --outputdir="$out" --bindir="$PG_BINDIR" --dbname=auth_store_regress \
            --load-extension=auth_store $tests
    ) 2>&1 | tee "$LOGS/$suite.log" || status=1
    pass "$(count '^(test .* \.\.\. ok|ok +[0-9]+)' "$LOGS/$suite.log")"
    fail "$(count '^(test .* \.\.\. (FAILED|failed)|not ok +[0-9]+)' "$LOGS/$suite.log")"
    if [ $status != 0 ]; then
        if [ "${failed[$suite]}" = 0 ]; then fail 1; fi
        problem "$(failures "$LOGS/$suite.log"): see $out/regression.diffs and $out/results"
        head -n 400 "$out/regression.diffs" 2>/dev/null || tail -n 30 "$(readlink -f "$TARGET/cluster/test-$suite")/log"
    fi
    scripts/cluster stop "test-$suite"
}

suite_regress() { drive "$PG_TESTDIR/regress/pg_regress" "$REGRESS" tests; }
suite_preload() { drive "$PG_TESTDIR/regress/pg_regress" "$REGRESS" tests shared_preload_libraries=auth_store; }
suite_isolation() { drive "$PG_TESTDIR/isolation/pg_isolation_regress" "$ISOLATION" tests/isolation; }

# The distribution's Python, which has the distribution's psycopg and cryptography; one on PATH may be any.
python=/usr/bin/python3

# tap_file FILE: runs it; the status is its program's.
tap_file() {
    # shellcheck disable=SC2016  # the sh's own arguments
    as_server sh -c 'cd "$1" && shift && exec "$@"' sh "$tap_dir" env \
        HOME="$tap_dir" TESTDIR="$tap_dir" TESTDATADIR="$tap_dir/tmp_check" TESTLOGDIR="$tap_dir/tmp_check/log" \
        PATH="$PG_BINDIR:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C.UTF-8 \
        PYTHON="$python" AUTH_STORE_STRICT="${AUTH_STORE_STRICT:-}" \
        PERL5LIB="$PG_PERL" PG_REGRESS="$PG_TESTDIR/regress/pg_regress" PG_CONFIG="$PG_CONFIG" \
        prove -I tests/tap -v "tests/tap/$1.pl" >"$LOGS/tap-$1.log" 2>&1
}

# tap_ended FILE STATUS SECONDS: counts and shows what it said.
tap_ended() {
    local file=$1 status=$2 log=$LOGS/tap-$1.log good bad
    good=$(count '^ok [0-9]+' <(grep -vi '# skip' "$log"))
    bad=$(count '^not ok [0-9]+' <(grep -v '# TODO' "$log"))
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    pass "$good"
    fail "$bad"
    printf '%-40s' "tap $file"
    if [ "$status" = 0 ]; then
        echo "$good ok, $3 s$(sed -nE 's/^(.*\.pl \.\. skipped:|ok [0-9]+ # skip)/, skipped:/Ip' "$log" | tr -d '\n')"
    else
        echo "FAILED"
        problem "tests/tap/$file.pl: $(failures "$log"): see $log"
        grep -v '^ok ' "$log" | tail -n 60
        cp "$tap_dir/tmp_check/log/regress_log_$file" "$LOGS/" 2>/dev/null || true
    fi
}

# The server's user reads the tests and writes beside them, which it may not do in every checkout.
tap_begin() {
    tap_dir=$(mktemp -d /tmp/auth_store.XXXXXX)
    cp -R tests sql demo docs "$tap_dir"
    if is_root; then chown -R "$SERVER_USER:" "$tap_dir"; fi
}

suite_demo() {
    needs_extension || return 0
    clusters+=(demo)
    check "demo" env KEEP= demo/run
}
suite_readme() {
    needs_extension || return 0
    check "the README's session" scripts/readme-session
    check "the session of docs/tutorial/first_steps.md" scripts/readme-session docs/tutorial/first_steps.md
    check "the session of docs/how-to/endpoints.md" scripts/readme-session docs/how-to/endpoints.md
    check "docs/reference and tests/privileges.txt are what the catalog says" scripts/reference --check
}

# example_database NAME: a new one with the extension; points psql and psycopg at it.
example_database() {
    eval "$(scripts/cluster env test-examples)"
    "$PG_BINDIR/createdb" "$1"
    export PGDATABASE=$1
    "$PG_BINDIR/psql" -X -q -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION auth_store'
}

# Those whose drivers are small packages of Debian; tests/languages alone runs the others too. Counts for itself.
example_languages() {
    local log=$LOGS/example-languages.log lacks
    check "docs/how-to/languages.md shows the files" scripts/language-page --check
    tests/languages psycopg3 asyncpg ruby php 2>&1 | tee "$log" | grep -E '^(ok|not ok|not run) ' || true
    pass "$(count '^ok ' "$log")"
    fail "$(count '^not ok ' "$log")"
    while IFS= read -r lacks; do
        lacking "${lacks##*: }" "examples/languages, ${lacks%%:*}"
    done < <(sed -n 's/^not run //p' "$log")
    if [ "$(count '^(ok|not ok|not run) ' "$log")" != 4 ]; then
        fail 1
        problem "tests/languages did not come to its end"
        tail -n 20 "$log"
    fi
    if [ "$(count '^not ok ' "$log")" != 0 ]; then
        problem "examples/languages: $(failures "$log"): see $log"
        grep -v '^ok ' "$log" | tail -n 60
    fi
}

# The languages that are at hand find the buckets that the store says; tests/shards/run does the job with all of them,
# and the suite unit asks the Rust.
example_routing() {
    local vectors=examples/routing/vectors.json
    check examples/routing/python "$python" -B examples/routing/python/routing.py $vectors
    if have node; then check examples/routing/node node examples/routing/node/routing.mjs $vectors; fi
}

# example FILE: prints what tests/examples has; ids differ from run to run.
example() {
    local name
    name=$(basename "$1" .py)
    example_database "$name"
    "$python" "$1" > "$LOGS/example-$name.out" &&
        sed -E 's/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/<uuid>/g' "$LOGS/example-$name.out" |
        diff -u "tests/examples/$name.out" - && echo "$1 ... ok"
}

# What refreshes connections, the example or the worker, against a provider; the test counts for itself.
example_refresher() {
    local provider name=refresher${1:+_worker} status=0
    local log=$LOGS/example-$name.log
    if ! provider=$(tests/provider/install); then
        lacking "OAuth provider for the tests" "tests/provider/install"
        return
    fi
    (example_database "$name" && "$python" tests/examples/refresher.py "$provider" "$@") >"$log" 2>&1 || status=1
    if counted "examples/$name" "$log" $status; then echo "examples/refresher${1:+ with the worker} ... ok"; fi
}

# unit_of NAME: the unit of the worker or the front. systemd reads it without a remark, with its lines for a password
# too, and it is as closed as docs/how-to/worker.md says.
unit_of() {
    local unit=$LOGS/auth_store_$1.service
    sed -E "s|/usr/local/bin/|$TARGET/debug/|; s/^#(LoadCredential|Environment)/\1/" "$1/auth_store_$1.service" \
        > "$unit"
    if ! have systemd-analyze; then lacking systemd-analyze "package systemd"; return; fi
    # shellcheck disable=SC2016  # the sh's own argument
    check "systemd-analyze verify of the $1's unit" sh -c '! systemd-analyze verify "$1" 2>&1 | grep .' sh "$unit"
    check "its exposure is at most 1.2" systemd-analyze security --offline=yes --threshold=12 --no-pager "$unit"
}

# over_http NAME: the worker or the front over real HTTP; its test counts for itself.
over_http() {
    local log=$LOGS/$1.log status=0
    programs || { fail 1; problem "worker and front do not build"; return; }
    (example_database "$1" && "$python" "tests/$1/$1.py" "$TARGET/debug/auth_store_$1" \
        scripts/cluster restart test-examples) >"$log" 2>&1 ||
        status=1
    if [ "$(count '^not run ' "$log")" != 0 ]; then lacking "unshare that may" "$(sed -n 's/^not run - //p' "$log")"; fi
    if counted "$1" "$log" $status; then echo "$1 ... ok"; unit_of "$1"; fi
}

# The fronts of examples/, those whose runtime is here; tests/interop/provider/run sends real clients to all of them.
# The test counts for itself.
example_fronts() {
    local log=$LOGS/fronts.log status=0
    mkdir -p "$LOGS/fronts"
    (example_database fronts && "$python" tests/examples/fronts.py "$LOGS/fronts") >"$log" 2>&1 || status=1
    if counted examples/fronts "$log" $status; then
        echo "examples/fronts ... ok$(sed -n 's/^not run /, not run: /p' "$log" | tr -d '\n')"
    fi
}

# A tutorial of several terminals; its test counts for itself.
example_tutorial() {
    local page=docs/tutorial/$1.md log=$LOGS/tutorial-$1.log status=0
    (
        eval "$(scripts/cluster env test-examples)"
        export PATH=$PG_BINDIR:$PATH PGDATABASE=tutorial_$1
        createdb "$PGDATABASE" && tests/tutorial "$page" "$TARGET/debug"
    ) >"$log" 2>&1 || status=1
    if counted "$page" "$log" $status; then echo "$page ... ok"; fi
}

suite_examples() {
    local file
    if ! "$python" -c 'import psycopg' 2>/dev/null; then lacking "psycopg for $python" "python3-psycopg"; return; fi
    needs_extension || return 0
    clusters+=(test-examples)
    scripts/cluster start test-examples fsync=off || { fail 1; problem "the server did not start"; return; }
    for file in examples/python/*.py examples/zapier/*.py; do check "$file" example "$file"; done
    example_routing
    example_refresher
    over_http worker
    example_refresher "$TARGET/debug/auth_store_worker"
    over_http front
    example_fronts
    example_tutorial first_webhook
    example_tutorial provider
    example_languages
    scripts/cluster stop test-examples
}

# It counts for itself; what the machine lacks it says.
suite_monitoring() {
    local folder log=$LOGS/monitoring.log status=0 lacks preload=auth_store
    if ! "$python" -c 'import psycopg' 2>/dev/null; then lacking "psycopg for $python" "python3-psycopg"; return; fi
    needs_extension || return 0
    programs || { fail 1; problem "worker and front do not build"; return; }
    folder=$(tests/monitoring/install)
    if [ -e "$PG_EXTDIR/pg_cron.control" ]; then preload=auth_store,pg_cron; fi
    clusters+=(test-monitoring)
    scripts/cluster start test-monitoring fsync=off shared_preload_libraries=$preload cron.database_name=monitoring ||
        { fail 1; problem "the server did not start"; return; }
    (
        eval "$(scripts/cluster env test-monitoring)"
        "$PG_BINDIR/createdb" monitoring
        PGDATABASE=monitoring "$python" tests/monitoring/monitoring.py "$folder" "$TARGET/debug/auth_store_worker"
    ) >"$log" 2>&1 || status=1
    scripts/cluster stop test-monitoring
    if counted monitoring "$log" $status; then echo "monitoring ... ok"; fi
    while IFS= read -r lacks; do lacking "${lacks##*: }" "${lacks%%:*}"; done < <(sed -n 's/^not run //p' "$log")
}

# spot OPTION...: pgspot over what comes on its input; any remark fails. Unlike its own status, which forgives warnings.
spot() { "$pgspot" "$@" | tee /dev/stderr | grep '^ Errors: 0 Warnings: 0 Unknown: 0' > /dev/null; }

# The SQL as the script that CREATE EXTENSION runs, and as install() and migrate() run it: in a schema that is the
# superuser's and holds nobody else's relations, under a pinned search_path. So an index that exists already (PS014) is
# on a table of the store. Three procedures commit: they may not set a search_path (PS005), and name everything in full,
# operators too.
install_script() {
    local script=$1; shift
    spot --proc-without-search-path 'auth_store.cleanup(batch_size integer,max_batches integer)' \
        --proc-without-search-path 'auth_store.vault_rekey(batch integer)' \
        --proc-without-search-path "auth_store.shard_forget(first_bucket integer,last_bucket integer,$(
            )kept_buckets int4multirange,pages integer)" "$@" \
        "$PACKAGE_DIR$PG_EXTDIR/auth_store--$script.sql"
}

# What ALTER EXTENSION UPDATE runs. Its CREATE OR REPLACE is for functions that the extension has; the server refuses it
# where somebody else's is in their place (PS002; CVE-2022-2625, before all majors that are supported).
update_script() { install_script "$1" --ignore PS002; }

tables_script() {
    { echo "CREATE SCHEMA auth_store; SET search_path = pg_catalog, pg_temp;"; cat "$@"; } > "$LOGS/tables.sql"
    spot --ignore PS014 "$LOGS/tables.sql"
}

suite_pgspot() {
    local env migration version released from
    if ! env=$(tests/environment pgspot); then lacking pgspot "tests/environment pgspot"; return; fi
    pgspot=$(dirname "$env")/pgspot
    needs_extension || return 0
    version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' Cargo.toml | head -n 1)
    check "the install script" install_script "$version"
    for released in tests/upgrade/auth_store--*.sql; do
        from=${released##*--} from=${from%.sql}
        check "the update from $from" update_script "$from--$version"
    done
    check "what install() runs" \
        tables_script sql/roles.sql sql/tables/*.sql sql/policies.sql sql/views/*.sql sql/ownership.sql
    for migration in sql/migrations/*.sql; do
        if [ -f "$migration" ]; then check "$migration" tables_script "$migration"; fi
    done
}
