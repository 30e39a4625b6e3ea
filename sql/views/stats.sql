-- A text in a later part of a UNION has a name: a dump gives it one, which would be another than a fresh install's.
-- Numbers of the whole store are for nobody who is pinned to a tenant: of no tenant nothing is visible there.
CREATE OR REPLACE VIEW auth_store.stats WITH (security_barrier = true) AS
WITH today AS (
    SELECT pg_catalog.sum(u.tokens_issued + u.codes_redeemed + u.devices_redeemed + u.tokens_exchanged) AS issued,
           pg_catalog.sum(u.tokens_refreshed) AS refreshed, pg_catalog.sum(u.refresh_refused) AS refresh_refused,
           pg_catalog.sum(u.refused) AS refused
      FROM auth_store.client_usage u
     WHERE auth_store.tenant_visible(u.tenant_id)
       AND u.day = (pg_catalog.statement_timestamp() AT TIME ZONE 'UTC')::date
)
SELECT n.name COLLATE "C" AS name, n.value
  FROM (
    -- as the last VACUUM or ANALYZE had them
    SELECT t.relation || '_estimated', (
               SELECT pg_catalog.sum(GREATEST(c.reltuples, 0))::double precision
                 FROM (SELECT r.oid UNION ALL
                       SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = r.oid) p (oid)
                 JOIN pg_catalog.pg_class c ON c.oid = p.oid AND c.relkind = 'r')
      FROM (VALUES ('tenants'), ('clients'), ('users'), ('sessions'), ('grants'), ('access_tokens'), ('api_keys'),
                   ('connections'), ('webhooks'), ('audit_log')) t (relation)
           CROSS JOIN LATERAL (SELECT pg_catalog.to_regclass('auth_store.' || t.relation)::pg_catalog.oid) r (oid)
     WHERE auth_store.tenant_visible(NULL)
    UNION ALL
    SELECT v.name, COALESCE(v.value, 0)::double precision
      FROM today d
           CROSS JOIN LATERAL (VALUES ('tokens_issued_today', d.issued), ('tokens_refreshed_today', d.refreshed),
                                      ('refresh_refused_today', d.refresh_refused), ('refused_today', d.refused))
               v (name, value)
    UNION ALL
    SELECT 'flagged_steps_24h' AS name, COALESCE(pg_catalog.sum(f.steps), 0)::double precision
      FROM auth_store.flag_counts f
     WHERE auth_store.tenant_visible(f.tenant_id) AND f.hour >= pg_catalog.statement_timestamp() - interval '24 hours'
    UNION ALL
    SELECT 'webhook_queue' AS name, pg_catalog.count(*)
      FROM (SELECT FROM auth_store.webhook_queue w WHERE auth_store.tenant_visible(w.tenant_id) LIMIT 100000) q
    UNION ALL
    SELECT 'webhook_queue_oldest_seconds' AS name, COALESCE((
               SELECT GREATEST(pg_catalog.date_part('epoch', pg_catalog.statement_timestamp()
                                                             - auth_store.id_time(w.id)), 0)
                 FROM (SELECT q.id, q.attempt
                         FROM auth_store.webhook_queue q
                        WHERE auth_store.tenant_visible(q.tenant_id) ORDER BY q.id LIMIT 20000) w
                -- one that is tried again is as old as its event
                WHERE w.attempt = 0 ORDER BY w.id LIMIT 1), 0)
    UNION ALL
    SELECT 'webhook_retries' AS name, pg_catalog.count(*)
      FROM (SELECT FROM auth_store.webhook_retries r
             WHERE auth_store.tenant_visible(r.tenant_id) AND r.due_at IS NOT NULL LIMIT 100000) q
    UNION ALL
    SELECT 'webhook_retries_overdue_seconds' AS name, COALESCE((
               SELECT GREATEST(pg_catalog.date_part('epoch', pg_catalog.statement_timestamp() - r.due_at), 0)
                 FROM auth_store.webhook_retries r
                WHERE auth_store.tenant_visible(r.tenant_id) AND r.due_at IS NOT NULL
                ORDER BY r.due_at LIMIT 1), 0)
    UNION ALL
    SELECT 'connections_refresh_overdue_seconds' AS name, COALESCE((
               SELECT GREATEST(pg_catalog.date_part('epoch', pg_catalog.statement_timestamp() - c.refresh_at), 0)
                 FROM auth_store.connections c
                WHERE auth_store.tenant_visible(c.tenant_id) AND c.refresh_at IS NOT NULL
                ORDER BY c.refresh_at LIMIT 1), 0)
    UNION ALL
    SELECT 'cleanup_age_seconds' AS name,
           pg_catalog.date_part('epoch', pg_catalog.statement_timestamp() - pg_catalog.max(k.updated_at))
      FROM auth_store.cleanup_cursors k
     WHERE k.task <> 'audit_log' AND auth_store.tenant_visible(NULL)
    UNION ALL
    SELECT 'counting_behind_seconds' AS name,
           pg_catalog.date_part('epoch', pg_catalog.statement_timestamp() - auth_store.id_time(k.position))
      FROM auth_store.cleanup_cursors k
     WHERE k.task = 'client_usage' AND auth_store.tenant_visible(NULL)
    UNION ALL
    SELECT v.name, v.value
      FROM auth_store.rate_limit_stats() l
           CROSS JOIN LATERAL (VALUES ('rate_limit_slots', l.slots), ('rate_limit_slots_used', l.used),
                                      ('rate_limit_evicted_total', l.evicted)) v (name, value)
     WHERE auth_store.tenant_visible(NULL)
  ) n (name, value);
COMMENT ON VIEW auth_store.stats IS
    'Numbers for a scrape every 15 seconds, a row each: no count reads more than the counts of cleanup, statistics of '
    'the server or 100,000 entries of an index. A session that is pinned to a tenant sees that tenant''s alone.';
COMMENT ON COLUMN auth_store.stats.name IS
    'Which number. …_estimated: rows of a table, as its last VACUUM or ANALYZE had them. …_today: since midnight UTC, '
    'as of the last cleanup. …_seconds: an age; webhook_queue_oldest_seconds is that of the oldest delivery that no '
    'worker has claimed yet. webhook_queue and webhook_retries count up to 100,000.';
COMMENT ON COLUMN auth_store.stats.value IS 'The number; NULL: not known yet.';
