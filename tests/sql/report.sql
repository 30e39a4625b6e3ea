-- Jobs without pg_cron, when a schedule is due, and the report of a period. tests/tap/jobs.pl has pg_cron itself.
\i tests/sql/include/helpers.sql
\pset null NULL
SET client_min_messages = warning;

-- 1. What is to be scheduled.
SELECT replace(name, current_database(), 'DB') AS name, schedule, replace(command, current_database(), 'DB') AS command,
       database = current_database() AS here
  FROM auth_store.job_plan();
SELECT count(*), count(active), count(last_status), count(next_run_at) FROM auth_store.jobs;
SELECT done, count(*) FROM auth_store.jobs_schedule() GROUP BY 1;
SELECT done, count(*) FROM auth_store.jobs_unschedule() GROUP BY 1;
SELECT pg_temp.raised($$SELECT auth_store.jobs_schedule('no such role')$$);

-- 2. When a schedule is due.
SELECT schedule, auth_store.job_next_run(schedule, '2026-11-28 21:56:30+00') AT TIME ZONE 'UTC' AS due
  FROM (VALUES ('*/5 * * * *'), ('7 * * * *'), ('40 3 * * *'), ('0 0 29 feb *'), ('30 seconds'), ('@daily'), (''))
       s (schedule);
SELECT auth_store.job_next_run(NULL, now()), auth_store.job_next_run('* * * * *', NULL),
       auth_store.job_next_run('* * * * *', 'infinity'), auth_store.job_next_run('* * * * *', '-infinity');

-- 3. The report of a period, of a tenant with a bit of everything.
SELECT auth_store.tenant_create('report', 'Report') IS NOT NULL AS made;
SELECT user_id AS alice FROM auth_store.user_create('alice@report.example', tenant_id => 'report') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@report.example', tenant_id => 'report') \gset
SELECT client_id, client_secret IS NULL AS public
  FROM auth_store.client_create('Report', ARRAY['https://report.example/cb'], 'public', client_id => 'report_app',
      scope => 'read', tenant_id => 'report');
SELECT auth_store.role_create('auditor', ARRAY['report:read'], tenant_id => 'report') IS NOT NULL AS made;
SELECT auth_store.role_assign(:'alice', 'auditor') IS NOT NULL AS given;
SET auth_store.refresh_grace = 0;
SELECT access_token AS access, refresh_token AS first
  FROM auth_store.token_issue('report_app', :'alice', 'read', refresh => true) \gset
SELECT refresh_token AS second FROM auth_store.token_refresh(:'first', 'report_app') \gset
SELECT refresh_token AS third FROM auth_store.token_refresh(:'second', 'report_app') \gset
SELECT error FROM auth_store.token_refresh(:'first', 'report_app');
SELECT auth_store.audit_write('client.renamed', client_id => 'report_app', flags => '{code_replay}') IS NOT NULL;
-- nobody's for a hundred days
INSERT INTO auth_store.clients (id, tenant_id, client_type, token_endpoint_auth_method, require_pkce, grant_types, name,
    created_at, updated_at)
VALUES ('report_old', 'report', 'public', 'none', true, '{}', 'Old', now() - interval '100 days', now()),
       ('report_less', 'report', 'public', 'none', true, '{}', 'Less', now() - interval '100 days', now());
-- used 60 days ago, by a grant that is gone
INSERT INTO auth_store.client_usage (day, last_used_at, codes_issued, codes_redeemed, devices_redeemed, tokens_issued,
    tokens_refreshed, tokens_exchanged, tokens_used, revoked, refused, refresh_refused, users, tenant_id, client_id)
VALUES ((now() - interval '60 days')::date, now() - interval '60 days', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'report',
        'report_less');
-- what else there is to count: a code, redeemed and presented again; a device, an exchange, a revocation
SELECT client_secret AS secret FROM auth_store.client_create('Report', '{https://report.example/cb}',
    client_id => 'report_web', tenant_id => 'report', scope => 'read', grant_types => ARRAY['authorization_code',
    'refresh_token', 'client_credentials', 'urn:ietf:params:oauth:grant-type:device_code',
    'urn:ietf:params:oauth:grant-type:token-exchange']) \gset
