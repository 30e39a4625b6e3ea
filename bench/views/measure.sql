-- Each view as a client of it reads it, every row, and a plain query of the same that scans.
CREATE TEMP TABLE question (n serial, name text, read text, plain text);
INSERT INTO question (name, read, plain) VALUES
    ('token_activity', 'SELECT * FROM auth_store.token_activity', $$
     SELECT (occurred_at AT TIME ZONE 'UTC')::date, tenant_id, client_id,
            count(*) FILTER (WHERE event = 'code.issued' AND success),
            count(*) FILTER (WHERE event = 'token.issued' AND success),
            count(*) FILTER (WHERE event = 'token.refreshed' AND success), count(*) FILTER (WHERE NOT success),
            count(DISTINCT user_id)
       FROM auth_store.audit_log WHERE event ~ '^((code|token|grant|device)[.]|code_replay$|refresh_reuse$)'
      GROUP BY 1, 2, 3$$),
    ('client_stats', 'SELECT * FROM auth_store.client_stats', $$
     SELECT c.id, count(DISTINCT a.user_id), count(*) FILTER (WHERE a.event = 'code.redeemed' AND a.success),
            count(*) FILTER (WHERE a.event = 'token.issued' AND a.success),
            max(a.occurred_at) FILTER (WHERE a.success)
       FROM auth_store.clients c LEFT JOIN auth_store.audit_log a ON a.client_id = c.id AND a.tenant_id = c.tenant_id
      GROUP BY 1$$),
    ('active_clients', 'SELECT * FROM auth_store.active_clients', $$
     SELECT c.id, count(*), max(a.occurred_at) FROM auth_store.clients c
       JOIN auth_store.audit_log a ON a.client_id = c.id AND a.tenant_id = c.tenant_id AND a.success
      GROUP BY 1$$),
    ('alerts', 'SELECT * FROM auth_store.alerts', $$
     SELECT tenant_id, f, count(*) FROM auth_store.audit_log, unnest(flags) f GROUP BY 1, 2$$),
    ('stats', 'SELECT * FROM auth_store.stats', $$
     SELECT (SELECT count(*) FROM auth_store.audit_log), (SELECT count(*) FROM auth_store.users),
            (SELECT count(*) FROM auth_store.webhook_queue)$$),
    ('health()', 'SELECT * FROM auth_store.health()', NULL),
    ('provider_connections', 'SELECT * FROM auth_store.provider_connections', NULL),
    ('active_webhooks_by_event', 'SELECT * FROM auth_store.active_webhooks_by_event', $$
     SELECT tenant_id, e, count(*) FROM auth_store.webhooks, unnest(event_types) e GROUP BY 1, 2$$),
    ('webhook_health', 'SELECT * FROM auth_store.webhook_health', $$
     SELECT webhook_id, count(*), percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_ms)
       FROM auth_store.webhook_attempts WHERE attempted_at > now() - interval '24 hours' GROUP BY 1$$),
    ('recent_webhook_deliveries', 'SELECT * FROM auth_store.recent_webhook_deliveries', $$
     SELECT a.*, e.body FROM auth_store.webhook_attempts a JOIN auth_store.webhook_events e ON e.id = a.event_id
      ORDER BY a.attempted_at DESC LIMIT 1000$$),
    ('security_events, a day', $$SELECT * FROM auth_store.security_events
      WHERE occurred_at > now() - interval '1 day'$$, 'SELECT * FROM auth_store.audit_log WHERE risk_score > 0'),
    ('failed_actions, an hour', $$SELECT * FROM auth_store.failed_actions
      WHERE occurred_at > now() - interval '1 hour'$$, 'SELECT * FROM auth_store.audit_log WHERE NOT success');

CREATE FUNCTION pg_temp.ms(statement text, calls int) RETURNS float[] LANGUAGE plpgsql AS $$
DECLARE
    started timestamptz;
    taken   float[];
BEGIN
    IF statement IS NULL THEN RETURN NULL; END IF;
    FOR n IN 0 .. calls LOOP
        started := clock_timestamp();
        EXECUTE 'SELECT sum(length(r::text)) FROM (' || statement || ') r';
        -- The first is not counted.
        IF n > 0 THEN taken := taken || 1000 * extract(epoch FROM clock_timestamp() - started)::float; END IF;
    END LOOP;
    RETURN taken;
END $$;

-- The pages that it touches, in memory or not: the same however busy the machine is.
CREATE FUNCTION pg_temp.pages(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    IF statement IS NULL THEN RETURN NULL; END IF;
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ' || statement INTO plan;
    RETURN (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
END $$;

\pset format aligned
\pset tuples_only off
SET jit = off;
SELECT q.name AS view, round(p50::numeric, 1) AS "p50 ms", round(p95::numeric, 1) AS "p95 ms",
       round(scan::numeric, 1) AS "plain p50 ms", round((p50 / scan)::numeric, 3) AS "ratio",
       pg_temp.pages(q.read) AS "pages", pg_temp.pages(q.plain) AS "plain pages",
       CASE WHEN p95 < 50 THEN 'ok' ELSE 'SLOW' END AS "p95 < 50 ms"
  FROM question q
       CROSS JOIN LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) AS p50,
                                  percentile_cont(0.95) WITHIN GROUP (ORDER BY t) AS p95
                             FROM unnest(pg_temp.ms(q.read, :calls)) t) m
       CROSS JOIN LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) AS scan
                             FROM unnest(pg_temp.ms(q.plain, 3)) t) s
 ORDER BY q.n;
