-- The buckets of what calls name their rows by.
\i tests/sql/include/helpers.sql

--
-- Vectors for clients in other languages
--
\set vectors `cat examples/routing/vectors.json`
CREATE TEMPORARY TABLE vectors AS
SELECT v.function, v.note, v.bucket, v.arguments,
       CASE v.function
           WHEN 'token_bucket' THEN auth_store.token_bucket(v.arguments ->> 0)
           WHEN 'key_bucket' THEN auth_store.key_bucket(v.arguments ->> 0)
           WHEN 'id_bucket' THEN auth_store.id_bucket((v.arguments ->> 0)::uuid)
           WHEN 'user_bucket' THEN auth_store.user_bucket(v.arguments ->> 0, v.arguments ->> 1, v.arguments ->> 2)
           WHEN 'client_bucket' THEN auth_store.client_bucket(v.arguments ->> 0)
           WHEN 'actor_bucket' THEN auth_store.actor_bucket(v.arguments ->> 0, v.arguments ->> 1)
           WHEN 'user_code_bucket' THEN auth_store.user_code_bucket(v.arguments ->> 0)
           WHEN 'claim_bucket' THEN auth_store.claim_bucket(v.arguments ->> 0, v.arguments ->> 1)
           WHEN 'dpop_bucket' THEN auth_store.dpop_bucket(v.arguments ->> 0)
           WHEN 'text_bucket' THEN auth_store.text_bucket(v.arguments ->> 0)
       END AS found
  FROM jsonb_to_recordset(:'vectors') AS v (function text, note text, bucket int, arguments jsonb);
SELECT function, note, arguments, bucket, found FROM vectors WHERE found IS DISTINCT FROM bucket;
SELECT function, count(*) FROM vectors GROUP BY function ORDER BY function COLLATE "C";
-- Each has vectors, and is what a router's function must be. tests/sql/router.sql has that of a request over HTTP.
SELECT p.proname FROM pg_proc p
 WHERE p.pronamespace = 'auth_store'::regnamespace AND p.proname ~ '_bucket$'
   AND (p.proname NOT IN (SELECT function FROM vectors UNION ALL SELECT 'http_bucket')
        OR (p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.prorettype, p.proconfig)
           IS DISTINCT FROM ('i', 's', false, false, 'int'::regtype, NULL));

--
-- Every text has an answer
--
CREATE TEMPORARY TABLE texts AS
SELECT text FROM (VALUES (NULL), (''), (' '), ('abc'), ('asat_'), ('asrt_'), ('eyJ'), ('eyJ..'), ('eyJ.e30.x'), ('.'),
    ('..'), ('@'), ('+'), (E'\n'), ('é'), (repeat('a', 1000000)), ('asat_' || repeat('A', 1000000)),
    ('eyJ.' || repeat('A', 1000000) || '.x'), (repeat('@', 1000000)), (repeat('é', 500000)), ('{' || repeat('[', 8000)),
    ('a.' || translate(encode(convert_to('{"jti": ' || repeat('[', 5000), 'UTF8'), 'base64'), E'+/=\n', '-_') || '.b'))
    t (text);
SELECT count(*) AS texts, count(t.bucket) AS answers, min(bucket) >= 0 AND max(bucket) < 4096 AS buckets
  FROM texts CROSS JOIN LATERAL (VALUES (auth_store.token_bucket(text)), (auth_store.key_bucket(text)),
      (auth_store.user_bucket(text, text, text)), (auth_store.user_bucket(NULL, text)),
      (auth_store.user_bucket('t', text, 'identity')), (auth_store.client_bucket(text)),
      (auth_store.actor_bucket(text, text)), (auth_store.user_code_bucket(text)), (auth_store.claim_bucket(text, text)),
      (auth_store.dpop_bucket(text)), (auth_store.text_bucket(text))) t (bucket);
SELECT auth_store.token_bucket(text), auth_store.key_bucket(text), auth_store.user_bucket('t', text),
       auth_store.client_bucket(text), auth_store.actor_bucket('t', text), auth_store.user_code_bucket(text),
       auth_store.claim_bucket('i', text), auth_store.dpop_bucket(text), auth_store.text_bucket(text)
  FROM texts WHERE text IS NULL OR text = '' OR length(text) >= 500000 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;

--
-- They say where the store puts things
--
SELECT client_id AS client, client_secret AS secret
  FROM auth_store.client_create('Shard', client_id => 'shard_web', redirect_uris => ARRAY['https://shard.example/'],
      grant_types => ARRAY['authorization_code', 'refresh_token',
          'urn:ietf:params:oauth:grant-type:device_code']) \gset
-- The name is folded as the store folds it.
SELECT user_id AS named FROM auth_store.user_create('SHARD@BU' || U&'\0308' || 'CHER.example') \gset
SELECT auth_store.user_ensure('Shard-7') AS ensured \gset
SELECT auth_store.id_bucket(:'named') = auth_store.user_bucket(NULL, 'shard@xn--bcher-kva.example') AS named,
       auth_store.id_bucket(:'ensured') = auth_store.user_bucket('default', 'Shard-7', 'external') AS ensured,
       auth_store.id_bucket(:'ensured') = auth_store.actor_bucket('default', 'Shard-7') AS actor,
       auth_store.id_bucket(:'ensured') = auth_store.actor_bucket('other', :'ensured') AS actor_by_id;
SELECT auth_store.token_bucket(access_token) = auth_store.id_bucket(:'named') AS access_token,
       auth_store.token_bucket(refresh_token) = auth_store.id_bucket(:'named') AS refresh_token
  FROM auth_store.token_issue('shard_web', :'named');
SELECT auth_store.token_bucket(:'secret') = auth_store.client_bucket(:'client') AS secret;
SELECT FROM auth_store.identity_link(:'named', 'google', 'shard 7');
SELECT bucket = auth_store.user_bucket('default', 'google shard 7', 'identity') AS identity
  FROM auth_store.identities WHERE subject = 'shard 7';
SELECT bool_and(bucket = auth_store.user_bucket(tenant_id, name, kind)) AS names FROM auth_store.user_names;

--
-- User codes carry the bucket of their device code where the store is spread
--
SELECT device_code, user_code FROM auth_store.device_authorize('shard_web', :'secret') \gset
SELECT :'user_code' ~ '^[B-Z]{4}-[B-Z]{4}$' AS short, auth_store.user_code_bucket(:'user_code');
SET auth_store.sharded = on;
SELECT device_code AS device_code_2, user_code AS user_code_2
  FROM auth_store.device_authorize('shard_web', :'secret') \gset
SELECT :'user_code_2' ~ '^[B-Z]{3}-[B-Z]{4}-[B-Z]{4}$' AS long,
       auth_store.user_code_bucket(:'user_code_2') = auth_store.token_bucket(:'device_code_2') AS code,
       auth_store.user_code_bucket(lower(:'user_code_2')) = auth_store.client_bucket(:'client') AS client;
-- Both are found; one whose bucket is none is no code, and is not counted as a guess.
SELECT client_id, status, error FROM auth_store.device_lookup(:'user_code');
SELECT client_id, status, error FROM auth_store.device_lookup(lower(:'user_code_2'));
SELECT error, error_description FROM auth_store.device_lookup('ZZZ-' || :'user_code');
SELECT error FROM auth_store.device_approve(:'user_code_2', :'named');
SELECT token_type, error FROM auth_store.device_redeem(:'device_code_2', 'shard_web', :'secret');
RESET auth_store.sharded;
SELECT error, error_description FROM auth_store.device_lookup(:'user_code_2');
