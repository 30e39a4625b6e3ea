"""Proves that every script and every operation over the wire ends with an error when it is refused: each is run twice,
with what it should present and with something spoiled."""

import re
import tempfile

from . import pgbench, rates, settings, store, wire
from .server import Failed, run, say

SIZE = store.Size(1000)

# What to change in a script so that the database has to refuse it. Each must match exactly once.
SPOIL = {
    "introspect.store": (r"token_introspect\(:t\)", "token_introspect(:t || 'A')"),
    "introspect.plain": (r"sha256\(:t\)", "sha256(:t || 'A'::bytea)"),
    "introspect.three": (r"sha256\(:t\)", "sha256(:t || 'A'::bytea)"),
    "introspect.key": (r"jti = :id", "jti = gen_random_uuid() AND :id <> ''"),
    "introspect.row": (r"jti = :id", "jti = gen_random_uuid() AND :id <> ''"),
    "introspect.classic": (r"sha256\(:t\)", "sha256(('never' || :t)::bytea)"),
    "introspect.plpgsql": (r"token_introspect\(:t\)", "token_introspect('never' || :t)"),
    "api_key_verify.store": (r"api_key_verify\(:t", "api_key_verify(:t || 'A'"),
    "api_key_verify.plain": (r"sha256\(:t\)", "sha256(:t || 'A'::bytea)"),
    "api_key_verify.row": (r"sha256\(:t\)", "sha256(:t || 'A'::bytea)"),
    "api_key_verify.classic": (r"sha256\(:t\)", "sha256(('never' || :t)::bytea)"),
    "session_validate.store": (r"session_validate\(:t\)", "session_validate(:t || 'A')"),
    "session_validate.plain": (r"sha256\(:t\)", "sha256(:t || 'A'::bytea)"),
    "session_validate.row": (r"s\.id = :id", "s.id = gen_random_uuid() AND :id <> ''"),
    "session_validate.classic": (r"sha256\(:t\)", "sha256(('never' || :t)::bytea)"),
    "refresh.store": (r"refresh_token => :t", "refresh_token => :t || 'A'"),
    "refresh.plain": (r"sha256\(:t\)", "sha256(:t || 'A'::bytea)"),
    "refresh.classic": (r"sha256\(:t\)", "sha256(('never' || :t)::bytea)"),
    "refresh.plpgsql": (r"token_refresh\(:t", "token_refresh('never' || :t"),
    "redeem.store": (r"code => :t", "code => :t || 'A'"),
    "redeem.plain": (r"sha256\(:t\)", "sha256(:t || 'A'::bytea)"),
    "redeem.classic": (r"sha256\(:t\)", "sha256(('never' || :t)::bytea)"),
    "redeem.plpgsql": (r"code_redeem\(:t", "code_redeem('never' || :t"),
    "issue.store": (r"scope => 'openid profile'", "scope => 'never'"),
    "issue.plain": (r"c\.id = :c", "c.id = 'never' || :c"),
    "issue.classic": (r"c\.client_id = :c", "c.client_id = 'never' || :c"),
    "issue.plpgsql": (r"token_issue\(:c", "token_issue('never' || :c"),
    "client_credentials.store": (r"client_secret => :s", "client_secret => :s || 'A'"),
    "client_credentials.plain": (r"sha256\(:s\)", "sha256(:s || 'A'::bytea)"),
    "client_credentials.classic": (r"'secret' \|\| :c", "'never' || :c"),
    "client_credentials.plpgsql": (r"'secret' \|\| :c", "'never' || :c"),
    "device_poll.store": (r"device_code => :t", "device_code => :t || 'A'"),
    "device_poll.plain": (r"sha256\(:t\)", "sha256(:t || 'A'::bytea)"),
    "device_poll.classic": (r"sha256\(:t\)", "sha256(('never' || :t)::bytea)"),
    "rate_limit_hit.store": (r"max_hits => 2000000000", "max_hits => 1"),
    "rate_limit_hit.table": (r"max_hits => 2000000000", "max_hits => 1"),
    "rate_limit_hit.plain": (r"SET allowed = ", "SET allowed = NOT "),
    "rate_limit_hits.store": (r"2000000000", "1"),
    "rate_limit_hits.table": (r"2000000000", "1"),
    "connection_get.store": ("'github'", "'gitlab'"),
    "connection_get.plain": (r"refresh_token, 'p", "refresh_token, 'another p"),
    "connection_get.aes256": (r"refresh_token, 'p", "refresh_token, 'another p"),
    "connection_get.row": ("'github'", "'gitlab'"),
    "connection_store.store": (r"'github'", "'GitHub'"),
    "connection_store.plain": (r"rpad\(:r, 200", "rpad(nullif(:r, :r), 200"),
    "connection_store.aes256": (r"rpad\(:r, 200", "rpad(nullif(:r, :r), 200"),
    "connection_store_new.store": (r"'github'", "'GitHub'"),
    "connection_store_new.plain": (r"rpad\(:r, 200", "rpad(nullif(:r, :r), 200"),
    "connection_store_new.aes256": (r"rpad\(:r, 200", "rpad(nullif(:r, :r), 200"),
    "connection_refresh.store": (r":fence, ", ":fence - 1, "),
    "connection_refresh.plain": (r"= :fence", "= :fence - 1"),
    "connection_refresh.aes256": (r"= :fence", "= :fence - 1"),
    "audit.store": (r"event => 'order.paid'", "event => NULL"),
    "audit.plain": (r"'order\.paid'", "NULL"),
    "audit.classic": (r"'order\.paid'", "NULL"),
    "audit.plpgsql": (r"'order\.paid'", "NULL"),
}


