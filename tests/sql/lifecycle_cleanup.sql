-- Cleanup: what goes when, in which steps, and who may.
\i tests/sql/include/helpers.sql
\pset null NULL

-- A tenant of its own, so that the counts are of these rows alone.
SELECT auth_store.tenant_create('cleanup', 'Cleanup') IS NOT NULL AS made;
SET auth_store.tenant_id = 'cleanup';
SELECT client_id
  FROM auth_store.client_create('Cleanup', ARRAY['https://cleanup.example/cb'], client_id => 'cleanup_web',
      scope => 'read');
SELECT user_id FROM auth_store.user_create('cleanup@example.com') \gset

-- Ids of the moment n, in order; digests nobody can present.
CREATE FUNCTION pg_temp.id(n int) RETURNS uuid
    LANGUAGE sql AS $$ SELECT ('01900000-0000-8000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.add_grant(n int, expires interval, revoked interval, idle interval) RETURNS void
    LANGUAGE sql AS $$
    INSERT INTO auth_store.grants (id, tenant_id, client_id, scope, expires_at, revoked_at, revoked_reason,
        idle_expires_at, family_digest, current_digest)
    SELECT pg_temp.id(n), 'cleanup', 'cleanup_web', '', at + expires, at + revoked,
           CASE WHEN revoked IS NOT NULL THEN 'test' END, at + idle,
           CASE WHEN idle IS NOT NULL THEN sha256('family') END, CASE WHEN idle IS NOT NULL THEN sha256('current') END
      FROM clock_timestamp() AS at
$$;
CREATE FUNCTION pg_temp.add_token(n int, expires interval) RETURNS void LANGUAGE sql AS $$
    INSERT INTO auth_store.access_tokens (id, grant_id, tenant_id, digest, expires_at)
    VALUES (pg_temp.id(n), pg_temp.id(0), 'cleanup', sha256('token'), clock_timestamp() + expires)
$$;
CREATE FUNCTION pg_temp.kept(name text) RETURNS SETOF int LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT right(id::text, 12)::int FROM auth_store.%I WHERE tenant_id = ''cleanup''
                                    AND id::text LIKE ''01900000-%%'' ORDER BY id', name);
END $$;

-- 1. What goes: 1 to 9 are to go, 11 to 19 to stay.
SELECT pg_temp.add_grant(n, expires, revoked, idle) FROM (VALUES
    (1,  interval '-31 days', NULL::interval,      NULL::interval),
    (2,  '50 days',           '-31 days',          NULL),
    (3,  '50 days',           '-31 days',          '10 days'),
    (4,  '50 days',           NULL,                '-31 days'),
    (5,  '-31 days',          '-31 days',          '-32 days'),
    (11, '50 days',           NULL,                '10 days'),
    (12, '-29 days',          NULL,                NULL),
    (13, '50 days',           '-29 days',          '10 days'),
    (14, '50 days',           NULL,                '-29 days'),
    (15, '1 hour',            NULL,                NULL)) AS t (n, expires, revoked, idle);
SELECT pg_temp.add_token(1, '-1 ms'), pg_temp.add_token(2, '-1 day'), pg_temp.add_token(11, '1 minute'),
       pg_temp.add_token(12, '1 day');
INSERT INTO auth_store.authorization_codes (id, user_id, tenant_id, client_id, digest, scope, expires_at, redeemed_at,
    grant_id)
SELECT pg_temp.id(n), :'user_id', 'cleanup', 'cleanup_web', sha256('code'), '', at + expires, at + redeemed,
       CASE WHEN redeemed IS NOT NULL THEN pg_temp.id(0) END
  FROM clock_timestamp() AS at, (VALUES
    (1,  interval '-1 ms',    NULL::interval),
    (2,  '-2 days',           NULL),
    (3,  '-24 hours -1 s',    '-24 hours -30 s'),
    (11, '1 minute',          NULL),
    (12, '-23 hours',         '-23 hours -30 s'),
    (13, '1 minute',          '-1 s')) AS t (n, expires, redeemed);
INSERT INTO auth_store.client_secrets (id, created_at, expires_at, tenant_id, client_id, digest)
SELECT pg_temp.id(n), at - interval '9 days', at + expires, 'cleanup', 'cleanup_web', sha256('secret')
  FROM clock_timestamp() AS at,
       (VALUES (1, interval '-25 hours'), (11, '-23 hours'), (12, '1 hour'), (13, NULL)) AS t (n, expires);
CREATE TEMP TABLE audit_before AS SELECT count(*) AS rows FROM auth_store.audit_log WHERE event !~ '[.]expired$';
SELECT auth_store.cleanup_expired_data();
SELECT t AS "table", array_agg(n) AS kept
  FROM unnest(ARRAY['grants', 'access_tokens', 'authorization_codes', 'client_secrets']) WITH ORDINALITY AS t (t, o),
    pg_temp.kept(t) AS n GROUP BY t, o ORDER BY o;
SELECT count(*) = (SELECT rows FROM audit_before) AS no_audit_row FROM auth_store.audit_log
 WHERE event !~ '[.]expired$';
-- The walk is at its end: it begins anew.
SELECT task, position FROM auth_store.cleanup_cursors WHERE task LIKE '%@cleanup' ORDER BY 1;
SELECT auth_store.cleanup_expired_data() AS again;

-- The retention of grants, each a batch of its own. Whose family was only not refreshed may have an access token for
-- another day.
SET auth_store.grant_retention = 0;
SELECT pg_temp.add_grant(1, '-1 s', NULL, NULL), pg_temp.add_grant(2, '50 days', '-1 s', '10 days'),
       pg_temp.add_grant(3, '50 days', NULL, '-25 hours'),
       pg_temp.add_grant(16, '50 days', NULL, '-23 hours');
SELECT auth_store.cleanup_expired_data(batch_size => 1);
SELECT array_agg(n) AS kept FROM pg_temp.kept('grants') AS n;
RESET auth_store.grant_retention;

-- 2. In steps: a bounded number of rows is examined, and the next call goes on there.
DELETE FROM auth_store.access_tokens WHERE tenant_id = 'cleanup';
SELECT FROM (SELECT pg_temp.add_token(n, CASE WHEN n % 3 = 0 THEN interval '-1 s' ELSE '1 day' END)
               FROM generate_series(1, 20) AS n) AS t;
SELECT auth_store.cleanup_expired_data(batch_size => 4, max_batches => 1) AS of_1_to_4;
SELECT auth_store.cleanup_expired_data(batch_size => 4, max_batches => 2) AS of_5_to_12;
SELECT array_agg(n) AS kept FROM pg_temp.kept('access_tokens') AS n;
SELECT right(position::text, 2) AS position FROM auth_store.cleanup_cursors WHERE task = 'access_tokens@cleanup';
-- One call with enough batches passes over all, also over what expired behind the cursor.
UPDATE auth_store.access_tokens SET expires_at = clock_timestamp()
 WHERE id IN (pg_temp.id(1), pg_temp.id(12), pg_temp.id(13));
SELECT auth_store.cleanup_expired_data(batch_size => 4);
SELECT array_agg(n) AS kept FROM pg_temp.kept('access_tokens') AS n;
SELECT auth_store.cleanup_expired_data(batch_size => 4) AS nothing_left;
-- A batch of its own.
UPDATE auth_store.cleanup_cursors SET position = NULL WHERE task = 'access_tokens@cleanup';
UPDATE auth_store.access_tokens SET expires_at = clock_timestamp() WHERE id = pg_temp.id(2);
SELECT deleted, examined, pass_start, wrapped, done FROM auth_store.cleanup_batch('access_tokens', 3);
SELECT deleted, examined, right(pass_start::text, 2) AS pass_start, wrapped, done
  FROM auth_store.cleanup_batch('access_tokens', 3);
SELECT deleted, examined, right(pass_start::text, 2) AS pass_start, wrapped, done
  FROM auth_store.cleanup_batch('access_tokens', 100, pg_temp.id(5), false);
SELECT deleted, examined, right(pass_start::text, 2) AS pass_start, wrapped, done
  FROM auth_store.cleanup_batch('access_tokens', 100, pg_temp.id(5), true);

-- The trail has a row for each batch that deleted something, of the tables whose ends somebody may ask for.
SELECT event, resource_id, count(*) AS batches, sum((details ->> 'rows')::int) AS rows, bool_and(success) AS success
  FROM auth_store.audit_log WHERE event LIKE '%.expired' AND tenant_id = 'cleanup' GROUP BY 1, 2 ORDER BY 1;

-- 3. The procedure: a commit after each batch, progress for each table; as the role that may.
UPDATE auth_store.access_tokens SET expires_at = clock_timestamp() WHERE id IN (pg_temp.id(4), pg_temp.id(20));
SET ROLE auth_store_admin;
CALL auth_store.cleanup(batch_size => 5);
CALL auth_store.cleanup(batch_size => 2, max_batches => 1);
RESET ROLE;
SELECT array_agg(n) AS kept FROM pg_temp.kept('access_tokens') AS n;
-- Each batch is a transaction: what an earlier one did stays when a later one fails.
UPDATE auth_store.access_tokens SET expires_at = clock_timestamp() WHERE tenant_id = 'cleanup';
UPDATE auth_store.cleanup_cursors SET position = NULL WHERE task = 'access_tokens@cleanup';
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
CREATE TRIGGER refuse BEFORE DELETE ON auth_store.access_tokens FOR EACH ROW WHEN (
    old.id = '01900000-0000-8000-8000-000000000014') EXECUTE FUNCTION pg_temp.refuse();
\set VERBOSITY terse
CALL auth_store.cleanup(batch_size => 4);
SELECT array_agg(n) AS kept FROM pg_temp.kept('access_tokens') AS n;
DROP TRIGGER refuse ON auth_store.access_tokens;
CALL auth_store.cleanup();
BEGIN;
CALL auth_store.cleanup();
ROLLBACK;
\set VERBOSITY default

-- 4. A pinned session leaves other tenants' rows, their cursors and the audit trail's months alone.
SELECT pg_temp.add_token(1, '-1 s');
SET auth_store.tenant_id = 'elsewhere';
SELECT auth_store.cleanup_expired_data() AS elsewhere, auth_store.cleanup_audit() AS months;
SELECT array_agg(n) AS kept FROM pg_temp.kept('access_tokens') AS n;
RESET auth_store.tenant_id;
CREATE TABLE auth_store.audit_log_y2019m12 (LIKE auth_store.audit_log INCLUDING ALL);
ALTER TABLE auth_store.audit_log_y2019m12 OWNER TO auth_store_owner;
ALTER TABLE auth_store.audit_log ATTACH PARTITION auth_store.audit_log_y2019m12 FOR VALUES
  FROM ('2019-12-01 00:00+00') TO ('2020-01-01 00:00+00');
SET auth_store.tenant_id = 'cleanup';
SELECT auth_store.cleanup_expired_data() AS cleanup;
RESET auth_store.tenant_id;
SELECT to_regclass('auth_store.audit_log_y2019m12') IS NOT NULL AS month_is_there;
-- Tokens without a pin: in their places, and by a statement where a trigger wants to see them or the transaction has
-- one snapshot. Either way the batches are the same.
SELECT FROM auth_store.cleanup_batch('access_tokens', 1);
CREATE TEMP TABLE seen (n int);
GRANT INSERT ON seen TO auth_store_owner;
CREATE FUNCTION pg_temp.see() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO seen VALUES (right(old.id::text, 12)::int); RETURN old; END';
PREPARE batch AS
    SELECT deleted, examined, right(pass_start::text, 2) AS pass_start, wrapped, done
      FROM auth_store.cleanup_batch('access_tokens', 7);
CREATE FUNCTION pg_temp.again() RETURNS void LANGUAGE sql AS $$
    DELETE FROM auth_store.access_tokens WHERE tenant_id = 'cleanup';
    SELECT pg_temp.add_token(n, CASE WHEN n % 3 = 0 THEN interval '-1 s' ELSE '1 day' END)
      FROM generate_series(1, 20) AS n;
    UPDATE auth_store.cleanup_cursors SET position = NULL WHERE task = 'access_tokens';
$$;
SELECT pg_temp.again();
BEGIN;
SELECT pg_stat_get_xact_tuples_deleted('auth_store.access_tokens'::regclass) AS before \gset
EXECUTE batch;
SELECT pg_stat_get_xact_tuples_deleted('auth_store.access_tokens'::regclass) - :before AS counted;
COMMIT;
EXECUTE batch;
SELECT array_agg(n) AS kept FROM pg_temp.kept('access_tokens') AS n;
SELECT pg_temp.again();
CREATE TRIGGER see BEFORE DELETE ON auth_store.access_tokens FOR EACH ROW EXECUTE FUNCTION pg_temp.see();
EXECUTE batch;
EXECUTE batch;
DROP TRIGGER see ON auth_store.access_tokens;
SELECT array_agg(n) AS kept, (SELECT array_agg(n ORDER BY n) FROM seen) AS seen FROM pg_temp.kept('access_tokens') AS n;
SELECT pg_temp.again();
BEGIN ISOLATION LEVEL REPEATABLE READ;
EXECUTE batch;
COMMIT;
SELECT array_agg(n) AS kept FROM pg_temp.kept('access_tokens') AS n;
-- What its transaction did before, a batch sees; what it does, is undone with it.
BEGIN;
UPDATE auth_store.access_tokens SET expires_at = clock_timestamp() WHERE id = pg_temp.id(8);
EXECUTE batch;
ROLLBACK;
SELECT array_agg(n) AS kept FROM pg_temp.kept('access_tokens') AS n;
DELETE FROM auth_store.access_tokens WHERE tenant_id = 'cleanup';
-- Without a pin: every tenant, and the old month.
SELECT pg_temp.add_token(1, '-1 s');
SELECT auth_store.cleanup_expired_data(100000) > 0 AS deleted;
SELECT array_agg(n) AS kept FROM pg_temp.kept('access_tokens') AS n;
SELECT to_regclass('auth_store.audit_log_y2019m12') IS NOT NULL AS month_is_there;
-- The months ahead are made too.
BEGIN;
SET LOCAL auth_store.allow_drop = on;
SELECT format('DROP TABLE auth_store.audit_log_%s',
    to_char((clock_timestamp() AT TIME ZONE 'UTC') + interval '2 months', '"y"YYYY"m"MM')) AS drop_month \gset
:drop_month;
SELECT auth_store.cleanup_audit() AS dropped;
SELECT auth_store.partitions_ensure() AS missing;
ROLLBACK;

-- 5. Every table with an expiry has its task; mistakes.
SELECT c.relname, (SELECT done FROM auth_store.cleanup_batch(c.relname, 100000)) AS done FROM pg_class c
 WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
   AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'expires_at') ORDER BY 1;
