-- Where a call goes (sql/router/roads.txt), and the script of a router. tests/tap/router.pl runs it, tests/shards with
-- PL/Proxy and shards.
\i tests/sql/include/helpers.sql
SET client_min_messages = warning;

CREATE TEMPORARY TABLE line (line text);
\copy line FROM 'sql/router/roads.txt' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
CREATE TEMPORARY VIEW fact AS
SELECT split_part(line, E'\t', 1) AS function, split_part(line, E'\t', 2) AS road, split_part(line, E'\t', 3) AS by
  FROM line WHERE line NOT LIKE '#%';
CREATE TEMPORARY VIEW routine AS
SELECT p.*, a.names, a.required
  FROM pg_proc p
  JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store'
       CROSS JOIN LATERAL (SELECT COALESCE(p.proargnames[1:p.pronargs], '{}'),
                                  COALESCE(p.proargnames[1:p.pronargs - p.pronargdefaults], '{}')) a (names, required);

-- 1. Every function has a line, and every line a function.
SELECT COALESCE(r.proname, f.function) AS function, f.road
  FROM routine r FULL JOIN fact f ON f.function = r.proname
 WHERE f.function IS NULL OR r.proname IS NULL;
-- Procedures, and what triggers and policies call, cannot be passed on.
SELECT f.function, f.road FROM fact f JOIN routine r ON r.proname = f.function
 WHERE (r.prokind = 'p' OR r.prorettype = 'event_trigger'::regtype) AND f.road <> 'stays';

-- 2. What a line names is there: bucket functions, and arguments of the function.
CREATE TEMPORARY VIEW named AS
SELECT f.function, f.road, c.call[1] AS bucket, w.word
  FROM fact f
       CROSS JOIN regexp_matches(f.by, '(\w+)\(([^)]*)\)', 'g') c (call)
       CROSS JOIN regexp_split_to_table(c.call[2], ', ') w (word)
 WHERE f.road <> 'stays';
SELECT DISTINCT n.bucket FROM named n LEFT JOIN routine r ON r.proname = n.bucket
 WHERE r.oid IS NULL OR r.provolatile <> 'i' OR r.prorettype <> 'integer'::regtype OR r.proisstrict;
SELECT n.function, w.word
  FROM named n
       CROSS JOIN regexp_split_to_table(regexp_replace(n.word, '''[^'']*''', '', 'g'), '[ (|>-]+') w (word)
  JOIN routine r ON r.proname = n.function
 WHERE w.word NOT IN ('', 'NULL') AND w.word <> ALL (r.names);
SELECT f.function, w.word
  FROM fact f
       CROSS JOIN regexp_split_to_table(regexp_replace(f.by, '^\S+', ''), ' ') w (word)
  JOIN routine r ON r.proname = f.function
 WHERE f.road = 'split' AND w.word <> '' AND w.word <> ALL (r.names);

-- 3. A call goes by what it is about: what its arguments are called says that, but for the lines below.
SELECT r.proname AS function, k.key, f.road, f.by
  FROM routine r
       CROSS JOIN LATERAL (
           SELECT k.key, k.bucket
             FROM (VALUES (1, 'token', 'token_bucket(token)'), (1, 'session_token', 'token_bucket(session_token)'),
                          (1, 'refresh_token', 'token_bucket(refresh_token)'),
                          (1, 'device_code', 'token_bucket(device_code)'), (1, 'api_key', 'key_bucket(api_key)'),
                          (1, 'proof', 'dpop_bucket(proof)'), (1, 'user_code', 'user_code_bucket(user_code)'),
                          (1, 'grant_id', 'id_bucket(grant_id)'), (1, 'session_id', 'id_bucket(session_id)'),
                          (1, 'api_key_id', 'id_bucket(api_key_id)'),
                          (1, 'connection_id', 'id_bucket(connection_id)'),
                          (1, 'interaction_id', 'id_bucket(interaction_id)'),
                          (1, 'invitation_id', 'id_bucket(invitation_id)'), (2, 'user_id', 'id_bucket(user_id)'),
                          (3, 'client_id', 'client_bucket(client_id)')) k (rank, key, bucket)
            WHERE k.key = ANY (r.required)
            ORDER BY k.rank LIMIT 1) k
  JOIN fact f ON f.function = r.proname
 WHERE f.by <> k.bucket AND f.road NOT IN ('library', 'stays')
 ORDER BY 3, 1;
