CREATE OR REPLACE VIEW auth_store.recent_activity WITH (security_barrier = true) AS
SELECT a.occurred_at, a.event, a.success, a.error, a.risk_score, a.flags, a.tenant_id, a.client_id, a.user_id,
       a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent, a.details, a.id
  FROM auth_store.audit_log a
 WHERE auth_store.tenant_visible(a.tenant_id)
   AND a.occurred_at >= pg_catalog.statement_timestamp() - interval '30 days';
COMMENT ON VIEW auth_store.recent_activity IS 'The audit trail of the last 30 days, a row a step. Narrow occurred_at, user_id or grant_id: those are indexed.';
COMMENT ON COLUMN auth_store.recent_activity.event IS 'What happened: code.redeemed, token.refreshed …; docs/audit.md lists them.';
COMMENT ON COLUMN auth_store.recent_activity.error IS 'The RFC''s code of a refusal; NULL on success.';
COMMENT ON COLUMN auth_store.recent_activity.client_id IS 'The client as it was named in the request, also where no such client exists.';
COMMENT ON COLUMN auth_store.recent_activity.id IS 'Time-ordered, see id_time().';
