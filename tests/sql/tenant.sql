-- Tenants: made, suspended, erased; and the pin that keeps a session to one.
\i tests/sql/include/helpers.sql

SELECT status, display_name, settings FROM auth_store.tenants WHERE id = 'default';
SELECT count(*) AS trail FROM pg_temp.trail() \gset
SELECT auth_store.tenant_create('acme', 'Acme Inc.', '{"plan": "gold"}');
SELECT auth_store.tenant_create('initech');
SELECT id, status, display_name, settings FROM auth_store.tenants WHERE id IN ('acme', 'initech') ORDER BY id;
SELECT auth_store.tenant_update('acme', settings => '{"plan": "silver"}');
SELECT auth_store.tenant_update('acme', 'Acme');
SELECT auth_store.tenant_update('acme');
SELECT display_name, settings, updated_at > created_at AS updated FROM auth_store.tenants WHERE id = 'acme';
SELECT * FROM pg_temp.trail();
SELECT DISTINCT tenant_id, resource_type, resource_id FROM auth_store.audit_log
 WHERE event = 'tenant.created' AND tenant_id IN ('acme', 'initech') ORDER BY 1;

SELECT left(id, 20) AS id, pg_temp.raised(format('SELECT auth_store.tenant_create(%L)', id))
  FROM (VALUES (NULL), (''), ('-a'), ('.a'), ('a b'), ('a/b'), ('é'), (E'a\n'), (repeat('a', 63)), (repeat('a', 64)),
      (repeat('a', 1000000)), ('acme'), ('default')) AS t (id);
SELECT pg_temp.raised(format('SELECT auth_store.tenant_create(%L, %L, %L)', 'other', name, settings))
  FROM (VALUES ('', '{}'), (E'a\tb', '{}'), (repeat('x', 201), '{}'), ('x', '[]'), ('x', 'null'),
      ('x', format('{"a": "%s"}', repeat('x', 70000)))) AS t (name, settings);
