-- Any user's connection, with both tokens.
\set u random(100000000001, 100000000000 + :users)
SELECT connection_id AS c1, CASE WHEN error IS NULL
    AND refresh_token IS NOT NULL THEN access_token ELSE bench.fail('no tokens') END AS c2,
       refresh_token AS c3, scope AS c4, access_token_expires_at AS c5, status AS c6, metadata AS c7
  FROM auth_store.connection_get('github', '01900000-0000-8000-8000-' || :u) \gset
