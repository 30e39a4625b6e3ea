-- API keys: issued once, verified by two rows, ended by their owner, their end, their networks; rotated and imported.
\i tests/sql/include/helpers.sql
\pset null NULL

SELECT client_id FROM auth_store.client_create('Keys', NULL, client_id => 'api_key_web', scope => 'read');
SELECT user_id FROM auth_store.user_create('api-key@example.com') \gset
SELECT FROM pg_temp.trail();

--
-- api_key_create
--
SELECT api_key_id, api_key
  FROM auth_store.api_key_create('Laptop', :'user_id', scope => ' orders:*  users:read orders:* ',
      metadata => '{"team": 7}') \gset
-- The text: prefix, 64 characters that begin with the row's id; the table has its digest.
SELECT :'api_key' ~ '^asak_[A-Za-z0-9_-]{64}$' AS shape,
       substr(translate(encode(uuid_send(:'api_key_id'), 'base64'), '+/', '-_'), 1, 21) = substr(:'api_key', 6,
           21) AS names_its_row;
SELECT digest = sha256(:'api_key') AS digest, start = left(:'api_key', 17) AS start, prefix, tenant_id, name, scope,
       expires_at, revoked_at, previous_digest,
       allowed_cidrs, rate_limit_per_hour, metadata, last_used_at, user_id = :'user_id' AS owner, client_id,
       auth_store.id_time(id) BETWEEN clock_timestamp() - interval '10 s' AND clock_timestamp() AS now
  FROM auth_store.api_keys WHERE id = :'api_key_id';
-- The key is in its owner's bucket.
SELECT auth_store.token_bucket(:'api_key') = auth_store.token_bucket('asak_' || substr(:'api_key', 6)) AS same,
       substr(:'api_key_id', 16, 3) = substr(:'user_id', 16, 3) AS bucket_of_the_user;
-- With a prefix of its own, and of a client.
SELECT api_key_id AS live_id, api_key AS live
  FROM auth_store.api_key_create('Service', client_id => 'api_key_web', scope => '*', prefix => 'sk_live_',
    expires_at => clock_timestamp() + interval '1 hour', allowed_cidrs => '{192.0.2.0/24,2001:db8::/32}') \gset
SELECT :'live' ~ '^sk_live_[A-Za-z0-9_-]{64}$' AS shape,
       auth_store.token_bucket(:'live') = ('x' || substr(:'live_id', 16, 3))::bit(12)::int AS bucket;
SELECT * FROM pg_temp.trail();
SELECT event, resource_type, resource_id = :'live_id' AS id, client_id, user_id, details FROM auth_store.audit_log
 WHERE resource_id = :'live_id';

SELECT pg_temp.raised(call) FROM (VALUES (1, 'SELECT auth_store.api_key_create(NULL)'),
    (2,  'SELECT auth_store.api_key_create(NULL, ''' || :'user_id' || ''')'),
    (3,  'SELECT auth_store.api_key_create('' '', ''' || :'user_id' || ''')'),
    (4,  'SELECT auth_store.api_key_create(''x'')'),
    (5,  'SELECT auth_store.api_key_create(''x'', ''' || :'user_id' || ''', ''api_key_web'')'),
    (6,  'SELECT auth_store.api_key_create(''x'', gen_random_uuid())'),
    (7,  'SELECT auth_store.api_key_create(''x'', client_id => ''nobody'')'),
    (8,  'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', scope => ''ord*'')'),
    (9,  'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', scope => ''a"b'')'),
    (10, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', expires_at => clock_timestamp())'),
    (11, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', expires_at => ''-infinity'')'),
    (12, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', prefix => ''sk'')'),
    (13, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', prefix => '''')'),
    (14, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', prefix => ''asat_'')'),
    (15, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', prefix => ''asrt_x_'')'),
    (16, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', prefix => repeat(''a'', 32) || ''_'')'),
    (17, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', allowed_cidrs => ARRAY[NULL]::cidr[])'),
    (171, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', '
          'allowed_cidrs => ARRAY[NULL]::inet[])'),
    (172, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', allowed_cidrs => ''{10.0.0.1/8}'')'),
    (173, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', '
          'allowed_cidrs => ''{192.0.2.0/24,2001:db8::1/32}''::inet[])'),
    (174, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', '
          'allowed_cidrs => ''{192.0.2.0/24,nowhere}'')'),
    (175, 'SELECT auth_store.api_key_import(repeat(''0d'', 32), ''x'', client_id => ''api_key_web'', '
          'allowed_cidrs => ''{10.0.0.0/7,11.0.0.0/7}'')'),
    (18, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', '
         'allowed_cidrs => array_fill(''10.0.0.0/8''::cidr, ARRAY[101]))'),
    (19, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', rate_limit_per_hour => 0)'),
    (20, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', metadata => ''[]'')'),
    (21, 'SELECT auth_store.api_key_create(''x'', client_id => ''api_key_web'', tenant_id => ''nowhere'')'))
        AS t (n, call) ORDER BY n;

