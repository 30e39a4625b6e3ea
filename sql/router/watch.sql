
-- What everybody may: find the bucket of a call, and the shards.
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA auth_store, auth_store_router FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth_store_router.names, auth_store_router.numbers, auth_store_router.refuse,
    auth_store_router.at, auth_store_router.one_or_all, {library} TO PUBLIC;

-- Who may use the shards. A role without a mapping of its own reaches none (42704).
GRANT USAGE ON FOREIGN SERVER "{cluster}" TO {roles};
DO $$
BEGIN
    EXECUTE format('CREATE USER MAPPING IF NOT EXISTS FOR %I SERVER "{cluster}" OPTIONS (user %1$L)', current_user);
END
$$;
-- A role that may use a server may also change its own mapping, and come to the shards as another role, with that one's
-- pin or none. Not here.
CREATE FUNCTION auth_store_router.mappings_stay() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) IS NOT TRUE THEN
        RAISE EXCEPTION 'only a superuser may change the user mappings of a router'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;
CREATE EVENT TRIGGER auth_store_router_mappings ON ddl_command_start
    WHEN TAG IN ('CREATE USER MAPPING', 'ALTER USER MAPPING', 'DROP USER MAPPING', 'DROP OWNED')
    EXECUTE FUNCTION auth_store_router.mappings_stay();

-- Health, of every shard that answers and of every one that does not.
CREATE FUNCTION auth_store_router.health(number integer) RETURNS SETOF auth_store.health_check
LANGUAGE plproxy AS $$
    CLUSTER '{cluster}';
    RUN ON auth_store_router.at(number);
    SELECT r.check_name, r.status, r.detail, r.what_to_do FROM auth_store.health() r;
$$;
CREATE FUNCTION auth_store.health()
RETURNS TABLE (shard text, check_name text, status text, detail text, what_to_do text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked    record;
    versions text[] := '{}';
BEGIN
    FOR asked IN SELECT s.shard AS name, 4096 + s.number AS number FROM auth_store_router.shards s ORDER BY s.number
    LOOP
        BEGIN
            FOR shard, check_name, status, detail, what_to_do IN
                SELECT asked.name, h.* FROM auth_store_router.health(asked.number) h
            LOOP
                IF check_name = 'tables' THEN
                    versions := versions || detail;
                END IF;
                RETURN NEXT;
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            shard := asked.name;
            check_name := 'answers';
            status := 'fail';
            detail := SQLERRM;
            what_to_do := 'Start the shard; if its server is another now, SELECT auth_store_router.shard_set()';
            RETURN NEXT;
        END;
    END LOOP;
    shard := NULL;
    check_name := 'versions';
    SELECT CASE count(DISTINCT v.version) WHEN 1 THEN 'ok' ELSE 'fail' END,
           string_agg(DISTINCT v.version, ', '),
           CASE WHEN count(DISTINCT v.version) > 1
                     THEN 'Update the extension on each shard, then SELECT auth_store.migrate()' END
      INTO status, detail, what_to_do
      FROM unnest(versions) v (version);
    RETURN NEXT;
END
$$;

-- The tables of every shard, one after the other; the first error ends it, and names the shard.
CREATE FUNCTION auth_store_router.migrate(number integer, to_version integer) RETURNS integer
LANGUAGE plproxy AS $$
    CLUSTER '{cluster}';
    RUN ON auth_store_router.at(number);
    SELECT auth_store.migrate($2);
$$;
CREATE FUNCTION auth_store.migrate(to_version integer DEFAULT NULL) RETURNS TABLE (shard text, version integer)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked record;
    said  text;
BEGIN
    FOR asked IN SELECT s.shard AS name, 4096 + s.number AS number FROM auth_store_router.shards s ORDER BY s.number
    LOOP
        BEGIN
            shard := asked.name;
            version := auth_store_router.migrate(asked.number, to_version);
            RETURN NEXT;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS said = PG_EXCEPTION_HINT;
            RAISE EXCEPTION 'shard %: %', asked.name, SQLERRM USING ERRCODE = SQLSTATE, HINT = said;
        END;
    END LOOP;
END
$$;

-- Does every role come to each shard as the one that it is here, with the same pin? No shard could tell.
CREATE FUNCTION auth_store_router.role_pins(shards text[], numbers integer[])
RETURNS TABLE (shard text, role text, pin text, is_loose boolean)
LANGUAGE plproxy AS $$
    CLUSTER '{cluster}';
    SPLIT shards, numbers;
    RUN ON auth_store_router.at(numbers);
    SELECT ($1)[1] AS shard, r.rolname::pg_catalog.text AS role,
           (SELECT pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1)
              FROM pg_catalog.pg_db_role_setting s CROSS JOIN pg_catalog.unnest(s.setconfig) c (setting)
             WHERE s.setrole IN (0, r.oid)
               AND s.setdatabase IN (0, (SELECT b.oid FROM pg_catalog.pg_database b
                                          WHERE b.datname = pg_catalog.current_database()))
               AND pg_catalog.lower(c.setting) ~ '^auth_store[.]tenant_id=.'
             ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1) AS pin,
           (r.rolsuper OR r.rolbypassrls) AS is_loose
      FROM pg_catalog.pg_roles r WHERE r.rolcanlogin;
