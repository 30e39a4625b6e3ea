-- Authorization codes: RFC 6749 section 4.1, with PKCE (RFC 7636), RFC 8707, RFC 9449 section 10 and RFC 9700.
\i tests/sql/include/helpers.sql

-- A confidential client, a public one, one that may go without PKCE, and the user.
SELECT client_secret AS secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb', 'https://web.example/cb2'],
    client_id => 'code_web', scope => 'openid read write',
    resources => ARRAY['https://a.example/', 'https://b.example/']) \gset
SELECT client_secret IS NULL AS public FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public',
    client_id => 'code_app', scope => 'read');
SELECT client_secret AS old_secret FROM auth_store.client_create('Old', ARRAY['https://old.example/cb'],
    client_id => 'code_old', scope => 'read', require_pkce => false) \gset
SELECT client_id FROM auth_store.client_create('Machine', client_id => 'code_machine');
SELECT user_id FROM auth_store.user_create('code@example.com') \gset
SELECT gen_random_uuid() AS session_id \gset
SELECT FROM pg_temp.trail();

--
-- Issuing
--

-- RFC 6749 section 4.1.2: the code, with the state exactly as it came; at most 10 minutes, here 60 seconds.
SELECT code LIKE 'asac\_%' AND length(code) = 69 AS code,
       expires_at - clock_timestamp() BETWEEN '55 s' AND '60 s' AS a_minute,
       scope, state, error, error_description
  FROM auth_store.code_issue('code_web', :'user_id', 'https://web.example/cb', 'write openid', :'challenge',
      state => 'a & b=ü');
-- What the row holds of it is a digest.
SELECT code
  FROM auth_store.code_issue('code_web', :'user_id', 'https://web.example/cb', code_challenge => :'challenge') \gset
SELECT count(*), bool_and(digest = auth_store.token_hash(:'code')) AS digest, min(scope) AS scope,
       bool_or(to_jsonb(c)::text LIKE '%' || right(:'code', 43) || '%') AS holds_the_secret
  FROM auth_store.authorization_codes c WHERE digest = auth_store.token_hash(:'code');

-- What is refused comes back as a row, with the state (section 4.1.2.1). Without a scope all of the client's is meant
-- (section 3.3); a redirect_uri is one of the registered ones, character by character (RFC 9700 section 2.1),
-- but for the port of a loopback address (RFC 8252 section 7.3), and may be left out where only one is
-- registered (section 3.1.2.3).
SELECT what, r.code IS NOT NULL AS code, r.scope, r.error, r.error_description
  FROM (VALUES
    ('unknown client',          'code_nobody',  'https://web.example/cb',   'read', :'challenge', 'S256', NULL::text[],
        NULL),
    ('no client',               NULL,           'https://web.example/cb',   'read', :'challenge', 'S256', NULL, NULL),
    ('grant type not allowed',  'code_machine', 'https://web.example/cb',   'read', :'challenge', 'S256', NULL, NULL),
    ('another redirect_uri',    'code_web',     'https://web.example/',     'read', :'challenge', 'S256', NULL, NULL),
    ('a longer redirect_uri',   'code_web',     'https://web.example/cb/x', 'read', :'challenge', 'S256', NULL, NULL),
    ('redirect_uri, a port',    'code_web',     'https://web.example:443/cb', 'read', :'challenge', 'S256', NULL, NULL),
    ('one of two left out',     'code_web',     NULL,                       'read', :'challenge', 'S256', NULL, NULL),
    ('the only one left out',   'code_app',     NULL,                       'read', :'challenge', 'S256', NULL, NULL),
    ('loopback, any port',      'code_app',     'http://127.0.0.1:51004/cb', NULL,  :'challenge', 'S256', NULL, NULL),
    ('loopback, another path',  'code_app',     'http://127.0.0.1:51004/x', NULL,   :'challenge', 'S256', NULL, NULL),
    ('no challenge, public',    'code_app',     'http://127.0.0.1/cb',      NULL,   NULL,         'S256', NULL, NULL),
    ('no challenge, by default', 'code_web',    'https://web.example/cb',   NULL,   NULL,         'S256', NULL, NULL),
    ('no challenge, allowed',   'code_old',     'https://old.example/cb',   NULL,   NULL,         'S256', NULL, NULL),
    ('method plain',            'code_web',     'https://web.example/cb',   NULL,   :'challenge', 'plain', NULL, NULL),
    ('no method',               'code_web',     'https://web.example/cb',   NULL,   :'challenge', NULL,   NULL, NULL),
    ('malformed challenge',     'code_web',     'https://web.example/cb',   NULL,   'short',      'S256', NULL, NULL),
    ('scope beyond',            'code_web',     'https://web.example/cb',   'read admin', :'challenge', 'S256', NULL,
        NULL),
    ('scope, other case',       'code_web',     'https://web.example/cb',   'Read', :'challenge', 'S256', NULL, NULL),
    ('malformed scope',         'code_web',     'https://web.example/cb',   'read"', :'challenge', 'S256', NULL, NULL),
    ('scope twice',             'code_web',     'https://web.example/cb',   'read  read', :'challenge', 'S256', NULL,
        NULL),
    ('a resource',              'code_web',     'https://web.example/cb',   'read', :'challenge', 'S256',
        ARRAY['https://a.example/'], NULL),
    ('another resource',        'code_web',     'https://web.example/cb',   'read', :'challenge', 'S256',
        ARRAY['https://c.example/'], NULL),
    ('a fragment (RFC 8707)',   'code_web',     'https://web.example/cb',   'read', :'challenge', 'S256',
        ARRAY['https://a.example/#x'], NULL),
    ('no thumbprint',           'code_web',     'https://web.example/cb',   'read', :'challenge', 'S256', NULL, 'x')
  ) AS t (what, client, uri, scope, challenge, method, resource, jkt),
  LATERAL auth_store.code_issue(t.client, :'user_id', t.uri, t.scope, t.challenge, t.method,
                                resource => t.resource, dpop_jkt => t.jkt) AS r;
