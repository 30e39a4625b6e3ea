-- Client authentication by secret: RFC 6749 section 2.3.1.
\i tests/sql/include/helpers.sql

SELECT client_id AS client, client_secret AS secret
  FROM auth_store.client_create('app', client_id => 'secret-app') \gset
SELECT client_secret AS other_secret FROM auth_store.client_create('other', client_id => 'secret-other') \gset
SELECT FROM auth_store.client_create('public', '{https://a.example/}', 'public', client_id => 'secret-public');
SELECT FROM auth_store.client_create('key', token_endpoint_auth_method => 'private_key_jwt', client_id => 'secret-key');

-- The store holds a digest of the whole text, nothing else of it.
SELECT digest = sha256(:'secret') AS digest, secret_hash, expires_at, tenant_id FROM auth_store.client_secrets
 WHERE client_id = :'client';

-- Right and wrong, one answer for all that is wrong, and an audit row for each.
SELECT count(*) AS trail FROM pg_temp.trail() \gset
SELECT * FROM auth_store.client_authenticate(:'client', :'secret', '192.0.2.1', 'curl/8');
SELECT what, a.*
  FROM (VALUES
    (1, 'altered', :'client', pg_temp.altered(:'secret')), (2, 'another client''s', :'client', :'other_secret'),
    (3, 'of another client', 'secret-other', :'secret'), (4, 'NULL', :'client', NULL), (5, 'empty', :'client', ''),
    (6, 'cut', :'client', left(:'secret', 68)), (7, 'longer', :'client', :'secret' || 'A'),
    (8, 'padded', :'client', :'secret' || '='),
    (9, 'space before', :'client', ' ' || :'secret'), (10, 'other case', :'client', upper(:'secret')),
    (11, 'other prefix', :'client', replace(:'secret', 'ascs_', 'asat_')),
    (12, 'no base64', :'client', 'ascs_' || repeat('!', 64)),
    (13, 'control characters', :'client', E'\x01\n\t'), (14, 'a megabyte', :'client', repeat('x', 1000000)),
    (15, 'a megabyte with prefix', :'client', 'ascs_' || repeat('A', 1000000)), (16, 'not ASCII', :'client', 'ascs_é'),
    (17, 'unknown client', 'nobody', :'secret'), (18, 'no client', NULL, :'secret'),
    (19, 'empty client', '', :'secret'),
    (20, 'client of a megabyte', repeat('c', 1000000), :'secret'),
    (21, 'client in other case', upper(:'client'), :'secret'),
    (22, 'nothing', NULL, NULL)) AS t (n, what, client, secret),
  LATERAL auth_store.client_authenticate(client, secret) AS a
 ORDER BY n;
SELECT event, error, risk, flags, count(*) FROM pg_temp.trail() GROUP BY event, error, risk, flags ORDER BY risk, flags;
SELECT client_id, ip, user_agent FROM auth_store.audit_log
 WHERE client_id = :'client' AND event = 'client.authenticated' AND success;
SELECT max(length(client_id)) AS longest_client_id FROM auth_store.audit_log WHERE event = 'client.authenticated';

-- A public client has no secret (section 2.1); an empty one is the same as none (section 2.3.1).
SELECT what, a.*
  FROM (VALUES (1, 'none', NULL), (2, 'empty', ''), (3, 'some', 'x'), (4, 'another client''s', :'secret'))
       AS t (n, what, secret),
  LATERAL auth_store.client_authenticate('secret-public', secret) AS a
 ORDER BY n;

-- A client that authenticates by key has no secret either, and the application's word is not asked here.
SELECT * FROM auth_store.client_authenticate('secret-key', 'x');
SELECT * FROM auth_store.client_authenticate('secret-key');
SELECT pg_temp.raised('SELECT auth_store.client_secret_rotate(''secret-key'')');
SELECT pg_temp.raised('SELECT auth_store.client_secret_rotate(''secret-public'')');

-- The method can change: a secret of before is refused while another method is set.
SELECT auth_store.client_update(:'client', '{"token_endpoint_auth_method": "tls_client_auth"}');
SELECT ok FROM auth_store.client_authenticate(:'client', :'secret');
SELECT auth_store.client_update(:'client', '{"token_endpoint_auth_method": "client_secret_post"}');
SELECT ok FROM auth_store.client_authenticate(:'client', :'secret');

-- Not active, or of a suspended tenant.
SELECT auth_store.client_set_status(:'client', 'suspended');
SELECT ok, error, error_description FROM auth_store.client_authenticate(:'client', :'secret');
-- Who has not authenticated does not learn that it is suspended.
SELECT ok, error, error_description FROM auth_store.client_authenticate(:'client', :'other_secret');
SELECT auth_store.client_set_status(:'client', 'active');

