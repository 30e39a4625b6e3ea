-- Token introspection, RFC 7662, and what a resource server asks: RFC 6750 section 3.1, RFC 8707, RFC 9449 section 7.1.
\i tests/sql/include/helpers.sql

SELECT client_secret AS secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'], client_id => 'introspection_web',
    grant_types => ARRAY['authorization_code', 'refresh_token', 'client_credentials'], scope => 'read write') \gset
SELECT user_id FROM auth_store.user_create('introspection@example.com') \gset
SELECT gen_random_uuid() AS session_id \gset
SELECT * FROM auth_store.token_issue('introspection_web', :'user_id', session_id => :'session_id',
    resource => ARRAY['https://a.example/', 'https://b.example/'],
                                     claims => '{"org": 7, "active": false, "sub": "somebody else", "exp": 1}') \gset r_
SELECT FROM pg_temp.trail();

--
-- token_introspect
--
SELECT active, scope, client_id, user_id = :'user_id' AS "user", username, token_type,
       clock_timestamp() - issued_at BETWEEN '-1 s' AND '10 s' AS issued_now,
       expires_at - issued_at BETWEEN '00:59:59' AND '01:00:01' AS an_hour,
       audience, grant_id = :'r_grant_id' AS grant_id, session_id = :'session_id' AS session, tenant_id, cnf, claims
  FROM auth_store.token_introspect(:'r_access_token');
SELECT jti = t.id AS jti FROM auth_store.token_introspect(:'r_access_token'), auth_store.access_tokens t
 WHERE t.grant_id = :'r_grant_id';

-- Section 2.2: for what is not active, active = false and nothing else; it is not told why. Always one row.
SELECT what, count(*), bool_or(i.active) AS active,
       bool_and(num_nonnulls(i.scope, i.client_id, i.user_id, i.username, i.token_type, i.issued_at,
       i.expires_at, i.audience, i.jti, i.grant_id, i.session_id, i.tenant_id, i.cnf, i.claims) = 0) AS all_null
  FROM (VALUES
    (1, 'NULL',               NULL),
    (2, 'empty',              ''),
    (3, 'no token',           'Bearer x'),
    (4, 'cut',                left(:'r_access_token', 68)),
    (5, 'padded',             :'r_access_token' || '='),
    (6, 'longer',             :'r_access_token' || 'A'),
    (7, 'other alphabet',     'asat_' || repeat('+', 64)),
    (8, 'other case',         upper(:'r_access_token')),
    (9, 'with a space',       :'r_access_token' || ' '),
    (10, 'a control character', :'r_access_token' || E'\x01'),
    (11, 'of 1 MB',           'asat_' || repeat('A', 1000000)),
    (12, 'unknown id',        'asat_' || repeat('A', 64)),
    (13, 'wrong secret',      pg_temp.altered(:'r_access_token')),
    (14, 'a refresh token',   :'r_refresh_token'),
    (15, 'a client secret',   :'secret')) AS t (n, what, token),
  LATERAL auth_store.token_introspect(t.token) AS i
 GROUP BY n, what ORDER BY n;

-- It follows its grant and its client at once.
SELECT FROM auth_store.client_set_status('introspection_web', 'suspended');
SELECT active FROM auth_store.token_introspect(:'r_access_token');
SELECT FROM auth_store.client_set_status('introspection_web', 'active');
SELECT FROM auth_store.tenant_set_status('default', 'suspended');
SELECT active FROM auth_store.token_introspect(:'r_access_token');
SELECT FROM auth_store.tenant_set_status('default', 'active');
SELECT active FROM auth_store.token_introspect(:'r_access_token');
-- Expired by the wall clock, also in a transaction that began before.
UPDATE auth_store.access_tokens SET expires_at = clock_timestamp() + '0.2 s' WHERE grant_id = :'r_grant_id';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT active FROM auth_store.token_introspect(:'r_access_token');
SELECT pg_sleep(0.25);
SELECT active FROM auth_store.token_introspect(:'r_access_token');
COMMIT;
UPDATE auth_store.access_tokens SET expires_at = clock_timestamp() + '1 h' WHERE grant_id = :'r_grant_id';
UPDATE auth_store.grants SET expires_at = clock_timestamp() WHERE id = :'r_grant_id';
SELECT active FROM auth_store.token_introspect(:'r_access_token');
UPDATE auth_store.grants SET expires_at = clock_timestamp() + '1 h' WHERE id = :'r_grant_id';
SELECT active FROM auth_store.token_introspect(:'r_access_token');
-- The family's idle end is the refresh token's, not the access token's.
UPDATE auth_store.grants SET idle_expires_at = clock_timestamp() WHERE id = :'r_grant_id';
SELECT active FROM auth_store.token_introspect(:'r_access_token');

