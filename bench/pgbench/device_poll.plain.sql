-- The row work of one poll as one statement.
\if :left = 0
SELECT code AS t, id::text AS id, client AS c FROM bench.device_start() \gset
\set left 20
\endif
WITH n AS MATERIALIZED (SELECT clock_timestamp() AS at)
UPDATE auth_store.device_codes d
   SET last_polled_at = n.at,
       poll_interval = CASE WHEN d.last_polled_at + d.poll_interval * interval '1 second' > n.at
                            THEN d.poll_interval + 5 ELSE d.poll_interval END,
       slowed_at = CASE WHEN d.last_polled_at + d.poll_interval * interval '1 second' > n.at THEN n.at
       ELSE d.slowed_at END
  FROM n, auth_store.clients c
 WHERE d.id = :id AND d.tenant_id = 'default' AND d.digest = sha256(:t) AND d.client_id = :c
   AND d.approved_at IS NULL AND d.denied_at IS NULL AND d.expires_at > n.at
   AND c.id = d.client_id AND c.tenant_id = d.tenant_id AND c.status = 'active' AND NOT c.tenant_suspended
   AND bench.device_grant() = ANY (c.grant_types)
RETURNING CASE WHEN d.slowed_at = n.at THEN bench.fail('slow_down') ELSE 'authorization_pending' END AS c1,
    d.poll_interval AS c2 \gset
\set left :left - 1
