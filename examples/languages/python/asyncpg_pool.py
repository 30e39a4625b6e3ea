"""asyncpg. It asks the server for each argument's type and wants a value of that type: a timedelta, a datetime, a UUID
or its text."""
import asyncio, base64, datetime, hashlib, secrets

# docs: begin
import json
import asyncpg


async def setup(connection):
    # Without a codec jsonb is text both ways.
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


async def call(db, function, **arguments):
    """The row of auth_store.function(); db is a pool or a connection. The names are the program's own, never input."""
    names = ", ".join(f'"{name}" => ${number}' for number, name in enumerate(arguments, 1))
    return await db.fetchrow(f"SELECT * FROM auth_store.{function}({names})", *arguments.values())


async def register(pool):
    return await call(pool, "client_create", name="Phone", client_type="public",
                      redirect_uris=["https://app.example/cb"],
                      scope="orders profile", access_token_ttl=datetime.timedelta(minutes=10),
                      metadata={"team": "shop"})
# docs: end


async def main():
    # docs: begin
    pool = await asyncpg.create_pool(init=setup, min_size=1, max_size=4)
    # docs: end
    client, now = await register(pool), datetime.datetime.now(datetime.timezone.utc)
    print("registered: a client")
    user_id = (await call(pool, "user_ensure", external_id=secrets.token_hex(8)))["user_ensure"]
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    code = await call(pool, "code_issue", client_id=client["client_id"], user_id=user_id,
                      redirect_uri="https://app.example/cb",
                      scope="orders", code_challenge=challenge, auth_time=now, amr=["pwd", "otp"], claims={"shop": 7},
                      ip="203.0.113.9", user_agent=None)
    redeem = dict(code=code["code"], client_id=client["client_id"], redirect_uri="https://app.example/cb",
                  code_verifier=verifier)
    first = await call(pool, "code_redeem", **redeem)
    print("redeemed:", first["token_type"], first["expires_in"], first["scope"])
    state = await call(pool, "token_introspect", token=first["access_token"])
    assert state["active"] and state["user_id"] == user_id and state["expires_at"] > state["issued_at"], state
    print("introspected:", state["claims"]["shop"])
    second = await call(pool, "token_refresh", refresh_token=first["refresh_token"], client_id=client["client_id"])
    assert second["error"] is None and second["refresh_token"] != first["refresh_token"], second
    print("refreshed: another refresh token")
    key = await call(pool, "api_key_create", name="ci", user_id=user_id, scope="deploy", allowed_cidrs=["10.0.0.0/8"],
                     expires_at=now + datetime.timedelta(days=30))
    assert (await call(pool, "api_key_verify", api_key=key["api_key"], required_scope="deploy", ip="10.1.2.3"))["valid"]
    print("API key: valid")
    await call(pool, "token_revoke", token=second["refresh_token"], client_id=client["client_id"])
    assert not (await call(pool, "token_introspect", token=second["access_token"]))["active"]
    print("revoked: not active")
    # docs: begin
    print("refused:", (await call(pool, "code_redeem", **redeem))["error"])
    try:
        await call(pool, "client_create", name="x", client_type="mobile")
    except asyncpg.PostgresError as error:
        print("mistake:", error.sqlstate, error.hint)
    try:
        async with pool.acquire() as db, db.transaction():
            await db.execute("INSERT INTO orders (user_id) VALUES ($1)", user_id)
            token = (await call(db, "token_issue", client_id=client["client_id"], user_id=user_id))["access_token"]
            raise RuntimeError("the order failed")
    except RuntimeError:
        pass
    # docs: end
    assert not (await call(pool, "token_introspect", token=token))["active"]
    print("rolled back: orders", await pool.fetchval("SELECT count(*) FROM orders WHERE user_id = $1", user_id))
    await pool.close()


asyncio.run(main())
