# shellcheck shell=bash
# What every script here stands on: where things are, which server, who runs what. Sourced, never run.

# shellcheck disable=SC2034  # read by the scripts that source this file
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
TARGET=${CARGO_TARGET_DIR:-$REPO/target}
case "$TARGET" in /*) ;; *) TARGET=$PWD/$TARGET ;; esac
CACHE=${AUTH_STORE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/auth_store}
SUPPORTED_MAJORS="18 17 16 15"          # newest first; each has a cargo feature pgNN
CARGO_PGRX_VERSION=0.18.1               # the same number as pgrx in Cargo.toml
CARGO_PGRX_ROOT=$CACHE/cargo-pgrx-$CARGO_PGRX_VERSION

say()  { printf '== %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die()  { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# Runs a command as root: directly, or through sudo.
as_root() {
    if is_root; then "$@"
    elif have sudo; then sudo "$@"
    else die "this needs root and there is no sudo. As root, run: $*"
    fi
}

# --- which server --------------------------------------------------------------------------------------------------

# The major version of a pg_config, or nothing.
pg_major_of() { "$1" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'; }

# Can an extension be built for this pg_config and tried on its server?
pg_complete() {
    local dir
    dir=$("$1" --bindir 2>/dev/null) || return 1
    [ -x "$dir/postgres" ] && [ -f "$("$1" --includedir-server)/postgres.h" ] && [ -f "$("$1" --pgxs)" ]
}

# The newest complete server of this machine, else nothing.
pg_find() {
    local major candidate
    for major in $SUPPORTED_MAJORS; do
        candidate=/usr/lib/postgresql/$major/bin/pg_config
        if [ -x "$candidate" ] && pg_complete "$candidate"; then echo "$candidate"; return; fi
    done
    candidate=$(command -v pg_config) || return 0
    case " $SUPPORTED_MAJORS " in
        *" $(pg_major_of "$candidate") "*) if pg_complete "$candidate"; then echo "$candidate"; fi ;;
    esac
}

# Sets PG_CONFIG (kept when the user gave it) and what follows from it; fails with the way out when there is no server.
pg_resolve() {
    PG_CONFIG=${PG_CONFIG:-$(pg_find)}
    [ -n "$PG_CONFIG" ] || die "no PostgreSQL server with development files found; run scripts/setup or set PG_CONFIG"
    PG_CONFIG=$(command -v "$PG_CONFIG") || die "PG_CONFIG names no program that can be run"
    PG_MAJOR=$(pg_major_of "$PG_CONFIG")
    case " $SUPPORTED_MAJORS " in
        *" $PG_MAJOR "*) ;;
        *) die "$PG_CONFIG is of PostgreSQL '$PG_MAJOR'; supported are: $SUPPORTED_MAJORS" ;;
    esac
    PG_BINDIR=$("$PG_CONFIG" --bindir)
    PG_EXTDIR=$("$PG_CONFIG" --sharedir)/extension
    PG_PKGLIBDIR=$("$PG_CONFIG" --pkglibdir)
    # pg_regress, pg_isolation_regress and the Perl modules PostgreSQL::Test lie beside PGXS.
    PG_TESTDIR=$(cd "$(dirname "$("$PG_CONFIG" --pgxs)")/../test" 2>/dev/null && pwd) || PG_TESTDIR=
    # A server built by hand may lack the modules; those of any other version serve.
    PG_PERL=$PG_TESTDIR/perl
    if [ ! -d "$PG_PERL" ]; then
        PG_PERL=$(printf '%s\n' /usr/lib/postgresql/*/lib/pgxs/src/test/perl | sort -V | tail -n 1)
    fi
    FEATURES="pg$PG_MAJOR"
    PACKAGE_DIR=$TARGET/package/pg$PG_MAJOR
    export PG_CONFIG
}

# --- who runs the server -------------------------------------------------------------------------------------------

# PostgreSQL refuses to run as root: root's throw-away servers belong to postgres (or nobody, where a server built by
# hand brought no such user), anybody else's to themselves.
if ! is_root; then SERVER_USER=$(id -un)
elif id postgres >/dev/null 2>&1; then SERVER_USER=postgres
else SERVER_USER=nobody
fi

# Runs a command as that user, from a directory it may enter (never the caller's, which it may not).
# RUST_BACKTRACE would put a backtrace into the DETAIL of every error the server reports.
as_server() {
    if is_root; then
        (cd / && runuser -u "$SERVER_USER" -- env -u RUST_BACKTRACE HOME=/tmp "$@")
    else
        (cd / && env -u RUST_BACKTRACE "$@")
    fi
}

# A PGHOST, PGOPTIONS or PGSERVICE of the caller's must not lead a test elsewhere.
forget_connection() {
    unset PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSWORD PGPASSFILE PGSERVICE PGSERVICEFILE PGOPTIONS PGAPPNAME \
        PGSSLMODE PGREQUIRESSL PGGSSENCMODE PGTARGETSESSIONATTRS PGCLIENTENCODING PGDATESTYLE PGTZ PGDATA PSQLRC
}

# --- the compiler --------------------------------------------------------------------------------------------------

if ! have cargo && [ -x "$HOME/.cargo/bin/cargo" ]; then PATH=$HOME/.cargo/bin:$PATH; fi

has_rustfmt() { cargo fmt --version >/dev/null 2>&1; }
has_clippy()  { cargo clippy --version >/dev/null 2>&1; }

# cargo-pgrx from our folder, with a home of its own so that the user's ~/.pgrx stays as it is.
use_cargo() {
    export PGRX_HOME=$CACHE/pgrx
    PATH=$CARGO_PGRX_ROOT/bin:$PATH
    # The bindings are formatted by rustfmt, which is cosmetic, but a missing program would stop the build.
    if ! have rustfmt; then export RUSTFMT=true; fi
}
