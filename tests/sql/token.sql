-- Tokens on the word of a trusted application, and of clients in their own name: RFC 6749 sections 4.4 and 5.
\i tests/sql/include/helpers.sql

SELECT client_secret AS secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'], client_id => 'token_web',
    grant_types => ARRAY['authorization_code', 'refresh_token', 'client_credentials'], scope => 'read write',
    resources => ARRAY['https://a.example/', 'https://b.example/'], access_token_ttl => '10 min',
    refresh_token_ttl => '1 day',
    refresh_idle_ttl => '1 hour') \gset
SELECT client_secret AS machine_secret
  FROM auth_store.client_create('Machine', client_id => 'token_machine', scope => 'job',
    refresh_token_ttl => '1 min') \gset
SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'token_app',
      scope => 'read');
SELECT user_id FROM auth_store.user_create('token@example.com') \gset
SELECT gen_random_uuid() AS session_id \gset
SELECT FROM pg_temp.trail();

--
-- token_issue
--

SELECT * FROM auth_store.token_issue('token_web', :'user_id', 'read', :'session_id', claims => '{"org": 7}',
                                     resource => ARRAY['https://a.example/'], ip => '192.0.2.1') \gset r_
SELECT :'r_access_token' LIKE 'asat\_%' AS access_token, :'r_refresh_token' LIKE 'asrt\_%' AS refresh_token,
       :'r_token_type' AS token_type, :r_expires_in AS expires_in, :'r_scope' AS scope,
       :'r_user_id' = :'user_id' AS "user",
       :'r_client_id' AS client_id, :'r_tenant_id' AS tenant_id, :'r_claims' AS claims,
       :'r_session_id' = :'session_id' AS session,
       :{?r_error} AS error;
-- The rows: one grant, one small access token; what a secret could be found by is its id alone.
SELECT scope, resources, expires_at - auth_store.id_time(id) BETWEEN '23:59:59' AND '24:00:01' AS absolute_end,
       idle_expires_at - auth_store.id_time(id) BETWEEN '00:59:59' AND '01:00:01' AS idle_end, rotation_count,
       current_digest = auth_store.token_hash(:'r_refresh_token') AS digest, previous_digest, successor_sealed, network,
       revoked_at
  FROM auth_store.grants WHERE id = :'r_grant_id';
SELECT digest = auth_store.token_hash(:'r_access_token') AS digest, scope, resources,
       expires_at - auth_store.id_time(id) BETWEEN '00:09:59' AND '00:10:01' AS ttl, revoked_at
  FROM auth_store.access_tokens WHERE grant_id = :'r_grant_id';
SELECT bool_or(row_text LIKE '%' || substr(token, 27) || '%') AS holds_a_secret
  FROM (SELECT to_jsonb(g)::text AS row_text FROM auth_store.grants g UNION ALL
        SELECT to_jsonb(t)::text FROM auth_store.access_tokens t UNION ALL
        SELECT to_jsonb(a)::text FROM auth_store.audit_log a) AS rows,
       (VALUES (:'r_access_token'), (:'r_refresh_token')) AS t (token);

-- Whether there is a refresh token: NULL where the client may, true where it must, false where it must not be.
CREATE TEMP TABLE issued AS
SELECT n, client, refresh, r.*
  FROM (VALUES (1, 'token_web', NULL), (2, 'token_web', true), (3, 'token_web', false),
               (4, 'token_machine', NULL), (5, 'token_machine', true),
               (6, 'token_machine', false)) AS t (n, client, refresh),
       LATERAL auth_store.token_issue(t.client, :'user_id', refresh => t.refresh) AS r;
-- A grant without one ends with its access token.
SELECT client, refresh, refresh_token IS NOT NULL AS refresh_token, error, error_description,
       g.expires_at - auth_store.id_time(g.id) BETWEEN expires_in * interval '1 s' AND (expires_in
           + 1) * interval '1 s' AS ends_with_the_access_token,
       num_nonnulls(family_digest, current_digest, idle_expires_at) AS family
  FROM issued LEFT JOIN auth_store.grants g ON g.id = grant_id ORDER BY n;

