"""The transparent road: a database without rows whose functions PL/Proxy passes on, made by router_sql()."""

import psycopg
from psycopg.types.json import Jsonb

import stage
from stage import REPO, Stage, call, ok, rows


def refused(db, sql, values=()):
    """The error of a statement; None if there is none."""
    try:
        db.execute(sql, values).fetchall()
    except psycopg.Error as error:
        return error


def state_of(db, sql, values=()):
    error = refused(db, sql, values)
    return error and error.sqlstate


def functions(on):
    with on.shards[0].connect() as db:
        return rows(db.execute("""
            SELECT p.proname AS name, p.pronargs AS arguments,
                   ARRAY(SELECT 'NULL::' || CASE t.typtype WHEN 'p' THEN 'jsonb' ELSE format_type(t.oid, NULL) END
                           FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a (type, n)
                           JOIN pg_type t ON t.oid = a.type ORDER BY a.n) AS nulls
              FROM pg_proc p
              JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
              JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store'
             ORDER BY p.proname"""))


def every_function(on):
    """Each with NULLs, on a shard and on the router: the same SQLSTATE, so columns and arguments are those there."""
    roads = dict(line.split("\t")[:2] for line in (REPO / "sql/router/roads.txt").read_text().splitlines()
                 if not line.startswith("#"))
    passed, differs = [f for f in functions(on) if roads[f["name"]] != "stays"], []
    with on.shards[0].connect() as shard, on.router.connect() as router:
        for f in passed:
            sql = f'SELECT * FROM auth_store."{f["name"]}"({", ".join(f["nulls"])})'
            states = []
            for db in shard, router:
                with db.transaction(force_rollback=True):
                    states.append(state_of(db, sql))
            if states[0] != states[1]:
                differs.append((f["name"], *states, str(refused(router, sql))))
        for view in rows(shard.execute("SELECT viewname FROM pg_views WHERE schemaname = 'auth_store'")):
            if error := refused(router, f"SELECT * FROM auth_store.{view['viewname']}"):
                differs.append((view["viewname"], str(error)))
    ok(not differs, f"{len(passed)} functions and the views answer as on a shard", differs)


def main_job(on, db):
    """Thirty users on all shards, each with what an application does."""
    homes, tokens = set(), []
    for number in range(30):
        user = call(db, "user_ensure", external_id=f"user {number}")["user_ensure"]
        issued = call(db, "token_issue", client_id="web", user_id=user, scope="orders")
        session = call(db, "session_create", user_id=user)["session_token"]
        key = call(db, "api_key_create", name="ci", user_id=user)["api_key"]
        refreshed = call(db, "token_refresh", refresh_token=issued["refresh_token"], client_id="web")
        tokens += [issued["access_token"], refreshed["access_token"]]
        home = on.shard(user.int >> 64 & 0xfff)
        homes.add(home.name)
        there = home.run(f"SELECT count(*) AS n FROM auth_store.grants WHERE user_id = '{user}'")[0]["n"]
        seen = (there, call(db, "token_introspect", token=refreshed["access_token"])["active"],
                call(db, "session_validate", session_token=session)["valid"],
                call(db, "api_key_verify", api_key=key)["valid"])
        if seen != (1, True, True, True):
            ok(False, f"user {number}", seen)
    ok(len(homes) == len(on.shards), "users live on all shards, and all that is theirs with them", homes)
    return tokens


