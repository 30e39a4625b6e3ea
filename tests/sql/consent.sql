-- Consents: what is remembered, what it covers, and what ends with it.
\i tests/sql/include/helpers.sql

SELECT client_id
  FROM auth_store.client_create('Shop', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'consent_app',
      scope => 'openid read write');
SELECT client_id
  FROM auth_store.client_create('Maps', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'consent_two',
      scope => 'read', resources => ARRAY['https://a.example/', 'https://b.example/']);
SELECT client_id
  FROM auth_store.client_create('None', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'consent_none');
SELECT user_id AS ann FROM auth_store.user_create('ann.consent@example.com') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob.consent@example.com') \gset
CREATE FUNCTION pg_temp.consents(client text) RETURNS TABLE (resource text, scope text, expires boolean)
    LANGUAGE sql AS $$
    SELECT resource, scope, expires_at IS NOT NULL FROM auth_store.consents WHERE client_id = client
     ORDER BY user_id, resource, scope $$;
SELECT FROM pg_temp.trail();

-- Recorded, and added to.
SELECT * FROM auth_store.consent_check(:'ann', 'consent_app', 'read');
SELECT * FROM auth_store.consent_record(:'ann', 'consent_app', ' read  openid read', ip => '192.0.2.1',
    user_agent => 'a');
SELECT * FROM auth_store.consent_check(:'ann', 'consent_app', 'read');
SELECT * FROM auth_store.consent_check(:'ann', 'consent_app', 'write read openid');
SELECT * FROM auth_store.consent_check(:'ann', 'consent_app');
SELECT * FROM auth_store.consent_check(:'bob', 'consent_app', 'read');
SELECT scope
  FROM auth_store.consent_record(:'ann', 'consent_app', 'write', expires_at => clock_timestamp() + interval '1 h');
SELECT * FROM auth_store.consent_check(:'ann', 'consent_app');
SELECT * FROM pg_temp.consents('consent_app');
SELECT event, user_id = :'ann' AS ann, client_id, ip, details FROM auth_store.audit_log
 WHERE event = 'consent.recorded' AND client_id = 'consent_app' ORDER BY occurred_at;
SELECT * FROM pg_temp.trail();
-- Each token has its own end; agreeing again renews it, and keeps when the user first did.
UPDATE auth_store.consents SET expires_at = clock_timestamp() WHERE client_id = 'consent_app' AND scope = 'write';
SELECT * FROM auth_store.consent_check(:'ann', 'consent_app');
SELECT id AS before FROM auth_store.consents WHERE client_id = 'consent_app' AND scope = 'write' \gset
SELECT scope FROM auth_store.consent_record(:'ann', 'consent_app');
SELECT id = :'before' AS same_row, expires_at, renewed_at > auth_store.id_time(id) AS renewed FROM auth_store.consents
 WHERE client_id = 'consent_app' AND scope = 'write';
SELECT * FROM auth_store.consent_check(:'ann', 'consent_app');

-- For a resource: for that one; without one: for all.
SELECT scope FROM auth_store.consent_record(:'ann', 'consent_two', resource => ARRAY['https://a.example/']);
SELECT r AS resource, c.*
  FROM (VALUES (1, ARRAY['https://a.example/']), (2, ARRAY['https://b.example/']),
      (3, ARRAY['https://a.example/', 'https://b.example/']), (4, NULL), (5, '{}')) AS t (n, r),
    LATERAL auth_store.consent_check(:'ann', 'consent_two', 'read', r) AS c ORDER BY n;
SELECT scope FROM auth_store.consent_record(:'ann', 'consent_two');
SELECT granted
  FROM (VALUES (ARRAY['https://b.example/']), (NULL)) AS t (r),
       LATERAL auth_store.consent_check(:'ann', 'consent_two', 'read', r);
SELECT * FROM pg_temp.consents('consent_two');
-- A client that asks for no scope is agreed to as such.
SELECT * FROM auth_store.consent_check(:'ann', 'consent_none');
SELECT * FROM auth_store.consent_record(:'ann', 'consent_none');
SELECT * FROM auth_store.consent_check(:'ann', 'consent_none');
SELECT * FROM auth_store.consent_check(:'ann', 'consent_app', '');

-- What the client may not have, and who is not active.
SELECT FROM pg_temp.trail();
SELECT what, r.scope, r.error, r.error_description, c.granted, c.missing_scope, c.error
  FROM (VALUES (1, 'wider', 'consent_app', 'read admin', NULL), (2, 'malformed', 'consent_app', 'a"b', NULL),
    (3, 'a resource not granted', 'consent_two', 'read', ARRAY['https://c.example/']),
    (4, 'a resource that is none', 'consent_app', 'read', ARRAY['x#y']),
    (5, 'NULL in the resources', 'consent_app', 'read', ARRAY[NULL])) AS t (n, what, client, s, res),
    LATERAL auth_store.consent_record(:'ann', client, s, res::text[]) AS r,
    LATERAL auth_store.consent_check(:'ann', client, s, res::text[]) AS c ORDER BY n;
