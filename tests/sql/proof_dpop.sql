-- DPoP proofs (RFC 9449) and JWK thumbprints (RFC 7638), and tokens bound to a key or certificate.
\i tests/sql/include/helpers.sql
\set ECHO none

\i tests/sql/include/sign.sql
-- A proof of this moment for POST https://as.example/token, with members added or replaced; NULL takes one away.
CREATE FUNCTION pg_temp.proof(jti text, claims jsonb DEFAULT '{}', header jsonb DEFAULT '{}', alg text DEFAULT 'EdDSA')
    RETURNS text LANGUAGE sql AS $$
    SELECT signed || '.' || pg_temp.base64url(pg_temp.sign(alg, convert_to(signed, 'UTF8')))
      FROM (SELECT pg_temp.base64url(convert_to(jsonb_strip_nulls(jsonb_build_object('typ', 'dpop+jwt', 'alg', alg,
          'jwk', pg_temp.jwk(alg)) || header)::text, 'UTF8')) || '.' ||
                   pg_temp.base64url(convert_to(jsonb_strip_nulls(jsonb_build_object('jti', jti, 'htm', 'POST', 'htu',
                       'https://as.example/token',
                                                                 'iat', floor(extract(epoch FROM clock_timestamp())))
                                                                 || claims)::text, 'UTF8'))) AS s (signed)
$$;
CREATE FUNCTION pg_temp.check(proof text, access_token text DEFAULT NULL, max_age interval DEFAULT '5 min',
    nonce text DEFAULT NULL, OUT accepted boolean, OUT error text, OUT error_description text)
LANGUAGE sql AS $$
    SELECT jkt IS NOT NULL AND jti IS NOT NULL, v.error, v.error_description
      FROM auth_store.dpop_verify(proof, 'POST', 'https://as.example/token', access_token, max_age, nonce) AS v
$$;
\set ECHO all
\pset null NULL

--
-- jwk_thumbprint
--

-- RFC 7638 section 3.1, RFC 8037 appendix A.3, RFC 9449 section 6.1
SELECT auth_store.jwk_thumbprint(
    '{"kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29", "n": '
    '"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjh'
    'Mstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL'
    '5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKg'
    'w"}');
SELECT auth_store.jwk_thumbprint(
    '{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');
SELECT auth_store.jwk_thumbprint(
    '{"kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": '
    '"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}');
-- A symmetric key has none: it would be a hash of a secret. Nor has what is malformed.
SELECT jwk, pg_temp.raised(format('SELECT auth_store.jwk_thumbprint(%L)', jwk))
  FROM unnest(ARRAY['{"kty": "oct", "k": "AAAA"}', '{"kty": "RSA", "n": "AAAA"}',
    '{"kty": "EC", "crv": "P-256", "x": "AA==", "y": "AAAA"}', '{"kty": "OKP", "crv": 7, "x": "AAAA"}', '{}', '[]',
    '"EC"', 'null', '{"kty": "RSA", "e": 1e400, "n": "AAAA"}']) AS jwk;
SELECT pg_temp.raised('SELECT auth_store.jwk_thumbprint(NULL)');

--
-- dpop_verify
--

SELECT FROM pg_temp.trail();
-- Each algorithm, once; the key's thumbprint and the jti come back.
SELECT alg, v.jkt = auth_store.jwk_thumbprint(pg_temp.jwk(alg)) AS jkt, v.jti, v.error
  FROM unnest(ARRAY['ES256', 'EdDSA', 'RS256']) AS alg, LATERAL (SELECT pg_temp.proof('one', alg => alg)) AS p (proof),
       LATERAL auth_store.dpop_verify(proof, 'POST', 'https://as.example/token') AS v;
-- RFC 9864: Ed25519 by its new name is the same key, with the same thumbprint, and no other key's.
SELECT v.jkt = auth_store.jwk_thumbprint(pg_temp.jwk('EdDSA')) AS jkt, v.jti, v.error
  FROM auth_store.dpop_verify(pg_temp.proof('new name', header => '{"alg": "Ed25519"}'), 'POST',
      'https://as.example/token') AS v;