SELECT * FROM pg_temp.trail();
-- Long texts, and the state of a refused request.
SELECT error, state = repeat('s', 2049) AS state
  FROM auth_store.code_issue('code_web', :'user_id', 'https://web.example/cb', code_challenge => :'challenge',
      state => repeat('s', 2049));
SELECT error, state FROM auth_store.code_issue('code_web', :'user_id', 'https://web.example/cb', state => 'xyz');
-- A client or a user that is not active.
SELECT FROM auth_store.client_set_status('code_web', 'suspended');
SELECT error, error_description
  FROM auth_store.code_issue('code_web', :'user_id', 'https://web.example/cb', code_challenge => :'challenge');
SELECT FROM auth_store.client_set_status('code_web', 'active');
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'user_id';
SELECT error, error_description
  FROM auth_store.code_issue('code_web', :'user_id', 'https://web.example/cb', code_challenge => :'challenge');
UPDATE auth_store.users SET status = 'active' WHERE id = :'user_id';
SELECT * FROM pg_temp.trail();

-- Mistakes of the calling program raise, and nothing is written.
SELECT auth_store.tenant_create('code_other') \gset
SELECT user_id AS stranger FROM auth_store.user_create('code@example.com', tenant_id => 'code_other') \gset
SELECT FROM pg_temp.trail();
SELECT what, pg_temp.raised(format('SELECT FROM auth_store.code_issue(''code_web'', %s, ''https://web.example/cb'',
                                     code_challenge => %L, %s)', u, :'challenge', rest))
  FROM (VALUES
    ('no user', 'NULL', 'ttl => NULL'),
    ('unknown user', '''00000000-0000-0000-0000-000000000000''', 'ttl => NULL'),
    ('user of another tenant', quote_literal(:'stranger'), 'ttl => NULL'),
    ('ttl of nothing', quote_literal(:'user_id'), 'ttl => ''0'''),
    ('negative ttl', quote_literal(:'user_id'), 'ttl => ''-1 min'''),
    ('ttl over 10 min', quote_literal(:'user_id'), 'ttl => ''601 s'''),
    ('absurd ttl', quote_literal(:'user_id'), 'ttl => ''178000000 years'''),
    ('claims no object', quote_literal(:'user_id'), 'claims => ''[1]'''),
    ('claims null', quote_literal(:'user_id'), 'claims => ''null'''),
    ('no end of time', quote_literal(:'user_id'), 'auth_time => ''infinity'''),
    ('no begin of it', quote_literal(:'user_id'), 'auth_time => ''-infinity'''),
    ('NULL in amr', quote_literal(:'user_id'), 'amr => ARRAY[''pwd'', NULL]')) AS t (what, u, rest);
SELECT count(*) FROM pg_temp.trail();

--
-- Redeeming
--

-- Everything that was bound to the code comes back (OpenID Connect Core section 3.1.3.3 needs it for the ID token).
SELECT code FROM auth_store.code_issue('code_web', :'user_id', 'https://web.example/cb', 'openid read', :'challenge',
    state => 'xyz', nonce => 'n-0S6_WzA2Mj', resource => ARRAY['https://a.example/', 'https://b.example/'],
    session_id => :'session_id', auth_time => '2024-05-06 07:08:09+00', acr => 'urn:mace:silver',
    amr => ARRAY['pwd', 'otp'],
    claims => '{"org": 7}') \gset
SELECT FROM pg_temp.trail();

-- What is wrong with a request consumes nothing (section 4.1.3 says what must be right).
SELECT what, r.error, r.error_description, num_nulls(access_token, refresh_token, scope, grant_id, user_id) AS nulls
  FROM (VALUES
    ('no secret',             :'code', 'code_web', 'https://web.example/cb', :'verifier', NULL),
    ('wrong secret',          :'code', 'code_web', 'https://web.example/cb', :'verifier', pg_temp.altered(:'secret')),
    ('another client''s secret', :'code', 'code_web', 'https://web.example/cb', :'verifier', :'old_secret'),
    ('another client',        :'code', 'code_old', 'https://web.example/cb', :'verifier', :'old_secret'),
    ('unknown client',        :'code', 'code_nobody', 'https://web.example/cb', :'verifier', :'secret'),
    ('no client',             :'code', NULL,       'https://web.example/cb', :'verifier', :'secret'),
    ('another redirect_uri',  :'code', 'code_web', 'https://web.example/cb2', :'verifier', :'secret'),
    ('no redirect_uri',       :'code', 'code_web', NULL,                     :'verifier', :'secret'),
    ('wrong verifier',        :'code', 'code_web', 'https://web.example/cb', :'verifier' || 'x', :'secret'),
    ('no verifier',           :'code', 'code_web', 'https://web.example/cb', NULL,        :'secret'),
    ('no code',               NULL,    'code_web', 'https://web.example/cb', :'verifier', :'secret'),
    ('empty code',            '',      'code_web', 'https://web.example/cb', :'verifier', :'secret'),
    ('wrong code',            pg_temp.altered(:'code'), 'code_web', 'https://web.example/cb', :'verifier', :'secret'),
    ('cut code',              left(:'code', 68), 'code_web', 'https://web.example/cb', :'verifier', :'secret'),
    ('another kind',          'asat_' || substr(:'code', 6), 'code_web', 'https://web.example/cb', :'verifier',
        :'secret')
  ) AS t (what, code, client, uri, verifier, secret),
  LATERAL auth_store.code_redeem(t.code, t.client, t.uri, t.verifier, t.secret) AS r;
SELECT * FROM pg_temp.trail();

-- RFC 8707 section 2.2: at the token endpoint, of the granted resources only; RFC 9449: a thumbprint is a SHA-256.
SELECT error
  FROM auth_store.code_redeem(:'code', 'code_web', 'https://web.example/cb', :'verifier', :'secret',
      resource => ARRAY['https://c.example/']);
SELECT error
  FROM auth_store.code_redeem(:'code', 'code_web', 'https://web.example/cb', :'verifier', :'secret', dpop_jkt => 'x');
SELECT * FROM pg_temp.trail();

SELECT * FROM auth_store.code_redeem(:'code', 'code_web', 'https://web.example/cb', :'verifier', :'secret',
                                     resource => ARRAY['https://b.example/'], ip => '192.0.2.7',
                                     user_agent => 'psql') \gset r_
-- Section 5.1.
SELECT :'r_access_token' LIKE 'asat\_%' AND length(:'r_access_token') = 69 AS access_token,
       :'r_refresh_token' LIKE 'asrt\_%' AND length(:'r_refresh_token') = 91 AS refresh_token,
       :'r_token_type' AS token_type, :r_expires_in AS expires_in, :'r_scope' AS scope,
       :'r_user_id' = :'user_id' AS "user",
       :'r_client_id' AS client_id, :'r_tenant_id' AS tenant_id, :'r_claims' AS claims, :{?r_error} AS error;
SELECT :'r_session_id' = :'session_id' AS session, :'r_nonce' AS nonce, :'r_auth_time'::timestamptz AS auth_time,
       :'r_acr' AS acr, :'r_amr' AS amr;
SELECT active, scope, audience, grant_id = :'r_grant_id' AS grant_id, session_id = :'session_id' AS session, claims
  FROM auth_store.token_introspect(:'r_access_token');
SELECT event, error, risk_score, flags, user_id = :'user_id' AS "user", grant_id = :'r_grant_id' AS grant_id,
       session_id = :'session_id' AS session, ip, user_agent
  FROM auth_store.audit_log WHERE client_id = 'code_web' ORDER BY occurred_at DESC LIMIT 1;
SELECT FROM pg_temp.trail();

-- Section 4.1.2: not more than once. Within auth_store.code_replay_grace of the first use it is a client's retry, which
-- changes nothing else …
SHOW auth_store.code_replay_grace;
SET auth_store.code_replay_grace = '1 min';
SELECT error, error_description, access_token
  FROM auth_store.code_redeem(:'code', 'code_web', 'https://web.example/cb', :'verifier', :'secret');
SELECT active FROM auth_store.token_introspect(:'r_access_token');
SELECT * FROM pg_temp.trail();
-- … later a replay: the grant of the first use ends with all tokens, also those that a refresh has made since. Other
-- grants of the same user and client live on.
SELECT refresh_token, access_token FROM auth_store.token_refresh(:'r_refresh_token', 'code_web', :'secret') \gset s_
SELECT access_token AS bystander FROM auth_store.token_issue('code_web', :'user_id') \gset
SELECT FROM pg_temp.trail();
SET auth_store.code_replay_grace = 0;
-- A replay by who isn't the client is a mere refusal: whoever finds a code must not be able to end the grant.
SELECT error FROM auth_store.code_redeem(:'code', 'code_web', 'https://web.example/cb', :'verifier', 'wrong');
SELECT error FROM auth_store.code_redeem(:'code', 'code_old', 'https://web.example/cb', :'verifier', :'old_secret');
SELECT active FROM auth_store.token_introspect(:'s_access_token');
SELECT * FROM pg_temp.trail();
-- A client that replays is not asked for the verifier: whatever it says, the code was used.
SELECT error, error_description, access_token FROM auth_store.code_redeem(:'code', 'code_web', NULL, NULL, :'secret');
SELECT t.what, i.active
  FROM (VALUES ('redeemed', :'r_access_token'), ('refreshed', :'s_access_token'), ('another grant''s', :'bystander'))
       AS t (what, token),
       LATERAL auth_store.token_introspect(t.token) AS i;
SELECT error FROM auth_store.token_refresh(:'s_refresh_token', 'code_web', :'secret');
SELECT revoked_reason FROM auth_store.grants WHERE id = :'r_grant_id';
SELECT * FROM pg_temp.trail();
-- Once more: the grant has ended, the trail says replay again.
SELECT error FROM auth_store.code_redeem(:'code', 'code_web', 'https://web.example/cb', :'verifier', :'secret');
SELECT * FROM pg_temp.trail();
RESET auth_store.code_replay_grace;
-- The grace has its end: 100 ms.
SET auth_store.code_replay_grace = 100;
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge') \gset
SELECT access_token FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier') \gset
SELECT pg_sleep(0.15);
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier');
SELECT active FROM auth_store.token_introspect(:'access_token');
RESET auth_store.code_replay_grace;
SELECT * FROM pg_temp.trail();
-- By default it ends before the second after which FAPI's conformance test replays a code (RFC 6749 section 4.1.2).
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge') \gset
SELECT access_token FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier') \gset
SELECT pg_sleep(1);
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier');
SELECT active FROM auth_store.token_introspect(:'access_token');
SELECT * FROM pg_temp.trail();
-- Where the clock was set back, the redemption is at a time that has not come: no grace runs until then.
SET auth_store.code_replay_grace = '1 min';
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge') \gset
SELECT access_token, grant_id FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier') \gset
UPDATE auth_store.authorization_codes SET redeemed_at = clock_timestamp() + interval '10 s'
 WHERE grant_id = :'grant_id';
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier');
SELECT active FROM auth_store.token_introspect(:'access_token');
RESET auth_store.code_replay_grace;
SELECT * FROM pg_temp.trail();

-- RFC 7636 section 4.6 and the cap: four wrong verifiers do no harm, the fifth is the code's end.
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge') \gset
SELECT n, error, error_description FROM generate_series(1, 4) AS n,
       LATERAL auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier' || n);
BEGIN;
SELECT error, access_token IS NOT NULL AS access_token
  FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier');
ROLLBACK;
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier' || 5);
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier');
SELECT failed_verifiers, redeemed_at IS NULL AS unredeemed FROM auth_store.authorization_codes
 WHERE digest = auth_store.token_hash(:'code');
SELECT * FROM pg_temp.trail();
-- A malformed verifier is a wrong one.
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge') \gset
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => 'short');
SELECT failed_verifiers FROM auth_store.authorization_codes WHERE digest = auth_store.token_hash(:'code');

