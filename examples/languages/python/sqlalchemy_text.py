"""SQLAlchemy 2 over psycopg 3: text() with bind parameters, whose types the server knows; what is an object says
JSONB."""
import base64, datetime, hashlib, os, secrets

# docs: begin
from sqlalchemy import bindparam, create_engine, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

url = URL.create("postgresql+psycopg", username=os.environ["PGUSER"], host=os.environ["PGHOST"],
                 port=int(os.environ["PGPORT"]),
                 database=os.environ["PGDATABASE"])
# hide_parameters: without it every exception and the engine's log show the values, so the secrets.
engine = create_engine(url, hide_parameters=True)
autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")


def call(db, function, **arguments):
    """The row of auth_store.function(); db is a Connection or a Session. The names are the program's own, never
    input."""
    statement = text(f"SELECT * FROM auth_store.{function}({', '.join(f'{name} => :{name}' for name in arguments)})")
    objects = [bindparam(name, type_=JSONB) for name, value in arguments.items() if isinstance(value, dict)]
    return db.execute(statement.bindparams(*objects), arguments).mappings().one()


with autocommit.connect() as db:
    client = call(db, "client_create", name="Phone", client_type="public", redirect_uris=["https://app.example/cb"],
                  scope="orders profile", access_token_ttl=datetime.timedelta(minutes=10), metadata={"team": "shop"})
    # docs: end
    print("registered: a client")
    user_id = call(db, "user_ensure", external_id=secrets.token_hex(8))["user_ensure"]
    now = datetime.datetime.now(datetime.timezone.utc)
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    code = call(db, "code_issue", client_id=client["client_id"], user_id=user_id, redirect_uri="https://app.example/cb",
                scope="orders",
                code_challenge=challenge, auth_time=now, amr=["pwd", "otp"], claims={"shop": 7}, ip="203.0.113.9",
                user_agent=None)["code"]
    redeem = dict(code=code, client_id=client["client_id"], redirect_uri="https://app.example/cb",
                  code_verifier=verifier)
    first = call(db, "code_redeem", **redeem)
    print("redeemed:", first["token_type"], first["expires_in"], first["scope"])
    state = call(db, "token_introspect", token=first["access_token"])
    assert state["active"] and state["user_id"] == user_id and state["expires_at"] > state["issued_at"], state
    print("introspected:", state["claims"]["shop"])
    second = call(db, "token_refresh", refresh_token=first["refresh_token"], client_id=client["client_id"])
    assert second["error"] is None and second["refresh_token"] != first["refresh_token"]
    print("refreshed: another refresh token")
    key = call(db, "api_key_create", name="ci", user_id=user_id, scope="deploy", allowed_cidrs=["10.0.0.0/8"],
               expires_at=now + datetime.timedelta(days=30))["api_key"]
    assert call(db, "api_key_verify", api_key=key, required_scope="deploy", ip="10.1.2.3")["valid"]
    print("API key: valid")
    call(db, "token_revoke", token=second["refresh_token"], client_id=client["client_id"])
    assert not call(db, "token_introspect", token=second["access_token"])["active"]
    print("revoked: not active")
    # docs: begin
    print("refused:", call(db, "code_redeem", **redeem)["error"])
    try:
        call(db, "client_create", name="x", client_type="mobile")
    except DBAPIError as error:  # error.orig is the driver's own
        print("mistake:", error.orig.sqlstate, error.orig.diag.message_hint)
try:
    with engine.begin() as db:
        db.execute(text("INSERT INTO orders (user_id) VALUES (:user_id)"), {"user_id": user_id})
        token = call(db, "token_issue", client_id=client["client_id"], user_id=user_id)["access_token"]
        raise RuntimeError("the order failed")
except RuntimeError:
    pass
# docs: end
with autocommit.connect() as db:
    assert not call(db, "token_introspect", token=token)["active"]
    print("rolled back: orders",
          db.scalar(text("SELECT count(*) FROM orders WHERE user_id = :user_id"), {"user_id": user_id}))
