DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) = 'users';
ALTER TABLE auth_store.users DROP COLUMN anonymous; -- and with it the index
DROP TABLE auth_store.identities;
-- Who had which passkey is lost.
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) = 'passkey_challenges';
DROP TABLE auth_store.passkey_challenges;
DROP TABLE auth_store.passkeys;
-- One-time tokens, and when addresses were proved, are lost.
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) = 'one_time_tokens';
DROP TABLE auth_store.one_time_tokens;
ALTER TABLE auth_store.user_names DROP COLUMN verified_at;
-- Second factors are lost.
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) = 'mfa_factors';
DROP TABLE auth_store.recovery_codes;
DROP TABLE auth_store.mfa_factors;
ALTER TABLE auth_store.sessions DROP COLUMN auth_time;
-- Locks and known devices are lost.
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) IN ('devices', 'login_failures');
DROP TABLE auth_store.devices;
DROP TABLE auth_store.login_failures;
ALTER TABLE auth_store.users DROP COLUMN lock_reason;
ALTER TABLE auth_store.users DROP COLUMN locked_until;
-- Passwords are lost.
DROP TABLE auth_store.password_peppers;
DROP TABLE auth_store.former_passwords;
DROP TABLE auth_store.passwords;
DROP TABLE auth_store.breached_passwords;
DROP TABLE auth_store.common_passwords;
DROP TABLE auth_store.tenant_policies;
-- Who had which role is lost.
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) = 'user_roles';
DROP TABLE auth_store.user_roles;
DROP TABLE auth_store.roles;

-- Who acted as another user is lost.
DROP VIEW auth_store.recent_activity, auth_store.failed_actions, auth_store.security_events;
ALTER TABLE auth_store.audit_log DROP COLUMN actor_id;
ALTER TABLE auth_store.sessions DROP COLUMN actor_id; -- and with it the index
CREATE VIEW auth_store.recent_activity WITH (security_barrier = true) AS
SELECT a.occurred_at, a.event, a.success, a.error, a.risk_score::numeric::double precision AS risk_score, a.flags,
       a.tenant_id, a.client_id, a.user_id, a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip,
       a.user_agent, a.details, a.id, a.called_by, a.called_as, a.from_application, u.external_id
  FROM auth_store.audit_log a
  LEFT JOIN auth_store.users u ON u.id = a.user_id AND u.tenant_id = a.tenant_id
 WHERE auth_store.tenant_visible(a.tenant_id)
   AND a.occurred_at >= pg_catalog.statement_timestamp() - interval '30 days';

CREATE VIEW auth_store.failed_actions WITH (security_barrier = true) AS
SELECT a.occurred_at, a.event, a.error, a.risk_score::numeric::double precision AS risk_score, a.flags, a.tenant_id,
       a.client_id, a.user_id, a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent,
       a.details, a.id, a.called_by, a.called_as, a.from_application, u.external_id
  FROM auth_store.audit_log a
  LEFT JOIN auth_store.users u ON u.id = a.user_id AND u.tenant_id = a.tenant_id
 WHERE auth_store.tenant_visible(a.tenant_id)
   AND NOT a.success;

CREATE VIEW auth_store.security_events WITH (security_barrier = true) AS
SELECT a.occurred_at,
       CASE WHEN a.risk_score >= 0.9::real THEN 'critical'
            WHEN a.risk_score >= 0.6::real THEN 'high'
            WHEN a.risk_score >= 0.3::real THEN 'medium'
            ELSE 'low' END AS severity,
       a.risk_score::numeric::double precision AS risk_score, a.flags, a.event, a.success, a.error, a.tenant_id,
       a.client_id, a.user_id, a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent,
       a.details, a.id, a.called_by, a.called_as, a.from_application, u.external_id
  FROM auth_store.audit_log a
  LEFT JOIN auth_store.users u ON u.id = a.user_id AND u.tenant_id = a.tenant_id
 WHERE auth_store.tenant_visible(a.tenant_id)
   AND a.risk_score > 0;
