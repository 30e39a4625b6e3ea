"""What the store is meant to reach; docs/explanation/performance.md says of each miss what limits it."""

import statistics

from . import settings
from .rates import Rated


class Ratio:
    """Calls a second against another variant's, median of the rounds at the most connections."""

    def __init__(self, what, operation, over, under, least):
        self.what, self.operation, self.over, self.under, self.least = what, operation, over, under, least

    def wanted(self):
        return f"≥ {self.least:g} ×"

    def rounds(self, results):
        """Pairs of a label, empty where there is one alone, and the ratios of the rounds."""
        rated = Rated(results.rows("rates"))
        found = [(sync, rated.ratios(self.operation, sync, rated.most, self.over, self.under))
                 for sync in ("on", "off")]
        return [("" if self.operation in settings.READS else sync, ratios) for sync, ratios in found if ratios]

    def measured(self, results):
        return [(f"{label} " if label else "", f"{statistics.median(ratios):.2f} ×", self.met(ratios))
                for label, ratios in self.rounds(results)]

    def met(self, ratios):
        return round(statistics.median(ratios), 2) >= self.least


class Cpu(Ratio):
    """The backend's own processor time of another statement against the call's, with one hot token."""

    def __init__(self, what, operation, under, least):
        super().__init__(what, operation, "store", under, least)

    def rounds(self, results):
        for row in results.rows("cpu"):
            if row["operation"] == self.operation:
                spent = row["microseconds"]
                return [("", [other / mine for mine, other in zip(spent[self.over], spent[self.under])])]
        return []


class Inside(Ratio):
    """Tokens a second in one statement over thousands of them."""

    def rounds(self, results):
        for row in results.rows("inside"):
            if row["operation"] == self.operation:
                found = row["per_second"]
                return [("", [mine / other for mine, other in zip(found[self.over], found[self.under])])]
        return []


class Slower:
    """How many times as long a check of a JWT id takes with many live entries."""

    what, most = "jti_is_revoked: ten million live entries against ten thousand", 1.2

    def wanted(self):
        return f"≤ {self.most:g} × the time"

    def measured(self, results):
        if "jti" not in results:
            return []
        few, many = results.measured("jti")["per_second"]["is_revoked"][::len(results.measured("jti")["rows"]) - 1]
        slower = statistics.median(one / other for one, other in zip(few, many))
        return [("", f"{slower:.2f} ×", round(slower, 2) <= self.most)]


class Removed:
    """Access tokens that a cleanup removes a second beside refreshes."""

    what, least = "cleanup: access tokens removed a second beside refreshes at 40 % load", 20_000

    def wanted(self):
        return f"≥ {self.least:,}"

    def measured(self, results):
        if "cleanup" not in results:
            return []
        found = results.measured("cleanup")
        rate = sum(found["removed"]) / sum(found["seconds"])
        return [("", f"{rate:,.0f}", rate >= self.least)]


class Tail:
    """The slowest hundredth of refreshes while a cleanup runs, against before."""

    what, most = "cleanup: p99 of the refreshes meanwhile, against before", 1.2

    def wanted(self):
        return f"≤ {self.most:g} ×"

    def measured(self, results):
        if "cleanup" not in results:
            return []
        found = results.measured("cleanup")
        times = found["during"]["p99"] / found["before"]["p99"]
        return [("", f"{times:.2f} × ({found['before']['p99']:.1f} → {found['during']['p99']:.1f} ms)",
                 round(times, 2) <= self.most)]


class Wal:
    """WAL bytes of one warm call."""

    def __init__(self, what, operation, most):
        self.what, self.operation, self.most = what, operation, most

    def wanted(self):
        return f"≤ {self.most:,} bytes"

    def measured(self, results):
        largest = max((one["wal_bytes"] for one in results.rows("sizes")
                       if one["operation"] == self.operation and one["variant"] == "store"), default=None)
        return [] if largest is None else [("", f"{largest:,.0f} bytes", largest <= self.most)]


class Levels:
    """Buffers of one call, from the smallest tables to the largest: a page more for each index level that is more, and
    nothing else. Half a page is what a thousand calls leave open."""

    def __init__(self, what, operation):
        self.what, self.operation = what, operation

    def wanted(self):
        return "+1 page for each index level more"

    def measured(self, results):
        found = [one for one in sorted(results.rows("sizes"), key=lambda one: one["tokens"])
                 if one["operation"] == self.operation and one["variant"] == "store"]
        return self.compared(found[0], found[-1]) if len(found) > 1 else []

    @staticmethod
    def compared(small, large):
        grown, levels = large["buffers"] - small["buffers"], large["levels"] - small["levels"]
        return [("", f"{grown:+.1f} pages, {levels:+.1f} levels", grown <= levels + 0.5)]