--
-- token_introspection: the JSON of section 2.2
--
-- As a statement begun now sees it.
CREATE FUNCTION pg_temp.introspected(token text) RETURNS jsonb
    LANGUAGE plpgsql AS 'BEGIN RETURN auth_store.token_introspection(token); END';
SELECT key, CASE WHEN key IN ('exp', 'iat') THEN to_jsonb(jsonb_typeof(value))
                 WHEN key IN ('sub', 'jti', 'sid') THEN '"an id"' ELSE value END AS value
  FROM jsonb_each(auth_store.token_introspection(:'r_access_token', 'https://as.example')) ORDER BY key COLLATE "C";
-- The grant's own claims stand beside, never in place of what the store says.
SELECT j->>'sub' = :'user_id' AS sub, j->>'jti' = i.jti::text AS jti, j->>'sid' = :'session_id' AS sid,
       (j->>'exp')::numeric = floor(extract(epoch FROM i.expires_at)) AS exp,
       (j->>'iat')::numeric = floor(extract(epoch FROM i.issued_at)) AS iat
  FROM auth_store.token_introspection(:'r_access_token') AS j, auth_store.token_introspect(:'r_access_token') AS i;
SELECT auth_store.token_introspection(:'r_access_token') ? 'iss' AS iss;
SELECT auth_store.token_introspection('no token', 'https://as.example');
SELECT auth_store.token_introspection(NULL, NULL);
-- One resource is one string (RFC 7519 section 4.1.3); a client's own token is about the client.
SELECT access_token
  FROM auth_store.token_issue('introspection_web', :'user_id', resource => ARRAY['https://a.example/']) \gset
SELECT auth_store.token_introspection(:'access_token')->'aud' AS aud;
SELECT access_token
  FROM auth_store.token_issue_client_credentials('introspection_web', :'secret', scope => 'read') \gset
SELECT auth_store.token_introspection(:'access_token') - ARRAY['exp', 'iat', 'jti'] AS json;
-- Claims come back as they were given, to the last digit and level, whatever a double or a parser holds (RFC 7662
-- section 2.2, RFC 8259 section 6).
SELECT what, j->'claim' = d.claim AS same, (j->'claim')::text = d.claim::text AS same_text, j->'active' AS active,
       j->>'sub' = :'user_id' AS sub,
       j->'org' AS org, i.claims->'claim' = d.claim AS introspected,
       (SELECT count(*) FROM jsonb_object_keys(j)) AS members
  FROM (VALUES
    (1,  'above 2^53',        '9007199254740993'),
    (2,  '2^64',              '18446744073709551616'),
    (3,  'below -2^63',       '-9223372036854775809'),
    (4,  'many digits',       '3.14159265358979323846264338327950288'),
    (5,  'written zeros',     '[1.10, 1.0, 0.00]'),
    (6,  'beyond a double',   '1e400'),
    (7,  'below a double',    '1e-400'),
    (8,  'of 1000 digits',    repeat('9', 1000)),
    (9,  '127 levels',        repeat('[', 126) || repeat(']', 126)),
    (10, '128 levels',        repeat('[', 127) || repeat(']', 127)),
    (11, '1000 levels',       repeat('{"a": ', 1000) || '1' || repeat('}', 1000)),
    (12, '4000 levels',       repeat('[', 4000) || repeat(']', 4000)),
    (13, 'every kind',        '{"a": [null, true, false, "", {}, []], "\u00e9\ud83d\ude00": "\"\\\n\u007f"}'),
    (14, 'null',              'null')) AS t (n, what, document),
  LATERAL (SELECT t.document::jsonb) AS d (claim),
  LATERAL auth_store.token_issue('introspection_web', :'user_id',
      claims => jsonb_build_object('claim', d.claim, 'org', 7)) AS r,
  LATERAL pg_temp.introspected(r.access_token) AS j,
  LATERAL pg_temp.seen(r.access_token) AS i
 ORDER BY t.n;
