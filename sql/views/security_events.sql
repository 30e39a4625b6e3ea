CREATE OR REPLACE VIEW auth_store.security_events WITH (security_barrier = true) AS
SELECT a.occurred_at,
       CASE WHEN a.risk_score >= 0.9::real THEN 'critical'
            WHEN a.risk_score >= 0.6::real THEN 'high'
            WHEN a.risk_score >= 0.3::real THEN 'medium'
            ELSE 'low' END AS severity,
       a.risk_score, a.flags, a.event, a.success, a.error, a.tenant_id, a.client_id, a.user_id,
       a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent, a.details, a.id
  FROM auth_store.audit_log a
 WHERE auth_store.tenant_visible(a.tenant_id)
   AND a.risk_score > 0;
COMMENT ON VIEW auth_store.security_events IS 'Every step with a risk: replays, reuse, wrong secrets, another network, also where it succeeded. Narrow occurred_at to read fewer months.';
COMMENT ON COLUMN auth_store.security_events.severity IS 'critical from risk 0.90 on, high from 0.60, medium from 0.30, else low.';
COMMENT ON COLUMN auth_store.security_events.flags IS 'Why; the risk is that of the riskiest flag, docs/audit.md has the table.';
