"""Proves that every script and every operation over the wire ends with an error when it is refused: each is run twice,
with what it should present and with something spoiled."""

import pathlib
import re
import subprocess
import tempfile

from . import inside, jti, memory, pgbench, plots, probe, rates, report, results, settings, store, wire
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
    "api_key_verify.row": (r" id = :id", " id = gen_random_uuid() AND :id <> ''"),
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

# The same for the statements over many tokens.
SPOIL_INSIDE = {
    "introspect.store": (r"p\.access_token\)", "p.access_token || 'A')"),
    "introspect.many": (r"SELECT access_token", "SELECT access_token || 'A'"),
    "introspect.plain": (r"sha256\(p\.access_token", "sha256(('never' || p.access_token)"),
    "session_validate.store": (r"p\.session_token\)", "p.session_token || 'A')"),
    "session_validate.many": (r"SELECT session_token", "SELECT session_token || 'A'"),
    "session_validate.plain": (r"sha256\(p\.session_token", "sha256(('never' || p.session_token)"),
    "api_key_verify.store": (r"p\.api_key,", "p.api_key || 'A',"),
    "api_key_verify.many": (r"SELECT api_key", "SELECT api_key || 'A'"),
    "api_key_verify.plain": (r"sha256\(p\.api_key", "sha256(('never' || p.api_key)"),
}
TENANTS, JTI_ROWS = 100, 1000


def main(server):
    wrong = report_differs()
    wire.build()
    store.create(server, rates.DATABASE, SIZE, classic=True)
    memory.load_tenants(server, TENANTS)
    server.measure()
    wrong += all_scripts(server, "pgbench", SPOIL, script)
    wrong += all_scripts(server, "inside", SPOIL_INSIDE, inside_script)
    wrong += check("memory of many tenants", lambda spoil: tenants(server, spoil))
    wrong += check("JWT ids", lambda spoil: jwt_ids(server, spoil))
    over_wire = [operation for operation in settings.OPERATIONS
                 if "wire" in rates.VARIANTS.get(operation, rates.COMPARED)]
    for operation in over_wire:
        for flow in ("store", "classic"):
            wrong += check(f"{operation} over the wire, {flow}",
                           lambda spoil: over_the_wire(server, flow, operation, spoil))
    if wrong:
        raise Failed("\n".join(wrong))
    say(f"{len(SPOIL) + len(SPOIL_INSIDE)} scripts and {2 * len(over_wire)} operations over the wire fail when they "
        "are refused")


def all_scripts(server, folder, spoil, attempt):
    scripts = sorted(path.name.removesuffix(".sql") for path in (settings.BENCH / folder).glob("*.sql"))
    if scripts != sorted(spoil):
        raise AssertionError(f"scripts without a way to spoil them: {sorted(set(scripts) ^ set(spoil))}")
    return [one for name in scripts for one in check(name, lambda spoiled: attempt(server, name, spoiled))]


def report_differs():
    """The check of page and plots fails where one number of the results is another one."""
    wrong = []
    for part in results.Results(results.PUBLISHED).parts:
        spoiled = results.Results(results.PUBLISHED)
        if spoiled.parts[part]["measured"] != (other := doubled(spoiled.parts[part]["measured"])):
            spoiled.parts[part]["measured"] = other
            if report.text(spoiled) == report.PAGE.read_text():
                wrong.append(f"the page does not differ where the results of {part} are others")
    published = results.Results(results.PUBLISHED)
    if plots.drawings(published):
        with tempfile.TemporaryDirectory() as folder:
            images = pathlib.Path(folder)
            for path in plots.PUBLISHED.glob("*.svg"):
                (images / path.name).write_text(path.read_text().replace("</svg>", "<g/></svg>"))
            if len(plots.differences(published, images)) != len(plots.drawings(published)):
                wrong.append("a plot that was changed by hand is not told")
    return wrong


def doubled(value):
    """Every fraction twice as large."""
    if isinstance(value, dict):
        return {name: doubled(one) for name, one in value.items()}
    if isinstance(value, list):
        return [doubled(one) for one in value]
    return 2 * value if isinstance(value, float) else value


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


def spoiled_text(text, name, spoil):
    pattern, replacement = spoil[name]
    text, count = re.subn(pattern, lambda _: replacement, text)
    if count != 1:
        raise AssertionError(f"{name}: {pattern} matches {count} times, expected 1")
    return text


def script(server, name, spoil):
    operation, variant = name.split(".")
    prepare(server, operation, variant in ("classic", "plpgsql"))
    text = pgbench.script(operation, variant).read_text()
    return pgbench_of(server, variant, spoiled_text(text, name, SPOIL) if spoil else text,
                      lambda path: pgbench.command(server, path, SIZE, calls=3))


def inside_script(server, name, spoil):
    operation, variant = name.split(".")
    text = inside.script(operation, variant).read_text()
    return pgbench_of(server, variant, spoiled_text(text, name, SPOIL_INSIDE) if spoil else text,
                      lambda path: inside.command(server, path, SIZE, inside.presented(server), 2))


def pgbench_of(server, variant, text, command):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(text)
        file.flush()
        return run(command(file.name), env=pgbench.environment(server, rates.DATABASE, variant, "off"), check=False)


def attempted(action):
    """What a step of the benchmark ends with, as a program's end."""
    try:
        action()
    except Failed as failure:
        return subprocess.CompletedProcess([], 1, "", str(failure))
    return subprocess.CompletedProcess([], 0, "", "")


def tenants(server, spoil):
    text = memory.tenants_text()
    if spoil:
        text = text.replace("token_introspect(:t)", "token_introspect(:t || 'A')")
    return attempted(lambda: probe.calls(server, memory.TENANTS, text, "store", store.Size(TENANTS), TENANTS))


def jwt_ids(server, spoil):
    if not spoil:
        return attempted(lambda: jti.load(server, [JTI_ROWS]))
    return attempted(lambda: jti.check(server, JTI_ROWS, prefix="never"))


def over_the_wire(server, flow, operation, spoil):
    prepare(server, operation, flow == "classic")
    return run(wire.command(flow, operation, SIZE, seconds=0.1, spoil=spoil),
               env=pgbench.environment(server, rates.DATABASE, flow, "off"), check=False)


def prepare(server, operation, classic):
    if operation == "redeem":
        store.codes(server, rates.DATABASE, 2000, classic)
