CREATE OR REPLACE VIEW auth_store.failed_actions AS
SELECT a.occurred_at, a.event, a.error, a.risk_score, a.flags, a.tenant_id, a.client_id, a.user_id,
       a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent, a.details, a.id,
       a.called_by, a.called_as, a.from_application
  FROM auth_store.audit_log a
 WHERE NOT a.success;
COMMENT ON VIEW auth_store.failed_actions IS 'Every step that was refused, as far back as the audit trail goes. Narrow occurred_at to read fewer months.';
COMMENT ON COLUMN auth_store.failed_actions.error IS 'The RFC''s code of the refusal; NULL where an application reported a failure without one.';
COMMENT ON COLUMN auth_store.failed_actions.client_id IS 'The client as it was named in the request, also where no such client exists.';
COMMENT ON COLUMN auth_store.failed_actions.called_by IS 'The database role that called: who had logged in. NULL in rows of before version 2 of the tables.';
COMMENT ON COLUMN auth_store.failed_actions.called_as IS 'The role that SET ROLE had set, where that was another.';
COMMENT ON COLUMN auth_store.failed_actions.from_application IS 'Written by audit_write(), whatever it says; false: a step of the store itself.';
