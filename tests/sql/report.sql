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
VALUES ('report_old', 'report', 'public', 'none', true, '{}', 'Old', now() - interval '100 days', now());
CREATE TEMP TABLE report AS
SELECT auth_store.compliance_report(now() - interval '1 hour', now() + interval '1 hour', 'report') AS r;
SELECT jsonb_object_keys(r) FROM report ORDER BY 1;
SELECT jsonb_pretty(r -> 'tokens') FROM report;
SELECT r -> 'replays' AS replays, r #> '{flags,0,flag}' AS worst, r #> '{flags,0,users}' AS users FROM report;
SELECT a ->> 'event' AS event, a ->> 'done' AS done, a ->> 'called_by' = session_user AS by_me
  FROM report, jsonb_array_elements(r -> 'administration') a;
SELECT r #> '{stale,api_keys}' AS keys, r #> '{stale,oldest_clients,0,id}' AS client, r #> '{stale,clients}' AS clients
  FROM report;
SELECT r -> 'second_factors' AS factors FROM report;
SELECT r #> '{erasures,users}' AS users, r #> '{retention,audit_seconds}' AS audit,
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
