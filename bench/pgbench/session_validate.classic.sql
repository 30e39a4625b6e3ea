\set t random(1, :users)
SELECT s.metadata->>'next' AS c0, s.metadata->>'id' AS id,
       s.id AS c1, s.user_id AS c2, NULL AS c3, s.created_at AS c4, s.last_seen_at AS c5, s.expires_at AS c6,
       s.acr AS c7, s.amr AS c8
  FROM classic.sessions s
  JOIN classic.users u ON u.id = s.user_id
 WHERE s.token_hash = sha256(:t) AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
     AND u.status = 'active' \gset
