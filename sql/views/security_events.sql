-- The table's score is a real, to which 0.9 in a query, a double precision, is not equal. By way of numeric it is.
CREATE OR REPLACE VIEW auth_store.security_events WITH (security_barrier = true) AS
SELECT a.occurred_at,
       CASE WHEN a.risk_score >= 0.9::real THEN 'critical'
            WHEN a.risk_score >= 0.6::real THEN 'high'
            WHEN a.risk_score >= 0.3::real THEN 'medium'
            ELSE 'low' END AS severity,
       a.risk_score::numeric::double precision AS risk_score, a.flags, a.event, a.success, a.error, a.tenant_id,
       a.client_id, a.user_id, a.grant_id, a.session_id, a.resource_type, a.resource_id, a.ip, a.user_agent,
       a.details, a.id, a.called_by, a.called_as, a.from_application, u.external_id,
       a.actor_id
  FROM auth_store.audit_log a
  LEFT JOIN auth_store.users u ON u.id = a.user_id AND u.tenant_id = a.tenant_id
 WHERE auth_store.tenant_visible(a.tenant_id)
   AND a.risk_score > 0;
COMMENT ON VIEW auth_store.security_events IS
    'Every step with a risk: replays, reuse, wrong secrets, another network, also where it succeeded. '
    'Narrow occurred_at to read fewer months.';
COMMENT ON COLUMN auth_store.security_events.severity IS
    'critical from risk 0.90 on, high from 0.60, medium from 0.30, else low.';
COMMENT ON COLUMN auth_store.security_events.flags IS
    'Why; the risk is that of the riskiest flag, docs/reference/events.md has the table.';
COMMENT ON COLUMN auth_store.security_events.occurred_at IS 'When the step was taken, not when its transaction began.';
COMMENT ON COLUMN auth_store.security_events.risk_score IS
    'Above 0.00 to 1.00 by the rules of docs/reference/audit.md. To six digits: 0.9 is 0.9.';
COMMENT ON COLUMN auth_store.security_events.event IS
    'What happened: code.redeemed, token.refreshed, refresh_reuse, or what audit_write() was given; '
    'docs/reference/events.md lists them.';
COMMENT ON COLUMN auth_store.security_events.success IS 'Whether the step was granted; false: refused.';
COMMENT ON COLUMN auth_store.security_events.error IS 'The RFC''s code of the refusal; NULL on success.';
COMMENT ON COLUMN auth_store.security_events.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.security_events.client_id IS
    'The client as it was named in the request, also where no such client exists.';
COMMENT ON COLUMN auth_store.security_events.user_id IS 'The user concerned; NULL: none, or not known.';
COMMENT ON COLUMN auth_store.security_events.grant_id IS
    'The grant concerned: the log-in or consent that the tokens come from.';
COMMENT ON COLUMN auth_store.security_events.session_id IS
    'The session concerned, of the store or of the application''s own.';
COMMENT ON COLUMN auth_store.security_events.resource_type IS
    'What kind of thing the step was about, where it is none of the above: api_key, connection, tenant, or the '
    'application''s own kinds.';
COMMENT ON COLUMN auth_store.security_events.resource_id IS 'Which one of that kind.';
COMMENT ON COLUMN auth_store.security_events.ip IS 'The address the application passed on; NULL: it passed none.';
COMMENT ON COLUMN auth_store.security_events.user_agent IS
    'The client''s user agent as the application passed it on; NULL: none.';
COMMENT ON COLUMN auth_store.security_events.details IS
    'What else belongs to the step, a JSON object; never a secret. NULL: nothing.';
COMMENT ON COLUMN auth_store.security_events.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.security_events.called_by IS
    'The database role that called: who had logged in. NULL in rows of before version 2 of the tables.';
COMMENT ON COLUMN auth_store.security_events.called_as IS 'The role that SET ROLE had set, where that was another.';
COMMENT ON COLUMN auth_store.security_events.from_application IS
    'Written by audit_write(), whatever it says; false: a step of the store itself.';
COMMENT ON COLUMN auth_store.security_events.external_id IS
    'The user''s key in the application''s own users table; NULL: none, or the user is gone.';
COMMENT ON COLUMN auth_store.security_events.actor_id IS
    'The user who acted as the user concerned: see user_impersonate(). NULL: nobody did.';