def rows_whole(on, db):
    """A row that came through the router has what it has on its shard, however the shard's sessions print it."""
    on.everywhere("ALTER DATABASE store SET DateStyle = 'SQL, DMY'; ALTER DATABASE store SET TimeZone = 'Asia/Kolkata';"
                  "ALTER DATABASE store SET bytea_output = 'escape'")
    user = call(db, "user_create", external_id="whole", email="whole@example.com",
                metadata=Jsonb({"a": [1, None, "\\ \" \n é"]}))["user_id"]
    token = call(db, "token_issue", client_id="web", user_id=user, scope="orders", resource=["https://api.example/a"],
                 claims=Jsonb({"deep": {"x": 1.50, "y": None}}))["access_token"]
    session = call(db, "session_create", user_id=user, ip="198.51.100.7", amr=["pwd", "otp"])["session_token"]
    key = call(db, "api_key_create", name='a "quoted" name', user_id=user, scope="orders")["api_key"]
    asked = {"token_introspect": {"token": token}, "token_authorize": {"token": token, "required_scope": "orders"},
             "session_validate": {"session_token": session}, "api_key_verify": {"api_key": key},
             "mfa_status": {"user_id": user}}
    with on.shard(user.int >> 64 & 0xfff).connect() as shard:
        shard.execute("SET DateStyle = 'ISO'")
        differs = {name: (direct, routed) for name, values in asked.items()
                   if (direct := call(shard, name, **values)) != (routed := call(db, name, **values))}
        listed = [rows(one.execute("SELECT * FROM auth_store.session_list(%s)", [user])) for one in (shard, db)]
    ok(not differs, f"{len(asked)} rows are whole", differs)
    ok(len(listed[0]) == 1 and listed[0] == listed[1], "and a list", listed)
    on.everywhere("ALTER DATABASE store RESET ALL")
    # A shard may have been updated already, or not yet.
    on.router.run("ALTER TYPE auth_store.session_state ADD ATTRIBUTE later text, DROP ATTRIBUTE acr")
    with on.router.connect(user="app") as fresh:
        seen = call(fresh, "session_validate", session_token=session)
    ok(seen["valid"] and seen["later"] is None and "acr" not in seen, "of a shard with other columns too", seen)


def answers_of_all(on, db, tokens):
    listed = rows(db.execute("SELECT user_id FROM auth_store.user_list(max_rows => 7)"))
    after = rows(db.execute("SELECT user_id FROM auth_store.user_list(max_rows => 100, after => %s)",
                            [listed[-1]["user_id"]]))
    every = [row["user_id"] for row in listed + after]
    ok(len(listed) == 7 and len(every) == 30 and every == sorted(every), "lists of all shards are one list", len(every))
    asked = [tokens[0], "none", tokens[-1], tokens[5]]
    many = rows(db.execute("SELECT n, active FROM auth_store.token_introspect_many(%s)", [asked]))
    ok([(m["n"], m["active"]) for m in many] == [(1, True), (2, False), (3, True), (4, True)],
       "an array goes to the shards by its elements, and comes back in its order", many)
    many = rows(db.execute("SELECT n, active FROM auth_store.token_authorize_many(%s, 'orders')", [asked]))
    ok([m["active"] for m in many] == [True, False, True, True], "with arrays that are left out", many)
    user = db.execute("SELECT user_id FROM auth_store.token_introspect(%s)", [tokens[0]]).fetchone()["user_id"]
    keys = [len(rows(db.execute("SELECT api_key_id FROM auth_store.api_key_list(user_id => %s)", [who])))
            for who in (user, None)]
    ok(keys == [1, 30], "one shard is asked where an argument says which", keys)
    activity = rows(db.execute("SELECT id FROM auth_store.audit_trail(event => 'token.issued', max_rows => 9)"))
    ok(len(activity) == 9 and activity == sorted(activity, key=lambda row: row["id"], reverse=True), "the trail")
    stats = rows(db.execute("SELECT shard, value FROM auth_store.stats WHERE name = 'users_estimated'"))
    ok(len(stats) == len(on.shards), "a view has the shard beside its rows", stats)
    ended = call(db, "client_grants_revoke", client_id="web")["client_grants_revoke"]
    ok(ended == 30, "numbers of all shards are added", ended)


def transactions(on, db):
    user = call(db, "user_ensure", external_id="user 1")["user_ensure"]
    with db.transaction(force_rollback=True):
        token = call(db, "token_issue", client_id="web", user_id=user)["access_token"]
    ok(call(db, "token_introspect", token=token)["active"], "a call has committed whatever the router's session does")
    error = refused(db, "SELECT * FROM auth_store.session_create(%s)", ["00000000-0000-8000-8000-000000000000"])
    on_shard = "23503"
    ok(error and error.sqlstate == on_shard and "REMOTE ERROR" in str(error), "an error keeps its SQLSTATE", error)
    ok(state_of(db, "SELECT auth_store.session_create(NULL)") == "22004", "NULL is refused by the shard")
    ok(not call(db, "token_introspect", token="x" * 1000000)["active"], "garbage has a shard too")
    with db.transaction():
        db.execute("SET TRANSACTION READ ONLY")
        ok(call(db, "token_introspect", token=token)["active"], "a read-only transaction may call")
    return token


