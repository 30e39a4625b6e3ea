CREATE OR REPLACE VIEW auth_store.failed_actions WITH (security_barrier = true) AS
SELECT a.occurred_at, a.event, a.error, a.risk_score, a.flags, a.tenant_id, a.client_id, a.user_id,
       a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent, a.details, a.id
  FROM auth_store.audit_log a
 WHERE auth_store.tenant_visible(a.tenant_id)
   AND NOT a.success;
COMMENT ON VIEW auth_store.failed_actions IS 'Every step that was refused, as far back as the audit trail goes. Narrow occurred_at to read fewer months.';
COMMENT ON COLUMN auth_store.failed_actions.error IS 'The RFC''s code of the refusal; NULL where an application reported a failure without one.';
COMMENT ON COLUMN auth_store.failed_actions.client_id IS 'The client as it was named in the request, also where no such client exists.';
