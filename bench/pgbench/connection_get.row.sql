-- The connection's row alone, by the same key: it opens nothing, and looks at no tenant.
\set u random(100000000001, 100000000000 + :users)
SELECT c.id AS c1, c.access_token AS c2, c.refresh_token AS c3, c.scope AS c4, c.access_token_expires_at AS c5,
       c.failures AS c6, c.metadata AS c7
  FROM auth_store.connections c
 WHERE c.tenant_id = 'default' AND c.actor_type = 'user' AND c.actor_id = '01900000-0000-8000-8000-' || :u
   AND c.provider = 'github' \gset