def pin(on, app, token):
    """A pinned role is the same role on each shard, whatever its session does here."""
    router = on.router
    acme = call(app, "user_ensure", external_id="user", tenant_id="acme")["user_ensure"]
    own = call(app, "token_issue", client_id="acme", user_id=acme)["access_token"]
    router.run(f"""CREATE FUNCTION public.peek(token text) RETURNS boolean LANGUAGE sql SECURITY DEFINER AS
                   $$ SELECT active FROM auth_store.token_introspect(token) $$;
                   ALTER FUNCTION public.peek OWNER TO app;
                   CREATE FUNCTION public.all_peeks(token text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS
                   $$ SELECT pg_catalog.count(*) FROM auth_store.user_list() $$;
                   ALTER FUNCTION public.all_peeks OWNER TO app; GRANT web TO acme_app""")
    with router.connect(user="acme_app") as db:
        peek = "SELECT active AS seen FROM auth_store.token_introspect(%s)"
        seen = [db.execute(peek, [t]).fetchone()["seen"] for t in (own, token)]
        ok(seen == [True, False], "a pinned role sees its tenant alone", seen)
        for sql in "SET auth_store.tenant_id = 'default'", "RESET auth_store.tenant_id":
            refused(db, sql)
            seen = db.execute(peek, [token]).fetchone()["seen"]
            ok(not seen, f"  also after {sql}", seen)
    # Also as the first call of a session, and with an operator that says yes to everything.
    router.run("""CREATE SCHEMA acme AUTHORIZATION acme_app; SET SESSION AUTHORIZATION acme_app; SET search_path = acme;
                  CREATE FUNCTION acme.yes(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT true';
                  CREATE OPERATOR acme.= (LEFTARG = name, RIGHTARG = name, FUNCTION = acme.yes)""")
    for how, sql in {"asks by somebody else's function": "SELECT public.peek(%s)",
                     "asks all shards by one": "SELECT public.all_peeks(%s)",
                     "is another role": "SELECT active FROM auth_store.token_introspect(%s)"}.items():
        with router.connect(user="acme_app") as db:
            db.execute("SET search_path = acme, pg_catalog")
            if how == "is another role":
                db.execute("SET ROLE web")
            error = refused(db, sql, [token])
            ok(error and error.sqlstate == "42501" and "has logged in" in str(error), f"a role that {how} is refused",
               error)
    with router.connect(user="acme_app") as db:
        user = call(db, "user_ensure", external_id="by name")["user_ensure"]
        ok(call(db, "user_get", user_id=user)["tenant_id"] == "acme", "a name without a tenant is the pin's")
        ok(len(rows(db.execute("SELECT user_id FROM auth_store.user_list()"))) == 2, "a list of all shards too")


def lost_pins(on, token):
    """What check() says of mappings with which it would not hold."""
    router = on.router

    def said():
        with router.connect(user="app") as db:
            return {(row["object"], row["severity"]) for row in
                    rows(db.execute('SELECT * FROM auth_store."check"() WHERE shard = \'router\''))}

    def peek():
        with router.connect(user="acme_app") as db:
            return call(db, "token_introspect", token=token)["active"]

    ok(said() == set(), "check() finds nothing amiss", said())
    before = ("user mapping for acme_app", "problem")
    router.run("DROP USER MAPPING FOR acme_app SERVER router")
    ok(said() == {("role acme_app", "note")}, "a role that reaches nothing", said())
    with router.connect(user="acme_app") as db:
        ok(state_of(db, "SELECT auth_store.token_introspect('a')") == "42704", "  is refused")
    router.run("CREATE USER MAPPING FOR PUBLIC SERVER router OPTIONS (user 'app')")
    ok(peek(), "a mapping for PUBLIC loses the pin")
    ok(("user mapping for PUBLIC", "problem") in said(), "  and check() says so", said())
    router.run("DROP USER MAPPING FOR PUBLIC SERVER router; "
               "CREATE USER MAPPING FOR acme_app SERVER router OPTIONS (user 'app')")
    ok(peek() and before in said(), "so does one to a role without it", said())
    router.run("ALTER USER MAPPING FOR acme_app SERVER router OPTIONS (SET user 'acme_app')")
    on.shards[2].run("ALTER ROLE acme_app RESET auth_store.tenant_id")
    ok(said() == {before}, "a shard on which the role is not pinned", said())
    on.shards[2].run("ALTER ROLE acme_app SET auth_store.tenant_id = 'acme'")
    ok(said() == set() and not peek(), "all is well again", said())
    with router.connect(user="acme_app") as db:
        state = state_of(db, "ALTER USER MAPPING FOR acme_app SERVER router OPTIONS (SET user 'app')")
        ok(state == "42501" and not peek(), "a pinned role does not change its own mapping", state)


