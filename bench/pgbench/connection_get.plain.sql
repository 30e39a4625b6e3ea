-- The same columns of the same row, decrypted by pgcrypto, and the tenant for its status. Each value was encrypted with
-- pgcrypto's defaults, and says so itself.
\set u random(100000000001, 100000000000 + :users)
SELECT c.id AS c1, pgp_sym_decrypt(c.access_token, 'passphrase of the application') AS c2,
       pgp_sym_decrypt(c.refresh_token, 'passphrase of the application') AS c3, c.scope AS c4,
       c.access_token_expires_at AS c5,
       CASE WHEN c.revoked_at IS NOT NULL THEN 'revoked' WHEN c.failures > 0 THEN 'error'
            WHEN c.access_token_expires_at <= clock_timestamp() THEN 'expired'
            WHEN c.access_token_expires_at - LEAST(interval '1 day',
                (c.access_token_expires_at - c.refreshed_at) / 10) <= clock_timestamp() THEN 'expiring'
            ELSE 'valid' END AS c6, c.metadata AS c7
  FROM bench.connections_plain c
  JOIN auth_store.tenants n ON n.id = c.tenant_id
 WHERE c.tenant_id = 'default' AND c.actor_type = 'user' AND c.actor_id = '01900000-0000-8000-8000-' || :u
   AND c.provider = 'github' AND n.status = 'active' \gset
