CREATE OR REPLACE VIEW auth_store.security_events AS
SELECT a.occurred_at,
       CASE WHEN a.risk_score >= 0.9::real THEN 'critical'
            WHEN a.risk_score >= 0.6::real THEN 'high'
            WHEN a.risk_score >= 0.3::real THEN 'medium'
            ELSE 'low' END AS severity,
       a.risk_score, a.flags, a.event, a.success, a.error, a.tenant_id, a.client_id, a.user_id,
       a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent, a.details, a.id,
       a.called_by, a.called_as, a.from_application
  FROM auth_store.audit_log a
 WHERE a.risk_score > 0;
COMMENT ON VIEW auth_store.security_events IS 'Every step with a risk: replays, reuse, wrong secrets, another network, also where it succeeded. Narrow occurred_at to read fewer months.';
COMMENT ON COLUMN auth_store.security_events.severity IS 'critical from risk 0.90 on, high from 0.60, medium from 0.30, else low.';
COMMENT ON COLUMN auth_store.security_events.flags IS 'Why; the risk is that of the riskiest flag, docs/audit.md has the table.';
COMMENT ON COLUMN auth_store.security_events.called_by IS 'The database role that called: who had logged in. NULL in rows of before version 2 of the tables.';
COMMENT ON COLUMN auth_store.security_events.called_as IS 'The role that SET ROLE had set, where that was another.';
COMMENT ON COLUMN auth_store.security_events.from_application IS 'Written by audit_write(), whatever it says; false: a step of the store itself.';
