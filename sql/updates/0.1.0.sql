-- The first statements of the update from 0.1.0. scripts/update.awk puts the rest behind them, and the functions and
-- types that the update drops or changes in the place of two marks. It all runs in one transaction, in which
-- migrate() should follow.

-- A session keeps the library that it has loaded, although the file is a newer one by now. 0.1.0 had no health().
DO $$
BEGIN
    CREATE FUNCTION auth_store.library_probe() RETURNS pg_catalog.bool
        LANGUAGE c AS 'MODULE_PATHNAME', 'health_wrapper';
    DROP FUNCTION auth_store.library_probe();
EXCEPTION WHEN undefined_function THEN
    RAISE EXCEPTION 'auth_store: this session has the library of an older version loaded'
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'Update in a new session, before any other statement. Where shared_preload_libraries names '
                     'auth_store, restart the server first.';
END
$$;

-- A call holds tables when it looks at the types of its answer. So the update locks the tables before the types, and no
-- call and the update wait for one another. Those come first in which most calls begin: what holds them needs others,
-- which it still gets. lock_timeout ends an update that waits too long for a call, or for one that waits for it.
DO $$
DECLARE
    tables pg_catalog.text;
BEGIN
    SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', 'auth_store', c.relname), ', '
               ORDER BY pg_catalog.array_position(
                            ARRAY['access_tokens', 'sessions', 'api_keys', 'authorization_codes', 'grants'],
                            c.relname::pg_catalog.text), c.oid)
      INTO tables
      FROM pg_catalog.pg_class c
     WHERE c.relnamespace OPERATOR(pg_catalog.=) 'auth_store'::pg_catalog.regnamespace
       AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::pg_catalog."char"[])
       AND NOT c.relispartition;
    IF tables IS NOT NULL THEN
        EXECUTE 'LOCK TABLE ' OPERATOR(pg_catalog.||) tables OPERATOR(pg_catalog.||) ' IN ACCESS EXCLUSIVE MODE';
    END IF;
END
$$;

-- What an application has made over a function, type or view that changes is the application's: the message names it,
-- and nothing drops it.
DO $$
DECLARE
    dependents pg_catalog.text;
BEGIN
    WITH changed AS (
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass AS catalog,
               pg_catalog.to_regprocedure(f.name)::pg_catalog.oid AS object, false AS grows
          FROM (VALUES
            -- changed.functions
          ) f (name)
        UNION ALL
        SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, y.object, t.grows
          FROM (VALUES
            -- changed.types
          ) t (name, grows)
          JOIN pg_catalog.pg_type i ON i.oid OPERATOR(pg_catalog.=) pg_catalog.to_regtype(t.name)::pg_catalog.oid
               CROSS JOIN LATERAL (VALUES (i.oid), (i.typarray)) y (object)
        UNION ALL
        -- migrate() makes them anew, because risk_score is double precision now.
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, pg_catalog.to_regclass(v.name)::pg_catalog.oid, false
          FROM (VALUES ('auth_store.recent_activity'), ('auth_store.failed_actions'), ('auth_store.security_events')
          ) v (name)
    )
    SELECT pg_catalog.string_agg(
               DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) OPERATOR(pg_catalog.||)
                        ' depends on ' OPERATOR(pg_catalog.||)
                        pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0), E'\n')
      INTO dependents
      FROM changed c
      JOIN pg_catalog.pg_depend d
           ON d.refclassid OPERATOR(pg_catalog.=) c.catalog AND d.refobjid OPERATOR(pg_catalog.=) c.object
           AND d.deptype OPERATOR(pg_catalog.=) ANY (ARRAY['n', 'a']::pg_catalog."char"[])
           -- A type that only gets more columns is changed for no other object than a table of that type.
           AND (NOT c.grows
                OR d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                   AND EXISTS (SELECT FROM pg_catalog.pg_class r
                                WHERE r.oid OPERATOR(pg_catalog.=) d.objid
                                  AND r.reloftype OPERATOR(pg_catalog.=) c.object))
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite w -- of the view itself
                        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass
                          AND w.oid OPERATOR(pg_catalog.=) d.objid AND w.ev_class OPERATOR(pg_catalog.=) c.object)
       AND NOT EXISTS (SELECT
                         FROM pg_catalog.pg_depend m
                         JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) m.refobjid
                        WHERE m.classid OPERATOR(pg_catalog.=) d.classid AND m.objid OPERATOR(pg_catalog.=) d.objid
                          AND m.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
                          AND m.deptype OPERATOR(pg_catalog.=) 'e'
                          AND e.extname OPERATOR(pg_catalog.=) 'auth_store');
    IF dependents IS NOT NULL THEN
        RAISE EXCEPTION 'auth_store: the update changes functions, types or views on which other objects depend'
            USING ERRCODE = 'dependent_objects_still_exist',
                  DETAIL = dependents,
                  HINT = 'In one transaction: drop them, update, and make them anew as CHANGELOG.md says.';
    END IF;
END
$$;
