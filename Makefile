# make               builds the extension for the newest PostgreSQL found, or for PG_CONFIG=/path/to/pg_config
# make install       copies it there; make help lists the rest
#
# Everything is done by scripts, each of which can be called alone and says at its top what it does.

export PG_CONFIG DESTDIR KEEP FULL
SHELL := /bin/bash

.DEFAULT_GOAL := all
.PHONY: all help setup install uninstall installcheck demo demo-stop test test-matrix test-package test-robustness
.PHONY: test-recovery test-shards demo-shards
.PHONY: bench book package package-tar package-image dist fmt lint clean

all:            ## build the library and the install script (only when something changed)
	@scripts/build

install: all    ## copy them to the server's directories (DESTDIR=… to pack)
	@scripts/install

uninstall:      ## remove them from there
	@scripts/install --remove

demo:           ## the main job and a provider on a throw-away server; KEEP=1 leaves them up
	@demo/run

demo-shards: install ## three databases behind pgbouncer: the main job, one that goes down, buckets that move
	@demo/shards

demo-stop:      ## stop what make demo KEEP=1 left
	@demo/front stop
	@scripts/cluster stop demo

test:           ## install what is missing and run all tests; SUITES="regress tap" runs these
	@tests/run $(SUITES)

test-matrix:    ## the tests on the other supported PostgreSQL majors; MAJORS="16 17"
	@scripts/matrix $(MAJORS)

installcheck:   ## the SQL and isolation tests on the running server that PGHOST, PGPORT, PGUSER name
	@scripts/installcheck

bench: install  ## the benchmark, against plain SQL on the same server (long)
	@scripts/setup --bench
	@bench/run

book:           ## the documentation as a book for a browser, in target/book
	@scripts/book

package: all    ## Debian packages of the extension, the worker and the front
	@packaging/pack deb

package-tar: all    ## a tar file of the built extension, to unpack at / of a like machine
	@packaging/pack tar

package-image: all  ## the extension apart from a server, for extension_control_path and image volumes
	@packaging/pack image

dist:           ## a zip of the committed sources, as PGXN takes it
	@packaging/pack source

test-package:   ## the packages installed, upgraded, removed in a scratch root; lintian, META.json, the Dockerfile
	@tests/package/run

test-recovery:  ## fail-overs and restores with Patroni, etcd and pgBackRest (some minutes); TESTS="dump"
	@tests/recovery/run $(TESTS)

test-robustness: ## crashes, no space, no memory, cancellations, random queries (long); TESTS="kill", FULL=1
	@tests/robustness/run $(TESTS)

test-shards:    ## several databases behind pgbouncer, and a router (long); TESTS="registry"
	@tests/shards/run $(TESTS)

setup:          ## install what is missing on this machine, tests included
	@scripts/setup --test

fmt:            ## format the sources
	@cargo fmt --all

lint:           ## the checks without a server: format, the rules of tests/tidy, clippy
	@tests/run fmt tidy clippy

clean:          ## stop throw-away servers, remove everything built
	@scripts/cluster stop-all
	rm -rf "$${CARGO_TARGET_DIR:-target}"

help:           ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1#\2/p' Makefile | awk -F'#' '{ printf "    make %-16s %s\n", $$1, $$2 }'
