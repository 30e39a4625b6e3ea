\set t random(1, :tokens)
SELECT t.claims->>'next' AS c0, t.claims->>'id' AS id,
       t.scope AS c1, c.client_id AS c2, t.user_id AS c3, NULL AS c4, 'Bearer' AS c5, t.created_at AS c6,
       t.expires_at AS c7, NULL AS c8, t.id AS c9, t.family_id AS c10, NULL AS c11, NULL AS c12, NULL AS c13
  FROM classic.access_tokens t
  JOIN classic.clients c ON c.id = t.client_id
 WHERE t.token_hash = sha256(:t) AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
     AND c.status = 'active' \gset
