-- The audit trail: an application's own events, their risk, and the monthly partitions.
\i tests/sql/include/helpers.sql
\pset null NULL

-- 1. What is written. The tenant is that of the user or client named.
SELECT auth_store.tenant_create('audit_a', 'Audit A') IS NOT NULL AS made;
SELECT auth_store.tenant_create('audit_b', 'Audit B') IS NOT NULL AS made;
SELECT user_id FROM auth_store.user_create('audit@example.com', tenant_id => 'audit_a') \gset
SELECT client_id
  FROM auth_store.client_create('Audit', ARRAY['https://audit.example/cb'], client_id => 'audit_web',
      tenant_id => 'audit_b');
CREATE FUNCTION pg_temp.written(id uuid) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT event, success, error, risk_score, flags, tenant_id, client_id, user_id IS NOT NULL, resource_type,
           resource_id,
           ip, length(user_agent), details
      FROM auth_store.audit_log a
     WHERE a.id = $1 AND abs(extract(epoch FROM auth_store.id_time(a.id) - a.occurred_at)) < 0.002
$$;
SELECT w.* FROM (VALUES
    (1, auth_store.audit_write('order.shipped')),
    (2, auth_store.audit_write('order.shipped', user_id => :'user_id', resource_type => 'order', resource_id => '42',
            details => '{"weight": 12345678901234567890.5, "to": "Zürich"}', ip => '2001:db8::1',
            user_agent => repeat('é', 600))),
    (3, auth_store.audit_write('order.failed', client_id => 'audit_web', error => 'out_of_stock')),
    (4, auth_store.audit_write('order.failed', client_id => 'nobody', success => false)),
    (5, auth_store.audit_write('order.odd', flags => '{new_network,own_flag,wrong_secret}')),
    (6, auth_store.audit_write('order.odd', flags => '{own_flag}')),
    (7, auth_store.audit_write('order.odd', flags => '{code_replay}', risk_score => 0.25)),
    (8, auth_store.audit_write('order.odd', flags => '{}', risk_score => 1,
        user_id => '00000000-0000-0000-0000-000000000000',
            tenant_id => 'audit_b'))
) AS t (n, id),
LATERAL pg_temp.written(t.id) AS w (event text, success boolean, error text, risk real, flags text[], tenant text,
    client text, "user" boolean, type text, resource text, ip inet, agent int, details jsonb) ORDER BY n;

-- 2. The flags that the store knows, and their risk.
CREATE TEMP TABLE risks AS
SELECT n, flag, auth_store.audit_write('risk.known', flags => ARRAY[flag]) AS id
  FROM unnest(ARRAY['code_replay', 'refresh_reuse', 'wrong_binding', 'too_many_failures', 'wrong_client',
    'wrong_verifier', 'wrong_secret', 'wrong_redirect_uri', 'revoked_token', 'scope_widening', 'target_widening',
    'unknown_client',
    'inactive_client', 'inactive_user', 'unknown_token', 'new_network', 'expired_token', 'code_retry',
    'Code_Replay']) WITH ORDINALITY AS f (flag, n);
SELECT flag, risk_score FROM risks JOIN auth_store.audit_log USING (id) ORDER BY n;

-- A score is double precision wherever a program gives or reads one, and what was given is found by it: 0.9 is 0.9.
SELECT count(id) AS written
  FROM unnest(ARRAY[auth_store.audit_write('risk.given', risk_score => 0.9),
      auth_store.audit_write('risk.given', risk_score => 0.7::double precision),
    auth_store.audit_write('risk.given', risk_score => 0.25::real),
    auth_store.audit_write('risk.given', risk_score => 0.3::numeric),
    auth_store.audit_write('risk.given', risk_score => 1),
    auth_store.audit_write('risk.given', risk_score => 0.123456789),
    auth_store.audit_write('risk.given', risk_score => 1e-300),
    auth_store.audit_write('risk.failed', risk_score => 0.6, success => false)]) AS id;
SELECT risk_score, pg_typeof(risk_score) AS type, count(*) FROM auth_store.recent_activity
 WHERE event = 'risk.given' AND risk_score IN (0.9, 0.7, 0.25, 0.3, 1, 0.123457, 0) GROUP BY 1 ORDER BY 1;
SELECT risk_score, pg_typeof(risk_score) AS type, severity FROM auth_store.security_events
 WHERE event = 'risk.given' AND risk_score >= 0.7 ORDER BY 1;
