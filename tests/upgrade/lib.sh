# shellcheck shell=bash
# What the tests of upgrades share: a released version's library, and a server's programs in a folder of their own.
# Sourced after scripts/lib.sh and pg_resolve.

# released_sources VERSION: prints the folder of that version's sources, below the cache. They are those before its
# install script was frozen; a copy of this tree without its history needs them there already.
released_sources() {
    local folder=$CACHE/released/$1/src frozen
    if [ ! -f "$folder/Cargo.toml" ]; then
        frozen=$(git -C "$REPO" log --diff-filter=A --format=%H -n 1 -- "tests/upgrade/auth_store--$1.sql")
        [ -n "$frozen" ] || die "no commit froze $1"
        rm -rf "$folder"
        mkdir -p "$folder"
        git -C "$REPO" archive "$frozen^" | tar -C "$folder" -xf -
    fi
    echo "$folder"
}

# released_install VERSION FOLDER: builds that version, once, and installs it below the folder.
released_install() {
    local sources target=$CACHE/released/$1/target
    sources=$(released_sources "$1")
    CARGO_TARGET_DIR=$target "$sources/scripts/build"
    CARGO_TARGET_DIR=$target DESTDIR=$2 "$sources/scripts/install"
}

# programs_apart FOLDER: the server's programs, extensions and libraries below the folder, as links, but for the store's.
# The server finds its files by the way from its program to them.
programs_apart() {
    local folder program
    chmod 755 "$1"
    for folder in "$PG_BINDIR" "$PG_PKGLIBDIR" "$(dirname "$PG_EXTDIR")"; do
        mkdir -p "$(dirname "$1$folder")"
        if [ ! -e "$1$folder" ]; then cp -rs "$folder" "$1$folder"; fi
    done
    for program in postgres initdb pg_ctl pg_config; do
        rm "$1$PG_BINDIR/$program"
        cp "$PG_BINDIR/$program" "$1$PG_BINDIR/"
    done
    rm -f "$1$PG_PKGLIBDIR/auth_store.so" "$1$PG_EXTDIR"/auth_store*
}