-- RFC 9700 section 2.1.1: a verifier where no challenge was is a downgrade.
SELECT code FROM auth_store.code_issue('code_old', :'user_id') \gset
SELECT error, error_description
  FROM auth_store.code_redeem(:'code', 'code_old', code_verifier => :'verifier', client_secret => :'old_secret');
-- Section 4.1.3: a redirect_uri is required where the authorization request had one.
SELECT error, scope FROM auth_store.code_redeem(:'code', 'code_old', client_secret => :'old_secret');
-- The application authenticated the client: no secret is asked for.
SELECT code FROM auth_store.code_issue('code_old', :'user_id') \gset
SELECT error, scope FROM auth_store.code_redeem(:'code', 'code_old', client_authenticated => true);
-- A public client authenticates by nothing; a secret it sends is wrong.
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge') \gset
SELECT error FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier', client_secret => :'secret');

-- Its time is over, by the wall clock also inside a transaction.
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge', ttl => '1 second') \gset
SELECT FROM pg_temp.trail();
BEGIN;
SELECT pg_sleep(1.01);
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier');
COMMIT;
SELECT * FROM pg_temp.trail();

-- The user was suspended in between.
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge') \gset
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'user_id';
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier');
UPDATE auth_store.users SET status = 'active' WHERE id = :'user_id';
-- The client was.
SELECT FROM auth_store.client_set_status('code_app', 'suspended');
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier');
SELECT FROM auth_store.client_set_status('code_app', 'active');
SELECT * FROM pg_temp.trail();