SELECT DISTINCT risk_score, pg_typeof(risk_score) AS type FROM auth_store.failed_actions
 WHERE event = 'risk.failed' AND risk_score = 0.6;

-- 3. Mistakes of the calling program: nothing is written.
SELECT count(*) AS before FROM auth_store.audit_log \gset
SELECT replace(arguments, :'user_id', 'U') AS arguments,
       pg_temp.raised('SELECT auth_store.audit_write(' || arguments || ')')
  FROM (VALUES
    (1, $$NULL$$), (2, $$''$$), (3, $$' '$$), (4, $$repeat('x', 201)$$), (5, $$repeat('x', 1000000)$$),
    (6, $$E'a\nb'$$),
    (7, $$'e', client_id => ''$$), (8, $$'e', resource_type => E'\t'$$), (9, $$'e', resource_id => repeat('x', 201)$$),
    (10, $$'e', error => ''$$), (11, $$'e', success => true, error => 'x'$$),
    (12, $$'e', risk_score => -0.01$$), (13, $$'e', risk_score => 1.01$$), (14, $$'e', risk_score => 'NaN'$$),
    (19, $$'e', risk_score => 1.0000000001::double precision$$), (29, $$'e', risk_score => 'infinity'$$),
    (15, $$'e', flags => ARRAY['a', NULL]$$), (16, $$'e', flags => ARRAY['']$$),
    (17, $$'e', flags => ARRAY[repeat('x', 65)]$$),
    (18, $$'e', flags => array_fill('f'::text, ARRAY[33])$$),
    (20, $$'e', details => '[]'$$), (21, $$'e', details => '"x"'$$), (22, $$'e', details => 'null'$$),
    (23, $$'e', details => jsonb_build_object('x', repeat('x', 70000))$$),
    (24, $$'e', tenant_id => 'nowhere'$$), (25, $$'e', tenant_id => ''$$),
    (26, $$'e', tenant_id => 'audit_b', user_id => '$$ || :'user_id' || $$'$$),
    (27, $$'e', tenant_id => 'audit_a', client_id => 'audit_web'$$),
    (28, $$'e', client_id => 'audit_web', user_id => '$$ || :'user_id' || $$'$$)
) AS t (n, arguments) ORDER BY n;
SELECT count(*) - :before AS written FROM auth_store.audit_log;
SELECT auth_store.audit_write('e', details => jsonb_build_object('deep', repeat('[', 2000)::text)) IS NOT NULL AS text,
       auth_store.audit_write('e',
           details => (repeat('{"a":', 2000) || '1' || repeat('}', 2000))::jsonb) IS NOT NULL AS levels,
       auth_store.audit_write('e', details => '{"n": 1e400}') IS NOT NULL AS beyond_double;
BEGIN READ ONLY;
SELECT pg_temp.raised($$SELECT auth_store.audit_write('e')$$), pg_temp.raised('SELECT auth_store.partitions_ensure()'),
       pg_temp.raised('SELECT auth_store.partitions_drop()');
COMMIT;

-- 4. The tenant pin.
SET auth_store.tenant_id = 'audit_a';
-- the other tenant's client is as unknown as any
SELECT auth_store.audit_write('pinned', user_id => :'user_id', client_id => 'audit_web') AS id \gset
SELECT tenant_id, user_id IS NOT NULL AS "user" FROM auth_store.audit_log WHERE id = :'id';
SELECT pg_temp.raised($$SELECT auth_store.audit_write('e', tenant_id => 'audit_b')$$);
SELECT pg_temp.raised('SELECT auth_store.partitions_drop()');
SET ROLE auth_store_owner;
SELECT DISTINCT tenant_id FROM auth_store.audit_log;
-- a partition read directly
SELECT format('SELECT DISTINCT tenant_id FROM auth_store.%I',
    'audit_log_' || to_char(clock_timestamp() AT TIME ZONE 'UTC', '"y"YYYY"m"MM')) AS query \gset
:query;
RESET ROLE;
RESET auth_store.tenant_id;