$$;
-- As its owner, because only an owner sees the options of mappings; so the pins are asked for before.
CREATE FUNCTION auth_store_router.findings(pins jsonb)
RETURNS TABLE (object text, problem text, hint text, severity text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH mapping AS (
        SELECT m.umuser AS oid, m.usename::text AS role, o.option_value AS remote
          FROM pg_user_mappings m
          LEFT JOIN pg_options_to_table(m.umoptions) o ON o.option_name = 'user'
         WHERE m.srvname = '{cluster}'
    ),
    here AS (
        SELECT r.oid, r.rolname::text AS role, r.rolsuper OR r.rolbypassrls AS is_loose,
               (SELECT substr(c.setting, strpos(c.setting, '=') + 1)
                  FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c (setting)
                 WHERE s.setrole IN (0, r.oid)
                   AND s.setdatabase IN (0, (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()))
                   AND lower(c.setting) ~ '^auth_store[.]tenant_id=.'
                 ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1) AS pin
          FROM pg_roles r
         WHERE r.rolcanlogin
    ),
    there AS (
        SELECT m.role, m.remote, n.shard, p.role IS NOT NULL AS is_there, p.pin, p.is_loose
          FROM mapping m
               CROSS JOIN unnest(auth_store_router.names()) n (shard)
          LEFT JOIN jsonb_to_recordset(pins) p (shard text, role text, pin text, is_loose boolean)
            ON p.shard = n.shard AND p.role = m.remote
         WHERE m.oid <> 0
    )
    SELECT 'user mapping for PUBLIC', 'makes everybody one role on the shards, without the pin of their own',
           format('DROP USER MAPPING FOR PUBLIC SERVER %I', '{cluster}'), 'problem'
      FROM mapping m WHERE m.oid = 0
    UNION ALL
    SELECT format('user mapping for %I', t.role), format('%I cannot log in to shard %s', t.remote, t.shard),
           'Create the role there', 'problem'
      FROM there t WHERE NOT t.is_there
    UNION ALL
    SELECT format('user mapping for %I', t.role),
           format('%s here, but as %I on shard %s %s', COALESCE('pinned to ' || quote_literal(h.pin), 'not pinned'),
                  t.remote, t.shard, COALESCE('pinned to ' || quote_literal(t.pin), 'not pinned')),
           COALESCE(format('on the shard: ALTER ROLE %I SET auth_store.tenant_id = %L', t.remote, h.pin),
                    format('here: ALTER ROLE %I IN DATABASE %I SET auth_store.tenant_id = %L', t.role,
                           current_database(), t.pin)), 'problem'
      FROM there t JOIN here h ON h.role = t.role
     WHERE t.is_there AND t.pin IS DISTINCT FROM h.pin
    UNION ALL
    SELECT format('user mapping for %I', t.role),
           format('%I is a superuser or has BYPASSRLS on shard %s', t.remote, t.shard),
           'Map the role to one that is as it is here', 'problem'
      FROM there t JOIN here h ON h.role = t.role
     WHERE t.is_there AND t.is_loose AND NOT h.is_loose
    UNION ALL
    SELECT format('user mapping for %I', m.role), format('is another role on the shards: %I', m.remote),
           'Map it to the role of its own name', 'note'
      FROM mapping m WHERE m.oid <> 0 AND m.remote IS DISTINCT FROM m.role
    UNION ALL
    SELECT format('role %I', h.role), 'may call the store, but has no user mapping',
           format('CREATE USER MAPPING FOR %I SERVER %I OPTIONS (user %1$L)', h.role, '{cluster}'), 'note'
      FROM here h
     WHERE EXISTS (SELECT FROM pg_roles r WHERE r.rolname LIKE 'auth\_store\_%' AND NOT r.rolcanlogin
                      AND pg_has_role(h.oid, r.oid, 'MEMBER'))
       AND NOT h.is_loose AND NOT EXISTS (SELECT FROM mapping m WHERE m.oid IN (0, h.oid))
$$;

CREATE FUNCTION auth_store_router."check"(number integer)
RETURNS TABLE (object text, problem text, hint text, severity text)
LANGUAGE plproxy AS $$
    CLUSTER '{cluster}';
    RUN ON auth_store_router.at(number);
    SELECT r.object, r.problem, r.hint, r.severity FROM auth_store.check() r;
$$;
CREATE FUNCTION auth_store."check"()
RETURNS TABLE (shard text, object text, problem text, hint text, severity text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    asked record;
BEGIN
    FOR asked IN
        SELECT s.shard AS name, 4096 + s.number AS number FROM auth_store_router.shards s
        UNION ALL
        SELECT 'router', NULL
         ORDER BY 2 NULLS FIRST
    LOOP
        BEGIN
            IF asked.number IS NULL THEN
                RETURN QUERY
                    SELECT asked.name, f.*
                      FROM (SELECT jsonb_agg(p) AS pins
                              FROM auth_store_router.role_pins(auth_store_router.names(),
                                                               auth_store_router.numbers()) p) r
                           CROSS JOIN LATERAL auth_store_router.findings(r.pins) f;
            ELSE
                RETURN QUERY SELECT asked.name, c.* FROM auth_store_router."check"(asked.number) c;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            shard := asked.name;
            object := 'shard';
            problem := SQLERRM;
            hint := 'SELECT * FROM auth_store.health()';
            severity := 'problem';
            RETURN NEXT;
        END;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION auth_store.health, auth_store.migrate, auth_store."check", auth_store_router.health,
    auth_store_router.migrate, auth_store_router."check", auth_store_router.role_pins,
    auth_store_router.findings, auth_store_router.mappings_stay FROM PUBLIC;
