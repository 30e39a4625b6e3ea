"""The main job over several databases behind pgbouncer, with psycopg 3: each call goes to the shard of what it is
about. PGHOST, PGPORT and PGUSER lead to pgbouncer, where each shard is a database of its name; SHARD_MAP is the file of
the map. psycopg prepares each statement and pgbouncer keeps it. Before psycopg 3.2 with libpq 17 it cannot let go of
one there, so prepared_max is above the number of statements."""
import base64, hashlib, os, secrets, time

import psycopg
from psycopg.rows import dict_row

from routing import Shards, compare, id_bucket, token_bucket, user_bucket

CLIENT, REDIRECT = "phone", "https://app.example/cb"


def connect(name):
    db = psycopg.connect(dbname=name, autocommit=True, row_factory=dict_row, prepare_threshold=0)
    db.prepared_max = 1000
    return db


shards = Shards(os.environ["SHARD_MAP"], connect)


def call(bucket, function, **arguments):
    """The row of auth_store.function() on the bucket's shard."""
    names = ", ".join(f'"{name}" => %({name})s' for name in arguments)
    while True:
        try:
            return shards.of(bucket).execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchone()
        except psycopg.Error as error:
            if error.sqlstate != "55006":  # the bucket is moving to another shard
                raise
            time.sleep(0.05)
            shards.read()


def log_in(external_id):
    """One user's way; returns the shard, and what a program would show."""
    said = []
    user_id = call(user_bucket(None, external_id, "external"), "user_ensure", external_id=external_id)["user_ensure"]
    home = id_bucket(user_id)
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    code = call(home, "code_issue", client_id=CLIENT, user_id=user_id, redirect_uri=REDIRECT, scope="orders",
                code_challenge=challenge)["code"]
    redeem = dict(code=code, client_id=CLIENT, redirect_uri=REDIRECT, code_verifier=verifier)
    first = call(token_bucket(code), "code_redeem", **redeem)
    said.append(f"redeemed: {first['token_type']} {first['expires_in']} {first['scope']}")
    state = call(token_bucket(first["access_token"]), "token_introspect", token=first["access_token"])
    assert state["active"] and state["user_id"] == user_id, state
    second = call(token_bucket(first["refresh_token"]), "token_refresh", refresh_token=first["refresh_token"],
                  client_id=CLIENT)
    assert second["error"] is None and second["refresh_token"] != first["refresh_token"], second
    said.append("refreshed: another refresh token")
    session = call(home, "session_create", user_id=user_id)["session_token"]
    assert call(token_bucket(session), "session_validate", session_token=session)["valid"]
    said.append("session: valid")
    key = call(home, "api_key_create", name="ci", user_id=user_id, scope="deploy", prefix="shop_")["api_key"]
    assert call(token_bucket(key), "api_key_verify", api_key=key, required_scope="deploy")["valid"]
    said.append("API key: valid")
    call(token_bucket(second["refresh_token"]), "token_revoke", token=second["refresh_token"], client_id=CLIENT)
    access = second["access_token"]
    assert not call(token_bucket(access), "token_introspect", token=access)["active"]
    said.append("revoked: not active")
    said.append("refused: " + call(token_bucket(code), "code_redeem", **redeem)["error"])
    foreign = "another store's token"
    assert not call(token_bucket(foreign), "token_introspect", token=foreign)["active"]
    return shards.name(home), "\n".join(said)


if __name__ == "__main__":
    compare(os.environ["VECTORS"])
    ways = [log_in(f"{secrets.token_hex(8)} {number}") for number in range(30)]
    print(f"users: {len(ways)} on {len({shard for shard, _ in ways})} shards")
    print("\n".join({said for _, said in ways}))