--
-- api_key_verify
--
SELECT valid, api_key_id = :'api_key_id' AS id, name, user_id = :'user_id' AS "user", client_id, tenant_id, scope,
       expires_at, metadata, error, error_description
  FROM auth_store.api_key_verify(:'api_key');
SELECT valid, name, user_id, client_id, scope, expires_at > clock_timestamp() AS expires, error
  FROM auth_store.api_key_verify(:'live', 'anything at:all', '192.0.2.77');
-- Scopes: wildcards cover what goes on behind their colon.
SELECT required, v.valid, v.error, v.error_description, v.scope
  FROM (VALUES (NULL), (''), ('users:read'), ('orders:read'), ('orders:read:all users:read'), ('orders'), ('orders:'),
      ('Orders:read'), ('users:write'), ('users:read users:write')) AS t (required),
  LATERAL auth_store.api_key_verify(:'api_key', t.required) AS v;
SELECT pg_temp.raised(call)
  FROM (VALUES ('SELECT auth_store.api_key_verify(NULL, ''orders:*'')'),
      ('SELECT auth_store.api_key_verify(NULL, ''*'')'), ('SELECT auth_store.api_key_verify(NULL, ''a"b'')'))
       AS t (call);
-- Networks; who says no address is nowhere. An answer that is no still says whose key it is.
SELECT ip, v.valid, v.error, v.error_description, v.name
  FROM (VALUES ('192.0.2.0'), ('192.0.2.255'), ('192.0.3.0'), ('192.0.2.0/23'), ('192.0.2.0/25'), ('2001:db8::1'),
      ('2001:db9::1'), ('::ffff:192.0.2.9'), ('::ffff:192.0.3.9'), ('::1'), (NULL)) AS t (ip),
  LATERAL auth_store.api_key_verify(:'live', ip => t.ip::inet) AS v;
-- An empty list is none, as NULL is.
SELECT api_key
  FROM auth_store.api_key_create('Anywhere', :'user_id', allowed_cidrs => '{}', expires_at => 'infinity') \gset any_
SELECT valid, expires_at FROM auth_store.api_key_verify(:'any_api_key');
-- What is no key of the store is invalid, and nothing is said of it.
SELECT what, count(*), bool_or(v.valid) AS valid, string_agg(v.error, ' ') AS error,
       bool_and(num_nonnulls(v.api_key_id, v.name, v.user_id, v.client_id, v.tenant_id, v.scope, v.expires_at,
           v.metadata) = 0) AS all_null
  FROM (VALUES
    (1, 'NULL',                NULL),
    (2, 'empty',               ''),
    (3, 'cut',                 left(:'api_key', 68)),
    (4, 'longer',              :'api_key' || 'A'),
    (5, 'padded',              :'api_key' || '='),
    (6, 'other case',          upper(:'api_key')),
    (7, 'another prefix',      'sk_live_' || substr(:'api_key', 6)),
    (8, 'without its prefix',  substr(:'live', 9)),
    (9, 'a longer prefix',     'x_' || :'live'),
    (10, 'of 1 MB',            'asak_' || repeat('A', 1000000)),
    (11, 'unknown id',         'asak_' || repeat('A', 64)),
    (12, 'wrong secret',       pg_temp.altered(:'api_key')),
    (13, 'hexadecimal digits', 'sk_live_' || repeat('0123456789abcdef', 4)),
    (14, 'an access token',    'asat_' || substr(:'api_key', 6)),
    (15, 'not ASCII',          repeat('é', 40)),
    (16, 'a control character', :'api_key' || E'\x01')) AS t (n, what, token),
  LATERAL auth_store.api_key_verify(t.token) AS v
 GROUP BY n, what ORDER BY n;
