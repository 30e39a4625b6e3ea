"""Clients, tenants and roles that are made on one shard hold on all, and pgbouncer keeps what a call relies on: the
role with its pin, and prepared statements."""

import psycopg

import stage
from stage import Stage, call, ok

with Stage(3) as shards:
    first, *others = shards.shards
    with shards.connect("shard1") as db:
        call(db, "tenant_create", id="acme")
        clients = {tenant: call(db, "client_create", name="Shop", redirect_uris=["https://shop.example/cb"],
                                tenant_id=tenant, grant_types=["authorization_code", "refresh_token"])
                   for tenant in ("default", "acme")}
    shards.registry_arrived()

    def issue(db, tenant):
        user = call(db, "user_ensure", external_id="one", tenant_id=tenant)["user_ensure"]
        return call(db, "token_issue", client_id=clients[tenant]["client_id"], user_id=user)

    tokens = {}
    for shard in shards.shards:
        with shards.connect(shard.name) as db:
            for tenant in clients:
                tokens[shard.name, tenant] = issue(db, tenant)["access_token"]
    ok(all(tokens.values()), "each shard issues for a client of the first")
    secret = clients["acme"]["client_secret"]
    for shard in others:
        with shards.connect(shard.name) as db:
            known = call(db, "client_authenticate", client_id=clients["acme"]["client_id"], client_secret=secret)
            ok(known["error"] is None, f"{shard.name} knows the client's secret", known)

    # The pin is a setting of the role in each database, which pgbouncer's pool of that role has.
    shards.everywhere("CREATE ROLE acme_app LOGIN; GRANT auth_store_app TO acme_app; "
                      "ALTER ROLE acme_app SET auth_store.tenant_id = 'acme'")
    shards.bouncer.add_user("acme_app")
    for shard in shards.shards:
        with shards.connect(shard.name, user="acme_app") as db:
            seen = {tenant: call(db, "token_introspect", token=tokens[shard.name, tenant])["active"]
                    for tenant in clients}
            ok(seen == {"default": False, "acme": True}, f"{shard.name}: a pinned role sees its tenant alone", seen)
            try:
                db.execute("SET auth_store.tenant_id = 'default'")
                ok(False, f"{shard.name}: nor can it change that")
            except psycopg.Error as error:
                ok(error.sqlstate == "42501", f"{shard.name}: nor can it change that", error)

    # One statement of the client is prepared once on a connection to the server, whichever client uses it next.
    with shards.connect("shard2", prepare_threshold=0) as db, shards.connect("shard2", prepare_threshold=0) as other:
        for _ in range(5):
            for client in (db, other):
                client.execute("SELECT active FROM auth_store.token_introspect(%s)", ["none"], prepare=True)
        held = db.execute("SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE '%%introspect%%'",
                          prepare=False).fetchone()["n"]
        ok(held == 1, "pgbouncer keeps prepared statements, one for all clients", held)

    # A suspension arrives everywhere.
    with shards.connect("shard1") as db:
        call(db, "tenant_set_status", id="acme", status="suspended")
    shards.registry_arrived()
    for shard in shards.shards:
        with shards.connect(shard.name) as db:
            seen = call(db, "token_introspect", token=tokens[shard.name, "acme"])["active"]
            ok(seen is False, f"{shard.name}: a tenant that is suspended", seen)

raise SystemExit(stage.failures > 0)