class Large(Levels):
    """The same from the size before the largest to the largest there was room for. Not from the smallest: with ten
    thousand tokens a backend remembers where the rows of the checks are, and goes through no index."""

    def measured(self, results):
        if "large" not in results:
            return []
        *_, small, large = [next(call for call in size["calls"] if call["operation"] == self.operation)
                            for size in results.measured("large")]
        return self.compared(small, large)


class Memory:
    """What a backend's own memory grows by over its calls, and over the tokens of very many tenants."""

    def __init__(self, what, most_mb, tenants=False):
        self.what, self.most, self.tenants = what, most_mb, tenants

    def wanted(self):
        return f"≤ {self.most:g} MB more"

    def measured(self, results):
        if "memory" not in results:
            return []
        found = results.measured("memory")
        grown = found["tenants"]["grown_kb"] if self.tenants else max(one["grown_kb"] for one in found["calls"])
        return [("", f"{grown / 1024:.1f} MB", grown <= self.most * 1024)]


HOT = [("token_introspect", "introspect"), ("session_validate", "session_validate"),
       ("api_key_verify", "api_key_verify")]

# A check that is cheaper than one SELECT, and what goes with it.
TARGETS = [
    *(Ratio(f"{name} / one row by primary key", operation, "store", "row", 1.0) for name, operation in HOT),
    *(Cpu(f"{name} / one row, backend CPU", operation, "row", 1.0) for name, operation in HOT),
    *(Ratio(f"{name} / the join of the same rows", operation, "store", "plain", 1.5) for name, operation in HOT),
    Ratio("token_introspect / classic look-up of two rows (b)", "introspect", "store", "classic", 1.3),
    *(Inside(f"{name} / the join, in one statement", operation, "store", "plain", 2.0) for name, operation in HOT),
    *(Inside(f"{name}_many / the join, in one statement", operation, "many", "plain", 2.0) for name, operation in HOT),
    Ratio("audit_write / the bare INSERT", "audit", "store", "plain", 1.0),
    Ratio("token_refresh / plain SQL (a)", "refresh", "store", "plain", 1.15),
    Ratio("code_redeem / classic (b)", "redeem", "store", "classic", 1.5),
    Ratio("token_issue / classic (b)", "issue", "store", "classic", 1.5),
    Slower(),
    Removed(),
    Tail(),
    Memory("memory of a backend over a million checks, and over 100,000 calls that write", 1),
    Memory("memory of a backend after touching 100,000 tenants", 16, tenants=True),
    *(Large(f"buffers of {name} at the most tokens", operation)
      for name, operation in [*HOT, ("token_refresh", "refresh"), ("code_redeem", "redeem"), ("token_issue", "issue"),
                              ("audit_write", "audit")]),
]

OTHERS = [
    Ratio("token_introspect / the join without the user's name", "introspect", "store", "three", 1.0),
    Ratio("token_refresh / classic (b)", "refresh", "store", "classic", 1.3),
    Ratio("token_refresh / PL/pgSQL (c)", "refresh", "store", "plpgsql", 1.5),
    Ratio("token_refresh / over the wire (d)", "refresh", "wire_store", "wire", 2.0),
    Ratio("code_redeem / plain SQL (a)", "redeem", "store", "plain", 0.9),
    Ratio("token_issue / plain SQL (a)", "issue", "store", "plain", 0.9),
    Ratio("a device's poll / plain SQL (a)", "device_poll", "store", "plain", 0.9),
    Ratio("rate_limit_hit in shared memory / in the table, one hit a call", "rate_limit_hit", "store", "table", 5.0),
    Ratio("rate_limit_hit in shared memory / in the table, twenty hits a call", "rate_limit_hits", "store", "table",
          5.0),
    Ratio("connection_get / pgcrypto (a)", "connection_get", "store", "plain", 1.0),
    Ratio("connection_get / pgcrypto, AES-256 unstretched (b)", "connection_get", "store", "aes256", 0.95),
    Ratio("connection_store / pgcrypto (a)", "connection_store", "store", "plain", 1.0),
    Ratio("connection_store / pgcrypto, AES-256 unstretched (b)", "connection_store", "store", "aes256", 0.9),
    Wal("WAL of a refresh, warm, with its audit row", "refresh", 1500),
    Wal("WAL of an issue, warm, with its audit row", "issue", 1200),
    *(Levels(f"buffers of {what}", operation) for what, operation in [
        ("an introspection", "introspect"), ("an API key's verification", "api_key_verify"),
        ("a session's validation", "session_validate"), ("a redemption", "redeem"), ("a refresh", "refresh"),
        ("an issue", "issue"), ("a client credentials token", "client_credentials"), ("a device's poll", "device_poll"),
        ("an audit row", "audit"), ("connection_get", "connection_get"), ("connection_store", "connection_store")]),
]