-- It follows its owner and its tenant at once.
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'user_id';
SELECT valid, error, name FROM auth_store.api_key_verify(:'api_key');
UPDATE auth_store.users SET status = 'active' WHERE id = :'user_id';
SELECT FROM auth_store.client_set_status('api_key_web', 'suspended');
SELECT k.valid AS "user", l.valid AS client
  FROM auth_store.api_key_verify(:'api_key') k, auth_store.api_key_verify(:'live', ip => '192.0.2.1') l;
SELECT FROM auth_store.client_set_status('api_key_web', 'active');
SELECT FROM auth_store.tenant_set_status('default', 'suspended');
SELECT k.valid AS "user", l.valid AS client
  FROM auth_store.api_key_verify(:'api_key') k, auth_store.api_key_verify(:'live', ip => '192.0.2.1') l;
-- A key that is made meanwhile does not work before the tenant does.
SELECT api_key FROM auth_store.api_key_create('Meanwhile', :'user_id') \gset meanwhile_
SELECT valid FROM auth_store.api_key_verify(:'meanwhile_api_key');
SELECT FROM auth_store.tenant_set_status('default', 'active');
SELECT k.valid AS "user", l.valid AS client, m.valid AS meanwhile
  FROM auth_store.api_key_verify(:'api_key') k, auth_store.api_key_verify(:'live', ip => '192.0.2.1') l,
       auth_store.api_key_verify(:'meanwhile_api_key') m;