SET auth_store.code_replay_grace = 0;
SELECT code FROM auth_store.code_issue('report_web', :'alice', 'https://report.example/cb', 'read',
    code_challenge => auth_store.pkce_challenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')) \gset
SELECT error FROM auth_store.code_redeem(:'code', 'report_web', client_secret => :'secret',
    redirect_uri => 'https://report.example/cb', code_verifier => 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk');
SELECT error FROM auth_store.code_redeem(:'code', 'report_web', client_secret => :'secret',
    redirect_uri => 'https://report.example/cb', code_verifier => 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk');
SELECT device_code, user_code FROM auth_store.device_authorize('report_web', client_secret => :'secret') \gset
SELECT error FROM auth_store.device_approve(:'user_code', :'alice');
SELECT access_token AS device_token
  FROM auth_store.device_redeem(:'device_code', 'report_web', client_secret => :'secret') \gset
SELECT error FROM auth_store.token_exchange(:'device_token', client_id => 'report_web', client_secret => :'secret');
SELECT error FROM auth_store.token_revoke(:'device_token', 'report_web', client_secret => :'secret');
SELECT count(auth_store.grant_revoke(g.id, 'report')) AS revoked FROM auth_store.grants g
 WHERE tenant_id = 'report' AND revoked_at IS NULL;
-- a key that nobody used for a hundred days, one that was rotated since, and one that is revoked
SELECT api_key_id AS stale FROM auth_store.api_key_create('stale', client_id => 'report_web') \gset
SELECT api_key_id AS turned FROM auth_store.api_key_create('turned', client_id => 'report_web') \gset
SELECT api_key_id AS revoked FROM auth_store.api_key_create('revoked', client_id => 'report_web') \gset
UPDATE auth_store.api_keys SET id = ('0190' || substr(id::text, 5))::uuid,
       rotated_at = CASE WHEN name = 'turned' THEN now() END, revoked_at = CASE WHEN name = 'revoked' THEN now() END
 WHERE tenant_id = 'report';
-- a member with a passkey, and a guest of another tenant, who has none
SELECT user_id AS carol FROM auth_store.user_create('carol@report.example', tenant_id => 'report') \gset
INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up, aaguid,
       tenant_id, rp_id, credential_id, public_key, attestation_format, transports, name)
VALUES (gen_random_uuid(), :'carol', 0, -7, true, true, false, gen_random_uuid(), 'report', 'report.example', '\x01',
        '\xa5', 'none', '{}', 'Key');
SELECT user_id AS guest FROM auth_store.user_create('guest@elsewhere.example') \gset
SELECT auth_store.role_assign(u, 'auditor', tenant_id => 'report') IS NOT NULL AS given
  FROM unnest(ARRAY[:'carol', :'guest']::uuid[]) u;
-- what a worker and cleanup do is no act of an administrator's
INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event, details, from_application)
SELECT gen_random_uuid(), now(), true, 'report', e, '{"rows": 7}', false
  FROM unnest('{webhook.disabled,webhook.suspended,role.expired,token.expired,token.expired}'::text[]) e;
-- a proof that came again, twice, a passkey that seems to be copied, and months that were dropped
INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, user_id, client_id, event, flags, risk_score,
    from_application)
SELECT gen_random_uuid(), now(), f IS NULL, 'report', v.u::uuid, 'report_web', e,
       CASE WHEN f <> '' THEN ARRAY[f] END, risk, false
  FROM (VALUES ('dpop.verified', 'jti_replay', 0.8, :'alice'), ('dpop.verified', 'jti_replay', 0.8, :'carol'),
               ('passkey.authenticated', 'passkey_clone_suspected', 1, :'carol'),
               ('audit.month_dropped', NULL, 0, NULL), ('audit.month_dropped', NULL, 0, NULL)) v (e, f, risk, u);
CREATE TEMP TABLE report AS
SELECT auth_store.compliance_report(now() - interval '1 hour', now() + interval '1 hour', 'report') AS r;
SELECT jsonb_object_keys(r) FROM report ORDER BY 1;
SELECT jsonb_pretty(r -> 'tokens') FROM report;
SELECT r -> 'replays' AS replays FROM report;
SELECT f ->> 'flag' AS flag, f ->> 'steps' AS steps, f ->> 'users' AS users, f ->> 'clients' AS clients,
       (f ->> 'risk_score')::real AS risk
  FROM report, jsonb_array_elements(r -> 'flags') f;
SELECT a ->> 'event' AS event, a ->> 'done' AS done, a ->> 'called_by' = session_user AS by_me
  FROM report, jsonb_array_elements(r -> 'administration') a;
SELECT r #> '{stale,api_keys}' AS keys, r #> '{stale,oldest_clients,0,id}' AS client, r #> '{stale,clients}' AS clients
  FROM report;
SELECT jsonb_path_query_array(r, '$.stale.oldest_api_keys[*].name') AS names FROM report;
SELECT r -> 'second_factors' AS factors FROM report;
-- for all tenants, what cleanup deleted too
SELECT (r #>> '{tokens,expired,token}')::bigint >= 14 AS tokens, (r #>> '{tokens,expired,role}')::bigint >= 7 AS roles
  FROM auth_store.compliance_report(now() - interval '1 hour', now() + interval '1 hour') r;
SELECT r #> '{erasures,users}' AS users, r #> '{retention,audit_seconds}' AS audit,
       r #> '{retention,grants_seconds}' AS grants, r #> '{retention,months_dropped}' AS dropped,
       r #>> '{retention,oldest_month}' ~ '^\d{4}-\d\d$' AS oldest
  FROM report;
SELECT auth_store.user_erase(:'bob', 'request 1') IS NOT NULL AS erased;
SELECT r #> '{erasures,users}' AS users, r #> '{erasures,newest,0,user_id}' <> to_jsonb(:'bob'::text) AS pseudonym,
       r #> '{second_factors,users}' AS left
  FROM auth_store.compliance_report(now() - interval '1 hour', now() + interval '1 hour', 'report') r;
SELECT r #> '{tokens,tokens_issued}' AS before
  FROM auth_store.compliance_report(now() - interval '2 hour', now() - interval '1 hour', 'report') r;
SELECT n, pg_temp.raised(format('SELECT auth_store.compliance_report(%s)', arguments))
  FROM (VALUES (1, 'NULL, now()'), (2, 'now(), NULL'), (3, 'now(), now()'), (4, $$now(), 'infinity'$$),
               (5, $$'2026-01-01', '2026-02-01', 'nobody'$$)) v (n, arguments);
-- a pinned session has its own
SET auth_store.tenant_id = 'report';
SELECT r #> '{tokens,tokens_issued}' AS issued, r #> '{second_factors,users}' AS users
  FROM auth_store.compliance_report(now() - interval '1 hour', now() + interval '1 hour') r;
RESET auth_store.tenant_id;
SELECT auth_store.tenant_erase('report', 'report') IS NOT NULL AS erased;
SELECT r #> '{erasures,tenants}' >= '1' AS erased
  FROM auth_store.compliance_report(now() - interval '1 hour', now() + interval '1 hour') r;
SELECT auth_store.user_erase(:'guest') IS NOT NULL AS erased;