-- A call that may change something goes to a shard that its arguments name, but for one that only computes.
SELECT f.function FROM fact f JOIN routine r ON r.proname = f.function
 WHERE f.road = 'any' AND r.provolatile = 'v';
-- What the library computes reads nothing of the database.
SELECT f.function FROM fact f JOIN routine r ON r.proname = f.function JOIN pg_language l ON l.oid = r.prolang
 WHERE f.road = 'library' AND (l.lanname <> 'c' OR r.prosecdef);

-- 4. The script. A call of each kind of road.
SELECT auth_store.router_sql('auth', '{"a": "host=a dbname=auth", "b": "host=b dbname=auth"}') AS script \gset
CREATE TEMPORARY VIEW made AS
SELECT substring(m.part FROM '^CREATE FUNCTION ([a-z_.]+)') AS name, split_part(m.part, '$$;', 1) || '$$;' AS text
  FROM regexp_split_to_table(:'script', '(?=CREATE FUNCTION )') m (part);
\t on
\a
SELECT text FROM made
 WHERE name IN ('auth_store.grant_revoke', 'auth_store.tenant_create', 'auth_store.session_validate_many')
    OR split_part(name, '.', 2) IN ('session_validate', 'user_login', 'client_delete', 'client_grants_revoke',
                                    'member_list', 'compliance_report')
 ORDER BY name COLLATE "C";
SELECT name, substring(text FROM 'RUN ON [^;]*') FROM made
 WHERE name IN ('auth_store.audit_write', 'auth_store.role_list', 'auth_store.jti_claim',
                'auth_store_router.http_token', 'auth_store_router.api_key_list',
                'auth_store_router.token_authorize_many')
 ORDER BY name COLLATE "C";
SELECT regexp_matches(:'script', 'CREATE FUNCTION auth_store.token_hash.*?;');
\a
\t off
-- Whatever does not stay on the shards is made once, and may be called by the same roles.
CREATE TEMPORARY TABLE granted AS
SELECT DISTINCT c.name[1] AS function, g.said[2] AS roles
  FROM regexp_matches(:'script', 'CREATE FUNCTION auth_store[.]"?(\w+)"?\(', 'g') c (name)
       LEFT JOIN regexp_matches(:'script', 'GRANT EXECUTE ON FUNCTION auth_store[.]"?(\w+)"? TO ([^;]*);', 'g')
                 g (said) ON g.said[1] = c.name[1];
SELECT f.function, f.road FROM fact f
 WHERE (f.road <> 'stays') <> (f.function IN (SELECT g.function FROM granted g));
SELECT r.proname
  FROM routine r JOIN fact f ON f.function = r.proname AND f.road NOT IN ('stays', 'library')
       LEFT JOIN granted g ON g.function = r.proname
 WHERE COALESCE((SELECT string_agg(o.rolname, ', ' ORDER BY o.rolname COLLATE "C")
                   FROM aclexplode(r.proacl) a JOIN pg_roles o ON o.oid = a.grantee
                  WHERE a.grantee <> r.proowner), '')
       <> COALESCE(g.roles, '');

-- 5. The map.
SELECT regexp_matches(auth_store.router_sql('auth', '{"c": "host=c", "a": "host=a", "b": "host=b"}'),
                      'VALUES\n(    \(0,.*?)\) s \(number');