def elsewhere(on, db):
    """A user who is found by a name of another shard's, and whose device has its code on another."""
    def home(bucket):
        return on.shard(db.execute(f"SELECT auth_store.{bucket} AS b").fetchone()["b"])

    name = next(name for name in (f"two{number}" for number in range(100))
                if home(f"user_bucket(NULL, '{name}', 'external')") is not
                home(f"user_bucket(NULL, '{name}@example.com', 'email')"))
    mail, password = f"{name}@example.com", "quartz lantern 7 harbour"
    user = call(db, "user_id_new", name=name, kind="external")["user_id_new"]
    names = [("email", mail), ("identity", f"google {name}")]
    for kind, other in names:
        ok(call(db, "user_name_claim", user_id=user, kind=kind, name=other)["claimed"], f"a claim of {kind}")
    made = call(db, "user_create", id=user, external_id=name, email=mail, password=password)
    call(db, "identity_link", user_id=user, provider="google", subject=name)
    for kind, other in names:
        call(db, "user_name_confirm", user_id=user, kind=kind, name=other)
    found = [made["user_id"], call(db, "user_login", email=mail, password=password)["user_id"],
             call(db, "user_find", name=mail)["user_id"], call(db, "password_reset_start", email=mail)["user_id"],
             call(db, "identity_find", provider="google", subject=name)["user_id"]]
    ok(found == [user] * 5, "a user is found by a name that is another shard's", found)
    wrong = call(db, "user_login", email="nobody@example.com", password=password)["error"]
    ok(wrong == "invalid_credentials", "a name that nobody has is refused as ever", wrong)

    call(db, "client_create", name="TV", client_id="tv", client_type="public",
         grant_types=["urn:ietf:params:oauth:grant-type:device_code"], scope="orders")
    on.registry_arrived()
    device = call(db, "device_authorize", client_id="tv")
    user = next(user for user in (call(db, "user_ensure", external_id=f"user {number}")["user_ensure"]
                                  for number in range(30))
                if home(f"id_bucket('{user}')") is not home(f"token_bucket('{device['device_code']}')"))
    approved = call(db, "device_approve_elsewhere", user_code=device["user_code"], user_id=user)
    handed = call(db, "device_hand_over", device_code=device["device_code"], client_id="tv")
    token = call(db, "device_accept", hand_over=Jsonb(handed["hand_over"]))
    seen = call(db, "token_introspect", token=token["access_token"])
    ok(approved["error"] is None and seen["user_id"] == user, "a device whose user is on another shard", seen)