SELECT * FROM pg_temp.check(pg_temp.proof('n', header => '{"alg": "Ed25519"}', alg => 'ES256'));
-- RFC 7518 section 3.5: PS256 is of the RSA key, too, but not this signature.
SELECT * FROM pg_temp.check(pg_temp.proof('n', header => '{"alg": "PS256"}', alg => 'RS256'));
-- The same jti again, in whatever proof of that key and URI; another key's or URI's is another.
SELECT * FROM auth_store.dpop_verify(pg_temp.proof('one'), 'POST', 'https://as.example/token');
SELECT error
  FROM auth_store.dpop_verify(pg_temp.proof('one', '{"htm": "GET"}'), 'GET', 'https://as.example/token',
      max_age => '1 day');
SELECT error
  FROM auth_store.dpop_verify(pg_temp.proof('one', '{"htu": "https://as.example/par"}'), 'POST',
      'https://as.example/par');
SELECT pg_temp.proof('two') AS proof \gset
SELECT jti, error, error_description FROM auth_store.dpop_verify(:'proof', 'POST', 'https://as.example/token');
SELECT jti, error, error_description FROM auth_store.dpop_verify(:'proof', 'POST', 'https://as.example/token');
-- An accepted proof leaves no row, a refused one does.
SELECT * FROM pg_temp.trail();
SELECT DISTINCT resource_type, resource_id, details FROM auth_store.audit_log
 WHERE event = 'dpop.verified' AND resource_id = 'two';

-- Each check of section 4.3 by itself. One proof is good for nothing else, so each is new.
SELECT what, c.* FROM (VALUES
    ('missing', NULL), ('empty', ''), ('no JWT', 'abc'), ('too long', repeat('a', 9000)), ('unsigned', 'e30.e30.'),
    ('typ', pg_temp.proof('n', header => '{"typ": "JWT"}')), ('no typ', pg_temp.proof('n', header => '{"typ": null}')),
    ('alg none', pg_temp.proof('n', header => '{"alg": "none"}')),
    ('alg HS256', pg_temp.proof('n', header => '{"alg": "HS256"}')),
    ('another alg', pg_temp.proof('n', header => '{"alg": "ES256"}')),
    ('no jwk', pg_temp.proof('n', header => '{"jwk": null}')),
    ('private jwk', pg_temp.proof('n', header => jsonb_build_object('jwk', pg_temp.jwk('EdDSA') || '{"d": "AAAA"}'))),
    ('symmetric jwk', pg_temp.proof('n', header => '{"jwk": {"kty": "oct", "k": "AAAA"}}')),
    ('another jwk', pg_temp.proof('n', header => jsonb_build_object('jwk', pg_temp.jwk('ES256')), alg => 'EdDSA')),
    ('crit', pg_temp.proof('n', header => '{"crit": ["b64"], "b64": false}')),
    ('altered', pg_temp.altered(pg_temp.proof('n'))),
    ('no jti', pg_temp.proof(NULL)), ('empty jti', pg_temp.proof('')), ('no line in jti', pg_temp.proof(E'a\001')),
    ('htm', pg_temp.proof('n', '{"htm": "GET"}')), ('htu', pg_temp.proof('n', '{"htu": "https://as.example/other"}')),
    ('http', pg_temp.proof('n', '{"htu": "http://as.example/token"}')),
    ('no iat', pg_temp.proof('n', '{"iat": null}')), ('iat a text', pg_temp.proof('n', '{"iat": "1562262616"}')),
    ('iat in 2019', pg_temp.proof('n', '{"iat": 1562262616}')),
    ('iat in 2285', pg_temp.proof('n', '{"iat": 9999999999}'))
) AS p (what, proof), LATERAL pg_temp.check(proof) AS c;
-- What is written otherwise and means the same.
SELECT * FROM pg_temp.check(pg_temp.proof('n1', '{"htu": "HTTPS://AS.example:443/a/../%74oken?a=b#c"}'));
-- The proof of RFC 9449 section 4.1 fails by its age alone.
SELECT error, error_description
  FROM auth_store.dpop_verify(
      'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo'
      'RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJ'
      'qdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0Ijo'
      'xNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg', 'POST',
      'https://server.example.com/token');
-- max_age: for how long; and the claim lasts as long as the proof.
SELECT accepted, error_description
  FROM pg_temp.check(pg_temp.proof('n2', jsonb_build_object('iat', extract(epoch FROM clock_timestamp()) - 90)),
      max_age => '1 min');
