"""Django 4.2 and later over psycopg 3: a cursor of its connection. As one file: settings.configure() stands for the
project."""
import base64, datetime, hashlib, os, secrets

# docs: begin
import json
from django.conf import settings

# server_side_binding: without it Django writes the values, so the secrets, into the statement's text.
settings.configure(USE_TZ=True, DATABASES={"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"],
    "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"], "OPTIONS": {"server_side_binding": True}}})
# docs: end
import django
django.setup()
# docs: begin

from django.db import DatabaseError, connection, transaction
from psycopg.types.json import Jsonb


def call(function, **arguments):
    """The row of auth_store.function(). Not in a view under ATOMIC_REQUESTS: mark that one non_atomic_requests."""
    names = ", ".join(f'"{name}" => %({name})s' for name in arguments)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM auth_store.{function}({names})", arguments)
        return dict(zip([column.name for column in cursor.description], cursor.fetchone()))


client = call("client_create", name="Phone", client_type="public", redirect_uris=["https://app.example/cb"],
              scope="orders profile", access_token_ttl=datetime.timedelta(minutes=10), metadata=Jsonb({"team": "shop"}))
# docs: end
print("registered: a client")
user_id = call("user_ensure", external_id=secrets.token_hex(8))["user_ensure"]
now = datetime.datetime.now(datetime.timezone.utc)
verifier = secrets.token_urlsafe(32)
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
code = call("code_issue", client_id=client["client_id"], user_id=user_id, redirect_uri="https://app.example/cb",
            scope="orders",
            code_challenge=challenge, auth_time=now, amr=["pwd", "otp"], claims=Jsonb({"shop": 7}), ip="203.0.113.9",
            user_agent=None)["code"]
redeem = dict(code=code, client_id=client["client_id"], redirect_uri="https://app.example/cb", code_verifier=verifier)
first = call("code_redeem", **redeem)
print("redeemed:", first["token_type"], first["expires_in"], first["scope"])
state = call("token_introspect", token=first["access_token"])
assert state["active"] and state["user_id"] == user_id and state["expires_at"] > state["issued_at"], state
# docs: begin
print("introspected:", json.loads(state["claims"])["shop"])  # Django leaves jsonb as text
# docs: end
second = call("token_refresh", refresh_token=first["refresh_token"], client_id=client["client_id"])
assert second["error"] is None and second["refresh_token"] != first["refresh_token"]
print("refreshed: another refresh token")
key = call("api_key_create", name="ci", user_id=user_id, scope="deploy", allowed_cidrs=["10.0.0.0/8"],
           expires_at=now + datetime.timedelta(days=30))["api_key"]
assert call("api_key_verify", api_key=key, required_scope="deploy", ip="10.1.2.3")["valid"]
print("API key: valid")
call("token_revoke", token=second["refresh_token"], client_id=client["client_id"])
assert not call("token_introspect", token=second["access_token"])["active"]
print("revoked: not active")
# docs: begin
print("refused:", call("code_redeem", **redeem)["error"])
try:
    call("client_create", name="x", client_type="mobile")
except DatabaseError as error:  # its cause is the driver's own
    print("mistake:", error.__cause__.sqlstate, error.__cause__.diag.message_hint)
try:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO orders (user_id) VALUES (%s)", [user_id])
        token = call("token_issue", client_id=client["client_id"], user_id=user_id)["access_token"]
        raise RuntimeError("the order failed")
except RuntimeError:
    pass
# docs: end
assert not call("token_introspect", token=token)["active"]
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM orders WHERE user_id = %s", [user_id])
    print("rolled back: orders", cursor.fetchone()[0])
