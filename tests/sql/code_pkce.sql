-- Proof Key for Code Exchange, RFC 7636.
\i tests/sql/include/helpers.sql

-- Appendix B.
SELECT auth_store.pkce_challenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk');
SELECT auth_store.pkce_verify('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');

-- It is what section 4.2 says: BASE64URL-ENCODE(SHA256(ASCII(code_verifier))), without padding.
SELECT v, auth_store.pkce_challenge(v) = rtrim(translate(encode(sha256(v::bytea), 'base64'), '+/', '-_'),
    '=') AS as_the_rfc
  FROM (VALUES (repeat('a', 43)), (repeat('~', 128)), ('-._~' || repeat('Zz09', 10))) AS t (v);

-- Section 4.1: 43 to 128 characters, of the unreserved ones only.
SELECT length(v) AS length, pg_temp.raised(format('SELECT auth_store.pkce_challenge(%L)', v)) AS pkce_challenge,
       auth_store.pkce_verify(v, rtrim(translate(encode(sha256(v::bytea), 'base64'), '+/', '-_'), '=')) AS pkce_verify
  FROM (VALUES (''), (repeat('a', 42)), (repeat('a', 43)), (repeat('a', 128)), (repeat('a', 129)),
               (repeat('a', 43) || '+'), (repeat('a', 43) || ' '), (repeat('a', 43) || E'\n'), (repeat('a', 43) || '='),
               (repeat('a', 43) || 'é'), (repeat('a', 1000000))) AS t (v);
SELECT pg_temp.raised('SELECT auth_store.pkce_challenge(NULL)');

-- Section 4.6: nothing but the challenge of that verifier matches.
SELECT what, auth_store.pkce_verify(verifier, challenge, method)
  FROM (VALUES
    ('right',                       :'verifier', :'challenge', 'S256'),
    ('another verifier',            :'verifier' || 'x', :'challenge', 'S256'),
    ('other case',                  upper(:'verifier'), :'challenge', 'S256'),
    ('padded challenge',            :'verifier', :'challenge' || '=', 'S256'),
    ('cut challenge',               :'verifier', left(:'challenge', 42), 'S256'),
    ('empty challenge',             :'verifier', '', 'S256'),
    ('challenge in other case',     :'verifier', lower(:'challenge'), 'S256'),
    ('the verifier as challenge',   :'verifier', :'verifier', 'S256'),
    -- RFC 9700 section 2.1.1: the method plain shows the verifier to whoever sees the request.
    ('plain',                       :'verifier', :'verifier', 'plain'),
    ('method in other case',        :'verifier', :'challenge', 's256'),
    ('unknown method',              :'verifier', :'challenge', 'S512'),
    ('no method',                   :'verifier', :'challenge', NULL),
    ('no verifier',                 NULL, :'challenge', 'S256'),
    ('no challenge',                :'verifier', NULL, 'S256'),
    ('neither',                     NULL, NULL, 'S256')) AS t (what, verifier, challenge, method);
-- A check that said NULL would fall through IF NOT.
SELECT auth_store.pkce_verify(NULL, NULL, NULL) IS NULL AS is_null;