-- Expired by the wall clock, also in a transaction that began before.
UPDATE auth_store.api_keys SET expires_at = clock_timestamp() + '0.2 s' WHERE id = :'live_id';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT valid FROM auth_store.api_key_verify(:'live', ip => '192.0.2.1');
SELECT pg_sleep(0.25);
SELECT valid, error FROM auth_store.api_key_verify(:'live', ip => '192.0.2.1');
COMMIT;
SELECT pg_temp.raised('SELECT auth_store.api_key_rotate(''' || :'live_id' || ''')');
UPDATE auth_store.api_keys SET expires_at = NULL WHERE id = :'live_id';
-- None of it wrote anything.
SELECT event FROM pg_temp.trail() WHERE event LIKE 'api_key.%' AND event <> 'api_key.created';
SELECT count(*) FROM auth_store.api_keys WHERE last_used_at IS NOT NULL AND client_id = 'api_key_web';

--
-- api_key_touch
--
SELECT valid, name, scope, error, retry_after FROM auth_store.api_key_touch(:'live', 'x', '192.0.2.5', 'api');
SELECT last_used_at BETWEEN clock_timestamp() - interval '10 s' AND clock_timestamp() AS now, last_used_ip
  FROM auth_store.api_keys WHERE id = :'live_id';
SELECT event, success, risk_score, client_id, resource_type, resource_id = :'live_id' AS id, ip, user_agent
  FROM auth_store.audit_log WHERE event = 'api_key.used' ORDER BY occurred_at DESC LIMIT 1;
SELECT event FROM pg_temp.trail();
-- Within a minute nothing more is written; after it, once.
SELECT valid FROM auth_store.api_key_touch(:'live', ip => '192.0.2.6');
SELECT last_used_ip FROM auth_store.api_keys WHERE id = :'live_id';
SELECT event FROM pg_temp.trail();
UPDATE auth_store.api_keys SET last_used_at = clock_timestamp() - interval '61 s' WHERE id = :'live_id';
SELECT valid FROM auth_store.api_key_touch(:'live', ip => '192.0.2.6');
SELECT valid FROM auth_store.api_key_touch(:'live', ip => '192.0.2.7');
SELECT last_used_ip FROM auth_store.api_keys WHERE id = :'live_id';
SELECT event FROM pg_temp.trail();
-- A refusal leaves a row each time.
SELECT what, v.valid, v.error, v.retry_after
  FROM (VALUES ('wrong network', :'live', 'x', '198.51.100.1'), ('lacks a scope', :'api_key', 'admin', '192.0.2.1'),
      ('unknown', pg_temp.altered(:'api_key'), 'x', '192.0.2.1'),
               ('no key', 'x', 'x', '192.0.2.1'), ('NULL', NULL, 'x', NULL)) AS t (what, token, required, ip),
  LATERAL auth_store.api_key_touch(t.token, t.required, t.ip::inet) AS v;
SELECT * FROM pg_temp.trail();
-- The rate limit is the key's own; what is refused for another reason does not count, nor does verifying.
SELECT api_key
  FROM auth_store.api_key_create('Limited', :'user_id', scope => 'read', rate_limit_per_hour => 2) \gset limited_
SELECT error FROM auth_store.api_key_touch(:'limited_api_key', 'write');
SELECT valid, error FROM auth_store.api_key_touch(:'limited_api_key', 'read');
SELECT valid, error FROM auth_store.api_key_touch(:'limited_api_key', 'read');
SELECT valid, name, error, error_description, retry_after BETWEEN 1 AND 3600 AS retry_after
  FROM auth_store.api_key_touch(:'limited_api_key', 'read');
-- It is told once a minute.
SELECT valid, error FROM auth_store.api_key_touch(:'limited_api_key', 'read');
SELECT valid FROM auth_store.api_key_verify(:'limited_api_key', 'read');
SELECT valid FROM auth_store.api_key_touch(:'api_key');
SELECT * FROM pg_temp.trail();

--
-- api_key_rotate
--
SELECT api_key_id = :'live_id' AS same_id, api_key AS second FROM auth_store.api_key_rotate(:'live_id', '1 hour') \gset
SELECT :'same_id' AS same_id, :'second' ~ '^sk_live_[A-Za-z0-9_-]{64}$' AS shape,
       left(:'second', 20) = left(:'live', 20) AS same_start, :'second' <> :'live' AS new_secret;
CREATE FUNCTION pg_temp.works(VARIADIC keys text[]) RETURNS boolean[] LANGUAGE sql AS $$
    SELECT array_agg(v.valid ORDER BY n)
      FROM unnest(keys) WITH ORDINALITY AS k (key, n), LATERAL auth_store.api_key_verify(k.key, ip => '192.0.2.1') AS v
$$;
SELECT pg_temp.works(:'live', :'second');
-- One more: of three texts two live.
SELECT api_key AS third FROM auth_store.api_key_rotate(:'live_id', '1 hour') \gset
SELECT pg_temp.works(:'live', :'second', :'third');
-- The overlap ends.
UPDATE auth_store.api_keys SET previous_expires_at = clock_timestamp() WHERE id = :'live_id';
SELECT pg_temp.works(:'second', :'third');
SELECT error FROM auth_store.api_key_touch(:'second', ip => '192.0.2.1');
-- At once by default, and then there is no other.
SELECT api_key AS fourth FROM auth_store.api_key_rotate(:'live_id') \gset
SELECT pg_temp.works(:'live', :'second', :'third', :'fourth');
SELECT previous_digest, previous_expires_at, digest = sha256(:'fourth') AS digest FROM auth_store.api_keys
 WHERE id = :'live_id';
SELECT * FROM pg_temp.trail();
SELECT pg_temp.raised(call)
  FROM (VALUES ('SELECT auth_store.api_key_rotate(NULL)'), ('SELECT auth_store.api_key_rotate(gen_random_uuid())'),
    ('SELECT auth_store.api_key_rotate(''' || :'live_id' || ''', ''-1 s'')'),
    ('SELECT auth_store.api_key_rotate(''' || :'live_id' || ''', ''366 days'')')) AS t (call);

--
-- api_key_import
--
SELECT 'legacy-' || repeat('k', 30) AS legacy, 'sk_test_' || repeat('0123456789abcdef', 4) AS hexadecimal \gset
SELECT auth_store.api_key_import(encode(sha256(:'legacy'), 'hex'), 'Legacy', :'user_id', scope => 'read',
    start => 'legacy-k', prefix => 'sk_test_', expires_at => clock_timestamp() + interval '1 day') AS legacy_id \gset
SELECT valid, name, scope, api_key_id = :'legacy_id' AS id FROM auth_store.api_key_verify(:'legacy', 'read');
-- Its digest in base64; its text has the form of a native one.
SELECT auth_store.api_key_import(encode(sha256(:'hexadecimal'), 'base64'), 'Hexadecimal',
    client_id => 'api_key_web') AS hexadecimal_id \gset
SELECT valid, name FROM auth_store.api_key_verify(:'hexadecimal');
SELECT auth_store.token_bucket(:'hexadecimal') AS bucket;
SELECT auth_store.api_key_import(sha256('past')::text, 'Past', :'user_id',
    expires_at => '2020-01-01') IS NULL AS "null";
SELECT valid, error FROM auth_store.api_key_verify('past');
SELECT valid FROM auth_store.api_key_touch(:'legacy', 'read');
SELECT last_used_at IS NOT NULL AS used FROM auth_store.api_keys WHERE id = :'legacy_id';
SELECT event, error, flags FROM pg_temp.trail();
SELECT pg_temp.raised(call)
  FROM (VALUES (1, 'SELECT auth_store.api_key_import(NULL, ''x'', client_id => ''api_key_web'')'),
    (2, 'SELECT auth_store.api_key_import(''legacy'', ''x'', client_id => ''api_key_web'')'),
    (3, 'SELECT auth_store.api_key_import(encode(sha256(''new''), ''hex''), NULL, client_id => ''api_key_web'')'),
    (4, 'SELECT auth_store.api_key_import(encode(sha256(''new''), ''hex''), ''x'')'),
    (5, 'SELECT auth_store.api_key_import(encode(sha256(''new''), ''hex''), ''x'', client_id => ''api_key_web'', '
        'start => repeat(''x'', 33))'),
    (6, 'SELECT auth_store.api_key_import(encode(sha256(''' || :'legacy'
        || '''), ''hex''), ''x'', client_id => ''api_key_web'')')) AS t (n, call) ORDER BY n;
-- Rotated, it is native; the foreign text works for the overlap, and is forgotten with the next rotation.
SELECT api_key AS native FROM auth_store.api_key_rotate(:'legacy_id', '1 hour') \gset
SELECT :'native' ~ '^sk_test_[A-Za-z0-9_-]{64}$' AS shape, pg_temp.works(:'legacy', :'native');
SELECT count(*) FROM auth_store.imported_api_keys WHERE api_key_id = :'legacy_id';
SELECT api_key AS native FROM auth_store.api_key_rotate(:'legacy_id', '1 hour') \gset
SELECT pg_temp.works(:'legacy', :'native');
SELECT count(*) FROM auth_store.imported_api_keys WHERE api_key_id = :'legacy_id';

--
-- api_key_list
--
SELECT name, left(start, 5) AS start, user_id = :'user_id' AS "user", client_id, scope,
       created_at <= clock_timestamp() AS created, expires_at IS NOT NULL AS expires,
       previous_expires_at > clock_timestamp() AS overlap, last_used_at IS NOT NULL AS used, rate_limit_per_hour,
       metadata
  FROM auth_store.api_key_list(:'user_id');
SELECT name, left(start, 8) AS start, user_id, client_id, last_used_ip, allowed_cidrs, rotated_at IS NOT NULL AS rotated
  FROM auth_store.api_key_list(client_id => 'api_key_web');
SELECT count(*) = (SELECT count(*) FROM auth_store.api_keys WHERE tenant_id = 'default') AS all_of_the_tenant
  FROM auth_store.api_key_list();
-- No column has a secret or a digest.
SELECT bool_or(strpos(to_jsonb(l)::text, substr(secret, 30)) > 0
               OR strpos(to_jsonb(l)::text, encode(sha256(secret::bytea), 'hex')) > 0) AS told
  FROM auth_store.api_key_list() AS l, unnest(ARRAY[:'api_key', :'fourth', :'native', :'legacy']) AS secret;
SELECT pg_temp.raised(call)
  FROM (VALUES ('SELECT auth_store.api_key_list(''' || :'user_id' || ''', ''api_key_web'')'),
      ('SELECT auth_store.api_key_list(gen_random_uuid())'),
    ('SELECT auth_store.api_key_list(client_id => ''nobody'')'),
    ('SELECT auth_store.api_key_list(tenant_id => ''nowhere'')'),
    ('SELECT auth_store.api_key_list(''' || :'user_id' || ''', tenant_id => ''nowhere'')')) AS t (call);

--
-- api_key_revoke
--
SELECT auth_store.api_key_revoke(:'live_id', 'leaked') AS ended;
SELECT auth_store.api_key_revoke(:'live_id') AS again;
SELECT pg_temp.works(:'fourth');
SELECT valid, error, name FROM auth_store.api_key_touch(:'fourth', ip => '192.0.2.1');
SELECT name, revoked_at IS NOT NULL AS revoked, revoked_reason FROM auth_store.api_key_list(client_id => 'api_key_web')
 WHERE api_key_id = :'live_id';
SELECT event, error, risk, flags FROM pg_temp.trail() WHERE event <> 'api_key.rotated';
SELECT pg_temp.raised(call)
  FROM (VALUES ('SELECT auth_store.api_key_rotate(''' || :'live_id' || ''')'),
      ('SELECT auth_store.api_key_revoke(NULL)'), ('SELECT auth_store.api_key_revoke(gen_random_uuid())'),
    ('SELECT auth_store.api_key_revoke(''' || :'live_id' || ''', '''')')) AS t (call);

