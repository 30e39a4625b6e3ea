WITH hit AS (
    INSERT INTO auth_store.rate_limits AS r (id, tenant_id, expires_at, allowed)
    VALUES (substr(encode(sha256('plain'), 'hex'), 1, 32)::uuid, 'default', clock_timestamp() + interval '2 us', true)
    ON CONFLICT (id, tenant_id) DO UPDATE
       SET allowed = r.expires_at <= clock_timestamp() + interval '4000 s',
           expires_at = CASE WHEN r.expires_at <= clock_timestamp() + interval '4000 s'
                             THEN GREATEST(r.expires_at, clock_timestamp()) + interval '2 us' ELSE r.expires_at END
    RETURNING allowed, expires_at
)
SELECT CASE WHEN allowed THEN 1 ELSE bench.fail('over the limit')::int END AS c1, allowed AS c2, expires_at AS c3
    FROM hit \gset
