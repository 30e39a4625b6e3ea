"""REST hooks as Zapier subscribes to them: an HTTP front that keeps subscriptions in auth_store, and a Zap that uses
it.

A Zap that is switched on posts its URL, and one that is switched off deletes it again, by the id that it was given or
by the URL. Each account that connects has an API key of a client of its own, and sees that client's subscriptions
alone. Connects as psql does: PGHOST, PGPORT, PGUSER, PGDATABASE.
"""

import http.client, json, threading, uuid
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

db = psycopg.connect(autocommit=True, row_factory=dict_row)

# Zapier subscribes anew before the end, so a subscription that nobody renews ends by itself.
LIFE = timedelta(days=30)


def rows(function, **arguments):
    """The rows of auth_store.function(), arguments by name."""
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    return db.execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchall()


def call(function, **arguments):
    return rows(function, **arguments)[0]


class Front(BaseHTTPRequestHandler):
    def do_POST(self):
        """/hooks: subscribes."""
        self.serve(lambda owner: self.subscribe(owner) if self.path == "/hooks" else (404, None))

    def do_DELETE(self):
        """/hooks/ID, or /hooks with the URL: unsubscribes."""
        self.serve(self.unsubscribe)

    def do_GET(self):
        """/event_types: what can be chosen. /samples/TYPE: what the editor of a Zap shows."""
        self.serve(self.show)

    def subscribe(self, owner):
        asked, end = self.body(), datetime.now(timezone.utc) + LIFE
        filters = asked.get("filters")
        made = call("webhook_create", **owner, target_url=asked.get("target_url") or asked.get("hookUrl"),
                    event_types=[asked.get("event")], filters=None if filters is None else Jsonb(filters),
                    metadata=Jsonb({"zapier_subscription_id": asked.get("subscription_id")}), expires_at=end,
                    # The URL of a Zap that is off answers 410: it wants no more.
                    deleted_when_gone=True, **self.source())
        return 201, {"id": str(made["webhook_id"]), "secret": made["secret"],
                     "expiration_date": made["expires_at"].isoformat()}

    def unsubscribe(self, owner):
        which = self.path.removeprefix("/hooks").removeprefix("/")
        try:
            named = {"webhook_id": uuid.UUID(which)} if which else {"target_url": self.body().get("target_url")}
        except ValueError:
            return 404, None
        # The id came from outside: the client is named, so that it ends nobody else's.
        deleted = call("webhook_delete", **named, **owner, **self.source())["webhook_delete"]
        return (204 if deleted else 404), None

    def show(self, owner):
        types = [one for one in rows("webhook_event_type_list") if not one["own"]]
        if self.path == "/event_types":
            return 200, [{"id": one["name"], "label": one["description"]} for one in types]
        for one in types:
            if self.path == "/samples/" + one["name"]:
                # A list, as of a trigger that polls.
                return 200, one["sample"] if isinstance(one["sample"], list) else [one["sample"] or {}]
        return 404, None

    def serve(self, what):
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        owner = call("api_key_touch", api_key=key, required_scope="webhooks", **self.source())
        if owner["error"]:
            return self.answer({"insufficient_scope": 403, "temporarily_unavailable": 429}.get(owner["error"], 401),
                               {"error": owner["error"]})
        try:
            self.answer(*what({"client_id": owner["client_id"]}))
        except psycopg.Error as error:
            # What the caller did wrong: a value that is not accepted, or names nothing. No value is in the message.
            if error.sqlstate not in ("22004", "22023", "23503"):
                raise
            self.answer(400, {"error": error.diag.message_primary, "accepted": error.diag.message_hint})

    def body(self):
        try:
            asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        except ValueError:
            asked = None
        return asked if isinstance(asked, dict) else {}

    def source(self):
        return {"ip": self.client_address[0], "user_agent": self.headers.get("User-Agent")}

    def answer(self, status, body):
        self.send_response(status)
        text = b"" if body is None else json.dumps(body).encode()
        if text:
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Nothing: a hook's URL is its own secret."""


class Zap:
    """What Zapier does with the front of one account."""

    def __init__(self, address, key):
        self.address, self.key = address, key

    def send(self, method, path, body=None):
        connection = http.client.HTTPConnection(*self.address)
        connection.request(method, path, json.dumps(body) if body else None, {"Authorization": "Bearer " + self.key})
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None


def emit(ns):
    """The application's own work: an agent was made. It says how many webhooks get it."""
    return call("webhook_emit", event_type="agent.created", payload=Jsonb({"id": "a1", "ns": ns}))["webhook_emit"]


def account(name):
    """An account that connects: a client, and the API key that its owner gives to Zapier."""
    client_id = call("client_create", name=name, grant_types=["client_credentials"])["client_id"]
    return call("api_key_create", name="Zapier", client_id=client_id, scope="webhooks")["api_key"]


def main():
    db.execute("SET ROLE auth_store_admin")
    keys = [account("Acme"), account("Globex")]
    db.execute("SET ROLE auth_store_app")
    server = HTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    acme, globex = [Zap(server.server_address, key) for key in keys]

    url = "https://hooks.zapier.com/hooks/standard/1/abc/"
    hook = {"target_url": url, "event": "agent.created", "filters": {"ns": "onet"}, "subscription_id": "z1"}
    status, made = acme.send("POST", "/hooks", hook)
    ends = datetime.fromisoformat(made["expiration_date"]) - datetime.now(timezone.utc)
    print("subscribed:         ", status, sorted(made), "for", round(ends / timedelta(days=1)), "days")
    print("events for it:      ", emit("onet"), emit("another"))
    print("http:               ", *acme.send("POST", "/hooks", hook | {"target_url": "http://hooks.zapier.com/1"}))
    print("an unknown event:   ", acme.send("POST", "/hooks", hook | {"event": "agent.hired"})[0])
    print("no JSON:            ", acme.send("POST", "/hooks")[0])
    print("without a key:      ", *Zap(server.server_address, "none").send("GET", "/event_types"))
    print("types:              ", [one["id"] for one in acme.send("GET", "/event_types")[1]][:3])
    print("a sample:           ", *acme.send("GET", "/samples/agent.created"))
    print("of no type:         ", *acme.send("GET", "/samples/agent.hired"))
    print("ended by another:   ", *globex.send("DELETE", "/hooks/" + made["id"]),
          *globex.send("DELETE", "/hooks", hook))
    print("ended by its id:    ", *acme.send("DELETE", "/hooks/" + made["id"]))
    print("again:              ", *acme.send("DELETE", "/hooks/" + made["id"]), *acme.send("DELETE", "/hooks/1"))
    acme.send("POST", "/hooks", hook)
    print("ended by its URL:   ", *acme.send("DELETE", "/hooks", {"target_url": url}))
    print("events for it:      ", emit("onet"))
    server.shutdown()


if __name__ == "__main__":
    main()
