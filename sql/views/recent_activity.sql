CREATE OR REPLACE VIEW auth_store.recent_activity AS
SELECT a.occurred_at, a.event, a.success, a.error, a.risk_score, a.flags, a.tenant_id, a.client_id, a.user_id,
       a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent, a.details, a.id,
       a.called_by, a.called_as, a.from_application
  FROM auth_store.audit_log a
 WHERE a.occurred_at >= pg_catalog.statement_timestamp() - interval '30 days';
COMMENT ON VIEW auth_store.recent_activity IS 'The audit trail of the last 30 days, a row a step. Narrow occurred_at, user_id or grant_id: those are indexed.';
COMMENT ON COLUMN auth_store.recent_activity.event IS 'What happened: code.redeemed, token.refreshed …; docs/audit.md lists them.';
COMMENT ON COLUMN auth_store.recent_activity.error IS 'The RFC''s code of a refusal; NULL on success.';
COMMENT ON COLUMN auth_store.recent_activity.client_id IS 'The client as it was named in the request, also where no such client exists.';
COMMENT ON COLUMN auth_store.recent_activity.id IS 'Time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.recent_activity.called_by IS 'The database role that called: who had logged in. NULL in rows of before version 2 of the tables.';
COMMENT ON COLUMN auth_store.recent_activity.called_as IS 'The role that SET ROLE had set, where that was another.';
COMMENT ON COLUMN auth_store.recent_activity.from_application IS 'Written by audit_write(), whatever it says; false: a step of the store itself.';
