-- The reporting views over the audit trail.
\i tests/sql/include/helpers.sql
\pset null NULL
SET TimeZone = 'UTC';

-- A tenant of its own: what other tests wrote is not in the way.
SELECT auth_store.tenant_create('views', 'Views') IS NOT NULL AS made;
SET auth_store.tenant_id = 'views';
SELECT client_secret AS secret
  FROM auth_store.client_create('Views', ARRAY['https://views.example/cb'], client_id => 'views_web',
      scope => 'read') \gset
SELECT user_id AS ann FROM auth_store.user_create('ann@views.example') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@views.example') \gset
SELECT code FROM auth_store.code_issue('views_web', :'ann', code_challenge => :'challenge') \gset
SELECT refresh_token, access_token, grant_id
  FROM auth_store.code_redeem(:'code', 'views_web', code_verifier => :'verifier', client_secret => :'secret',
      ip => '192.0.2.1') \gset
SELECT refresh_token AS second
  FROM auth_store.token_refresh(:'refresh_token', 'views_web', :'secret', ip => '198.51.100.1',
      user_agent => 'curl/8') \gset
SELECT error FROM auth_store.token_refresh(:'second', 'views_web', 'wrong');
SELECT error FROM auth_store.code_issue('views_gone', :'ann', code_challenge => :'challenge');
SELECT refresh_token AS third, access_token AS used FROM auth_store.token_issue('views_web', :'bob') \gset
SELECT active, error FROM auth_store.token_use(:'used', 'read');
SELECT active, error FROM auth_store.token_use(:'used', 'write');
SELECT error FROM auth_store.token_revoke(:'used', 'views_web', :'secret');
SELECT auth_store.grant_revoke(:'grant_id', 'test');
SET auth_store.code_replay_grace = 0;
SELECT error
  FROM auth_store.code_redeem(:'code', 'views_web', code_verifier => :'verifier', client_secret => :'secret');
RESET auth_store.code_replay_grace;
SELECT auth_store.audit_write('order.failed', error => 'out_of_stock',
    details => '{"order": 7}') IS NOT NULL AS written;
SELECT auth_store.audit_write('order.odd', risk_score => 0.95) IS NOT NULL AS written;
-- An application's own row counts as none of the store's, whatever it is called.
SELECT auth_store.audit_write('token.lost', client_id => 'views_web', success => false,
    user_id => :'bob') IS NOT NULL AS written;

SELECT event, success, error, risk_score, flags, client_id,
       (SELECT n FROM (VALUES (:'ann'::uuid, 'ann'), (:'bob', 'bob')) AS u (id, n) WHERE id = user_id) AS "user",
       grant_id = :'grant_id' AS grant, ip, user_agent, details->>'order' AS "order"
  FROM auth_store.recent_activity WHERE event !~ '^(tenant|client|user)[.]' ORDER BY occurred_at;
SELECT event, error, risk_score, flags, client_id, resource_type FROM auth_store.failed_actions ORDER BY occurred_at;
SELECT event, success, severity, risk_score, flags FROM auth_store.security_events ORDER BY occurred_at;
SELECT bool_and(day = (clock_timestamp() AT TIME ZONE 'UTC')::date AND tenant_id = 'views') AS today
  FROM auth_store.token_activity;
SELECT client_id, codes_issued, codes_redeemed, tokens_issued, tokens_refreshed, tokens_used, revoked, refused, users
  FROM auth_store.token_activity ORDER BY client_id;
-- A device and an exchange.
SELECT client_secret AS secret FROM auth_store.client_create('Device', client_id => 'views_tv', scope => 'read',
    grant_types => '{urn:ietf:params:oauth:grant-type:device_code,'
                   'urn:ietf:params:oauth:grant-type:token-exchange}') \gset
SELECT device_code, user_code FROM auth_store.device_authorize('views_tv', :'secret') \gset
SELECT error FROM auth_store.device_approve(:'user_code', :'ann');
SELECT access_token FROM auth_store.device_redeem(:'device_code', 'views_tv', :'secret') \gset
SELECT error FROM auth_store.token_exchange(:'access_token', client_id => 'views_tv', client_secret => :'secret');
SELECT error FROM auth_store.device_redeem('asdc_' || repeat('A', 64), 'views_tv', :'secret');
SELECT client_id, devices_redeemed, tokens_exchanged, tokens_issued, refused, users FROM auth_store.token_activity
 ORDER BY client_id;
SET auth_store.tenant_id = 'elsewhere';
SELECT (SELECT count(*) FROM auth_store.recent_activity) AS recent,
       (SELECT count(*) FROM auth_store.failed_actions) AS failed,
       (SELECT count(*) FROM auth_store.security_events) AS security,
       (SELECT count(*) FROM auth_store.token_activity) AS tokens;
RESET auth_store.tenant_id;

-- 30 days, and as far back as the trail goes. The day is that of UTC.
CREATE TABLE auth_store.audit_log_archive (LIKE auth_store.audit_log INCLUDING ALL);
ALTER TABLE auth_store.audit_log ATTACH PARTITION auth_store.audit_log_archive FOR VALUES
  FROM ('2010-01-01 00:00+00') TO ('2011-01-01 00:00+00');
INSERT INTO auth_store.audit_log (id, occurred_at, success, risk_score, tenant_id, event, client_id)
    VALUES (gen_random_uuid(), '2010-05-05', false, 0.3, 'views', 'token.refreshed', 'views_old');
SELECT (SELECT count(*) FROM auth_store.recent_activity WHERE client_id = 'views_old') AS recent,
       (SELECT count(*) FROM auth_store.failed_actions WHERE client_id = 'views_old') AS failed,
       (SELECT severity FROM auth_store.security_events WHERE client_id = 'views_old') AS security,
       (SELECT count(*) FROM auth_store.token_activity WHERE client_id = 'views_old') AS tokens;
DROP TABLE auth_store.audit_log_archive;
CREATE TEMP TABLE risks AS
SELECT n / 100.0 AS risk, auth_store.audit_write('views.risk', risk_score => (n / 100.0)::real) AS id
  FROM generate_series(0, 100) AS n;
SELECT severity, round(min(risk), 2) AS min, round(max(risk), 2) AS max FROM risks
  LEFT JOIN auth_store.security_events USING (id)
 GROUP BY 1 ORDER BY 2;

-- Who may read, and that no view shows a digest.
SELECT c.relname AS view, r AS role, has_table_privilege(r, c.oid, 'SELECT') AS "select",
       has_table_privilege(r, c.oid, 'INSERT, UPDATE, DELETE') AS write
  FROM pg_class c,
       unnest(ARRAY['auth_store_app', 'auth_store_reader', 'auth_store_admin', 'auth_store_auditor', 'public']) AS r
 WHERE c.relname IN ('recent_activity', 'failed_actions', 'token_activity', 'security_events') AND c.relkind = 'v'
 ORDER BY 1, r = 'public', 2;
SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind = 'v' AND a.attname ~ 'digest|hash|secret|sealed';
SELECT c.relname, pg_get_userbyid(c.relowner) AS owner, obj_description(c.oid) IS NOT NULL AS described FROM pg_class c
 WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind = 'v' ORDER BY 1;
SET ROLE auth_store_auditor;
SELECT count(*) > 0 AS read FROM auth_store.recent_activity;
SELECT pg_temp.raised('SELECT * FROM auth_store.audit_log');
SELECT pg_temp.raised('SELECT digest FROM auth_store.access_tokens');
RESET ROLE;