-- Refusals.
SELECT what, r.access_token IS NOT NULL AS access_token, r.scope, r.error, r.error_description
  FROM (VALUES
    ('all scope',               NULL,           NULL::text[]),
    ('no scope at all',         '',             NULL),
    ('scope beyond (3.3)',      'read admin',   NULL),
    ('malformed scope',         E'read\twrite', NULL),
    ('no resource in the list', 'read',         ARRAY[]::text[]),
    ('a resource twice',        'read',         ARRAY['https://a.example/', 'https://a.example/']),
    ('an unknown resource',     'read',         ARRAY['https://c.example/']),
    ('no URI (RFC 8707)',       'read',         ARRAY['a']),
    ('NULL among them',         'read',         ARRAY[NULL]::text[])) AS t (what, scope, resource),
  LATERAL auth_store.token_issue('token_web', :'user_id', t.scope, resource => t.resource) AS r;
UPDATE auth_store.users SET status = 'inactive' WHERE id = :'user_id';
SELECT error, error_description FROM auth_store.token_issue('token_web', :'user_id');
UPDATE auth_store.users SET status = 'active' WHERE id = :'user_id';
SELECT FROM auth_store.client_set_status('token_web', 'suspended');
SELECT error, error_description FROM auth_store.token_issue('token_web', :'user_id');
SELECT FROM auth_store.client_set_status('token_web', 'active');
SELECT * FROM pg_temp.trail();

-- Mistakes.
SELECT auth_store.tenant_create('token_other') \gset
SELECT user_id AS stranger FROM auth_store.user_create('token@example.com', tenant_id => 'token_other') \gset
SELECT FROM pg_temp.trail();
SELECT what, pg_temp.raised(format('SELECT FROM auth_store.token_issue(%L, %s, %s)', client, u, rest))
  FROM (VALUES
    ('no client', NULL, quote_literal(:'user_id'), 'cnf => NULL'),
    ('unknown client', 'token_nobody', quote_literal(:'user_id'), 'cnf => NULL'),
    ('no user', 'token_web', 'NULL', 'cnf => NULL'),
    ('unknown user', 'token_web', '''00000000-0000-0000-0000-000000000000''', 'cnf => NULL'),
    ('user of another tenant', 'token_web', quote_literal(:'stranger'), 'cnf => NULL'),
    ('claims no object', 'token_web', quote_literal(:'user_id'), 'claims => ''"x"'''),
    ('cnf no object', 'token_web', quote_literal(:'user_id'), 'cnf => ''[]'''),
    ('jkt that is empty', 'token_web', quote_literal(:'user_id'), 'cnf => ''{"jkt": ""}'''),
    ('jkt that is none', 'token_web', quote_literal(:'user_id'), 'cnf => ''{"jkt": 5}'''),
    ('certificate that is none', 'token_web', quote_literal(:'user_id'), 'cnf => ''{"x5t#S256": "short"}'''),
    ('claims too large', 'token_web', quote_literal(:'user_id'),
        format('claims => %L', jsonb_build_object('a', repeat('x', 65536))))
  ) AS t (what, client, u, rest);
SELECT count(*) FROM pg_temp.trail();
-- What a JSON number or nesting is beyond a double or a stack still comes back as it was.
SELECT access_token, claims->'big' = '1e400' AS as_it_was
  FROM auth_store.token_issue('token_web', :'user_id', claims => '{"big": 1e400}') \gset
SELECT claims->'big' = '1e400' AS as_it_was FROM auth_store.token_introspect(:'access_token');

-- RFC 9449 section 5, RFC 8705 section 3: the confirmation makes the token's type.
SELECT token_type
  FROM auth_store.token_issue('token_web', :'user_id', cnf => '{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}');
SELECT token_type
  FROM auth_store.token_issue('token_web', :'user_id',
      cnf => '{"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}');