-- Rotation without overlap ends the old secret at once.
SELECT count(*) AS trail FROM pg_temp.trail() \gset
SELECT auth_store.client_secret_rotate(:'client') AS second \gset
SELECT :'second' ~ '^ascs_[A-Za-z0-9_-]{64}$' AS form, :'second' <> :'secret' AS another;
SELECT (auth_store.client_authenticate(:'client', :'secret')).ok AS old,
       (auth_store.client_authenticate(:'client', :'second')).ok AS new;

-- With overlap both work until its end.
SELECT auth_store.client_secret_rotate(:'client', overlap => '1 hour') AS third \gset
SELECT (auth_store.client_authenticate(:'client', :'second')).ok AS old,
       (auth_store.client_authenticate(:'client', :'third')).ok AS new;
SELECT count(*) AS ending,
       bool_and(expires_at BETWEEN clock_timestamp() + '59 minutes' AND clock_timestamp() + '1 hour') AS in_an_hour
  FROM auth_store.client_secrets WHERE client_id = :'client' AND expires_at IS NOT NULL;
UPDATE auth_store.client_secrets SET expires_at = clock_timestamp()
 WHERE client_id = :'client' AND expires_at IS NOT NULL;
SELECT (auth_store.client_authenticate(:'client', :'second')).ok AS old,
       (auth_store.client_authenticate(:'client', :'third')).ok AS new;
-- A longer overlap does not prolong a secret that is ending.
SELECT auth_store.client_secret_rotate(:'client', '1 minute') AS fourth \gset
SELECT auth_store.client_secret_rotate(:'client', '1 day') AS fifth \gset
SELECT count(*) FILTER (WHERE expires_at < clock_timestamp() + '1 minute') AS in_a_minute,
       count(*) FILTER (WHERE expires_at > clock_timestamp() + '23 hours') AS in_a_day,
       count(*) FILTER (WHERE expires_at IS NULL) AS open
  FROM auth_store.client_secrets WHERE client_id = :'client';

-- At most five live at a time.
SELECT length(auth_store.client_secret_rotate(:'client', '1 day'));
SELECT length(auth_store.client_secret_rotate(:'client', '1 day'));
SELECT pg_temp.raised(format('SELECT auth_store.client_secret_rotate(%L, ''1 day'')', :'client'));
SELECT auth_store.client_secret_rotate(:'client') AS sixth \gset
SELECT count(*) FROM auth_store.client_secrets WHERE client_id = :'client';
SELECT event, error, flags, count(*) FROM pg_temp.trail() GROUP BY event, error, flags ORDER BY event, error;

SELECT overlap, pg_temp.raised(format('SELECT auth_store.client_secret_rotate(%L, %L)', :'client', overlap))
  FROM (VALUES ('-1 second'), ('366 days'), ('178000000 years')) AS t (overlap);
SELECT pg_temp.raised('SELECT auth_store.client_secret_rotate(''nobody'')');
SELECT pg_temp.raised('SELECT auth_store.client_secret_rotate(NULL)');

-- Imported hashes. bcrypt: "U*U" of the test vectors of OpenBSD's and crypt_blowfish's; argon2id: "password" of the
-- reference implementation's test.c.
\set bcrypt '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
\set argon2id '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
SELECT auth_store.client_secret_import(:'client', :'bcrypt');
SELECT auth_store.client_secret_import(:'client', :'argon2id');
SELECT what, a.ok, a.error
  FROM (VALUES (1, 'bcrypt', 'U*U'), (2, 'argon2id', 'password'), (3, 'generated', :'sixth'),
      (4, 'none of them', 'U*V'),
               (5, 'the hash', :'bcrypt'), (6, 'empty', ''),
               (7, 'a megabyte', repeat('U*U', 333333))) AS t (n, what, secret),
  LATERAL auth_store.client_authenticate(:'client', secret) AS a
 ORDER BY n;
SELECT digest IS NULL AS no_digest, secret_hash IN (:'bcrypt', :'argon2id') AS the_hash FROM auth_store.client_secrets
 WHERE client_id = :'client' AND secret_hash IS NOT NULL;
-- They are of this client alone.
SELECT ok FROM auth_store.client_authenticate('secret-other', 'U*U');
SELECT auth_store.client_secret_import('secret-other', replace(:'bcrypt', '$2a$', '$2b$'));
SELECT auth_store.client_secret_import('secret-other', replace(:'bcrypt', '$2a$', '$2y$'));
SELECT ok FROM auth_store.client_authenticate('secret-other', 'U*U');
-- A rotation ends them too.
SELECT length(auth_store.client_secret_rotate('secret-other'));
SELECT ok FROM auth_store.client_authenticate('secret-other', 'U*U');

