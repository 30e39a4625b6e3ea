-- Giving out and erasing what is held about a user. That nothing is left is proved by tests/tap/erasure.pl.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('privacy');
SELECT user_id AS ann FROM auth_store.user_create('ann@privacy.example', external_id => 'p-1', first_name => 'Ann',
    metadata => '{"n": 1.10}', tenant_id => 'privacy', ip => '192.0.2.1') \gset
SELECT auth_store.user_export(:'ann') AS document \gset
SELECT u->>'email' AS email, u->'metadata' AS metadata, jsonb_array_length(d->'user_names') AS names,
       d->'sessions' AS sessions, d->'audit_log'->0->>'event' AS event, d->'audit_log'->0->>'ip' AS ip,
       (d->>'exported_at')::timestamptz > clock_timestamp() - interval '1 min' AS now
  FROM CAST(:'document' AS jsonb) d, jsonb_array_elements(d->'users') u;
SELECT event, details->'bytes' > '100' AS bytes FROM auth_store.audit_log
 WHERE user_id = :'ann' AND event = 'user.exported';
-- The document is the same whatever the session's bytea_output.
INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up, aaguid,
    tenant_id, rp_id, credential_id, public_key, attestation_format, transports)
VALUES (gen_random_uuid(), :'ann', 0, -7, true, false, false, gen_random_uuid(), 'privacy', 'privacy.example',
    '\x0001', '\xff', 'none', '{}');
SET bytea_output = escape;
SELECT p->>'credential_id' AS credential_id, p->>'public_key' AS public_key
  FROM jsonb_array_elements(auth_store.user_export(:'ann') -> 'passkeys') p;
RESET bytea_output;
-- Another tenant's session knows nobody.
BEGIN;
SET LOCAL auth_store.tenant_id = 'default';
SELECT pg_temp.raised(format('SELECT auth_store.user_%s(%L)', what, :'ann'))
  FROM (VALUES ('export'), ('erase')) t (what);
COMMIT;
BEGIN READ ONLY;
SELECT pg_temp.raised(format('SELECT auth_store.user_%s(%L)', what, :'ann'))
  FROM (VALUES ('export'), ('erase')) t (what);
COMMIT;
SELECT pg_temp.raised('SELECT auth_store.user_' || call) FROM (VALUES (1, 'export(NULL)'), (2, 'erase(NULL)'),
    (3, 'export(gen_random_uuid())'), (4, 'erase(gen_random_uuid())'),
    (5, format('erase(%L, repeat(''x'', 1001))', :'ann'))) t (n, call) ORDER BY n;

-- Invitations to the address: in the user's tenant, elsewhere only if the user has proved it.
SELECT n, i.error FROM (VALUES (1, 'ANN@privacy.example', 'privacy'), (2, 'ann@privacy.example', 'default'),
    (3, 'bob@privacy.example', 'privacy')) t (n, email, tenant),
    LATERAL auth_store.invitation_create(email, 'user', tenant, invited_by => :'ann') i ORDER BY n;
CREATE FUNCTION pg_temp.invited(document jsonb, OUT email text, OUT tenant text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT t->>'email', t->>'tenant_id' FROM jsonb_array_elements(document->'one_time_tokens') t ORDER BY 1, 2
$$;
SELECT * FROM pg_temp.invited(auth_store.user_export(:'ann'));
SELECT auth_store.user_update(:'ann', '{"email_verified": true}');
SELECT * FROM pg_temp.invited(auth_store.user_export(:'ann'));

-- The month of the trail is read by its index, however large it is.
SELECT format('audit_log_y%sm%s', to_char(t, 'YYYY'), to_char(t, 'MM')) AS month
  FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC') AS n (t) \gset
INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, tenant_id, event, details)
SELECT gen_random_uuid(), clock_timestamp(), true, md5((n % 5003)::text)::uuid, 'privacy', 'token.used',
       jsonb_build_object('filler', repeat(n::text, 20))
  FROM generate_series(1, 40000) n;
-- More than 20 ranges of the index, each summarized: by this, or before it by autovacuum (autosummarize).
SELECT pg_relation_size(('auth_store.' || :'month')::regclass) / current_setting('block_size')::int / 16 > 20 AS large,
       brin_summarize_new_values(('auth_store.' || :'month' || '_idx')::regclass) >= 0 AS done;
SELECT brin_summarize_new_values(('auth_store.' || :'month' || '_idx')::regclass) = 0 AS summarized;
ANALYZE auth_store.:month;
BEGIN;
-- Whatever the server's settings are.
SET LOCAL enable_bitmapscan = on;
SET LOCAL max_parallel_workers_per_gather = 0;
SELECT seq_scan AS scans FROM pg_stat_xact_user_tables WHERE relname = :'month' \gset
SELECT count(*) > 0 AS activity FROM auth_store.user_activity(:'ann');
SELECT auth_store.user_export(:'ann') IS NOT NULL AS exported;
SELECT auth_store.user_erase(:'ann') IS NOT NULL AS erased;
SELECT seq_scan - :scans AS scans, idx_scan >= 3 AS by_index FROM pg_stat_xact_user_tables WHERE relname = :'month';
ROLLBACK;
DELETE FROM auth_store.audit_log WHERE details ? 'filler' AND tenant_id = 'privacy';

-- The certificate; the names are free then.
SELECT auth_store.user_erase(:'ann', 'request 4711', ip => '192.0.2.9', user_agent => 'admin') AS certificate \gset
SELECT c->>'user_id' = :'ann' AS of_ann, c->>'tenant_id' AS tenant, c->>'reason' AS reason
  FROM CAST(:'certificate' AS jsonb) c;
SELECT t.* FROM jsonb_each(CAST(:'certificate' AS jsonb)->'tables') t
 WHERE value NOT IN ('{"removed": 0}', '{"pseudonymised": 0}') ORDER BY key COLLATE "C";
SELECT count(*) FROM auth_store.user_get(:'ann');
SELECT email, tenant_id, details FROM auth_store.one_time_tokens WHERE email ILIKE '%@privacy.example';
SELECT error FROM auth_store.user_create('ann@privacy.example', external_id => 'p-1', tenant_id => 'privacy');
SELECT event, ip, user_agent, details->'reason' AS reason, user_id = :'ann' AS of_ann FROM auth_store.audit_log
 WHERE tenant_id = 'privacy' ORDER BY occurred_at;
SELECT auth_store.tenant_erase('privacy', 'privacy') > 0 AS erased;