SELECT pg_temp.raised(statement) FROM (VALUES
    ('SELECT auth_store.tenant_update(NULL)'), ('SELECT auth_store.tenant_update(''nowhere'')'),
    ('SELECT auth_store.tenant_update(''acme'', '''')'),
    ('SELECT auth_store.tenant_update(''acme'', NULL, ''1'')'),
    ('SELECT auth_store.tenant_set_status(NULL, ''active'')'),
    ('SELECT auth_store.tenant_set_status(''acme'', NULL)'),
    ('SELECT auth_store.tenant_set_status(''acme'', ''revoked'')'),
    ('SELECT auth_store.tenant_set_status(''nowhere'', ''active'')'),
    ('SELECT auth_store.tenant_set_status(''acme'', ''active'', E''a\nb'')')) AS t (statement);

-- A suspended tenant: its clients do not work, its tokens are not active, and come back with it.
SELECT client_id AS client, client_secret AS secret
  FROM auth_store.client_create('app', tenant_id => 'acme', scope => 'read',
      grant_types => '{client_credentials,refresh_token}') \gset
SELECT user_id AS ann FROM auth_store.user_create('ann@acme.example', tenant_id => 'acme') \gset
SELECT access_token AS token, refresh_token AS refresh FROM auth_store.token_issue(:'client', :'ann') \gset
SELECT active, tenant_id FROM auth_store.token_introspect(:'token');
SELECT auth_store.tenant_set_status('acme', 'suspended', 'unpaid');
SELECT status, status_reason FROM auth_store.tenants WHERE id = 'acme';
SELECT active FROM auth_store.token_introspect(:'token');
SELECT ok, error FROM auth_store.client_authenticate(:'client', :'secret');
SELECT error FROM auth_store.token_refresh(:'refresh', :'client', :'secret');
-- A client made meanwhile is suspended as well; other tenants are not.
SELECT client_id AS late, client_secret AS late_secret FROM auth_store.client_create('late', tenant_id => 'acme') \gset
SELECT ok, error FROM auth_store.client_authenticate(:'late', :'late_secret');
SELECT client_id AS elsewhere, client_secret AS elsewhere_secret
  FROM auth_store.client_create('elsewhere', tenant_id => 'initech') \gset
SELECT ok, tenant_id FROM auth_store.client_authenticate(:'elsewhere', :'elsewhere_secret');
SELECT auth_store.tenant_set_status('acme', 'active');
SELECT active FROM auth_store.token_introspect(:'token');
SELECT ok, tenant_id FROM auth_store.client_authenticate(:'late', :'late_secret');
-- Suspending the tenant does not touch a client's own status.
SELECT auth_store.client_set_status(:'late', 'suspended');
SELECT auth_store.tenant_set_status('acme', 'suspended'), auth_store.tenant_set_status('acme', 'active');
SELECT ok FROM auth_store.client_authenticate(:'late', :'late_secret');

-- A client of one tenant and a user of another do not meet.
SELECT user_id AS bob FROM auth_store.user_create('bob@initech.example', tenant_id => 'initech') \gset
SELECT pg_temp.raised(format('SELECT auth_store.token_issue(%L, %L)', :'client', :'bob'));

-- The pin: the session sees its tenant alone, and that is the default of tenant_id.
SET auth_store.tenant_id = 'initech';
SELECT ok, tenant_id FROM auth_store.client_authenticate(:'elsewhere', :'elsewhere_secret');
SELECT ok, error FROM auth_store.client_authenticate(:'client', :'secret');
SELECT active FROM auth_store.token_introspect(:'token');
SELECT count(*) FROM auth_store.user_get(:'ann');
SELECT tenant_id FROM auth_store.user_get(:'bob');
SELECT user_id AS eve FROM auth_store.user_create('eve@initech.example') \gset
SELECT tenant_id FROM auth_store.user_get(:'eve');
SELECT auth_store.user_ensure('tenant-eve') AS eve_external \gset
SELECT tenant_id FROM auth_store.user_get(:'eve_external');
SELECT client_id AS pinned FROM auth_store.client_create('pinned', tenant_id => 'initech') \gset
SELECT what, pg_temp.raised(what) FROM (VALUES
    ('SELECT auth_store.client_create(''x'', tenant_id => ''acme'')'),
    ('SELECT auth_store.user_create(tenant_id => ''acme'')'),
    ('SELECT auth_store.user_ensure(''x'', ''acme'')'), ('SELECT auth_store.user_ensure(''x'', ''default'')'),
    ('SELECT auth_store.tenant_create(''more'')'), ('SELECT auth_store.tenant_update(''acme'', ''x'')'),
    ('SELECT auth_store.tenant_set_status(''acme'', ''suspended'')'),
    ('SELECT auth_store.tenant_erase(''acme'', ''acme'')')) AS t (what);
SELECT pg_temp.raised(format(statement, :'client')) FROM (VALUES
    ('SELECT auth_store.client_update(%L, ''{}'')'), ('SELECT auth_store.client_set_status(%L, ''suspended'')'),
    ('SELECT auth_store.client_delete(%L)'),
    ('SELECT auth_store.client_secret_rotate(%L)'), ('SELECT auth_store.client_grants_revoke(%L)')) AS t (statement);
-- Ids of clients are unique over all tenants, and nothing else of the other is said.
SELECT pg_temp.raised(format('SELECT auth_store.client_create(''x'', client_id => %L)', :'client'));
RESET auth_store.tenant_id;
SELECT tenant_id FROM auth_store.clients WHERE id = :'pinned';
-- A pin to nothing sees nothing.
SET auth_store.tenant_id = 'nowhere';
SELECT ok, error FROM auth_store.client_authenticate(:'client', :'secret');
SELECT pg_temp.raised('SELECT auth_store.user_create()');
RESET auth_store.tenant_id;
-- Nobody but a superuser sets it.
CREATE ROLE tenant_app LOGIN;
GRANT auth_store_app TO tenant_app;
SET SESSION AUTHORIZATION tenant_app;
SELECT current_setting('auth_store.tenant_id') = '' AS unset;
\set VERBOSITY sqlstate
SET auth_store.tenant_id = 'acme';
\set VERBOSITY default
RESET SESSION AUTHORIZATION;
DROP ROLE tenant_app;

-- Erasing: everything of the one, nothing of the other.
SELECT client_id AS web
  FROM auth_store.client_create('web', '{https://a.example/}', 'public', tenant_id => 'acme') \gset
SELECT error
  FROM auth_store.code_issue(:'web', :'ann', code_challenge => :'challenge', code_challenge_method => 'S256');
SELECT relation, rows FROM pg_temp.tenant_rows('acme') WHERE rows > 0 AND relation <> 'audit_log';
CREATE FUNCTION pg_temp.others() RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(r.rows)::bigint FROM auth_store.tenants t, pg_temp.tenant_rows(t.id) r WHERE t.id <> 'acme'
$$;
SELECT pg_temp.others() AS others \gset
SELECT pg_temp.raised(statement) FROM (VALUES
    ('SELECT auth_store.tenant_erase(NULL, NULL)'), ('SELECT auth_store.tenant_erase(''acme'', NULL)'),
    ('SELECT auth_store.tenant_erase(''acme'', ''yes'')'),
    ('SELECT auth_store.tenant_erase(''default'', ''default'')'),
    ('SELECT auth_store.tenant_erase(''nowhere'', ''nowhere'')')) AS t (statement);
SELECT sum(rows) AS acme_rows FROM pg_temp.tenant_rows('acme') \gset
SELECT auth_store.tenant_erase('acme', confirm => 'acme') = :acme_rows AS all_counted;
SELECT * FROM pg_temp.tenant_rows('acme') WHERE rows > 0;
SELECT event, success, details - 'rows' AS details FROM auth_store.audit_log WHERE tenant_id = 'acme';
SELECT pg_temp.others() = :others AS others_untouched;
SELECT active FROM auth_store.token_introspect(:'token');
SELECT ok, error FROM auth_store.client_authenticate(:'client', :'secret');
SELECT pg_temp.raised('SELECT auth_store.tenant_erase(''acme'', ''acme'')');
-- The id can be used again; what was lost stays lost.
SELECT auth_store.tenant_create('acme');
SELECT active FROM auth_store.token_introspect(:'token');
SELECT auth_store.tenant_erase('acme', 'acme') > 0 AS erased;

-- Of a tenant with a row in every table nothing is left. Five tables are no tenant's.
SELECT relname AS of_no_tenant FROM pg_class
 WHERE relnamespace = 'auth_store'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
   AND relname NOT IN (SELECT relation FROM pg_temp.tenant_rows('full')) ORDER BY 1;
SELECT auth_store.tenant_create('full') AS tenant, auth_store.user_ensure('full', 'full') AS user \gset full_
SELECT auth_store.provider_set('https://full.example', tenant_id => 'full');
SELECT auth_store.resource_set('https://api.full.example', tenant_id => 'full');
SELECT auth_store.signing_key_create(tenant_id => 'full') IS NOT NULL AS signing_key;
SELECT client_id AS client, client_secret AS secret
  FROM auth_store.client_create('Full', ARRAY['https://full.example/cb'], tenant_id => 'full', scope => 'read',
      grant_types => '{authorization_code,refresh_token,urn:ietf:params:oauth:grant-type:device_code}') \gset full_
SELECT auth_store.tenant_policy_set('full', '{"password_history": 3}');
SELECT FROM auth_store.password_set(:'full_user', 'quartz lantern 0');
SELECT FROM auth_store.password_set(:'full_user', 'quartz lantern 1');
SELECT auth_store.password_import(:'full_user', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    pepper => 'full');
SELECT FROM auth_store.session_create(:'full_user');
SELECT FROM auth_store.identity_link(:'full_user', 'google', 'full');
INSERT INTO auth_store.devices (id, user_id, first_seen_at, last_seen_at, tenant_id)
    VALUES (gen_random_uuid(), :'full_user', clock_timestamp(), clock_timestamp(), 'full');
INSERT INTO auth_store.login_failures (id, since, expires_at, failures, locks, max_failures, tenant_id, kind)
    VALUES (gen_random_uuid(), clock_timestamp(), 'infinity', 1, 0, 5, 'full', 'password');
INSERT INTO auth_store.user_name_claims (id, user_id, claimed_at, tenant_id, kind)
    VALUES (gen_random_uuid(), :'full_user', clock_timestamp(), 'full', 'email');
SELECT FROM auth_store.consent_record(:'full_user', :'full_client');
SELECT FROM auth_store.token_issue(:'full_client', :'full_user');
SELECT auth_store.refresh_token_import(encode(sha256('full token'), 'hex'), :'full_client', :'full_user') \gset full_
SELECT auth_store.imported_point(encode(sha256('full pointer'), 'hex'), auth_store.user_id_new('pointer'), 'api_key',
    tenant_id => 'full');
SELECT FROM auth_store.code_issue(:'full_client', :'full_user', code_challenge => :'challenge');
SELECT FROM auth_store.pushed_request_create(:'full_client', :'full_secret',
    parameters => jsonb_build_object('response_type', 'code', 'code_challenge', :'challenge', 'code_challenge_method',
        'S256'));
SELECT next FROM auth_store.http_authorize('GET', convert_to(concat('response_type=code&code_challenge_method=S256',
    '&code_challenge=', :'challenge', '&client_id=', :'full_client'), 'UTF8'));
SELECT FROM auth_store.device_authorize(:'full_client', :'full_secret');
SELECT FROM auth_store.api_key_create('full', :'full_user');
SELECT auth_store.tenant_policy_set('full', '{"passkey_rp_id": "full.example"}');
SELECT FROM auth_store.passkey_challenge('registration', :'full_user');
INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up, aaguid,
       tenant_id, rp_id, credential_id, public_key, attestation_format, transports)
VALUES (gen_random_uuid(), :'full_user', 0, -7, true, true, true, gen_random_uuid(), 'full', 'full.example', 'id',
    'key', 'none', '{}');
SELECT FROM auth_store.otp_start(:'full_user', 'log in');
SELECT auth_store.api_key_import(encode(sha256('full key'), 'hex'), 'full', :'full_user') \gset full_
SELECT auth_store.connection_store('github', 'full', 'x', tenant_id => 'full') \gset full_
SELECT auth_store.totp_import(:'full_user', 'GEZDGNBVGY3TQOJQ') \gset full_
SELECT webhook_id AS webhook
  FROM auth_store.webhook_create('https://full.example/hook', ARRAY['*'], tenant_id => 'full') \gset full_
INSERT INTO auth_store.webhook_switches VALUES (clock_timestamp(), true, 'full');
INSERT INTO auth_store.webhook_events (id, tenant_id, event_type, body)
    VALUES (gen_random_uuid(), 'full', 'agent.created', '{}');
INSERT INTO auth_store.webhook_queue (id, webhook_id, event_id, attempt, tenant_id)
    VALUES (gen_random_uuid(), :'full_webhook', gen_random_uuid(), 0, 'full');
INSERT INTO auth_store.webhook_retries (id, webhook_id, event_id, failed_at, attempt, tenant_id)
    VALUES (gen_random_uuid(), :'full_webhook', gen_random_uuid(), clock_timestamp(), 1, 'full');
INSERT INTO auth_store.webhook_attempts (delivery_id, webhook_id, event_id, attempted_at, attempt, tenant_id,
       event_type, outcome)
VALUES (gen_random_uuid(), :'full_webhook', gen_random_uuid(), clock_timestamp(), 1, 'full', 'agent.created', 'dead');
SELECT count(*) AS codes FROM auth_store.recovery_codes_generate(:'full_user') \gset full_
SELECT auth_store.jti_claim('full', 'full', clock_timestamp() + '5 min', tenant_id => 'full'),
       auth_store.jti_revoke('full', clock_timestamp() + '5 min', tenant_id => 'full');
SET auth_store.rate_limit_shared = off;
SELECT FROM auth_store.rate_limit_hit('full', 1, '1 hour', tenant_id => 'full');
SELECT auth_store.role_assign(:'full_user', 'user') \gset full_
RESET auth_store.rate_limit_shared;
INSERT INTO auth_store.audit_segments
SELECT gen_random_uuid(), k.id, k.id, k.id, now(), now(), now(), now(), 1000000, 1, 'full', sha256(''), sha256(''), ''
  FROM auth_store.vault_keys k WHERE k.tenant_id = 'full' AND k.retired_at IS NULL;
INSERT INTO auth_store.client_usage
    VALUES ('2026-01-01', '2026-01-01 12:00Z', 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 'full', 'full');
INSERT INTO auth_store.client_users VALUES (:'full_user', clock_timestamp(), clock_timestamp(), 'full', 'full');
INSERT INTO auth_store.flag_counts VALUES ('2026-01-01 12:00Z', '2026-01-01 12:30Z', 1, 'full', 'refresh_reuse');
SELECT relation AS empty FROM pg_temp.tenant_rows('full') WHERE rows = 0;
SELECT auth_store.tenant_erase('full', 'full') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('full') WHERE rows > 0;

BEGIN READ ONLY;
SELECT what, pg_temp.raised(what) FROM (VALUES
    ('SELECT auth_store.tenant_create(''x'')'), ('SELECT auth_store.tenant_update(''initech'')'),
    ('SELECT auth_store.tenant_set_status(''initech'', ''active'')'),
    ('SELECT auth_store.tenant_erase(''initech'', ''initech'')')) AS t (what);
COMMIT;
SELECT auth_store.tenant_erase('initech', 'initech') > 0 AS erased;
SELECT auth_store.tenant_erase(repeat('a', 63), repeat('a', 63)) > 0 AS erased;