SELECT accepted, error_description
  FROM pg_temp.check(pg_temp.proof('n2', jsonb_build_object('iat', extract(epoch FROM clock_timestamp()) - 90)),
      max_age => '100 s');
SELECT accepted, error_description
  FROM pg_temp.check(pg_temp.proof('n3', jsonb_build_object('iat', extract(epoch FROM clock_timestamp()) + 50)),
      max_age => '1 day');
-- ath: the hash of the access token.
SELECT token, c.* FROM (VALUES ('Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'), ('another'), (NULL)) AS t (token),
       LATERAL pg_temp.check(pg_temp.proof('ath ' || coalesce(left(token, 2), ''),
           '{"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"}'), token) AS c;
SELECT * FROM pg_temp.check(pg_temp.proof('n4'), 'a token without ath');
-- nonce: where the application provides them (section 8).
SELECT claims, c.*
  FROM (VALUES ('{"nonce": "n1"}'::jsonb), ('{"nonce": "n2"}'), ('{}')) AS t (claims),
       LATERAL pg_temp.check(pg_temp.proof('nonce', claims), nonce => 'n1') AS c;
-- The application's own mistakes.
SELECT pg_temp.raised($$SELECT auth_store.dpop_verify('p', NULL, 'https://as.example/token')$$);
SELECT pg_temp.raised($$SELECT auth_store.dpop_verify('p', 'POST', NULL)$$);
SELECT pg_temp.raised($$SELECT auth_store.dpop_verify('p', 'POST', '/token')$$);
SELECT pg_temp.raised($$SELECT auth_store.dpop_verify('p', 'POST', 'https://as.example/token', max_age => '0 s')$$);
SELECT pg_temp.raised($$SELECT auth_store.dpop_verify('p', 'POST', 'https://as.example/token', max_age => '25 h')$$);
SELECT pg_temp.raised(
    $$SELECT auth_store.dpop_verify('p', 'POST', 'https://as.example/token', tenant_id => 'nobody')$$);

--
-- Bound to a key or a certificate from the code to the last refresh
--

SELECT client_secret AS secret
  FROM auth_store.client_create('Bound', ARRAY['https://bound.example/cb'], client_id => 'dpop_web',
      scope => 'read') \gset
SELECT user_id FROM auth_store.user_create('dpop@example.com') \gset
\set other bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2
\set cert A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0
SELECT jkt FROM auth_store.dpop_verify(pg_temp.proof('bind'), 'POST', 'https://as.example/token') \gset
-- A code bound to the key (RFC 9449 section 10) is redeemed with it alone.
SELECT code FROM auth_store.code_issue('dpop_web', :'user_id', code_challenge => :'challenge', dpop_jkt => :'jkt') \gset
SELECT error, error_description
  FROM auth_store.code_redeem(:'code', 'dpop_web', client_secret => :'secret', code_verifier => :'verifier');
SELECT error, error_description
  FROM auth_store.code_redeem(:'code', 'dpop_web', client_secret => :'secret', code_verifier => :'verifier',
      dpop_jkt => :'other');
SELECT access_token, refresh_token, token_type
  FROM auth_store.code_redeem(:'code', 'dpop_web', client_secret => :'secret', code_verifier => :'verifier',
      dpop_jkt => :'jkt') \gset d_
SELECT :'d_token_type' AS token_type, cnf = jsonb_build_object('jkt', :'jkt') AS cnf
  FROM auth_store.token_introspect(:'d_access_token');
SELECT error, error_description FROM auth_store.token_authorize(:'d_access_token', 'read');
SELECT error, error_description FROM auth_store.token_authorize(:'d_access_token', 'read', dpop_jkt => :'other');
SELECT active, error FROM auth_store.token_authorize(:'d_access_token', 'read', dpop_jkt => :'jkt');
-- So is every refresh, to some key: RFC 9449 section 5 binds the refresh tokens of a confidential client to
-- its authentication, so it may have changed its key. The access token is bound to the new one, the one
-- before it still to its own.
SELECT auth_store.pkce_challenge(repeat('x', 43)) AS new_jkt \gset
SELECT t.what, r.error
  FROM (VALUES (1, 'no key', NULL, NULL), (2, 'an empty one', '', NULL), (3, 'no thumbprint', 'x', NULL),
      (4, 'a certificate for it', NULL, :'cert')) AS t (n, what, jkt, x5t),
    LATERAL auth_store.token_refresh(:'d_refresh_token', 'dpop_web', :'secret', dpop_jkt => t.jkt,
        x5t_s256 => t.x5t) AS r ORDER BY n;