--
-- token_issue_client_credentials: RFC 6749 section 4.4
--
SELECT FROM pg_temp.trail();
SELECT * FROM auth_store.token_issue_client_credentials('token_machine', :'machine_secret') \gset m_
-- Section 4.4.3: no refresh token. Nobody's token but the client's.
SELECT :'m_access_token' LIKE 'asat\_%' AS access_token, :{?m_refresh_token} AS refresh_token, :{?m_user_id} AS "user",
       :'m_token_type' AS token_type, :m_expires_in AS expires_in, :'m_scope' AS scope, :'m_client_id' AS client_id;
SELECT active, scope, client_id, user_id, username FROM auth_store.token_introspect(:'m_access_token');
SELECT what, r.access_token IS NOT NULL AS access_token, r.error, r.error_description
  FROM (VALUES
    ('no secret',               'token_machine', NULL,                  false, NULL),
    ('empty secret',            'token_machine', '',                    false, NULL),
    ('wrong secret',            'token_machine', pg_temp.altered(:'machine_secret'), false, NULL),
    ('another client''s',       'token_machine', :'secret',             false, NULL),
    ('unknown client',          'token_nobody',  :'machine_secret',     false, NULL),
    ('no client',               NULL,            :'machine_secret',     false, NULL),
    ('the application did it',  'token_machine', NULL,                  true,  NULL),
    ('it says nothing',         'token_machine', NULL,                  NULL,  NULL),
    ('scope beyond',            'token_machine', :'machine_secret',     false, 'job admin'),
    ('public client',           'token_app',     NULL,                  false, NULL),
    ('public, authenticated',   'token_app',     NULL,                  true,  NULL),
    ('allowed beside others',   'token_web',     :'secret',             false, 'write'))
        AS t (what, client, secret, authenticated, scope),
  LATERAL auth_store.token_issue_client_credentials(t.client, t.secret, t.authenticated, t.scope) AS r;
SELECT FROM auth_store.client_set_status('token_machine', 'suspended');
SELECT error, error_description FROM auth_store.token_issue_client_credentials('token_machine', :'machine_secret');
SELECT active FROM auth_store.token_introspect(:'m_access_token');
SELECT FROM auth_store.client_set_status('token_machine', 'active');
SELECT active FROM auth_store.token_introspect(:'m_access_token');
SELECT * FROM pg_temp.trail();
SELECT pg_temp.raised(
    format('SELECT FROM auth_store.token_issue_client_credentials(''token_machine'', %L, cnf => ''1'')',
        :'machine_secret'));

--
-- token_hash, token_bucket
--

-- FIPS 180-4: SHA-256 of "abc".
SELECT encode(auth_store.token_hash('abc'), 'hex');
SELECT auth_store.token_hash(NULL), auth_store.token_bucket(NULL), auth_store.token_bucket('abc'),
       auth_store.token_bucket('');
-- A user's bucket is the first 12 bits of SHA-256(tenant ‖ 0x00 ‖ e-mail in small letters), and all that belongs to the
-- user inherits it; a client's own token has that of SHA-256(client_id).
SELECT ('x' || left(encode(sha256('default\000token@example.com'::bytea), 'hex'), 3))::bit(12)::int AS bucket,
       ('x' || left(encode(sha256('token_machine'), 'hex'), 3))::bit(12)::int AS machine_bucket \gset
SELECT auth_store.token_bucket(:'r_access_token') = :bucket AS access_token,
       auth_store.token_bucket(:'r_refresh_token') = :bucket AS refresh_token,
       ('x' || substr(:'user_id', 16, 3))::bit(12)::int = :bucket AS user_id,
       ('x' || substr(:'r_grant_id', 16, 3))::bit(12)::int = :bucket AS grant_id,
       auth_store.token_bucket(:'m_access_token') = :machine_bucket AS machine,
       auth_store.token_bucket(:'machine_secret') = :machine_bucket AS secret;
SELECT auth_store.token_bucket(code) = :bucket AS code
  FROM auth_store.code_issue('token_web', :'user_id', code_challenge => :'challenge');

BEGIN READ ONLY;
SELECT pg_temp.raised(format('SELECT FROM auth_store.token_issue(''token_web'', %L)', :'user_id'));
SELECT pg_temp.raised('SELECT FROM auth_store.token_issue_client_credentials(''token_machine'', ''x'')');
SELECT auth_store.token_bucket('abc');
COMMIT;
