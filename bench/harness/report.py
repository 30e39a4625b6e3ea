"""The tables of docs/explanation/performance.md, each between its two marker comments; the text around them is written
by hand."""

import re
import statistics
import textwrap

from . import settings
from .server import say
from .targets import TARGETS

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
READ_RATIOS = {"introspect": [("the join without the user's name", "store", "three"),
                              ("one row by primary key with the same columns", "store", "row"),
                              ("one row by primary key, seven columns", "store", "key")],
               "api_key_verify": [("the key's row alone, by primary key", "store", "row")],
               "session_validate": [("the session's row alone, by primary key", "store", "row")]}
# What is measured, in the order of the page.
TABLES = ["machine", "targets", "ratios", "throughput", "fewer connections", "vault", "sizes", "wal", "vault sizes",
          "cleanup"]


def write(results):
    page = settings.REPO / "docs/explanation/performance.md"
    # A try at another size writes the same page elsewhere.
    text = page.read_text()
    found = tables(results)
    for name in TABLES:
        table = found.get(name) or "Not measured in this run."
        begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise AssertionError(f"{page} must have {begin} and {end} once")
        text = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: f"{begin}\n{wrapped(table.strip())}\n{end}",
                      text, flags=re.S)
    settings.REPORT.parent.mkdir(parents=True, exist_ok=True)
    settings.REPORT.write_text(text)
    say(f"tables written to {settings.REPORT}")


def wrapped(text):
    """The prose of it in lines of the page's width; a row of a table stays one line."""
    return "\n".join(line if line.startswith("|")
                     else textwrap.fill(line, 120, break_long_words=False, break_on_hyphens=False)
                     for line in text.split("\n"))


def tables(results):
    yielded = {"machine": machine(results["facts"])}
    if "rates" in results:
        rates = Rates(results["rates"])
        yielded["ratios"] = ratio_table(rates, rates.most)
        yielded["throughput"] = throughput_table(rates)
        yielded["fewer connections"] = "\n\n".join(
            f"{connections(clients)}:\n\n{ratio_table(rates, clients)}" for clients in rates.clients[:-1])
        yielded["vault"] = vault_table(rates)
    if "sizes" in results:
        yielded["sizes"] = size_table(results["sizes"])
        yielded["wal"] = wal_table(results["sizes"])
        yielded["vault sizes"] = vault_size_table(results["sizes"])
    if "cleanup" in results:
        yielded["cleanup"] = cleanup_table(results["cleanup"])
    if all(part in results for part in ("rates", "sizes")):
        yielded["targets"] = target_table(Rates(results["rates"]), results["sizes"])
    return yielded


class Rates:
    def __init__(self, cells):
        self.cells = {(cell["operation"], cell["sync"], cell["clients"]): cell["per_second"] for cell in cells}
        self.clients = sorted({clients for _, _, clients in self.cells})
        self.most = self.clients[-1]

    def ratios(self, operation, sync, clients, over, under):
        """Round by round, so that what slows the machine down slows both."""
        cell = self.cells.get((operation, sync, clients), {})
        if over not in cell or under not in cell:
            return []
        return [mine / other for mine, other in zip(cell[over], cell[under])]


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


def machine(facts):
    shown = facts["settings"]
    changed = ", ".join(f"`{name} = {shown[name]}`" for name in
                        ("shared_buffers", "max_wal_size", "checkpoint_timeout", "autovacuum",
                         "shared_preload_libraries"))
    kept = ", ".join(f"`{name} = {shown[name]}`" for name in
                     ("fsync", "full_page_writes", "wal_level", "wal_sync_method", "data_checksums"))
    return (f"{facts['cores']} cores ({facts['processor']}), {facts['memory_gb']} GB of memory, PostgreSQL "
            f"{shown['server_version']}; clients and server share the cores and a Unix socket. "
            f"One durable commit takes {facts['commit_ms']} ms on this disk. "
            f"Settings: {changed}; as the server has them: {kept}. "
            f"{facts['tokens']:,} live grants and access tokens. "
            f"{facts['rounds']} rounds of {facts['run_seconds']} s at {connections(facts['clients'][-1])}; "
            f"the whole run took {facts['seconds'] / 60:.0f} minutes.")


def ratio_table(rates, clients):
    rows = []
    for operation, name in NAMES.items():
        for sync in ("on", "off"):
            if (operation, sync, clients) not in rates.cells:
                continue
            label = "–" if operation in settings.READS else sync
            rows.append([code(name), label] +
                        [spread(rates.ratios(operation, sync, clients, over, under)) for _, over, under in RATIOS])
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
        counts = [found[tokens]["buffers"] for tokens in sizes]
        growth = f"{100 * (counts[-1] / counts[0] - 1):+.0f} %" if counts[0] >= 1 else "–"
        rows.append([code(name)] + [f"{count:.1f}" for count in counts] + [growth] +
                    [f"{max(0, found[tokens]['wal_bytes']):,.0f}" for tokens in sizes])
    return grid(["per call"] + [f"buffers, {tokens:,} rows" for tokens in sizes] + ["growth"] +
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


def cleanup_table(measured):
    rows = [[part, f"{measured[part]['calls']:,}"]
            + [f"{measured[part][name]:.2f}" for name in ("p50", "p95", "p99", "max")]
            for part in ("before", "during")]
    return (f"`CALL auth_store.cleanup()` removed {measured['removed']:,} access tokens "
            f"in {measured['seconds']:.1f} s, while {measured['pace']:,} refreshes a second were due "
            f"(40 % of the {measured['full']:,.0f} the same client reaches unpaced), synchronous_commit on.\n\n" +
            grid(["refreshes", "calls", "p50 ms", "p95 ms", "p99 ms", "max ms"], rows))


def target_table(rates, used):
    rows = []
    for target in TARGETS:
        values = target.measured(rates, used)
        if values:
            rows.append([target.what, target.wanted(), ", ".join(f"{label}{value}" for label, value, _ in values),
                         "met" if all(met for _, _, met in values) else
                         "missed" if not any(met for _, _, met in values) else "in part"])
    return grid(["target", "wanted", "measured", ""], rows)
