-- The text of code n is the number n.
\if :left = 0
SELECT n AS t, client AS c FROM bench.device_start() \gset
\set left 20
\endif
WITH n AS MATERIALIZED (SELECT clock_timestamp() AS at)
UPDATE classic.device_codes d
   SET last_polled_at = n.at,
       poll_interval = CASE WHEN d.last_polled_at + d.poll_interval * interval '1 second' > n.at
                            THEN d.poll_interval + 5 ELSE d.poll_interval END
  FROM n, classic.clients c
 WHERE d.device_code_hash = sha256(:t) AND d.status = 'pending' AND d.expires_at > n.at
   AND c.id = d.client_id AND c.client_id = :c AND c.status = 'active'
RETURNING CASE d.poll_interval WHEN 0 THEN 'authorization_pending' ELSE bench.fail('slow_down') END AS c1,
    d.poll_interval AS c2 \gset
\set left :left - 1