-- One whose rows go with their partition loses what has ended.
CREATE TEMP TABLE ended AS
SELECT * FROM (VALUES ('claimed_jtis', 'y2020m01d01h00', '2020-01-01 01:00Z'),
    ('revoked_jtis', 'y2020m01d01', '2020-01-02 00:00Z')) AS t (name, period, until);
SELECT format('CREATE TABLE auth_store.%1$s_%2$s (LIKE auth_store.%1$s);
ALTER TABLE auth_store.%1$s_%2$s OWNER TO auth_store_owner;
               ALTER TABLE auth_store.%1$s ATTACH PARTITION auth_store.%1$s_%2$s FOR VALUES
                 FROM (%3$L) TO (%4$L)', name, period, '2020-01-01 00:00Z', until) FROM ended \gexec
SELECT auth_store.cleanup_expired_data() >= 0 AS cleaned;
SELECT c.relname, to_regclass('auth_store.' || c.relname || '_' || e.period) AS ended, e.period IS NOT NULL AS known
  FROM pg_class c LEFT JOIN ended e ON e.name = c.relname
 WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind = 'p'
   AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'expires_at') ORDER BY 1;
SELECT call, pg_temp.raised('SELECT auth_store.' || call) FROM unnest(ARRAY['cleanup_expired_data(0)',
    'cleanup_expired_data(100001)', 'cleanup_expired_data(10, 0)', 'cleanup_expired_data(10, 1000001)',
    'cleanup_batch(NULL)', $$cleanup_batch('tenants')$$, $$cleanup_batch('')$$,
    $$cleanup_batch('grants', -1)$$]) AS call;
CALL auth_store.cleanup(batch_size => 0);
CALL auth_store.cleanup(max_batches => 0);
BEGIN READ ONLY;
SELECT pg_temp.raised('SELECT auth_store.cleanup_expired_data()'), pg_temp.raised('SELECT auth_store.cleanup_audit()');
COMMIT;
SELECT p.oid::regproc AS routine, r AS role, has_function_privilege(r, p.oid, 'EXECUTE') AS execute
  FROM pg_proc p,
       unnest(ARRAY['auth_store_app', 'auth_store_reader', 'auth_store_admin', 'auth_store_auditor', 'public']) AS r
 WHERE p.pronamespace = 'auth_store'::regnamespace AND p.proname LIKE 'cleanup%'
   AND has_function_privilege(r, p.oid, 'EXECUTE') ORDER BY 1::text, 2;
SET ROLE auth_store_app;
CALL auth_store.cleanup();