SELECT error FROM auth_store.token_refresh(:'d_refresh_token', 'dpop_web', 'wrong', dpop_jkt => :'new_jkt')
UNION ALL SELECT error FROM auth_store.token_refresh(:'d_refresh_token', 'dpop_web', dpop_jkt => :'new_jkt');
SELECT refresh_token AS next, access_token AS changed, token_type
  FROM auth_store.token_refresh(:'d_refresh_token', 'dpop_web', :'secret', dpop_jkt => :'new_jkt') \gset d_
SELECT :'d_token_type' AS token_type, cnf = jsonb_build_object('jkt', :'new_jkt') AS new_key,
       auth_store.token_introspection(:'d_changed')->'cnf'->>'jkt' = :'new_jkt' AS document
  FROM auth_store.token_introspect(:'d_changed');
SELECT t.what, t.key, a.active, a.error
  FROM (VALUES (1, 'before', 'old', :'d_access_token', :'jkt'), (2, 'before', 'new', :'d_access_token', :'new_jkt'),
      (3, 'after', 'old', :'d_changed', :'jkt'), (4, 'after', 'new', :'d_changed', :'new_jkt'),
      (5, 'after', 'none', :'d_changed', NULL)) AS t (n, what, key, token, jkt),
    LATERAL auth_store.token_authorize(t.token, 'read', dpop_jkt => t.jkt) AS a ORDER BY n;
-- Within the grace the former token gives the same successor, to whichever key; a token with the first key again
-- is one of the grant's.
SELECT refresh_token = :'d_next' AS same, s.cnf = jsonb_build_object('jkt', :'new_jkt') AS new_key
  FROM auth_store.token_refresh(:'d_refresh_token', 'dpop_web', :'secret', dpop_jkt => :'new_jkt') AS r,
       pg_temp.seen(r.access_token) AS s;
SELECT r.error, s.cnf = jsonb_build_object('jkt', :'jkt') AS first_key
  FROM auth_store.token_refresh(:'d_next', 'dpop_web', :'secret', dpop_jkt => :'jkt') AS r,
       pg_temp.seen(r.access_token) AS s;
SELECT count(*), count(cnf) AS with_another_key FROM auth_store.access_tokens
 WHERE grant_id = (SELECT grant_id FROM auth_store.token_introspect(:'d_changed'));
-- A client that keeps its refresh token, too. What an exchange needs is the key of the access token it is shown.
SELECT client_secret AS keeper
  FROM auth_store.client_create('Keeper', ARRAY['https://keeper.example/cb'], client_id => 'dpop_keeper',
      scope => 'read', refresh_rotation => false,
    grant_types => ARRAY['authorization_code', 'refresh_token',
        'urn:ietf:params:oauth:grant-type:token-exchange']) \gset
SELECT refresh_token
  FROM auth_store.token_issue('dpop_keeper', :'user_id', cnf => jsonb_build_object('jkt', :'jkt')) \gset k_
SELECT access_token, refresh_token = :'k_refresh_token' AS kept
  FROM auth_store.token_refresh(:'k_refresh_token', 'dpop_keeper', :'keeper', dpop_jkt => :'new_jkt') \gset k_
SELECT :'k_kept' AS kept, t.key, r.error, s.cnf->>'jkt' = t.jkt AS bound
  FROM (VALUES (1, 'old', :'jkt'), (2, 'new', :'new_jkt')) AS t (n, key, jkt),
    LATERAL auth_store.token_exchange(:'k_access_token', client_id => 'dpop_keeper', client_secret => :'keeper',
        dpop_jkt => t.jkt) AS r, LATERAL pg_temp.seen(r.access_token) AS s ORDER BY n;
-- A public client's stay bound to its key; a certificate stays, and a grant without a key gets none.
SELECT client_id
  FROM auth_store.client_create('Public', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'dpop_app',
      scope => 'read');
SELECT refresh_token AS public
  FROM auth_store.token_issue('dpop_app', :'user_id', cnf => jsonb_build_object('jkt', :'jkt')) \gset
SELECT refresh_token AS both
  FROM auth_store.token_issue('dpop_web', :'user_id',
      cnf => jsonb_build_object('jkt', :'jkt', 'x5t#S256', :'cert')) \gset
