-- The argument reason: one limit for all functions that have one.
\i tests/sql/include/helpers.sql

-- Calls with a reason of %s. They name what does not exist, which is found out after the reason was looked at.
CREATE TEMP TABLE call (name text, needed boolean, sql text);
INSERT INTO call VALUES
    ('api_key_revoke', true, 'auth_store.api_key_revoke(gen_random_uuid(), reason => %s)'),
    ('client_grants_revoke', true, 'auth_store.client_grants_revoke(''reason_nobody'', reason => %s)'),
    ('client_set_status', false, 'auth_store.client_set_status(''reason_nobody'', ''active'', reason => %s)'),
    ('connection_fail', false, 'auth_store.connection_fail(gen_random_uuid(), 1, reason => %s)'),
    ('connection_revoke', false, 'auth_store.connection_revoke(gen_random_uuid(), reason => %s)'),
    ('consent_revoke', true, 'auth_store.consent_revoke(gen_random_uuid(), ''reason_nobody'', reason => %s)'),
    ('grant_revoke', true, 'auth_store.grant_revoke(gen_random_uuid(), reason => %s)'),
    ('invitation_revoke', false, 'auth_store.invitation_revoke(NULL, reason => %s)'),
    ('jti_revoke', false,
        'auth_store.jti_revoke(''reason'', clock_timestamp() + interval ''1 minute'', reason => %s, tenant_id =>'
        ' ''reason_nobody'')'),
    ('member_remove', false, 'auth_store.member_remove(gen_random_uuid(), ''reason_nobody'', reason => %s)'),
    ('mfa_reset', false, 'auth_store.mfa_reset(gen_random_uuid(), reason => %s)'),
    ('role_unassign', false, 'auth_store.role_unassign(gen_random_uuid(), ''reason_nobody'', reason => %s)'),
    ('signing_key_retire', false, 'auth_store.signing_key_retire(''reason_nobody'', reason => %s)'),
    ('session_revoke', true, 'auth_store.session_revoke(gen_random_uuid(), reason => %s)'),
    ('tenant_set_status', false, 'auth_store.tenant_set_status(''reason_nobody'', ''active'', reason => %s)'),
    ('token_revoke', true, 'auth_store.token_revoke(''x'', ''reason_nobody'', reason => %s)'),
    ('user_erase', false, 'auth_store.user_erase(gen_random_uuid(), reason => %s)'),
    ('user_end', true, 'auth_store.user_end(gen_random_uuid(), reason => %s)'),
    ('user_grants_revoke', true, 'auth_store.user_grants_revoke(gen_random_uuid(), reason => %s)'),
    ('user_impersonate', false,
        'auth_store.user_impersonate(gen_random_uuid(), gen_random_uuid(), reason => %s)'),
    ('user_sessions_revoke', true, 'auth_store.user_sessions_revoke(gen_random_uuid(), reason => %s)'),
    ('user_lock', false, 'auth_store.user_lock(gen_random_uuid(), reason => %s)'),
    ('user_set_status', false, 'auth_store.user_set_status(gen_random_uuid(), ''active'', reason => %s)'),
    ('webhook_set_status', false, 'auth_store.webhook_set_status(gen_random_uuid(), ''active'', reason => %s)');
-- Every function that has the argument is among them.
SELECT p.proname FROM pg_proc p
 WHERE p.pronamespace = 'auth_store'::regnamespace AND 'reason' = ANY (p.proargnames)
   AND NOT EXISTS (SELECT FROM call c WHERE c.name = p.proname);

-- What each says of the reason; nothing where the reason is accepted.
CREATE FUNCTION pg_temp.refused(sql text, reason text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN r LIKE '%"reason"%' THEN r ELSE 'accepted' END
      FROM pg_temp.raised('SELECT ' || replace(sql, '%s', coalesce(quote_literal(reason), 'NULL'))) r
$$;
SELECT needed, pg_temp.refused(sql, repeat('é', 1000)) AS limit, pg_temp.refused(sql, repeat('é', 1001)) AS longer,
       pg_temp.refused(sql, repeat('x', 1000000)) = pg_temp.refused(sql, repeat('é', 1001)) AS much_longer,
       array_agg(name ORDER BY name)
  FROM call GROUP BY 1, 2, 3, 4 ORDER BY 1;
-- The reason of an end may have any characters: what it ends must not live on for a line break. NULL is the default.
SELECT needed, pg_temp.refused(sql, '') AS empty, pg_temp.refused(sql, E'a\nb') AS line_break,
       array_agg(name ORDER BY name)
  FROM call GROUP BY 1, 2, 3 ORDER BY 1;
SELECT needed, pg_temp.refused(sql, NULL) AS nothing, array_agg(name ORDER BY name) FROM call GROUP BY 1, 2
 ORDER BY 1, 2;
-- The comments say the limit.
SELECT p.proname FROM pg_proc p
 WHERE p.pronamespace = 'auth_store'::regnamespace AND 'reason' = ANY (p.proargnames)
   AND obj_description(p.oid, 'pg_proc') !~ 'reason: .*1000 characters';

-- It is kept as it was given.
SELECT auth_store.tenant_create('reason_tenant') \gset _
SELECT auth_store.tenant_set_status('reason_tenant', 'suspended', repeat('é', 1000));
SELECT length(status_reason) FROM auth_store.tenants WHERE id = 'reason_tenant';
SELECT auth_store.user_ensure('reason_user') AS user \gset
SELECT session_id AS session FROM auth_store.session_create(:'user') \gset
SELECT auth_store.session_revoke(:'session', repeat('é', 999) || E'\n');
SELECT length(ended_reason) FROM auth_store.session_list(:'user');
SELECT event, length(details ->> 'reason') FROM auth_store.recent_activity
 WHERE session_id = :'session' AND event LIKE '%revoked%' OR tenant_id = 'reason_tenant' AND event LIKE '%status%'
 ORDER BY 1;
SELECT auth_store.tenant_erase('reason_tenant', 'reason_tenant') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('reason_tenant') WHERE rows > 0;