SELECT regexp_matches(auth_store.router_sql('auth', '{"a": "host=''a''", "b": "host=b"}',
                                            '[[0, "b"], [16, "a"], [32, "b"]]', 'a'),
                      'VALUES\n(    \(0,.*?)\) s \(number');
SELECT auth_store.router_sql('auth', '{"a": "host=a", "b": "host=b"}', registry => 'b') ~ 'at[(]4097[)]' AS registry;

SELECT auth_store.router_sql('auth', '{"a": " host = ''user=b'' options=-c\\ password=d passfile=e "}')
       ~ 'passfile=e' AS is_place;

-- 6. Arguments that are none.
SELECT pg_temp.raised(format('SELECT auth_store.router_sql(%L, %L, %L, %L)', a.cluster, a.shards, a.map, a.registry))
  FROM (VALUES (NULL, '{"a": "host=a"}', NULL, NULL), ('auth', NULL, NULL, NULL),
               ('Auth', '{"a": "host=a"}', NULL, NULL),
               ('a''', '{"a": "host=a"}', NULL, NULL), ('auth', '[]', NULL, NULL), ('auth', '{}', NULL, NULL),
               ('auth', '{"a": 1}', NULL, NULL), ('auth', '{"": "host=a"}', NULL, NULL),
               ('auth', '{"a": "a"}', NULL, NULL), ('auth', '{"a": "host=a password=b"}', NULL, NULL),
               ('auth', '{"a": "host=a dbname=postgresql://b:c@d/e"}', NULL, NULL),
               ('auth', '{"a": "user = b"}', NULL, NULL), ('auth', '{"a": "host=''a b''password=c"}', NULL, NULL),
               ('auth', '{"a": "host=a\\ b sslpassword=c"}', NULL, NULL), ('auth', '{"a": "host=''a"}', NULL, NULL),
               ('auth', '{"a": "postgresql://b:c@a/?d=e"}', NULL, NULL), ('auth', '{"a": "host=a"}', '[]', NULL),
               ('auth', '{"a": "host=a"}', '{}', NULL), ('auth', '{"a": "host=a"}', '[[1, "a"]]', NULL),
               ('auth', '{"a": "host=a"}', '[[0, "b"]]', NULL),
               ('auth', '{"a": "host=a"}', '[[0, "a"], [0, "a"]]', NULL),
               ('auth', '{"a": "host=a"}', '[[0, "a"], [4096, "a"]]', NULL),
               ('auth', '{"a": "host=a"}', '[[0, "a", 1]]', NULL), ('auth', '{"a": "host=a"}', '[[-1, "a"]]', NULL),
               ('auth', '{"a": "host=a"}', NULL, 'b')) a (cluster, shards, map, registry);

-- 7. A request goes by what it is about, whatever else is sent along (RFC 6749 section 3.2: unrecognized parameters are
-- ignored).
SELECT b.token <> b.code AND b.token <> b.client AS differ,
       auth_store.http_bucket(convert_to('code=' || t.code || '&token=' || t.token || '&client_id=w', 'UTF8')) = b.token
           AS revocation,
       auth_store.http_bucket(convert_to('grant_type=authorization_code&token=' || t.token || '&code=' || t.code,
                                         'UTF8')) = b.code AS code,
       auth_store.http_bucket(convert_to('grant_type=client_credentials&code=' || t.code || '&client_id=w', 'UTF8'))
           = b.client AS client_credentials
  FROM (VALUES ('asat_AbjaxbQAiryuNAuc_7N6mOwY6sjXWLHrpS08ENOa3G3ZgGRyy0rgaWNdOD2QhqUT',
                'asdc_AbjaxbQCj_-bwbTJAP_kja0yiEaqGLMqM1gWN0URysEGPHBLjFeZnlHan5CCkKek')) t (token, code)
       CROSS JOIN LATERAL (SELECT auth_store.token_bucket(t.token), auth_store.token_bucket(t.code),
                                  auth_store.client_bucket('w')) b (token, code, client);
