"""The tables of docs/explanation/performance.md, as Markdown, each from the parts that it shows."""

import statistics

from . import settings
from .rates import Rated
from .targets import OTHERS, TARGETS

NAMES = {"introspect": "token_introspect", "api_key_verify": "api_key_verify", "session_validate": "session_validate",
         "redeem": "code_redeem", "refresh": "token_refresh", "issue": "token_issue",
         "issue_one_client": "token_issue, one OAuth client", "client_credentials": "token_issue_client_credentials",
         "device_poll": "device_redeem, a pending poll",
         "rate_limit_hit": "rate_limit_hit, one key", "rate_limit_hits": "rate_limit_hit, one key, twenty a call",
         "audit": "audit_write"}
# What has a table of its own, with what a call of auth_store is compared with.
VAULT = {"connection_get": "connection_get", "connection_store": "connection_store, new tokens",
         "connection_store_new": "connection_store, a new connection",
         "connection_refresh": "connection_lease and connection_complete"}
VAULT_RATIOS = [("(a) pgcrypto", "plain"), ("(b) pgcrypto, AES-256 unstretched", "aes256"),
                ("the row, not opened", "row")]
# Column by column: the heading, and whose calls a second are divided by whose.
RATIOS = [("(a) plain", "store", "plain"), ("(b) classic", "store", "classic"), ("(c) PL/pgSQL", "store", "plpgsql"),
          ("(d) wire", "wire_store", "wire")]
LIMIT_RATIOS = [("one hit a call", "rate_limit_hit"), ("twenty hits a call", "rate_limit_hits")]
READ_RATIOS = {"introspect": [("one row by primary key with the same columns", "store", "row"),
                              ("one row by primary key, seven columns", "store", "key"),
                              ("the join without the user's name", "store", "three")],
               "session_validate": [("the session's row alone, by primary key", "store", "row")],
               "api_key_verify": [("the key's row alone, by primary key", "store", "row")]}


def tables(results):
    """Of each block of the page its text, for what was measured."""
    found = {}
    if "rates" in results:
        found["targets"], found["other targets"] = (target_table(results, targets) for targets in (TARGETS, OTHERS))
        rates = Rated(results.rows("rates"))
        found["machine"] = machine(results)
        found["ratios"] = "\n\n".join(
            [ratio_table(rates, rates.most)]
            + [f"{connections(clients)}:\n\n{ratio_table(rates, clients)}" for clients in rates.clients[:-1]])
        found["throughput"] = throughput_table(rates)
        found["vault"] = vault_table(rates)
    if "sizes" in results:
        found["sizes"] = size_table(results.rows("sizes"))
        found["wal"] = wal_table(results.rows("sizes"))
        found["vault sizes"] = vault_size_table(results.rows("sizes"))
    for part, table in (("cpu", cpu_table), ("inside", inside_table), ("large", large_table),
                        ("memory", memory_table), ("cleanup", cleanup_table), ("jti", jti_table)):
        if part in results:
            found[part] = table(results.measured(part))
    return found


def connections(clients):
    return "1 connection" if clients == 1 else f"{clients} connections"


def code(name):
    """A function's name as such; with more to it, as text."""
    return name if " " in name else f"`{name}`"


def grid(headings, rows):
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def spread(values):
    if not values:
        return ""
    return f"**{statistics.median(values):.2f}** ({min(values):.2f}–{max(values):.2f})"


def machine(results):
    facts = results.facts("rates")
    shown = facts["settings"]
    changed = ", ".join(f"`{name} = {shown[name]}`" for name in
                        ("shared_buffers", "max_wal_size", "checkpoint_timeout", "autovacuum",
                         "shared_preload_libraries"))
    kept = ", ".join(f"`{name} = {shown[name]}`" for name in
                     ("fsync", "full_page_writes", "wal_level", "wal_sync_method", "data_checksums"))
    days = "; ".join(f"{part} {' and '.join(results.days(part))}" for part in results.parts)
    return (f"{facts['cores']} cores ({facts['processor']}), {facts['memory_gb']} GB of memory, PostgreSQL "
            f"{shown['server_version']}; clients and server share the cores and a Unix socket. "
            f"One durable commit takes {facts['commit_ms']} ms on this disk. "
            f"Settings: {changed}; as the server has them: {kept}. "
            f"{facts['tokens']:,} live grants and access tokens. "
            f"{facts['rounds']} rounds of {facts['run_seconds']} s at {connections(facts['clients'][-1])}, half of "
            f"both for what has no target near what it measures. Measured on: {days}.")