-- SHA-256, in each form: of another store's secret, and of one of this store's own.
SELECT auth_store.client_secret_import('secret-other', encode(sha256('drawn by another store'), 'hex'));
SELECT auth_store.client_secret_import('secret-other', encode(sha256(:'sixth'), 'base64'));
SELECT what, a.ok, a.error
  FROM (VALUES (1, 'the secret', 'drawn by another store'), (2, 'a native one', :'sixth'),
               (3, 'its SHA-256', encode(sha256('drawn by another store'), 'hex')), (4, 'another', 'drawn'))
       AS t (n, what, secret),
  LATERAL auth_store.client_authenticate('secret-other', secret) AS a
 ORDER BY n;
SELECT secret_hash IS NULL AS no_hash, octet_length(digest) AS digest FROM auth_store.client_secrets
 WHERE client_id = 'secret-other' AND expires_at IS NULL;
SELECT length(auth_store.client_secret_rotate('secret-other'));
SELECT ok FROM auth_store.client_authenticate('secret-other', 'drawn by another store');

-- What is no such hash, or would take minutes to verify. The message does not repeat it.
SELECT left(hash, 40) AS hash,
       pg_temp.raised(format('SELECT auth_store.client_secret_import(%L, %L)', :'client',
           hash)) LIKE '22023 | invalid value for argument "secret_hash" | Accepted: an argon2id hash %' AS refused
  FROM (VALUES
    (''), ('secret'), ('$1$salt$hash'), (md5('x')), (replace(:'bcrypt', '$2a$', '$2x$')),
    (replace(:'bcrypt', '$2a$', '$2$')),
    (replace(:'bcrypt', '$05$', '$03$')), (replace(:'bcrypt', '$05$', '$16$')), (replace(:'bcrypt', '$05$', '$31$')),
    (:'bcrypt' || 'x'), (left(:'bcrypt', 59)), (replace(:'argon2id', 'argon2id', 'argon2i')),
    (replace(:'argon2id', 'argon2id', 'argon2d')),
    (replace(:'argon2id', 'v=19', 'v=16')), (replace(:'argon2id', 'm=65536', 'm=4194304')),
    (replace(:'argon2id', 't=2', 't=100')),
    (replace(:'argon2id', 'm=65536,t=2', 'm=262144,t=5')), (replace(:'argon2id', 'p=1', 'p=64')),
    (left(:'argon2id', 60)),
    (:'argon2id' || '$'), (repeat('$argon2id$', 100000)), (E'$2a$05$\x01')) AS t (hash);
SELECT pg_temp.raised(format('SELECT auth_store.client_secret_import(%L, NULL)', :'client'));
SELECT pg_temp.raised(format('SELECT auth_store.client_secret_import(NULL, %L)', :'bcrypt'));
SELECT pg_temp.raised(format('SELECT auth_store.client_secret_import(''nobody'', %L)', :'bcrypt'));
SELECT pg_temp.raised(format('SELECT auth_store.client_secret_import(''secret-public'', %L)', :'bcrypt'));
SELECT auth_store.client_secret_import(:'client', :'bcrypt');
SELECT auth_store.client_secret_import(:'client', :'bcrypt');
SELECT pg_temp.raised(format('SELECT auth_store.client_secret_import(%L, %L)', :'client', :'bcrypt'));

-- The token endpoint takes the same credentials.
SELECT error, access_token IS NOT NULL AS token FROM auth_store.token_issue_client_credentials(:'client', :'sixth');
SELECT error, access_token IS NOT NULL AS token FROM auth_store.token_issue_client_credentials(:'client', 'U*U');
SELECT error FROM auth_store.token_issue_client_credentials(:'client', :'secret');
SELECT error, access_token IS NOT NULL AS token
  FROM auth_store.token_issue_client_credentials('secret-key', client_authenticated => true);
SELECT error FROM auth_store.token_issue_client_credentials('secret-key', 'x');

BEGIN READ ONLY;
SELECT what, pg_temp.raised(what) FROM (VALUES
    ('SELECT auth_store.client_authenticate(''secret-app'', ''x'')'),
    ('SELECT auth_store.client_secret_rotate(''secret-app'')'),
    ('SELECT auth_store.client_secret_import(''secret-app'','
     ' ''$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'')')
    ) AS t (what);
COMMIT;