def of_each(on, db):
    """What the vault of each shard seals is made there: the router tells which is where, and sends what all know to the
    first."""
    ok(state_of(db, "SELECT auth_store.signing_key_create()") == "42883", "no key is made through the router")
    url = "https://hooks.example/store"
    made = on.everywhere(f"SELECT auth_store.signing_key_create() AS kid, (w).webhook_id "
                         f"FROM auth_store.webhook_create('{url}', '{{*}}') w")
    kids, webhooks = ({name: found[0][column] for name, found in made.items()} for column in ("kid", "webhook_id"))
    for sql, column, expected in (("signing_key_list()", "kid", kids), ("webhook_list()", "webhook_id", webhooks)):
        listed = {row["shard"]: row[column] for row in rows(db.execute(f"SELECT * FROM auth_store.{sql}"))}
        ok(listed == expected, f"{sql} says which is where", listed)
    found = rows(db.execute("SELECT * FROM auth_store.webhook_get(%s)", [webhooks["shard2"]]))
    ok([row["shard"] for row in found] == ["shard2"], "and so does webhook_get()", found)
    deleted = call(db, "webhook_delete", target_url=url)["webhook_delete"]
    ok(deleted == len(on.shards), "webhooks are deleted on all shards", deleted)
    call(db, "provider_set", issuer="https://id.example")
    call(db, "webhook_event_type_register", name="order.shipped")
    on.registry_arrived()
    known = on.everywhere("SELECT (auth_store.provider_get()).issuer, (SELECT count(*) FROM "
                          "auth_store.webhook_event_type_list() WHERE name = 'order.shipped') AS types")
    ok(all(one == [{"issuer": "https://id.example", "types": 1}] for one in known.values()),
       "an issuer and an event type go everywhere", known)


def shard_down(on, db):
    users = [call(db, "user_ensure", external_id=f"user {number}")["user_ensure"] for number in range(30)]
    down = on.shards[1]
    mine = [user for user in users if on.shard(user.int >> 64 & 0xfff) is down]
    down.halt()
    states = {user: state_of(db, "SELECT auth_store.session_create(%s)", [user]) for user in users}
    ok({user for user, state in states.items() if state} == set(mine), "a shard that is down takes its own users along")
    ok({state for state in states.values() if state} == {"XX000"}, "  with PL/Proxy's SQLSTATE", states.values())
    with on.router.connect() as root:
        found = [(row["shard"], row["status"]) for row in rows(root.execute("SELECT * FROM auth_store.health()"))
                 if row["check_name"] == "answers"]
        ok(found == [(down.name, "fail")], "  of which health() tells", found)
    down.resume()
    states = [state_of(db, "SELECT auth_store.session_create(%s)", [user]) for user in users]
    ok(not any(states), "up again, all answer in the same session", states)


def moved(on, db):
    """The map alone: a session knows it at its next call."""
    user = call(db, "user_ensure", external_id="user 3")["user_ensure"]
    bucket = user.int >> 64 & 0xfff
    home = on.shard(bucket).name
    other = next(shard.name for shard in on.shards if shard.name != home)
    for name, there in (other, False), (home, True):
        on.router.run(f"SELECT auth_store_router.move({bucket}, {bucket}, '{name}')")
        found = bool(call(db, "user_get", user_id=user))
        ok(found is there, f"a moved bucket is looked for where it is now", (name, found))
    with on.router.connect() as root:
        ok(root.execute("SELECT auth_store_router.map() AS map").fetchone()["map"]
           == [list(r) for r in on.map.ranges()], "the map is the clients'")
        made = rows(root.execute("SELECT * FROM auth_store.migrate()"))
        ok([row["shard"] for row in made] == [shard.name for shard in on.shards], "migrate() on each shard", made)


with Stage(3, bouncer=False, router=True) as on:
    on.everywhere("CREATE ROLE acme_app LOGIN; GRANT auth_store_app, auth_store_admin TO acme_app; "
                  "ALTER ROLE acme_app SET auth_store.tenant_id = 'acme'; GRANT auth_store_auditor TO app; "
                  "CREATE ROLE web LOGIN; GRANT auth_store_app TO web")
    on.route()
    with on.router.connect(user="app") as app:
        call(app, "tenant_create", id="acme")
        for client, tenant in ("web", "default"), ("acme", "acme"):
            call(app, "client_create", name=client, client_id=client, client_type="public", tenant_id=tenant,
                 redirect_uris=["https://app.example/cb"], scope="orders",
                 grant_types=["authorization_code", "refresh_token"])
        on.registry_arrived()
        answers_of_all(on, app, main_job(on, app))
        rows_whole(on, app)
        token = transactions(on, app)
        elsewhere(on, app)
        of_each(on, app)
        pin(on, app, token)
        lost_pins(on, token)
        shard_down(on, app)
        moved(on, app)
    on.route()
    every_function(on)

raise SystemExit(stage.failures > 0)