def ratio_table(rates, clients):
    rows = []
    for operation, name in NAMES.items():
        for sync in ("on", "off"):
            if (operation, sync, clients) not in rates.cells:
                continue
            label = "–" if operation in settings.READS else sync
            columns = [spread(rates.ratios(operation, sync, clients, over, under)) for _, over, under in RATIOS]
            if any(columns):
                rows.append([code(name), label, *columns])
    table = grid(["operation", "synchronous_commit"] + [heading for heading, _, _ in RATIOS], rows)
    for operation, others in READ_RATIOS.items():
        reads = [(name, rates.ratios(operation, "off", clients, over, under)) for name, over, under in others]
        if all(ratios for _, ratios in reads):
            against = "; ".join(f"{name}: {spread(ratios)}" for name, ratios in reads)
            table += f"\n\n`{NAMES[operation]}` against {against}."
    limits = [(name, sync, rates.ratios(operation, sync, clients, "store", "table"))
              for name, operation in LIMIT_RATIOS for sync in ("on", "off")]
    if all(ratios for _, _, ratios in limits):
        table += ("\n\n`rate_limit_hit` on one key, in shared memory against the table: " +
                  "; ".join(f"{name}, synchronous_commit {sync}: {spread(ratios)}" for name, sync, ratios in limits)
                  + ".")
    return table


def throughput_table(rates):
    variants = ["store", "plain", "classic", "plpgsql", "wire_store", "wire", "table"]
    rows = []
    for (operation, sync, clients), cell in rates.cells.items():
        if clients == rates.most and operation in NAMES:
            rows.append([NAMES[operation], "–" if operation in settings.READS else sync] +
                        [f"{statistics.median(cell[name]):,.0f}" if name in cell else "" for name in variants])
    return grid(["calls a second", "synchronous_commit", "auth_store", "(a) plain", "(b) classic", "(c) PL/pgSQL",
                 "auth_store, Rust client", "(d) classic, Rust client", "limits in the table"], rows)


def vault_table(rates):
    rows = []
    for (operation, sync, clients), cell in rates.cells.items():
        if operation in VAULT:
            rows.append([code(VAULT[operation]), str(clients), "–" if operation in settings.READS else sync,
                         f"{statistics.median(cell['store']):,.0f}"] +
                        [spread(rates.ratios(operation, sync, clients, "store", other)) for _, other in VAULT_RATIOS])
    return grid(["call", "clients", "synchronous_commit", "calls a second"] + [heading for heading, _ in VAULT_RATIOS],
                rows)


def only(used, **wanted):
    return [one for one in used if all(one[name] == value for name, value in wanted.items())]


def size_table(used):
    sizes = sorted({one["tokens"] for one in used})
    rows = []
    for operation, name in {**NAMES, **VAULT}.items():
        found = {one["tokens"]: one for one in only(used, operation=operation, variant="store")}
        if not found:
            continue
        small, large = found[sizes[0]], found[sizes[-1]]
        rows.append([code(name)] + [f"{found[tokens]['buffers']:.1f}" for tokens in sizes]
                    + [f"{large[kind] - small[kind]:+.1f}" for kind in ("buffers", "levels")]
                    + [f"{max(0, found[tokens]['wal_bytes']):,.0f}" for tokens in sizes])
    return grid(["per call"] + [f"buffers, {tokens:,} rows" for tokens in sizes] + ["pages more", "index levels more"] +
                [f"WAL bytes, {tokens:,} rows" for tokens in sizes], rows)


def wal_table(used):
    rows = []
    for operation, name in NAMES.items():
        found = {one["variant"]: one for one in used if one["operation"] == operation and "cold_wal_bytes" in one}
        if "classic" in found:
            rows.append([code(name)] + [f"{found[variant][kind]:,.0f}" for kind in ("wal_bytes", "cold_wal_bytes")
                                         for variant in ("store", "plain", "classic")])
    return grid(["WAL bytes per call", "auth_store, warm", "(a) warm", "(b) warm", "auth_store, after a checkpoint",
                 "(a) after a checkpoint", "(b) after a checkpoint"], rows)


def vault_size_table(used):
    rows = []
    for operation, name in VAULT.items():
        # At the size where every variant is measured.
        found = {one["variant"]: one for one in used if one["operation"] == operation}
        tokens = found.get("plain", {}).get("tokens")
        found = {one["variant"]: one for one in only(used, operation=operation, tokens=tokens)}
        if "aes256" in found:
            rows.append([code(name)] + [f"{max(0, found[variant].get(kind, 0)):{form}}" for kind, form in
                                  (("buffers", ".1f"), ("wal_bytes", ",.0f"), ("cold_wal_bytes", ",.0f"))
                                  for variant in ("store", "plain", "aes256")])
    return grid(["per call"] + [f"{kind}, {who}" for kind in ("buffers", "WAL bytes", "WAL bytes after a checkpoint")
                                for who in ("auth_store", "(a)", "(b)")], rows)


def cpu_table(measured):
    rows = []
    for one in measured:
        spent = one["microseconds"]
        base = statistics.median(spent["base"])
        median = {variant: statistics.median(values) for variant, values in spent.items()}
        rows.append([code(NAMES[one["operation"]]), f"{base:.1f}"]
                    + [f"{median[variant]:.1f}" for variant in ("store", "row", "plain", "classic")]
                    + [spread(against(spent, "row", spent["base"], 0)), spread(against(spent, "row", spent["base"], 1)),
                       spread(against(spent, "plain", spent["base"], 0))])
    return grid(["µs of the backend", "`SELECT 1`", "auth_store", "one row", "(a) the join", "(b) classic",
                 "one row / auth_store", "the same less `SELECT 1`", "the join / auth_store"], rows)