UPDATE auth_store.users SET status = 'inactive' WHERE id = :'bob';
SELECT * FROM auth_store.consent_record(:'bob', 'consent_app');
UPDATE auth_store.users SET status = 'active' WHERE id = :'bob';
SELECT auth_store.client_set_status('consent_none', 'suspended');
SELECT * FROM auth_store.consent_record(:'bob', 'consent_none');
SELECT auth_store.client_set_status('consent_none', 'active');
SELECT client_id
  FROM auth_store.client_create('Long', client_id => 'consent_long',
      scope => repeat('x', 255) || ' ' || repeat('y', 256)) \gset
SELECT length(scope), error FROM auth_store.consent_record(:'bob', 'consent_long', repeat('x', 255));
SELECT scope, error, error_description FROM auth_store.consent_record(:'bob', 'consent_long');
SELECT * FROM pg_temp.trail();
-- The longest key there can be.
SELECT 'https://' || string_agg(md5(n::text), '') AS long FROM generate_series(1, 63) AS n \gset
SELECT length(:'long') AS bytes, error
  FROM auth_store.consent_record(:'bob', 'consent_long', repeat('x', 255), ARRAY[:'long']);
SELECT granted FROM auth_store.consent_check(:'bob', 'consent_long', repeat('x', 255), ARRAY[:'long']);

-- The applications of a user: what was agreed to, and what has live grants.
SELECT access_token, refresh_token, grant_id FROM auth_store.token_issue('consent_app', :'ann', 'read') \gset app_
SELECT access_token AS two FROM auth_store.token_issue('consent_two', :'ann') \gset
SELECT auth_store.client_set_status('consent_none', 'suspended');
SELECT client_id, name, scope, consented, first_granted_at <= last_granted_at AS in_order,
       last_used_at >= first_granted_at AS used, live_grants
  FROM auth_store.user_applications(:'ann');
SELECT auth_store.client_set_status('consent_none', 'active');
SELECT last_used_at AS before FROM auth_store.user_applications(:'ann') WHERE client_id = 'consent_app' \gset
SELECT error FROM auth_store.token_refresh(:'app_refresh_token', 'consent_app');
SELECT last_used_at > :'before' AS a_refresh_is_a_use, last_granted_at <= :'before' AS and_no_grant
  FROM auth_store.user_applications(:'ann') WHERE client_id = 'consent_app';
SELECT access_token IS NOT NULL AS issued FROM auth_store.token_issue('consent_app', :'bob');
SELECT client_id, left(scope, 30) AS scope, consented, live_grants FROM auth_store.user_applications(:'bob');
SELECT count(*) FROM auth_store.user_applications(gen_random_uuid());

-- Revoked: the consent, the grants, and codes that wait.
SELECT code FROM auth_store.code_issue('consent_app', :'ann', code_challenge => :'challenge') \gset
SELECT code AS other FROM auth_store.code_issue('consent_two', :'ann', code_challenge => :'challenge') \gset
SELECT FROM pg_temp.trail();
SELECT auth_store.consent_revoke(:'ann', 'consent_app');
SELECT event, client_id, details FROM auth_store.audit_log WHERE event = 'consent.revoked' AND user_id = :'ann';
SELECT granted FROM auth_store.consent_check(:'ann', 'consent_app', 'read');
SELECT active FROM auth_store.token_introspect(:'app_access_token');
SELECT revoked_reason FROM auth_store.grants WHERE id = :'app_grant_id';
SELECT error FROM auth_store.code_redeem(:'code', 'consent_app', code_verifier => :'verifier');
SELECT client_id, consented, live_grants FROM auth_store.user_applications(:'ann');
SELECT * FROM pg_temp.trail();
-- Another client's and another user's are untouched.
SELECT active FROM auth_store.token_introspect(:'two');
SELECT error FROM auth_store.code_redeem(:'other', 'consent_two', code_verifier => :'verifier');
SELECT live_grants FROM auth_store.user_applications(:'bob') WHERE client_id = 'consent_app';
SELECT auth_store.consent_revoke(:'ann', 'consent_app');
-- So does user_grants_revoke() with codes, of one client or all; consents stay.
SELECT code FROM auth_store.code_issue('consent_two', :'ann', code_challenge => :'challenge') \gset
SELECT auth_store.user_grants_revoke(:'ann', 'consent_two');
SELECT error FROM auth_store.code_redeem(:'code', 'consent_two', code_verifier => :'verifier');
SELECT consented, live_grants FROM auth_store.user_applications(:'ann') WHERE client_id = 'consent_two';