--
-- Tenants, cleanup, what goes with an owner
--
SELECT auth_store.tenant_create('api_key_tenant') \gset
SELECT auth_store.user_ensure('1', 'api_key_tenant') AS other_user \gset
SELECT api_key_id AS other_id, api_key AS other FROM auth_store.api_key_create('Other', :'other_user') \gset
SELECT auth_store.api_key_import(encode(sha256('other legacy'), 'hex'), 'Other legacy',
    :'other_user') AS other_legacy_id \gset
SELECT tenant_id FROM auth_store.api_key_verify(:'other');
SELECT pg_temp.raised('SELECT auth_store.api_key_create(''x'', ''' || :'other_user' || ''', tenant_id => ''default'')');
SET auth_store.tenant_id = 'api_key_tenant';
SELECT pg_temp.works(:'other', 'other legacy', :'api_key', :'native', :'hexadecimal');
SELECT name FROM auth_store.api_key_list() ORDER BY name;
SELECT pg_temp.raised(call)
  FROM (VALUES ('SELECT auth_store.api_key_rotate(''' || :'api_key_id' || ''')'),
      ('SELECT auth_store.api_key_revoke(''' || :'api_key_id' || ''')'),
    ('SELECT auth_store.api_key_list(''' || :'user_id' || ''')'),
    ('SELECT auth_store.api_key_create(''x'', ''' || :'user_id' || ''')'),
    ('SELECT auth_store.api_key_import(encode(sha256(''' || :'hexadecimal' || '''), ''hex''), ''x'', '''
        || :'other_user' || ''')')) AS t (call);
RESET auth_store.tenant_id;
-- A key is kept for the retention of grants after its end.
UPDATE auth_store.api_keys SET revoked_at = clock_timestamp() - interval '29 days' WHERE id = :'other_id';
SET auth_store.tenant_id = 'api_key_tenant';
SELECT auth_store.cleanup_expired_data();
RESET auth_store.tenant_id;
UPDATE auth_store.api_keys SET revoked_at = clock_timestamp() - interval '31 days' WHERE id = :'other_id';
UPDATE auth_store.api_keys SET expires_at = clock_timestamp() - interval '31 days' WHERE id = :'other_legacy_id';
SET auth_store.tenant_id = 'api_key_tenant';
SELECT auth_store.cleanup_expired_data();
RESET auth_store.tenant_id;
SELECT count(*) AS keys,
       (SELECT count(*) FROM auth_store.imported_api_keys WHERE tenant_id = 'api_key_tenant') AS imported
  FROM auth_store.api_keys WHERE tenant_id = 'api_key_tenant';
SELECT api_key FROM auth_store.api_key_create('Other', :'other_user') \gset other_
SELECT auth_store.api_key_import(encode(sha256('other legacy'), 'hex'), 'Other legacy',
    :'other_user') AS other_legacy_id \gset
SELECT auth_store.tenant_erase('api_key_tenant', 'api_key_tenant') > 3 AS erased;
SELECT * FROM pg_temp.tenant_rows('api_key_tenant') WHERE rows > 0;
SELECT pg_temp.works(:'other_api_key', 'other legacy');
-- A key that another store of this kind had made: its text names a row that is not here.
SELECT auth_store.api_key_import(encode(sha256(:'other_api_key'), 'hex'), 'Moved',
    client_id => 'api_key_web') IS NULL AS "null";
SELECT valid, name FROM auth_store.api_key_verify(:'other_api_key');
SELECT FROM auth_store.client_delete('api_key_web');
SELECT details FROM auth_store.audit_log WHERE event = 'client.deleted' AND client_id = 'api_key_web';
SELECT count(*) AS keys, pg_temp.works(:'hexadecimal') FROM auth_store.api_keys WHERE client_id = 'api_key_web';
DELETE FROM auth_store.users WHERE id = :'user_id';
SELECT count(*) AS keys, pg_temp.works(:'api_key', :'native') FROM auth_store.api_keys WHERE user_id = :'user_id';
-- A row for one owner only, whoever writes it.
SELECT pg_temp.raised(
    'INSERT INTO auth_store.api_keys (id, tenant_id, digest, scope, name, prefix) VALUES (gen_random_uuid(),'
    ' ''default'', sha256(''''), '''', ''x'', ''asak_'')') LIKE '23514%' AS refused;

-- Reads run in a read-only transaction, writes say 25006.
BEGIN READ ONLY;
SELECT valid FROM auth_store.api_key_verify(:'api_key');
SELECT count(*) >= 0 AS listed FROM auth_store.api_key_list();
SELECT pg_temp.raised(call)
  FROM (VALUES ('SELECT auth_store.api_key_touch(NULL)'),
      ('SELECT auth_store.api_key_create(''x'', gen_random_uuid())'),
      ('SELECT auth_store.api_key_rotate(gen_random_uuid())'),
    ('SELECT auth_store.api_key_revoke(gen_random_uuid())'),
    ('SELECT auth_store.api_key_import(repeat(''0'', 64), ''x'', gen_random_uuid())')) AS t (call);
COMMIT;

-- Networks are an inet[] or a cidr[], of a literal or of a program's own type; an address is a network of one.
SELECT auth_store.user_ensure('api_key_networks') AS user_id \gset
SELECT count(auth_store.api_key_create('literal', :'user_id',
    allowed_cidrs => '{192.0.2.0/24,2001:db8::1,198.51.100.7}')) AS made,
       count(auth_store.api_key_create('inet', :'user_id',
           allowed_cidrs => ARRAY[inet '192.0.2.0/24', '2001:db8::1', '198.51.100.7'])) AS inet,
       count(auth_store.api_key_create('cidr', :'user_id',
           allowed_cidrs => ARRAY[cidr '192.0.2.0/24', '2001:db8::1', '198.51.100.7'])) AS cidr,
       count(auth_store.api_key_create('text', :'user_id',
           allowed_cidrs => ARRAY['192.0.2.0/24', '2001:db8::1', '198.51.100.7'::text]::inet[])) AS text,
       count(auth_store.api_key_import(repeat('0e', 32), 'imported', :'user_id',
           allowed_cidrs => ARRAY[inet '192.0.2.0/24', '2001:db8::1', '198.51.100.7'])) AS imported,
       count(auth_store.api_key_create('most', :'user_id',
           allowed_cidrs => array_fill('10.0.0.0/8'::inet, ARRAY[100]))) AS most;
SELECT allowed_cidrs, pg_typeof(allowed_cidrs) AS type, string_agg(name, ' ' ORDER BY name) AS keys
  FROM auth_store.api_key_list(:'user_id') WHERE name <> 'most' GROUP BY 1;
SELECT api_key
  FROM auth_store.api_key_create('verified', :'user_id',
      allowed_cidrs => ARRAY[inet '192.0.2.0/24', '198.51.100.7']) \gset
SELECT ip, v.valid
  FROM unnest('{192.0.2.9,198.51.100.7,198.51.100.8}'::inet[]) AS ip,
       LATERAL auth_store.api_key_verify(:'api_key', ip => ip) AS v;