def against(spent, other, base, less):
    return [(under - less * one) / (mine - less * one) for under, mine, one in zip(spent[other], spent["store"], base)]


def inside_table(measured):
    rows = []
    for one in measured:
        found = one["per_second"]
        rows.append([code(NAMES[one["operation"]])]
                    + [f"{1e6 / statistics.median(found[variant]):.1f}" for variant in ("plain", "store", "many")]
                    + [spread([mine / other for mine, other in zip(found[variant], found["plain"])])
                       for variant in ("store", "many")])
    return grid([f"{measured[0]['presented']:,} tokens in one statement, µs each", "(a) the join for each",
                 "the call for each", "one call for all (`…_many`)", "the call / the join", "`…_many` / the join"],
                rows)


def large_table(measured):
    sizes = [one["tokens"] for one in measured]
    largest = measured[-1]
    rows = []
    for number, call in enumerate(largest["calls"]):
        calls = [one["calls"][number] for one in measured]
        rows.append([code(NAMES[call["operation"]])] + [f"{one['buffers']:.1f}" for one in calls]
                    + [f"{calls[-1][kind] - calls[-2][kind]:+.1f}" for kind in ("buffers", "levels")]
                    + [f"{statistics.median(one['microseconds']):.0f}" for one in calls])
    shares = ", ".join(f"`{name}` {share:.0f}" for name, share in largest["shares"].items() if share >= 1)
    return (grid(["per call"] + [f"buffers, {tokens:,} tokens" for tokens in sizes]
                 + [f"{what} more than at {sizes[-2]:,}" for what in ("pages", "index levels")]
                 + [f"backend CPU in µs, {tokens:,}" for tokens in sizes], rows)
            + f"\n\nWith {largest['tokens']:,} tokens the database has "
            f"{largest['bytes_per_token'] * largest['tokens'] / 1e9:.1f} GB, {largest['bytes_per_token']:.0f} bytes "
            f"for each token with its grant and what both refer to ({shares}), indexes and free space of the pages "
            f"included. It was loaded in {largest['seconds'] / 60:.0f} minutes.")


def memory_table(measured):
    rows = [[code(NAMES[one["operation"]]), f"{one['calls']:,}", f"{one['grown_kb']:,}", f"{one['kb']:,}"]
            for one in measured["calls"]]
    tenants = measured["tenants"]
    rows.append([f"token_introspect, one token for each of {tenants['tenants']:,} tenants", f"{tenants['tenants']:,}",
                 f"{tenants['grown_kb']:,}", f"{tenants['kb']:,}"])
    return grid(["calls of one connection", "number", "kB more than after the first 500", "kB in the end"], rows)


def jti_table(measured):
    few, many = measured["rows"][0], measured["rows"][-1]
    names = {"is_revoked": "`jti_is_revoked`", "is_revoked.plain": "the plain table's SELECT",
             "claim": "`jti_claim`", "claim.plain": "the plain table's INSERT",
             "is_revoked, an unknown id": "`jti_is_revoked` of an unknown id"}
    rows = []
    for script, name in names.items():
        speeds, buffers = measured["per_second"].get(script), measured["buffers"].get(script)
        rows.append([name] + ([f"{statistics.median(speeds[0]):,.0f}", f"{statistics.median(speeds[-1]):,.0f}",
                               spread([one / other for one, other in zip(speeds[0], speeds[-1])]) + " ×"]
                              if speeds else ["", "", ""])
                    + ([f"{buffers[0]:.1f} and {buffers[-1]:.1f}"] if buffers else [""]))
    return grid(["calls a second", f"{few:,} live", f"{many:,} live", "slower by", "buffers"], rows)


def cleanup_table(measured):
    rows = [[part, f"{measured[part]['calls']:,}"]
            + [f"{measured[part][name]:.2f}" for name in ("p50", "p95", "p99", "max")]
            for part in ("before", "during")]
    rounds = len(measured["removed"])
    times = "once" if rounds == 1 else f"in each of {rounds} rounds"
    return (f"`CALL auth_store.cleanup()` removed {measured['expired']:,} access tokens {times}, "
            f"{sum(measured['removed']) / sum(measured['seconds']):,.0f} a second, while {measured['pace']:,} "
            f"refreshes a second were due (40 % of the {measured['full']:,.0f} the same client reaches unpaced), "
            "synchronous_commit on.\n\n" +
            grid(["refreshes", "calls", "p50 ms", "p95 ms", "p99 ms", "max ms"], rows))


def target_table(results, targets):
    rows = []
    for target in targets:
        values = target.measured(results)
        if values:
            rows.append([target.what, target.wanted(), ", ".join(f"{label}{value}" for label, value, _ in values),
                         "met" if all(met for _, _, met in values) else
                         "**missed**" if not any(met for _, _, met in values) else "**in part**"])
    return grid(["target", "wanted", "measured", ""], rows)
