-- The document of compliance_report(). $1: now, $2 and $3: the period, $4: the tenant or NULL, $5 and $6: seconds for
-- which the trail and ended grants are kept.
WITH step AS MATERIALIZED (
    SELECT a.event, a.success, a.called_by, a.called_as, count(*) AS steps, max(a.occurred_at) AS last_at,
           sum((a.details ->> 'rows')::bigint) FILTER (WHERE a.event ~ '[.]expired$') AS expired
      FROM auth_store.audit_log a
     WHERE a.occurred_at >= $2 AND a.occurred_at < $3 AND ($4 IS NULL OR a.tenant_id = $4)
       AND a.from_application IS NOT TRUE
     GROUP BY a.event, a.success, a.called_by, a.called_as
),
flagged AS MATERIALIZED (
    SELECT f.flag, count(*) AS steps, count(DISTINCT a.user_id) AS users, count(DISTINCT a.client_id) AS clients,
           max(a.risk_score)::numeric AS risk_score, max(a.occurred_at) AS last_at
      FROM auth_store.audit_log a CROSS JOIN LATERAL unnest(a.flags) f (flag)
     WHERE a.occurred_at >= $2 AND a.occurred_at < $3 AND ($4 IS NULL OR a.tenant_id = $4)
       AND a.from_application IS NOT TRUE
     GROUP BY f.flag
),
-- What an operator does; no user or client of an application, no worker, and no cleanup.
act AS (
    SELECT s.event, s.called_by, s.called_as, sum(s.steps) FILTER (WHERE s.success) AS done,
           sum(s.steps) FILTER (WHERE NOT s.success) AS refused, max(s.last_at) AS last_at
      FROM step s
     WHERE s.event ~ '^(tenant|role|member|vault|audit|webhook|webhook_type|provider)[.]'
           AND s.event !~ '[.](expired|disabled|failing|suspended)$'
        OR s.event ~ '^client[.](?!authenticated$)'
        OR s.event ~ '^user[.](ended|erased|exported|impersonated|imported|locked|unlocked|purged|status_changed)$'
        OR s.event IN ('grants.revoked', 'sessions.revoked', 'factor.removed', 'password.imported', 'api_key.imported',
                       'connection.imported', 'refresh_token.imported')
     GROUP BY s.event, s.called_by, s.called_as
),
erasure AS (
    SELECT a.id, a.occurred_at, a.event, a.tenant_id, a.user_id, a.called_by
      FROM auth_store.audit_log a
     WHERE a.occurred_at >= $2 AND a.occurred_at < $3 AND ($4 IS NULL OR a.tenant_id = $4)
       AND a.event IN ('user.erased', 'tenant.erased') AND a.from_application IS NOT TRUE
),
stale_key AS (
    SELECT k.id, k.name, k.tenant_id, k.client_id, k.user_id, auth_store.id_time(k.id) AS created_at, k.last_used_at
      FROM auth_store.api_keys k
     WHERE ($4 IS NULL OR k.tenant_id = $4) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $1)
       AND GREATEST(k.last_used_at, k.rotated_at, auth_store.id_time(k.id)) < $1 - interval '90 days'
),
-- A grant is deleted some time after its end; cleanup's counts stay as long as the trail.
client_use AS (
    SELECT c.client_id, c.tenant_id, max(c.last_used_at) AS last_used_at
      FROM (SELECT g.client_id, g.tenant_id, GREATEST(auth_store.id_time(g.id), g.rotated_at) AS last_used_at
              FROM auth_store.grants g
            UNION ALL
            SELECT d.client_id, d.tenant_id, d.last_used_at FROM auth_store.client_usage d) c
     WHERE $4 IS NULL OR c.tenant_id = $4
     GROUP BY c.client_id, c.tenant_id
),
stale_client AS (
    SELECT c.id, c.name, c.tenant_id, c.created_at, u.last_used_at
      FROM auth_store.clients c
      LEFT JOIN client_use u ON u.client_id = c.id AND u.tenant_id = c.tenant_id
     WHERE ($4 IS NULL OR c.tenant_id = $4) AND c.status = 'active'
       AND GREATEST(u.last_used_at, c.created_at) < $1 - interval '90 days'
),
-- Those of the tenant, and those of others who have a role in it.
person AS MATERIALIZED (
    SELECT u.id, $4 IS NULL OR u.tenant_id = $4 AS own,
           EXISTS (SELECT FROM auth_store.mfa_factors f
                    WHERE f.user_id = u.id AND f.tenant_id = u.tenant_id AND f.confirmed_at IS NOT NULL)
           OR EXISTS (SELECT FROM auth_store.passkeys p WHERE p.user_id = u.id AND p.tenant_id = u.tenant_id) AS secured
      FROM auth_store.users u
     WHERE u.status = 'active' AND NOT u.anonymous
       AND ($4 IS NULL OR u.tenant_id = $4
            OR u.id IN (SELECT r.user_id FROM auth_store.user_roles r WHERE r.tenant_id = $4))
),
by_role AS (
    SELECT r.tenant_id, r.role, count(*) AS users, count(*) FILTER (WHERE NOT p.secured) AS without
      FROM auth_store.user_roles r
      JOIN person p ON p.id = r.user_id
     WHERE ($4 IS NULL OR r.tenant_id = $4) AND (r.expires_at IS NULL OR r.expires_at > $1)
     GROUP BY r.tenant_id, r.role
)
SELECT jsonb_build_object(
    'generated_at', $1, 'from', $2, 'to', $3, 'tenant_id', $4,
    'tokens', (
        SELECT jsonb_build_object(
            'codes_issued', COALESCE(sum(s.steps) FILTER (WHERE s.event = 'code.issued' AND s.success), 0),
            'codes_redeemed', COALESCE(sum(s.steps) FILTER (WHERE s.event = 'code.redeemed' AND s.success), 0),
            'devices_redeemed', COALESCE(sum(s.steps) FILTER (WHERE s.event = 'device.redeemed' AND s.success), 0),
            'tokens_issued', COALESCE(sum(s.steps) FILTER (WHERE s.event = 'token.issued' AND s.success), 0),
            'tokens_refreshed', COALESCE(sum(s.steps) FILTER (WHERE s.event = 'token.refreshed' AND s.success), 0),
            'tokens_exchanged', COALESCE(sum(s.steps) FILTER (WHERE s.event = 'token.exchanged' AND s.success), 0),
            'tokens_revoked', COALESCE(sum(s.steps) FILTER (WHERE s.event = 'token.revoked' AND s.success), 0),
            'grants_revoked', COALESCE(sum(s.steps) FILTER (WHERE s.event = 'grant.revoked' AND s.success), 0),
            'refused', COALESCE(sum(s.steps) FILTER (WHERE NOT s.success), 0),
            -- Cleanup does not tell tenants apart.
            'expired', CASE WHEN $4 IS NULL THEN (
                SELECT COALESCE(jsonb_object_agg(e.kind, e.rows), '{}')
                  FROM (SELECT split_part(x.event, '.', 1) AS kind, sum(x.expired) AS rows
                          FROM step x WHERE x.expired IS NOT NULL GROUP BY 1) e) END)
          FROM step s
         WHERE s.event ~ '^((code|token|grant|device)[.]|code_replay$|refresh_reuse$)'),
    'replays', (
        SELECT jsonb_build_object(
            'code_replay', COALESCE(sum(f.steps) FILTER (WHERE f.flag = 'code_replay'), 0),
            'refresh_reuse', COALESCE(sum(f.steps) FILTER (WHERE f.flag = 'refresh_reuse'), 0),
            'jti_replay', COALESCE(sum(f.steps) FILTER (WHERE f.flag = 'jti_replay'), 0),
            'passkey_clone_suspected', COALESCE(sum(f.steps) FILTER (WHERE f.flag = 'passkey_clone_suspected'), 0))
          FROM flagged f),
    'flags', (
        SELECT COALESCE(jsonb_agg(jsonb_build_object(
                   'flag', f.flag, 'risk_score', f.risk_score, 'steps', f.steps, 'users', f.users,
                   'clients', f.clients, 'last_at', f.last_at)
                   ORDER BY f.risk_score DESC, f.flag COLLATE "C"), '[]')
          FROM flagged f),
    'administration', (
        SELECT COALESCE(jsonb_agg(jsonb_build_object(
                   'event', a.event, 'called_by', a.called_by, 'called_as', a.called_as, 'done', COALESCE(a.done, 0),
                   'refused', COALESCE(a.refused, 0), 'last_at', a.last_at)
                   ORDER BY a.event COLLATE "C", a.called_by COLLATE "C", a.called_as COLLATE "C"), '[]')
          FROM act a),
    'stale', jsonb_build_object(
        'days', 90,
        'api_keys', (SELECT count(*) FROM stale_key),
        'clients', (SELECT count(*) FROM stale_client),
        'oldest_api_keys', (
            SELECT COALESCE(jsonb_agg(to_jsonb(k) ORDER BY k.id), '[]')
              FROM (SELECT * FROM stale_key ORDER BY id LIMIT 100) k),
        'oldest_clients', (
            SELECT COALESCE(jsonb_agg(to_jsonb(c) ORDER BY c.created_at, c.id), '[]')
              FROM (SELECT * FROM stale_client ORDER BY created_at, id LIMIT 100) c)),
    'second_factors', jsonb_build_object(
        'users', (SELECT count(*) FROM person p WHERE p.own),
        'without', (SELECT count(*) FROM person p WHERE p.own AND NOT p.secured),
        'by_role', (
            SELECT COALESCE(jsonb_agg(jsonb_build_object(
                       'tenant_id', r.tenant_id, 'role', r.role, 'users', r.users, 'without', r.without)
                       ORDER BY r.tenant_id COLLATE "C", r.role COLLATE "C"), '[]')
              FROM by_role r)),
    'erasures', jsonb_build_object(
        'users', (SELECT count(*) FROM erasure e WHERE e.event = 'user.erased'),
        'tenants', (SELECT count(*) FROM erasure e WHERE e.event = 'tenant.erased'),
        'newest', (
            SELECT COALESCE(jsonb_agg(to_jsonb(e) ORDER BY e.id DESC), '[]')
              FROM (SELECT * FROM erasure ORDER BY id DESC LIMIT 100) e)),
    'retention', jsonb_build_object(
        'audit_seconds', $5,
        'grants_seconds', $6,
        -- audit_log_y2026m11
        'oldest_month', (
            SELECT replace(substr(min(c.relname::text COLLATE "C"), 12), 'm', '-')
              FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = 'auth_store.audit_log'::regclass),
        'months_dropped', (SELECT COALESCE(sum(s.steps), 0) FROM step s WHERE s.event = 'audit.month_dropped')))
