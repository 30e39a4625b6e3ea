"""psycopg 3. It sends a str without a type, so the server reads it as whatever the argument is."""
import base64, datetime, hashlib, secrets

# docs: begin
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

db = psycopg.connect(autocommit=True, row_factory=dict_row)


def call(function, **arguments):
    """The row of auth_store.function(). The names are the program's own, never input; the values are bind
    parameters."""
    names = ", ".join(f'"{name}" => %({name})s' for name in arguments)
    return db.execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchone()


client = call("client_create", name="Phone", client_type="public", redirect_uris=["https://app.example/cb"],
              scope="orders profile", access_token_ttl=datetime.timedelta(minutes=10), metadata=Jsonb({"team": "shop"}))
# docs: end
print("registered: a client")
user_id = call("user_ensure", external_id=secrets.token_hex(8))["user_ensure"]
verifier = secrets.token_urlsafe(32)
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
code = call("code_issue", client_id=client["client_id"], user_id=user_id, redirect_uri="https://app.example/cb",
            scope="orders",
            code_challenge=challenge, auth_time=datetime.datetime.now(datetime.timezone.utc), amr=["pwd", "otp"],
            claims=Jsonb({"shop": 7}), ip="203.0.113.9", user_agent=None)["code"]
redeem = dict(code=code, client_id=client["client_id"], redirect_uri="https://app.example/cb", code_verifier=verifier)
first = call("code_redeem", **redeem)
print("redeemed:", first["token_type"], first["expires_in"], first["scope"])
state = call("token_introspect", token=first["access_token"])
assert state["active"] and state["user_id"] == user_id and state["expires_at"] > state["issued_at"], state
print("introspected:", state["claims"]["shop"])
second = call("token_refresh", refresh_token=first["refresh_token"], client_id=client["client_id"])
assert second["error"] is None and second["refresh_token"] != first["refresh_token"], second
print("refreshed: another refresh token")
key = call("api_key_create", name="ci", user_id=user_id, scope="deploy", allowed_cidrs=["10.0.0.0/8"],
           expires_at=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30))["api_key"]
assert call("api_key_verify", api_key=key, required_scope="deploy", ip="10.1.2.3")["valid"]
print("API key: valid")
call("token_revoke", token=second["refresh_token"], client_id=client["client_id"])
assert not call("token_introspect", token=second["access_token"])["active"]
print("revoked: not active")

# docs: begin
# What the client did wrong is a row, and it is written down: commit it.
print("refused:", call("code_redeem", **redeem)["error"])
# What the program did wrong is an exception.
try:
    call("client_create", name="x", client_type="mobile")
except psycopg.Error as error:
    print("mistake:", error.sqlstate, error.diag.message_hint)
# With rows of the application's own: both or neither.
try:
    with db.transaction():
        db.execute("INSERT INTO orders (user_id) VALUES (%s)", [user_id])
        token = call("token_issue", client_id=client["client_id"], user_id=user_id)["access_token"]
        raise RuntimeError("the order failed")
except RuntimeError:
    pass
# docs: end
orders = db.execute("SELECT count(*) AS n FROM orders WHERE user_id = %s", [user_id]).fetchone()["n"]
assert not call("token_introspect", token=token)["active"]
print("rolled back: orders", orders)