def main(server):
    wire.build()
    store.create(server, rates.DATABASE, SIZE, classic=True)
    server.measure()
    scripts = sorted(path.name.removesuffix(".sql") for path in (settings.BENCH / "pgbench").glob("*.sql"))
    if scripts != sorted(SPOIL):
        raise AssertionError(f"scripts without a way to spoil them: {sorted(set(scripts) ^ set(SPOIL))}")
    wrong = []
    for name in scripts:
        wrong += check(name, lambda spoil: script(server, name, spoil))
    over_wire = [operation for operation in settings.OPERATIONS
                 if "wire" in rates.VARIANTS.get(operation, rates.COMPARED)]
    for operation in over_wire:
        for flow in ("store", "classic"):
            wrong += check(f"{operation} over the wire, {flow}",
                           lambda spoil: over_the_wire(server, flow, operation, spoil))
    if wrong:
        raise Failed("\n".join(wrong))
    say(f"{len(scripts)} scripts and {2 * len(over_wire)} operations over the wire fail when they are refused")


def check(name, attempt):
    wrong = []
    good = attempt(False)
    if good.returncode != 0:
        wrong.append(f"{name} fails with good input: {(good.stdout + good.stderr).strip()}")
    bad = attempt(True)
    if bad.returncode == 0:
        wrong.append(f"{name} does not fail when refused")
    reason = (bad.stderr.strip().splitlines() or ["?"])
    print(f"{name}: {'passes' if good.returncode == 0 else 'FAILS'}; refused: exit {bad.returncode}, {reason[0]}")
    return wrong


def script(server, name, spoil):
    operation, variant = name.split(".")
    prepare(server, operation, variant in ("classic", "plpgsql"))
    text = pgbench.script(operation, variant).read_text()
    if spoil:
        pattern, replacement = SPOIL[name]
        text, count = re.subn(pattern, lambda _: replacement, text)
        if count != 1:
            raise AssertionError(f"{name}: {pattern} matches {count} times, expected 1")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(text)
        file.flush()
        return run(pgbench.command(server, file.name, SIZE, calls=3),
                   env=pgbench.environment(server, rates.DATABASE, variant, "off"), check=False)


def over_the_wire(server, flow, operation, spoil):
    prepare(server, operation, flow == "classic")
    return run(wire.command(flow, operation, SIZE, seconds=0.1, spoil=spoil),
               env=pgbench.environment(server, rates.DATABASE, flow, "off"), check=False)


def prepare(server, operation, classic):
    if operation == "redeem":
        store.codes(server, rates.DATABASE, 2000, classic)