-- RFC 9449 section 10: a code bound to a key is redeemed with that key; the tokens are bound to it (section 5).
SELECT auth_store.pkce_challenge(repeat('k', 43)) AS jkt, auth_store.pkce_challenge(repeat('x', 43)) AS other_jkt \gset
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge', dpop_jkt => :'jkt') \gset
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier');
SELECT error, error_description
  FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier', dpop_jkt => :'other_jkt');
SELECT error, token_type, access_token, refresh_token
  FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier', dpop_jkt => :'jkt') \gset d_
SELECT :'d_token_type' AS token_type, token_type AS introspected, cnf = jsonb_build_object('jkt', :'jkt') AS cnf
  FROM auth_store.token_introspect(:'d_access_token');
-- Section 5: without the binding of the code, the proof at the token endpoint binds.
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge') \gset
SELECT token_type FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier', dpop_jkt => :'jkt');
SELECT * FROM pg_temp.trail();

-- One transaction with the application's own rows: what is rolled back was not redeemed.
SELECT code FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge') \gset
BEGIN;
SELECT error, access_token FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier') \gset gone_
SELECT active FROM auth_store.token_introspect(:'gone_access_token');
ROLLBACK;
SELECT active FROM auth_store.token_introspect(:'gone_access_token');
SELECT error FROM auth_store.code_redeem(:'code', 'code_app', code_verifier => :'verifier');
SELECT * FROM pg_temp.trail();

