\set ECHO none
-- What the SQL tests share; all of it is gone with the session.
--
-- Nothing printed here may change from run to run: ids, times and tokens stay in psql variables.
CREATE TEMP TABLE mark AS SELECT pg_catalog.clock_timestamp() AS at;

-- The audit rows since the last call, in order.
CREATE FUNCTION pg_temp.trail(OUT event text, OUT error text, OUT risk real, OUT flags text[])
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz;
BEGIN
    SELECT m.at INTO since FROM pg_temp.mark m;
    UPDATE pg_temp.mark SET at = pg_catalog.clock_timestamp();
    RETURN QUERY SELECT a.event, a.error, a.risk_score, a.flags FROM auth_store.audit_log a
                  WHERE a.occurred_at > since ORDER BY a.occurred_at, a.ctid;
END $$;

-- The error that a statement raises, or 'no error'.
CREATE FUNCTION pg_temp.raised(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
    detail text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, detail = PG_EXCEPTION_DETAIL;
    -- PostgreSQL 18 names the unit in the range of a setting, others do not.
    RETURN pg_catalog.concat_ws(' | ', SQLSTATE,
        pg_catalog.regexp_replace(SQLERRM, '\((\d+) (\w+) \.\. (\d+) \2\)', '(\1 .. \3)'),
        NULLIF(detail, ''), NULLIF(hint, ''));
END $$;

-- A token's state as a statement begun now sees it: introspection sees what the calling statement sees.
CREATE FUNCTION pg_temp.seen(token text) RETURNS auth_store.token_state LANGUAGE plpgsql AS $$
DECLARE
    state auth_store.token_state;
BEGIN
    SELECT * INTO state FROM auth_store.token_introspect(token);
    RETURN state;
END $$;

-- A text with one character in the middle changed: another secret of the same form.
CREATE FUNCTION pg_temp.altered(token text) RETURNS text LANGUAGE sql AS $$
    SELECT overlay(token PLACING CASE substr(token, length(token) - 10, 1) WHEN 'A' THEN 'B' ELSE 'A' END
                   FROM length(token) - 10 FOR 1)
$$;

-- How many rows of a tenant each table has: asked of the catalog, so that no table is forgotten. What remains of an
-- erased tenant, the audit row that says so, does not count.
CREATE FUNCTION pg_temp.tenant_rows(tenant text) RETURNS TABLE (relation name, rows bigint) LANGUAGE plpgsql AS $$
DECLARE
    attribute name;
BEGIN
    FOR relation, attribute IN
        SELECT c.relname, a.attname
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
               AND a.attname = CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END
         WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT count(*) FROM auth_store.%I WHERE %I = $1', relation, attribute)
            || CASE relation WHEN 'audit_log' THEN ' AND event <> ''tenant.erased''' ELSE '' END
            INTO rows USING tenant;
        RETURN NEXT;
    END LOOP;
END $$;

-- The verifier and challenge of RFC 7636 appendix B.
\set verifier dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
\set challenge E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
\set ECHO all
