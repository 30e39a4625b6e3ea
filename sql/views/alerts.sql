-- A text in a later part of a UNION has a name: a dump gives it one, which would be another than a fresh install's.
CREATE OR REPLACE VIEW auth_store.alerts WITH (security_barrier = true) AS
SELECT n.severity COLLATE "C" AS severity, n.alert COLLATE "C" AS alert, n.tenant_id COLLATE "C" AS tenant_id,
       n.subject COLLATE "C" AS subject, n.detail, n.what_to_do
  FROM (
    SELECT CASE h.status WHEN 'fail' THEN 'critical' ELSE 'warning' END, h.check_name, NULL, NULL, h.detail,
           h.what_to_do
      FROM auth_store.health() h
     WHERE h.status <> 'ok' AND auth_store.tenant_visible(NULL)
    UNION ALL
    SELECT 'warning' AS severity, 'refresh_failures' AS alert, u.tenant_id, u.client_id,
           pg_catalog.format('%s of %s refreshes since yesterday were refused', u.refused, u.refused + u.granted),
           'SELECT * FROM auth_store.failed_actions for the client: has it lost its secret, or its tokens?'
               AS what_to_do
      FROM (SELECT d.tenant_id, d.client_id, pg_catalog.sum(d.refresh_refused) AS refused,
                   pg_catalog.sum(d.tokens_refreshed) AS granted
              FROM auth_store.client_usage d
             WHERE auth_store.tenant_visible(d.tenant_id)
               AND d.day >= (pg_catalog.statement_timestamp() AT TIME ZONE 'UTC')::date - 1
             GROUP BY 1, 2) u
     WHERE u.refused + u.granted >= 20 AND u.refused * 10 > u.refused + u.granted
    UNION ALL
    SELECT 'warning' AS severity, 'webhook_failures' AS alert, h.tenant_id, h.webhook_id::text,
           CASE WHEN h.attempts >= 10 AND h.success_rate < 0.8
                THEN pg_catalog.format('%s %% of %s attempts in 24 hours failed, the last with: %s',
                                       pg_catalog.round((100 * (1 - h.success_rate))::numeric), h.attempts,
                                       h.last_error)
                ELSE pg_catalog.format('the last %s attempts failed, the last with: %s', h.failures_in_row,
                                       h.last_error) END,
           'Ask whoever runs the receiver: SELECT * FROM auth_store.webhook_health' AS what_to_do
      FROM auth_store.webhook_health h
     -- Where there are many attempts of others, the rate is not of all of a webhook's.
     WHERE h.attempts >= 10 AND h.success_rate < 0.8 OR h.status = 'active' AND h.failures_in_row >= 10
    UNION ALL
    SELECT 'critical' AS severity, 'compromise' AS alert, f.tenant_id, f.flag,
           pg_catalog.format('%s step(s) in 24 hours, the last at %s', pg_catalog.sum(f.steps),
               pg_catalog.to_char(pg_catalog.max(f.last_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"')),
           'SELECT * FROM auth_store.security_events with that flag: whose token, code, key or passkey was copied?'
               AS what_to_do
      FROM (SELECT c.tenant_id, c.flag, c.steps, c.last_at
              FROM auth_store.flag_counts c
             WHERE auth_store.tenant_visible(c.tenant_id)
               AND c.hour >= pg_catalog.statement_timestamp() - interval '25 hours'
               AND c.last_at >= pg_catalog.statement_timestamp() - interval '24 hours'
            UNION ALL
            -- behind the counting
            SELECT a.tenant_id, g.flag, 1, a.occurred_at
              FROM auth_store.audit_log a CROSS JOIN LATERAL pg_catalog.unnest(a.flags) g (flag)
             WHERE auth_store.tenant_visible(a.tenant_id) AND a.risk_score >= 0.7::real
               AND a.from_application IS NOT TRUE
               AND a.occurred_at >= COALESCE((SELECT auth_store.id_time(k.position) FROM auth_store.cleanup_cursors k
                                               WHERE k.task = 'client_usage'), '-infinity')
               AND a.occurred_at >= pg_catalog.statement_timestamp() - interval '24 hours') f
     WHERE f.flag IN ('code_replay', 'refresh_reuse', 'passkey_clone_suspected', 'wrong_binding', 'jti_replay',
                      'wrong_network')
     GROUP BY f.tenant_id, f.flag
    UNION ALL
    SELECT 'warning' AS severity, 'connections_ending' AS alert, c.tenant_id, c.provider,
           pg_catalog.format('%s access token(s) end within 24 hours, and cannot be refreshed', pg_catalog.count(*)),
           'Let the actors connect again: SELECT * FROM auth_store.provider_connections' AS what_to_do
      FROM auth_store.connections c
     WHERE auth_store.tenant_visible(c.tenant_id) AND c.revoked_at IS NULL AND c.refresh_at IS NULL
       AND c.access_token_expires_at > pg_catalog.statement_timestamp()
       AND c.access_token_expires_at <= pg_catalog.statement_timestamp() + interval '24 hours'
     GROUP BY c.tenant_id, c.provider
    UNION ALL
    SELECT 'warning' AS severity, 'client_secret_ending' AS alert, s.tenant_id, s.client_id,
           'its last secret ends within 24 hours' AS detail, 'SELECT auth_store.client_secret_rotate()' AS what_to_do
      FROM auth_store.client_secrets s
     WHERE auth_store.tenant_visible(s.tenant_id) AND s.expires_at > pg_catalog.statement_timestamp()
       AND s.expires_at <= pg_catalog.statement_timestamp() + interval '24 hours'
       AND NOT EXISTS (SELECT FROM auth_store.client_secrets o
                        WHERE o.client_id = s.client_id AND o.tenant_id = s.tenant_id
                          AND (o.expires_at IS NULL OR (o.expires_at, o.id) > (s.expires_at, s.id)))
    UNION ALL
    -- A key that lives for a few days only ends as it was meant to.
    SELECT 'warning' AS severity, 'api_keys_ending' AS alert, k.tenant_id, NULL AS subject,
           pg_catalog.format('%s API key(s) end within 24 hours', pg_catalog.count(*)),
           'Let their holders make new ones: auth_store.api_key_list()' AS what_to_do
      FROM auth_store.api_keys k
     WHERE auth_store.tenant_visible(k.tenant_id)
       AND LEAST(k.expires_at, k.revoked_at) > pg_catalog.statement_timestamp()
       AND LEAST(k.expires_at, k.revoked_at) <= pg_catalog.statement_timestamp() + interval '24 hours'
       AND k.expires_at - auth_store.id_time(k.id) > interval '7 days'
     GROUP BY k.tenant_id
    UNION ALL
    SELECT 'warning' AS severity, 'webhook_retries' AS alert, r.tenant_id, r.webhook_id::text,
           pg_catalog.format('%s deliveries have failed more than three times, and are tried again',
                             pg_catalog.count(*)),
           'SELECT * FROM auth_store.webhook_health for the webhook' AS what_to_do
      -- What has failed often is due last.
      FROM (SELECT t.tenant_id, t.webhook_id, t.attempt
              FROM auth_store.webhook_retries t
             WHERE auth_store.tenant_visible(t.tenant_id) AND t.due_at IS NOT NULL
             ORDER BY t.due_at DESC, t.id DESC LIMIT 20000) r
     WHERE r.attempt > 3
     GROUP BY r.tenant_id, r.webhook_id
    UNION ALL
    SELECT 'warning' AS severity, 'webhook_rate' AS alert, w.tenant_id, w.id::text,
           pg_catalog.format('%s of %s attempts an hour are used', s.hour_count, w.max_per_hour),
           'Raise max_per_hour, or let the webhook want fewer events: auth_store.webhook_update()' AS what_to_do
      FROM auth_store.webhooks w
      JOIN auth_store.webhook_states s ON s.webhook_id = w.id AND s.tenant_id = w.tenant_id
     WHERE auth_store.tenant_visible(w.tenant_id) AND w.max_per_hour IS NOT NULL
       AND s.hour_started_at > pg_catalog.statement_timestamp() - interval '1 hour'
       AND s.hour_count > 0.8 * w.max_per_hour
    UNION ALL
    SELECT 'warning' AS severity, 'client_rate' AS alert, l.tenant_id, l.client_id,
           pg_catalog.format('%s %% of %s requests an hour are used',
                             pg_catalog.round((100 * l.used)::numeric), l.max_per_hour),
           'Raise rate_limit_per_hour: auth_store.client_update(); or ask what the client does' AS what_to_do
      FROM auth_store.client_rates() l
     WHERE auth_store.tenant_visible(l.tenant_id) AND l.used > 0.8
    UNION ALL
    SELECT 'warning' AS severity, 'rate_limit_memory' AS alert, NULL AS tenant_id, NULL AS subject,
           pg_catalog.format('%s of %s slots of the shared memory of rate limits are used', l.used, l.slots),
           'Raise auth_store.rate_limit_slots: a full memory forgets the limits of some keys' AS what_to_do
      FROM auth_store.rate_limit_stats() l
     WHERE l.used > 0.8 * l.slots AND auth_store.tenant_visible(NULL)
  ) n (severity, alert, tenant_id, subject, detail, what_to_do);
COMMENT ON VIEW auth_store.alerts IS
    'What somebody should look at now, a row each; no row: nothing. What health() does not call ok is here too, but '
    'not for a session that is pinned to a tenant. Counts of the trail are those of the last cleanup.';
COMMENT ON COLUMN auth_store.alerts.severity IS 'critical or warning.';
COMMENT ON COLUMN auth_store.alerts.alert IS
    'A check of health(), or: refresh_failures, more than 10 % of a client''s, of 20 or more since yesterday; '
    'webhook_failures, more than 20 % of 10 or more attempts in 24 hours, or 10 in a row; compromise, a replay or a '
    'copied secret in 24 hours; connections_ending, client_secret_ending and api_keys_ending (of keys that live for '
    'more than 7 days), within 24 hours; webhook_retries, more than 3, of the 20,000 that are due last; '
    'webhook_rate and client_rate, more than 80 % of the hour''s; rate_limit_memory, more than 80 % used.';
COMMENT ON COLUMN auth_store.alerts.tenant_id IS 'Whose it is; NULL: it is the whole store''s.';
COMMENT ON COLUMN auth_store.alerts.subject IS
    'What it is about: a client, webhook, provider or flag; NULL: the store.';
COMMENT ON COLUMN auth_store.alerts.detail IS 'What was found, with the figures that it was found by.';
COMMENT ON COLUMN auth_store.alerts.what_to_do IS 'What to do about it.';
