"""What the store is meant to reach; docs/explanation/performance.md says of each miss what limits it."""

import statistics

from . import settings


class Ratio:
    """Calls a second against another variant's, median of the rounds at the most connections."""

    def __init__(self, what, operation, over, under, least):
        self.what, self.operation, self.over, self.under, self.least = what, operation, over, under, least

    def wanted(self):
        return f"≥ {self.least:g} ×"

    def measured(self, rates, used):
        found = []
        for sync in ("on", "off"):
            ratios = rates.ratios(self.operation, sync, rates.most, self.over, self.under)
            if ratios:
                label = "" if self.operation in settings.READS else f"{sync} "
                median = statistics.median(ratios)
                found.append((label, f"{median:.2f} ×", round(median, 2) >= self.least))
        return found


class Wal:
    """WAL bytes of one warm call."""

    def __init__(self, what, operation, most):
        self.what, self.operation, self.most = what, operation, most

    def wanted(self):
        return f"≤ {self.most:,} bytes"

    def measured(self, rates, used):
        largest = max((one["wal_bytes"] for one in used
                       if one["operation"] == self.operation and one["variant"] == "store"), default=None)
        return [] if largest is None else [("", f"{largest:,.0f} bytes", largest <= self.most)]


class Flat:
    """Buffers of one call, from the smallest tables to the largest."""

    def __init__(self, what, operation, most):
        self.what, self.operation, self.most = what, operation, most

    def wanted(self):
        return f"within {self.most} %"

    def measured(self, rates, used):
        counts = [one["buffers"] for one in sorted(used, key=lambda one: one["tokens"])
                  if one["operation"] == self.operation and one["variant"] == "store"]
        if len(counts) < 2:
            return []
        growth = 100 * (max(counts) / min(counts) - 1)
        return [("", f"{growth:.0f} %", growth <= self.most)]


TARGETS = [
    Ratio("introspect / (a) the same rows as one join", "introspect", "store", "plain", 1.0),
    Ratio("introspect / the join without the user's name", "introspect", "store", "three", 1.0),
    Ratio("introspect / one row by primary key, the same columns", "introspect", "store", "row", 0.9),
    Ratio("introspect / one row by primary key, seven columns", "introspect", "store", "key", 0.9),
    Ratio("api_key_verify / (a) the same rows as one join", "api_key_verify", "store", "plain", 0.95),
    Ratio("api_key_verify / the key's row alone, by primary key", "api_key_verify", "store", "row", 0.95),
    Ratio("session_validate / (a) the same rows as one join", "session_validate", "store", "plain", 0.95),
    Ratio("session_validate / the session's row alone, by primary key", "session_validate", "store", "row", 0.95),
    Ratio("refresh / (a) plain", "refresh", "store", "plain", 0.95),
    Ratio("refresh / (b) classic", "refresh", "store", "classic", 1.3),
    Ratio("refresh / (c) PL/pgSQL", "refresh", "store", "plpgsql", 1.5),
    Ratio("refresh / (d) over the wire", "refresh", "wire_store", "wire", 2.0),
    Ratio("redeem / (a) plain", "redeem", "store", "plain", 0.9),
    Ratio("redeem / (b) classic", "redeem", "store", "classic", 1.2),
    Ratio("issue / (a) plain", "issue", "store", "plain", 0.9),
    Ratio("issue / (b) classic", "issue", "store", "classic", 1.2),
    Ratio("device poll / (a) plain", "device_poll", "store", "plain", 0.9),
    Ratio("rate_limit_hit in shared memory / in the table, one hit a call", "rate_limit_hit", "store", "table", 5.0),
    Ratio("rate_limit_hit in shared memory / in the table, twenty hits a call", "rate_limit_hits", "store", "table",
          5.0),
    Ratio("connection_get / (a) pgcrypto", "connection_get", "store", "plain", 1.0),
    Ratio("connection_get / (b) pgcrypto, AES-256 unstretched", "connection_get", "store", "aes256", 0.95),
    Ratio("connection_store / (a) pgcrypto", "connection_store", "store", "plain", 1.0),
    Ratio("connection_store / (b) pgcrypto, AES-256 unstretched", "connection_store", "store", "aes256", 0.9),
    Wal("WAL of a refresh, warm, with its audit row", "refresh", 1500),
    Wal("WAL of an issue, warm, with its audit row", "issue", 1200),
    Flat("buffers of an introspection", "introspect", 20),
    Flat("buffers of an API key's verification", "api_key_verify", 20),
    Flat("buffers of a session's validation", "session_validate", 20),
    Flat("buffers of a redemption", "redeem", 20),
    Flat("buffers of a refresh", "refresh", 20),
    Flat("buffers of an issue", "issue", 20),
    Flat("buffers of a client credentials token", "client_credentials", 20),
    Flat("buffers of a device's poll", "device_poll", 20),
    Flat("buffers of an audit row", "audit", 20),
    Flat("buffers of connection_get", "connection_get", 20),
    Flat("buffers of connection_store", "connection_store", 20),
]