-- Other tenants' clients, users and codes are unknown to a session that is pinned.
SELECT client_id
  FROM auth_store.client_create('Other', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'code_theirs',
      tenant_id => 'code_other');
SELECT code AS theirs FROM auth_store.code_issue('code_theirs', :'stranger', code_challenge => :'challenge') \gset
SELECT code AS ours FROM auth_store.code_issue('code_app', :'user_id', code_challenge => :'challenge') \gset
SELECT FROM pg_temp.trail();
SET auth_store.tenant_id = 'code_other';
SELECT error FROM auth_store.code_redeem(:'ours', 'code_app', code_verifier => :'verifier');
SELECT error FROM auth_store.code_redeem(:'ours', 'code_theirs', code_verifier => :'verifier');
SELECT error FROM auth_store.code_issue('code_app', :'stranger', code_challenge => :'challenge');
SELECT pg_temp.raised(format('SELECT FROM auth_store.code_issue(''code_theirs'', %L)', :'user_id'));
SELECT error, tenant_id FROM auth_store.code_redeem(:'theirs', 'code_theirs', code_verifier => :'verifier');
RESET auth_store.tenant_id;
SELECT * FROM pg_temp.trail();
SELECT error, tenant_id FROM auth_store.code_redeem(:'ours', 'code_app', code_verifier => :'verifier');

-- Writers say so in a read-only transaction.
BEGIN READ ONLY;
SELECT pg_temp.raised(format('SELECT FROM auth_store.code_issue(''code_app'', %L)', :'user_id'));
SELECT pg_temp.raised(format('SELECT FROM auth_store.code_redeem(%L, ''code_app'')', :'ours'));
COMMIT;