SELECT refresh_token AS unbound FROM auth_store.token_issue('dpop_web', :'user_id') \gset
SELECT refresh_token AS odd
  FROM auth_store.token_issue('dpop_web', :'user_id', cnf => jsonb_build_object('jkt', :'jkt', 'kid', 'k')) \gset
SELECT t.what, r.error, s.cnf = jsonb_build_object('jkt', :'new_jkt', 'x5t#S256', :'cert') AS both
  FROM (VALUES (1, 'public', :'public', 'dpop_app', NULL, :'new_jkt', NULL),
      (2, 'public, authenticated by the application', :'public', 'dpop_app', NULL, :'new_jkt', NULL),
      (3, 'public, its key', :'public', 'dpop_app', NULL, :'jkt', NULL),
    (4, 'unbound', :'unbound', 'dpop_web', :'secret', :'new_jkt', NULL),
    (5, 'what nobody can prove', :'odd', 'dpop_web', :'secret', :'new_jkt', NULL),
    (6, 'no certificate', :'both', 'dpop_web', :'secret', :'new_jkt', NULL),
    (7, 'another certificate', :'both', 'dpop_web', :'secret', :'new_jkt', :'new_jkt'),
    (8, 'its certificate', :'both', 'dpop_web', :'secret', :'new_jkt', :'cert'))
        AS t (n, what, token, client, secret, jkt, x5t),
  LATERAL auth_store.token_refresh(t.token, t.client, t.secret, n = 2, dpop_jkt => t.jkt, x5t_s256 => t.x5t) AS r,
  LATERAL pg_temp.seen(r.access_token) AS s ORDER BY n;

-- A client's certificate (RFC 8705): cnf names it, and the token type stays Bearer.
SELECT code FROM auth_store.code_issue('dpop_web', :'user_id', code_challenge => :'challenge') \gset
SELECT error, error_description
  FROM auth_store.code_redeem(:'code', 'dpop_web', client_secret => :'secret', code_verifier => :'verifier',
      x5t_s256 => 'short');
SELECT access_token, refresh_token, token_type
  FROM auth_store.code_redeem(:'code', 'dpop_web', client_secret => :'secret', code_verifier => :'verifier',
      x5t_s256 => :'cert') \gset m_
SELECT :'m_token_type' AS token_type, cnf FROM auth_store.token_introspect(:'m_access_token');
SELECT auth_store.token_introspection(:'m_access_token') -> 'cnf' AS cnf;
SELECT error FROM auth_store.token_authorize(:'m_access_token', 'read');
SELECT active, error FROM auth_store.token_authorize(:'m_access_token', 'read', x5t_s256 => :'cert');
SELECT error FROM auth_store.token_refresh(:'m_refresh_token', 'dpop_web', :'secret');
SELECT error FROM auth_store.token_refresh(:'m_refresh_token', 'dpop_web', :'secret', x5t_s256 => :'other');
SELECT error, token_type FROM auth_store.token_refresh(:'m_refresh_token', 'dpop_web', :'secret', x5t_s256 => :'cert');

-- Both.
SELECT code FROM auth_store.code_issue('dpop_web', :'user_id', code_challenge => :'challenge') \gset
SELECT access_token, token_type
  FROM auth_store.code_redeem(:'code', 'dpop_web', client_secret => :'secret', code_verifier => :'verifier',
      dpop_jkt => :'jkt', x5t_s256 => :'cert') \gset b_
SELECT :'b_token_type' AS token_type, cnf = jsonb_build_object('jkt', :'jkt', 'x5t#S256', :'cert') AS cnf
  FROM auth_store.token_introspect(:'b_access_token');
SELECT error FROM auth_store.token_authorize(:'b_access_token', 'read', dpop_jkt => :'jkt');
SELECT error FROM auth_store.token_authorize(:'b_access_token', 'read', dpop_jkt => :'jkt', x5t_s256 => :'cert');
-- A bearer token is none of a key's (section 7.1), and does not mind a certificate.
SELECT access_token FROM auth_store.token_issue('dpop_web', :'user_id', refresh => false) \gset n_
SELECT error FROM auth_store.token_authorize(:'n_access_token', 'read', dpop_jkt => :'jkt');
SELECT error FROM auth_store.token_authorize(:'n_access_token', 'read', x5t_s256 => :'cert');