-- Cleanup: at the end.
SELECT scope
  FROM auth_store.consent_record(:'ann', 'consent_app', 'read write', expires_at => clock_timestamp() + interval '1 h');
UPDATE auth_store.consents SET expires_at = clock_timestamp() WHERE client_id = 'consent_app' AND scope = 'write';
SELECT deleted FROM auth_store.cleanup_batch('consents');
SELECT * FROM pg_temp.consents('consent_app');

-- Another tenant's are unknown.
SELECT auth_store.tenant_create('consent_tenant');
SELECT client_id
  FROM auth_store.client_create('Other', client_id => 'consent_other', tenant_id => 'consent_tenant', scope => 'read');
SELECT user_id AS cid FROM auth_store.user_create('cid.consent@example.com', tenant_id => 'consent_tenant') \gset
SELECT scope FROM auth_store.consent_record(:'cid', 'consent_other');
SELECT FROM pg_temp.trail();
SELECT what, pg_temp.raised(format('SELECT auth_store.' || what, u, c))
  FROM (VALUES (1, 'consent_record(%L, %L)', :'ann', 'consent_other'),
      (2, 'consent_check(%L, %L)', :'cid', 'consent_app'),
    (3, 'consent_revoke(%L, %L)', :'ann', 'consent_other')) AS t (n, what, u, c) ORDER BY n;
SET auth_store.tenant_id = 'consent_tenant';
SELECT what, pg_temp.raised(format('SELECT auth_store.' || what, u, c))
  FROM (VALUES (1, 'consent_record(%L, %L)', :'ann', 'consent_app'),
      (2, 'consent_check(%L, %L)', :'ann', 'consent_app'),
    (3, 'consent_revoke(%L, %L)', :'ann', 'consent_app')) AS t (n, what, u, c) ORDER BY n;
SELECT count(*) FROM auth_store.user_applications(:'ann');
SELECT client_id FROM auth_store.user_applications(:'cid');
RESET auth_store.tenant_id;

-- Mistakes.
SELECT left(what, 60) AS what, pg_temp.raised('SELECT auth_store.' || replace(what, '$ann', quote_literal(:'ann')))
  FROM (VALUES
    (1, 'consent_record(NULL, ''consent_app'')'), (2, 'consent_record($ann, NULL)'),
    (3, 'consent_record(gen_random_uuid(), ''consent_app'')'), (4, 'consent_record($ann, ''nobody'')'),
    (5, 'consent_record($ann, ''consent_app'', expires_at => ''2000-01-01'')'),
    (6, 'consent_record($ann, ''consent_app'', expires_at => ''-infinity'')'),
    (7, 'consent_check(NULL, ''consent_app'')'), (8, 'consent_check($ann, NULL)'),
    (9, 'consent_check($ann, ''nobody'')'), (10, 'consent_revoke(NULL, ''consent_app'')'),
    (11, 'consent_revoke($ann, NULL)'), (12, 'consent_revoke($ann, ''nobody'')'),
    (14, 'consent_revoke($ann, ''consent_app'', '''')'),
    (15, 'user_applications(NULL)')) AS t (n, what) ORDER BY n;
SELECT count(*) FROM pg_temp.trail();
SELECT error FROM auth_store.consent_record(:'ann', 'consent_app', 'read', expires_at => 'infinity');
SELECT granted FROM auth_store.consent_check(:'ann', 'consent_app', 'read');
BEGIN READ ONLY;
SELECT granted FROM auth_store.consent_check(:'ann', 'consent_app', 'read');
SELECT count(*) FROM auth_store.user_applications(:'ann');
SELECT what, pg_temp.raised(format('SELECT auth_store.%s(%L, ''consent_app'')', what, :'ann'))
  FROM unnest(ARRAY['consent_record', 'consent_revoke']) AS what;
COMMIT;
SELECT p.proname, array_agg(r ORDER BY r) AS roles
  FROM pg_proc p,
       unnest(ARRAY['auth_store_app', 'auth_store_reader', 'auth_store_admin', 'auth_store_auditor', 'public']) AS r
 WHERE p.pronamespace = 'auth_store'::regnamespace AND (p.proname LIKE 'consent%' OR p.proname = 'user_applications')
   AND has_function_privilege(r, p.oid, 'EXECUTE') GROUP BY 1 ORDER BY 1;
-- They go with their client, and with their tenant.
SELECT auth_store.client_delete('consent_app');
SELECT count(*) FROM auth_store.consents WHERE client_id = 'consent_app';
SELECT auth_store.tenant_erase('consent_tenant', 'consent_tenant') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('consent_tenant') WHERE rows > 0;