-- What the store says nothing of is not there, whoever asks: no claim takes its place.
SELECT access_token
  FROM auth_store.token_issue('introspection_web', :'user_id',
      claims => '{"iss": "https://other.example", "aud": 1e400, "sid": "x",
    "cnf": {"jkt": "x"}, "username": 1, "tenant_id": 2, "big": 1e25, "": 1}') \gset
SELECT auth_store.token_introspection(:'access_token') - ARRAY['exp', 'iat', 'jti', 'sub'] AS json;
-- A confirmation, too, is shown as it was given: a resource server must not take a bound token for an unbound one
-- (RFC 7800 section 3.1).
SELECT access_token
  FROM auth_store.token_issue('introspection_web', :'user_id', cnf => '{"kid": 18446744073709551616, "x": 1e25}') \gset
SELECT auth_store.token_introspection(:'access_token')->'cnf' AS cnf;
SELECT FROM pg_temp.trail();

--
-- token_authorize
--
SELECT what, a.active, a.error, a.error_description, a.scope, a.client_id
  FROM (VALUES
    ('nothing asked',           :'r_access_token', NULL,            NULL),
    ('one scope',               :'r_access_token', 'read',          NULL),
    ('both, other order',       :'r_access_token', 'write read',    NULL),
    ('no scope',                :'r_access_token', '',              NULL),
    ('one too many',            :'r_access_token', 'read admin',    NULL),
    ('another case',            :'r_access_token', 'Read',          NULL),
    ('a part of one',           :'r_access_token', 'rea',           NULL),
    ('a resource of it',        :'r_access_token', 'read',          'https://b.example/'),
    ('another resource',        :'r_access_token', 'read',          'https://c.example/'),
    ('a longer one',            :'r_access_token', 'read',          'https://b.example/x'),
    ('wrong token',             pg_temp.altered(:'r_access_token'), 'read', NULL),
    ('NULL',                    NULL,              'read',          NULL),
    ('a refresh token',         :'r_refresh_token', 'read',         NULL)) AS t (what, token, required, resource),
  LATERAL auth_store.token_authorize(t.token, t.required, t.resource) AS a;
SELECT pg_temp.raised('SELECT FROM auth_store.token_authorize(NULL, ''a"b'')');
-- A token without audience is for every resource.
SELECT access_token AS plain FROM auth_store.token_issue('introspection_web', :'user_id') \gset
SELECT active, error FROM auth_store.token_authorize(:'plain', resource => 'https://c.example/');

-- RFC 9449 section 7.1, RFC 8705 section 3: a bound token needs its proof, and a DPoP proof needs a bound token.
SELECT auth_store.pkce_challenge(repeat('k', 43)) AS jkt, auth_store.pkce_challenge(repeat('x', 43)) AS other \gset
SELECT access_token AS dpop
  FROM auth_store.token_issue('introspection_web', :'user_id', cnf => jsonb_build_object('jkt', :'jkt')) \gset
SELECT access_token AS mtls
  FROM auth_store.token_issue('introspection_web', :'user_id', cnf => jsonb_build_object('x5t#S256', :'jkt')) \gset