-- 5. Who may.
SELECT r AS role,
       has_function_privilege(r,
           'auth_store.audit_write(text, uuid, text, text, text, boolean, text, double precision, text[], jsonb, inet, '
           'text, text)', 'EXECUTE') AS audit_write,
       has_function_privilege(r, 'auth_store.partitions_ensure(integer)', 'EXECUTE') AS partitions_ensure,
       has_function_privilege(r, 'auth_store.partitions_drop(interval)', 'EXECUTE') AS partitions_drop,
       has_table_privilege(r, 'auth_store.audit_log', 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') AS "table",
       (SELECT bool_or(has_table_privilege(r, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')) FROM pg_class c
         WHERE c.relname LIKE 'audit\_log\_y%' AND c.relkind = 'r') AS partition
  FROM unnest(ARRAY['auth_store_app', 'auth_store_reader', 'auth_store_admin', 'auth_store_auditor', 'public']) AS r;

-- 6. Partitions: this month and two ahead from the start, in UTC whatever the session says.
SET TimeZone = 'Pacific/Kiritimati';
SELECT auth_store.partitions_ensure() AS made_before, auth_store.partitions_ensure(0) AS none,
       auth_store.partitions_ensure(5) AS made;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
CREATE VIEW pg_temp.months AS
    SELECT c.oid, c.relname,
           regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.*)''\) TO \(''(.*)''\)') AS bounds,
           c.relowner::regrole::text AS owner, c.relrowsecurity AND c.relforcerowsecurity AS forced,
           (to_char(clock_timestamp(), 'YYYY')::int * 12 + to_char(clock_timestamp(), 'MM')::int) AS current,
           (substr(c.relname, 12, 4)::int * 12 + substr(c.relname, 17, 2)::int) AS month
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'auth_store.audit_log'::regclass;
SELECT month - current AS month,
       bounds = ARRAY[to_char(to_date(substr(relname, 12), 'YYYY"m"MM'), 'YYYY-MM-DD') || ' 00:00:00+00',
                      to_char(to_date(substr(relname, 12), 'YYYY"m"MM') + interval '1 month', 'YYYY-MM-DD')
                      || ' 00:00:00+00'] AS whole_month,
       owner, forced,
       (SELECT string_agg(polname || ' ' || pg_get_expr(polqual, polrelid), ', ') FROM pg_policy
         WHERE polrelid = m.oid) AS policies,
       (SELECT string_agg(pg_get_indexdef(indexrelid, 0, false) ~ 'USING brin \(occurred_at, id, user_id .*, grant_id'
           || '', ', ')
          FROM pg_index WHERE indrelid = m.oid AND indpred IS NULL) AS brin,
       EXISTS (SELECT FROM pg_depend WHERE objid = m.oid AND deptype = 'e') AS member_of_the_extension
  FROM pg_temp.months m ORDER BY 1;
SELECT call, pg_temp.raised('SELECT auth_store.' || call) FROM unnest(ARRAY['partitions_ensure(-1)',
    'partitions_ensure(121)', $$partitions_drop('-1 day')$$, $$partitions_drop('-1 month')$$]) AS call;

-- A step of a month that has no partition makes it, and the next month's. What a rollback takes back is made again.
SELECT format('DROP TABLE %s', string_agg(oid::regclass::text, ', ')) AS drop_months FROM pg_temp.months
 WHERE month >= current \gset
BEGIN;
SET LOCAL auth_store.allow_drop = on;
:drop_months;
SAVEPOINT s;
SELECT auth_store.audit_write('first.of.month') AS id \gset
SELECT event FROM auth_store.audit_log WHERE id = :'id';
SELECT month - current AS month FROM pg_temp.months ORDER BY 1;
ROLLBACK TO s;
SELECT auth_store.audit_write('first.again') AS id \gset
SELECT event FROM auth_store.audit_log WHERE id = :'id';
SELECT month - current AS month FROM pg_temp.months ORDER BY 1;
-- A relation that only has the month's name.
ROLLBACK TO s;
SELECT format('CREATE TABLE auth_store.audit_log_%s ()',
    to_char(clock_timestamp(), '"y"YYYY"m"MM')) AS foreign_table \gset
:foreign_table;
SELECT regexp_replace(pg_temp.raised($$SELECT auth_store.audit_write('e')$$), 'y\d+m\d+', 'y…m…') AS raised;
ROLLBACK;
SELECT auth_store.audit_write('after.rollback') AS id \gset
SELECT event FROM auth_store.audit_log WHERE id = :'id';
SELECT month - current AS month FROM pg_temp.months ORDER BY 1;
-- as an ordinary user of the role
SET ROLE auth_store_app;
SELECT auth_store.audit_write('by.the.app') IS NOT NULL AS written;
SELECT pg_temp.raised('SELECT auth_store.partitions_ensure()');
RESET ROLE;

-- 7. Old months go by the retention, whole, and never the current one.
CREATE FUNCTION pg_temp.old_month(first date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := 'audit_log_' || to_char(first, '"y"YYYY"m"MM');
BEGIN
    EXECUTE format('CREATE TABLE auth_store.%I (LIKE auth_store.audit_log INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE auth_store.%I OWNER TO auth_store_owner', name);
    EXECUTE format('ALTER TABLE auth_store.audit_log ATTACH PARTITION auth_store.%I FOR VALUES FROM (%L) TO (%L)', name,
                   first || ' 00:00+00', (first + interval '1 month')::date || ' 00:00+00');
END $$;
SELECT pg_temp.old_month('2019-12-01'), pg_temp.old_month('2020-01-01'),
       pg_temp.old_month((date_trunc('month', clock_timestamp()) - interval '1 month')::date);
-- not one of the store's
CREATE TABLE auth_store.audit_log_archive (LIKE auth_store.audit_log INCLUDING ALL);
ALTER TABLE auth_store.audit_log ATTACH PARTITION auth_store.audit_log_archive
    FOR VALUES FROM ('2010-01-01 00:00+00') TO ('2011-01-01 00:00+00');
INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event)
    VALUES (gen_random_uuid(), '2020-01-31 23:59:59+00', true, 'default', 'old'),
           (gen_random_uuid(), '2010-05-05', true, 'default', 'archived');
SELECT auth_store.partitions_drop((clock_timestamp() - '2020-01-31 23:59+00')) AS dropped_before_the_last_minute;
SELECT auth_store.partitions_drop() AS dropped;
SELECT event FROM auth_store.audit_log WHERE occurred_at < '2021-01-01' ORDER BY 1;
SELECT count(*) AS last_month FROM pg_temp.months WHERE relname <> 'audit_log_archive' AND month = current - 1;
SELECT auth_store.partitions_drop('0') AS dropped_last_month, auth_store.partitions_drop('0') AS again;
SELECT count(*) > 0 AS this_month_stays FROM auth_store.audit_log WHERE event = 'by.the.app';
DROP TABLE auth_store.audit_log_archive;
-- In use in this session, or under somebody's view: it stays, and the lock_timeout is as before.
SELECT pg_temp.old_month('2019-12-01');
SET lock_timeout = '7s';
BEGIN;
DECLARE reading CURSOR FOR SELECT * FROM auth_store.audit_log_y2019m12;
FETCH reading;
SELECT auth_store.partitions_drop();
SHOW lock_timeout;
COMMIT;
CREATE VIEW auth_store_view_on_a_month AS SELECT event FROM auth_store.audit_log_y2019m12;
SELECT auth_store.partitions_drop();
DROP VIEW auth_store_view_on_a_month;
SELECT auth_store.partitions_drop();
SHOW lock_timeout;
-- as install() leaves it
SELECT format('DROP TABLE %s', string_agg(oid::regclass::text, ', ')) AS drop_months FROM pg_temp.months
 WHERE month > current + 2 \gset
SET auth_store.allow_drop = on;
:drop_months;
RESET auth_store.allow_drop;

-- 8. Who called: the role that logged in, and the one that it had set. Within a function that runs as somebody else,
-- and at the end of the transaction, it is still the session's.
CREATE ROLE regress_audit_web LOGIN;
CREATE ROLE regress_audit_boss LOGIN;
CREATE ROLE regress_audit_shift;
GRANT auth_store_app TO regress_audit_web;
GRANT auth_store_admin TO regress_audit_boss, regress_audit_shift;
GRANT regress_audit_shift TO regress_audit_boss;
CREATE FUNCTION audit_as_definer() RETURNS uuid
    LANGUAGE sql SECURITY DEFINER AS $$SELECT auth_store.audit_write('caller.definer')$$;
CREATE PROCEDURE audit_in_procedure()
    LANGUAGE plpgsql AS $$BEGIN PERFORM auth_store.audit_write('caller.procedure'); COMMIT; END$$;
CREATE FUNCTION audit_at_commit() RETURNS trigger
    LANGUAGE plpgsql AS $$BEGIN PERFORM auth_store.audit_write('caller.at_commit'); RETURN NULL; END$$;
CREATE TABLE audit_deferred ();
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON audit_deferred DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION audit_at_commit();
GRANT INSERT ON audit_deferred TO regress_audit_web;
GRANT EXECUTE ON FUNCTION audit_as_definer() TO PUBLIC;
SET SESSION AUTHORIZATION regress_audit_web;
SELECT auth_store.audit_write('caller.login') IS NOT NULL AS written;
SELECT auth_store.user_ensure('caller', 'audit_a') IS NOT NULL AS made;
SET ROLE auth_store_app;
SELECT auth_store.audit_write('caller.set_role') IS NOT NULL AS written;
SET ROLE NONE;
SELECT audit_as_definer() IS NOT NULL AS written;
CALL audit_in_procedure();
BEGIN;
INSERT INTO audit_deferred DEFAULT VALUES;
COMMIT;
SET SESSION AUTHORIZATION regress_audit_boss;
SET ROLE regress_audit_shift;
SELECT auth_store.audit_write('caller.shift') IS NOT NULL AS written;
SELECT FROM auth_store.client_update('audit_web', '{"name": "Of the shift"}');
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_audit_web RENAME TO regress_audit_www;
SET SESSION AUTHORIZATION regress_audit_www;
SELECT auth_store.audit_write('caller.renamed') IS NOT NULL AS written;
RESET SESSION AUTHORIZATION;
-- in a session with a tenant pin, where an INSERT writes the row
SET auth_store.tenant_id = 'audit_a';
SET ROLE regress_audit_shift;
SELECT auth_store.audit_write('caller.pinned') IS NOT NULL AS written;
RESET ROLE;
RESET auth_store.tenant_id;
SELECT event, replace(called_by, current_user, 'superuser') AS called_by, called_as, from_application
  FROM auth_store.audit_log
 WHERE event LIKE 'caller.%' OR user_id = auth_store.user_ensure('caller', 'audit_a') OR event = 'client.updated'
   AND client_id = 'audit_web'
 ORDER BY occurred_at, event;
SELECT (SELECT count(*) FROM auth_store.recent_activity
         WHERE event LIKE 'caller.%' AND called_by IS NOT NULL AND from_application) AS recent,
       (SELECT count(*) FROM auth_store.failed_actions
         WHERE event = 'order.failed' AND called_by IS NOT NULL AND from_application) AS failed,
       (SELECT count(*) FROM auth_store.security_events
         WHERE event = 'order.odd' AND called_by IS NOT NULL AND from_application) AS security;

-- 9. The store's own names are its own, however they are spelt.
SELECT event, left(pg_temp.raised(format('SELECT auth_store.audit_write(%L)', event)), 134) AS raised
  FROM unnest(ARRAY['refresh_reuse', 'code_replay', 'token.refreshed',
    'tenant.erased', 'audit.month_dropped', 'Refresh_Reuse', ' code.redeemed', 'CODE.REDEEMED ', 'user.login',
    'refresh_reuse.seen']) AS event;
SET ROLE auth_store_app;
SELECT pg_temp.raised($$SELECT auth_store.audit_write('refresh_reuse', risk_score => 1, flags => '{refresh_reuse}')$$)
       LIKE '22023 | % api_key.created, %, refresh_reuse, %, webhook_type.registered.' AS refused_with_the_names;
RESET ROLE;
SELECT count(*) AS of_the_store FROM auth_store.audit_log
 WHERE event IN ('refresh_reuse', 'code_replay') AND from_application;

-- 10. Who is watched does not shorten the trail, and each month that goes leaves a row.
SELECT pg_temp.old_month('2019-12-01'), pg_temp.old_month('2020-01-01'), pg_temp.old_month('2020-02-01'),
       pg_temp.old_month((date_trunc('month', clock_timestamp()) - interval '1 month')::date);
SET SESSION AUTHORIZATION regress_audit_boss;
SELECT older_than, pg_temp.raised(format('SELECT auth_store.partitions_drop(%L)', older_than))
  FROM unnest(ARRAY['0', '89 days 23:59:59', '1 month', '-1 day']) AS older_than;
SELECT auth_store.partitions_drop(clock_timestamp() - '2019-12-31 23:59+00') AS long_ago;
SET ROLE regress_audit_shift;
SELECT auth_store.partitions_drop(clock_timestamp() - '2020-01-31 23:59+00') AS by_a_role;
RESET ROLE;
SELECT auth_store.cleanup_audit() AS by_cleanup,
       pg_temp.raised($$SET auth_store.audit_retention = '1 day'$$) AS shorter;
RESET SESSION AUTHORIZATION;
-- The caller's rights decide, not those of whoever owns a function in between.
CREATE FUNCTION audit_drop() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$SELECT auth_store.partitions_drop('0')$$;
SET ROLE regress_audit_boss;
SELECT pg_temp.raised('SELECT audit_drop()');
RESET ROLE;
SELECT auth_store.partitions_drop('0') AS by_a_superuser;
SELECT event, CASE WHEN resource_id ~ '^audit_log_y20(19|20)m' THEN resource_id ELSE 'last month' END AS month,
       tenant_id, replace(called_by, current_user, 'superuser') AS called_by,
       called_as, from_application, resource_type,
       details->>'from' = regexp_replace(resource_id, '.*y(\d+)m(\d+)$', '\1-\2-01 00:00:00+00') AS "from",
       details ? 'until' AS until, details ? 'estimated_rows' AS estimated_rows,
       (details->>'bytes')::bigint > 0 AS bytes, details->'older_than_seconds' IS NOT NULL AS older_than
  FROM auth_store.audit_log
 WHERE event = 'audit.month_dropped'
   AND occurred_at > (SELECT max(occurred_at) FROM auth_store.audit_log WHERE event = 'caller.pinned')
 ORDER BY occurred_at, 2;
-- Erasing a tenant takes its trail, but for what says that it was erased, and by whom.
SELECT auth_store.tenant_create('audit_gone') IS NOT NULL AS made;
SET ROLE regress_audit_boss;
SELECT auth_store.audit_write('order.shipped', tenant_id => 'audit_gone') IS NOT NULL AS written;
SELECT auth_store.tenant_erase('audit_gone', 'audit_gone') AS rows;
SELECT auth_store.tenant_create('audit_gone') IS NOT NULL AS made,
       auth_store.tenant_erase('audit_gone', 'audit_gone') AS rows;
RESET ROLE;
SELECT event, called_as, details FROM auth_store.audit_log WHERE tenant_id = 'audit_gone' ORDER BY occurred_at;
DROP TABLE audit_deferred;
DROP FUNCTION audit_at_commit(), audit_as_definer(), audit_drop();
DROP PROCEDURE audit_in_procedure();
DROP ROLE regress_audit_www, regress_audit_boss, regress_audit_shift;

-- 11. Partitions by name, and those of the JWT ids of the next hours.
SELECT auth_store.partitions_make(
    '{audit_log_y2018m02,auth_store.claimed_jtis_y2018m02d28h23,revoked_jtis_y2016m02d29,audit_log_y2018m02}') AS made,
       auth_store.partitions_make('{audit_log_y2018m02}') AS again, auth_store.partitions_make('{}') AS none;
SELECT inhrelid::regclass, pg_get_expr(c.relpartbound, c.oid), relreplident, relowner::regrole,
       relrowsecurity AND relforcerowsecurity AS forced
  FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE c.relname ~ '_y201[68]' ORDER BY c.relname;
SELECT names, pg_temp.raised(format('SELECT auth_store.partitions_make(%L)', names))
  FROM unnest(ARRAY['{audit_log_y2018m13}', '{audit_log}', '{users}', '{claimed_jtis_y2018m02d29h00}',
    '{NULL}', '{""}', NULL]) AS names;
SELECT auth_store.partitions_drop() AS months, auth_store.cleanup_jtis() >= 2 AS jtis;
SELECT hours, pg_temp.raised(format('SELECT auth_store.jti_partitions_ensure(%L)', hours))
  FROM unnest(ARRAY[-1, 169]) AS hours;
BEGIN;
SELECT auth_store.jti_partitions_ensure(0) > 0 AS made, auth_store.jti_partitions_ensure(0) AS again;
-- Whatever end is named within the hour, its partition is there.
SELECT auth_store.jti_partitions_ensure(2) >= 0 AS ensured;
CREATE TEMP TABLE ensured ON COMMIT DROP AS SELECT inhrelid FROM pg_inherits;
SELECT bool_and(auth_store.jti_claim('https://idp.example', 'ahead ' || minutes,
    clock_timestamp() + minutes * interval '1 minute')) AS claimed FROM generate_series(1, 24 * 60 - 1, 7) AS minutes;
SELECT bool_and(auth_store.jti_revoke('ahead ' || hours, clock_timestamp() + hours * interval '1 hour')) AS revoked
  FROM generate_series(1, 366 * 24 - 1, 13) AS hours;
SELECT count(*) AS elsewhere
  FROM (SELECT tableoid FROM auth_store.claimed_jtis UNION SELECT tableoid FROM auth_store.revoked_jtis) AS t (part)
 WHERE part NOT IN (SELECT inhrelid FROM ensured);
ROLLBACK;
-- Every table that a publication takes can be deleted from.
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p') AND c.relreplident <> 'f'
   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary);