SELECT access_token AS unknown FROM auth_store.token_issue('introspection_web', :'user_id', cnf => '{"kid": "1"}') \gset
SELECT FROM pg_temp.trail();
SELECT what, a.active, a.error, a.token_type, a.cnf IS NOT NULL AS cnf
  FROM (VALUES
    ('bearer',                  :'plain',   NULL,       NULL),
    ('bearer with a proof',     :'plain',   :'jkt',     NULL),
    ('bearer with certificate', :'plain',   NULL,       :'jkt'),
    ('DPoP',                    :'dpop',    :'jkt',     NULL),
    ('DPoP without a proof',    :'dpop',    NULL,       NULL),
    ('DPoP, another key',       :'dpop',    :'other',   NULL),
    ('DPoP, a certificate',     :'dpop',    NULL,       :'jkt'),
    ('DPoP and a certificate',  :'dpop',    :'jkt',     :'other'),
    ('certificate',             :'mtls',    NULL,       :'jkt'),
    ('another certificate',     :'mtls',    NULL,       :'other'),
    ('no certificate',          :'mtls',    NULL,       NULL),
    ('certificate, a proof',    :'mtls',    :'jkt',     :'jkt'),
    ('an unknown confirmation', :'unknown', :'jkt',     :'jkt')) AS t (what, token, jkt, x5t),
  LATERAL auth_store.token_authorize(t.token, dpop_jkt => t.jkt, x5t_s256 => t.x5t) AS a;
-- Introspection shows the confirmation and leaves the proof to who asks.
SELECT i.active, i.token_type, auth_store.token_introspection(:'dpop')->'cnf' = jsonb_build_object('jkt', :'jkt') AS cnf
  FROM auth_store.token_introspect(:'dpop') AS i;
-- None of it wrote anything.
SELECT count(*) FROM pg_temp.trail();

--
-- token_use
--
SELECT active, error, scope
  FROM auth_store.token_use(:'r_access_token', 'read', 'https://a.example/', ip => '192.0.2.1', user_agent => 'api');
SELECT event, success, risk_score, user_id = :'user_id' AS "user", grant_id = :'r_grant_id' AS grant_id,
       session_id = :'session_id' AS session,
       client_id, resource_type, resource_id IS NOT NULL AS resource_id, ip, user_agent
  FROM auth_store.audit_log WHERE event = 'token.used' ORDER BY occurred_at DESC LIMIT 1;
SELECT active, error FROM auth_store.token_use(:'r_access_token', 'admin');
SELECT active, error FROM auth_store.token_use(:'dpop', dpop_jkt => :'jkt');
SELECT active, error FROM auth_store.token_use(:'dpop');
-- A wrong key is told in the audit trail, with whose token it was.
SELECT flags, risk_score, error, grant_id IS NOT NULL AS grant_id FROM auth_store.audit_log WHERE event = 'token.used'
 ORDER BY occurred_at DESC LIMIT 1;
SELECT active, error FROM auth_store.token_use('no token');
SELECT active, error FROM auth_store.token_use(NULL);
SELECT * FROM pg_temp.trail();

-- Another tenant's token is unknown to a session that is pinned.
SELECT auth_store.tenant_create('introspection_tenant') \gset
SET auth_store.tenant_id = 'introspection_tenant';
SELECT active FROM auth_store.token_introspect(:'plain');
SELECT error FROM auth_store.token_authorize(:'plain');
SET auth_store.tenant_id = 'default';
SELECT active FROM auth_store.token_introspect(:'plain');
RESET auth_store.tenant_id;

-- Reads run in a read-only transaction, writes say 25006.
BEGIN READ ONLY;
SELECT active FROM auth_store.token_introspect(:'plain');
SELECT auth_store.token_introspection(:'plain')->'active' AS active;
SELECT active FROM auth_store.token_authorize(:'plain', 'read');
SELECT pg_temp.raised('SELECT FROM auth_store.token_use(NULL)');
COMMIT;
-- And in a parallel worker.
SELECT set_config(name, 'on', false) AS forced FROM pg_settings
 WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT active FROM auth_store.token_introspect(:'plain');
