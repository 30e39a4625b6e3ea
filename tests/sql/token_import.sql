-- Refresh tokens of another store: imported by their digest, accepted as they are, replaced at their first use.
\i tests/sql/include/helpers.sql

SELECT client_secret AS secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'], client_id => 'import_web',
      scope => 'read write',
    access_token_ttl => '10 min') \gset
SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'import_app',
      scope => 'read');
SELECT client_id FROM auth_store.client_create('Job', client_id => 'import_job');
SELECT user_id FROM auth_store.user_create('import@example.com') \gset
-- What a legacy holder has, and what the legacy table has of it.
CREATE FUNCTION pg_temp.hex(token text) RETURNS text
    LANGUAGE sql AS $$ SELECT encode(sha256(convert_to(token, 'UTF8')), 'hex') $$;
CREATE FUNCTION pg_temp.family(id uuid) RETURNS TABLE (rotations int, revoked_reason text, live_access_tokens bigint)
    LANGUAGE sql AS $$
    SELECT rotation_count, revoked_reason,
           (SELECT count(*) FROM auth_store.access_tokens t
             WHERE t.grant_id = g.id AND g.revoked_at IS NULL AND t.revoked_at IS NULL)
      FROM auth_store.grants g WHERE g.id = $1
$$;
SELECT FROM pg_temp.trail();

-- The import: a grant without any token of ours.
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-1'), 'import_web', :'user_id', 'read',
    clock_timestamp() + '10 days', :'user_id',
    auth_time => '2026-01-02 03:04:05+00', claims => '{"org": 7}') AS grant_id \gset
SELECT client_id, user_id = :'user_id' AS "user", session_id = :'user_id' AS session, scope, resources,
       auth_time AT TIME ZONE 'UTC' AS auth_time, claims, cnf, rotation_count,
       expires_at - clock_timestamp() BETWEEN '9 days 23:59' AND '10 days' AS ten_days,
       idle_expires_at = expires_at AS idle_ends_with_it, revoked_at
  FROM auth_store.grants WHERE id = :'grant_id';
SELECT digest = sha256('legacy-1') AS digest, client_id, tenant_id FROM auth_store.imported_refresh_tokens
 WHERE grant_id = :'grant_id';
SELECT event, success, user_id = :'user_id' AS "user", grant_id = :'grant_id' AS grant_id, details
  FROM auth_store.audit_log WHERE event = 'refresh_token.imported';
-- Again: the same, and nothing written.
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-1'), 'import_web', :'user_id') = :'grant_id' AS same;
SELECT * FROM pg_temp.trail();

-- The first use: as a rotation. The holder gets a token of ours.
SELECT * FROM auth_store.token_refresh('legacy-1', 'import_web', :'secret', ip => '192.0.2.1') \gset r_
SELECT :'r_refresh_token' ~ '^asrt_[\w-]{86}$' AS form, :'r_token_type' AS token_type, :r_expires_in AS expires_in,
       :'r_scope' AS scope, :'r_grant_id' = :'grant_id' AS same_grant,
       :'r_user_id' = :'user_id' AS "user", :'r_claims' AS claims, :'r_session_id' = :'user_id' AS session,
       :'r_auth_time'::timestamptz = '2026-01-02 03:04:05+00' AS auth_time, :{?r_error} AS error;
SELECT active, scope FROM auth_store.token_introspect(:'r_access_token');
SELECT * FROM pg_temp.family(:'grant_id');
SELECT * FROM pg_temp.trail();
-- Within the grace: the same successor again, a fresh access token.
SELECT refresh_token = :'r_refresh_token' AS same_successor, access_token <> :'r_access_token' AS fresh, error
  FROM auth_store.token_refresh('legacy-1', 'import_web', :'secret');
SELECT * FROM pg_temp.family(:'grant_id');
-- The successor is native.
SELECT refresh_token FROM auth_store.token_refresh(:'r_refresh_token', 'import_web', :'secret') \gset s_
SELECT left(:'s_refresh_token', 47) = left(:'r_refresh_token', 47) AS same_family;
SELECT refresh_token = :'s_refresh_token' AS same_successor
  FROM auth_store.token_refresh(:'r_refresh_token', 'import_web', :'secret');
-- Then the imported one is two behind: within the grace it is refused, later a reuse, which ends the family.
SELECT FROM pg_temp.trail();
SELECT error, error_description FROM auth_store.token_refresh('legacy-1', 'import_web', :'secret');
SELECT * FROM pg_temp.trail();
SELECT * FROM pg_temp.family(:'grant_id');
UPDATE auth_store.grants SET rotated_at = rotated_at - interval '1 min' WHERE id = :'grant_id';
SELECT error, error_description FROM auth_store.token_refresh('legacy-1', 'import_web', :'secret');
SELECT * FROM pg_temp.trail();
SELECT * FROM pg_temp.family(:'grant_id');
SELECT error FROM auth_store.token_refresh(:'s_refresh_token', 'import_web', :'secret');
SELECT error FROM auth_store.token_refresh('legacy-1', 'import_web', :'secret');
SELECT * FROM pg_temp.trail();
-- A later run of the import does not bring it back.
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-1'), 'import_web', :'user_id') = :'grant_id' AS same;
SELECT error FROM auth_store.token_refresh('legacy-1', 'import_web', :'secret');

-- Without a grace the second presentation is a reuse.
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-2'), 'import_web', :'user_id') AS grant_id \gset
SET auth_store.refresh_grace = 0;
SELECT refresh_token IS NOT NULL AS refreshed FROM auth_store.token_refresh('legacy-2', 'import_web', :'secret');
SELECT error FROM auth_store.token_refresh('legacy-2', 'import_web', :'secret');
SELECT * FROM pg_temp.family(:'grant_id');
RESET auth_store.refresh_grace;

-- The rest of the table of outcomes. An unusable text, another client, a wrong key change nothing.
SELECT auth_store.pkce_challenge(repeat('k', 43)) AS jkt \gset
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-3'), 'import_app', :'user_id',
    cnf => jsonb_build_object('jkt', :'jkt')) AS grant_id \gset
SELECT FROM pg_temp.trail();
SELECT what, r.error FROM (VALUES
    (1, 'unknown',        'legacy-0', 'import_app', NULL, :'jkt'),
    (2, 'its digest',     pg_temp.hex('legacy-3'), 'import_app', NULL, :'jkt'),
    (3, 'another case',   'Legacy-3', 'import_app', NULL, :'jkt'),
    (4, 'with a space',   'legacy-3 ', 'import_app', NULL, :'jkt'),
    (5, 'empty',          '', 'import_app', NULL, :'jkt'),
    (6, 'of 1 MB',        repeat('x', 1000000), 'import_app', NULL, :'jkt'),
    (7, 'another client', 'legacy-3', 'import_web', :'secret', :'jkt'),
    (8, 'no key',         'legacy-3', 'import_app', NULL, NULL),
    (9, 'no client',      'legacy-3', NULL, NULL, :'jkt')) AS t (n, what, token, client, secret, jkt),
  LATERAL auth_store.token_refresh(t.token, t.client, t.secret, dpop_jkt => t.jkt) AS r ORDER BY n;
SELECT * FROM pg_temp.trail();
SELECT error, token_type, refresh_token LIKE 'asrt\_%' AS native
  FROM auth_store.token_refresh('legacy-3', 'import_app', dpop_jkt => :'jkt');
-- Scope and resources narrow, as ever.
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-4'), 'import_web', :'user_id', 'read',
    resource => ARRAY['https://a.example/']) AS grant_id \gset
SELECT error FROM auth_store.token_refresh('legacy-4', 'import_web', :'secret', scope => 'write');
SELECT error
  FROM auth_store.token_refresh('legacy-4', 'import_web', :'secret', resource => ARRAY['https://b.example/']);
SELECT i.audience, i.scope
  FROM auth_store.token_refresh('legacy-4', 'import_web', :'secret') AS r, pg_temp.seen(r.access_token) AS i;
-- Its end, absolute and unused.
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-5'), 'import_web', :'user_id') AS grant_id \gset
SELECT expires_at - clock_timestamp() BETWEEN '89 days 23:59' AND '90 days' AS ninety_days,
       idle_expires_at - clock_timestamp() BETWEEN '29 days 23:59' AND '30 days' AS thirty_days
  FROM auth_store.grants WHERE id = :'grant_id';
UPDATE auth_store.grants SET idle_expires_at = clock_timestamp() WHERE id = :'grant_id';
SELECT error FROM auth_store.token_refresh('legacy-5', 'import_web', :'secret');
-- A client that keeps its refresh token gets one of ours to keep.
SELECT FROM auth_store.client_update('import_web', '{"refresh_rotation": false}');
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-6'), 'import_web', :'user_id') AS grant_id \gset
SELECT refresh_token FROM auth_store.token_refresh('legacy-6', 'import_web', :'secret') \gset k_
SELECT r.refresh_token = :'k_refresh_token' AS kept
  FROM auth_store.token_refresh(:'k_refresh_token', 'import_web', :'secret') AS r;
SELECT r.refresh_token = :'k_refresh_token' AS same_successor
  FROM auth_store.token_refresh('legacy-6', 'import_web', :'secret') AS r;
SELECT * FROM pg_temp.family(:'grant_id');
SELECT FROM auth_store.client_update('import_web', '{"refresh_rotation": true}');
-- What is rolled back was not used.
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-7'), 'import_web', :'user_id') AS grant_id \gset
BEGIN;
SELECT refresh_token IS NOT NULL AS refreshed FROM auth_store.token_refresh('legacy-7', 'import_web', :'secret');
ROLLBACK;
SELECT rotations FROM pg_temp.family(:'grant_id');

-- Its client may end it, before the first use and after (RFC 7009).
SELECT error FROM auth_store.token_revoke('legacy-7', 'import_app');
SELECT error FROM auth_store.token_revoke('legacy-7', 'import_web', :'secret', reason => 'logout');
SELECT * FROM pg_temp.family(:'grant_id');
SELECT error FROM auth_store.token_refresh('legacy-7', 'import_web', :'secret');
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-8'), 'import_web', :'user_id') AS grant_id \gset
SELECT access_token FROM auth_store.token_refresh('legacy-8', 'import_web', :'secret') \gset
SELECT error FROM auth_store.token_revoke('legacy-8', 'import_web', :'secret');
SELECT active FROM auth_store.token_introspect(:'access_token');
-- So do a user's and a client's mass revocations.
SELECT auth_store.refresh_token_import(pg_temp.hex('legacy-9'), 'import_app', :'user_id') AS grant_id \gset
SELECT auth_store.user_grants_revoke(:'user_id', 'import_app') > 0 AS ended;
SELECT error FROM auth_store.token_refresh('legacy-9', 'import_app');

-- Every form of a digest. An unpadded base64 with a + or a /, or with - and _, too.
CREATE TABLE pg_temp.forms (n int, form text, token text, digest text);
INSERT INTO pg_temp.forms VALUES
    (1, 'hex',             'form-1', encode(sha256('form-1'), 'hex')),
    (2, 'HEX',             'form-2', upper(encode(sha256('form-2'), 'hex'))),
    (3, 'bytea',           'form-3', sha256('form-3')::text),
    (4, 'base64',          'form-4', encode(sha256('form-4'), 'base64')),
    (5, 'unpadded',        'form-5', rtrim(encode(sha256('form-5'), 'base64'), '=')),
    (6, 'base64url',       'form-6', translate(encode(sha256('form-6'), 'base64'), '+/=', '-_')),
    (7, 'a long text',     repeat('j', 4096), encode(sha256(repeat('j', 4096)::bytea), 'hex')),
    (8, 'too long a text', repeat('j', 4097), encode(sha256(repeat('j', 4097)::bytea), 'hex'));
SELECT count(auth_store.refresh_token_import(digest, 'import_app', :'user_id')) AS imported FROM pg_temp.forms;
SELECT form, r.error FROM pg_temp.forms, LATERAL auth_store.token_refresh(token, 'import_app') AS r ORDER BY n;

-- What has expired is not imported; an end beyond ten years is brought in.
SELECT auth_store.refresh_token_import(pg_temp.hex('late'), 'import_web', :'user_id',
    expires_at => clock_timestamp() - interval '1 ms') IS NULL AS nothing,
       auth_store.refresh_token_import(pg_temp.hex('late'), 'import_web', :'user_id',
           expires_at => '-infinity') IS NULL AS nothing_either;
SELECT auth_store.refresh_token_import(pg_temp.hex('forever'), 'import_web', :'user_id',
    expires_at => 'infinity') AS grant_id \gset
SELECT expires_at < clock_timestamp() + '3650 days' AS bounded FROM auth_store.grants WHERE id = :'grant_id';

-- A session of the store is the user's and live; another id is the application's own.
SELECT user_id AS other_id FROM auth_store.user_create('import2@example.com') \gset
SELECT session_id AS others FROM auth_store.session_create(:'other_id') \gset
SELECT session_id AS session FROM auth_store.session_create(:'user_id') \gset
SELECT auth_store.refresh_token_import(pg_temp.hex('session'), 'import_web', :'user_id', session_id => :'session')
       AS grant_id \gset
SELECT session_id = :'session' AS session FROM auth_store.grants WHERE id = :'grant_id';
SELECT auth_store.session_revoke(:'session') AS ended;
SELECT * FROM pg_temp.family(:'grant_id');
SELECT auth_store.refresh_token_import(pg_temp.hex('over'), 'import_web', :'user_id', session_id => :'session') IS NULL
       AS nothing;
SELECT argument, pg_temp.raised(format('SELECT auth_store.refresh_token_import(%L, ''import_web'', %L, %s)',
    pg_temp.hex('m'), :'user_id', argument || ' => ' || quote_literal(value)))
  FROM (VALUES ('session_id', :'others'), ('auth_time', 'infinity'), ('auth_time', '-infinity')) AS t (argument, value);

-- Mistakes.
SELECT what, pg_temp.raised(
    format('SELECT auth_store.refresh_token_import(%L, %L, %L, %L, resource => %L, claims => %L, cnf => %L)', digest,
        client, usr, scope, resource, claims, cnf))
  FROM (VALUES
    (1, 'no digest',        NULL, 'import_web', :'user_id', NULL, NULL, NULL, NULL),
    (2, 'a token',          'legacy-1', 'import_web', :'user_id', NULL, NULL, NULL, NULL),
    (3, 'no client',        pg_temp.hex('m'), NULL, :'user_id', NULL, NULL, NULL, NULL),
    (4, 'unknown client',   pg_temp.hex('m'), 'import_nobody', :'user_id', NULL, NULL, NULL, NULL),
    (5, 'no refresh token', pg_temp.hex('m'), 'import_job', :'user_id', NULL, NULL, NULL, NULL),
    (6, 'no user',          pg_temp.hex('m'), 'import_web', NULL, NULL, NULL, NULL, NULL),
    (7, 'unknown user',     pg_temp.hex('m'), 'import_web', '00000000-0000-0000-0000-000000000000', NULL, NULL, NULL,
        NULL),
    (8, 'more scope',       pg_temp.hex('m'), 'import_web', :'user_id', 'read admin', NULL, NULL, NULL),
    (9, 'no resource',      pg_temp.hex('m'), 'import_web', :'user_id', NULL, '{relative}', NULL, NULL),
    (10, 'no claims',       pg_temp.hex('m'), 'import_web', :'user_id', NULL, NULL, '[]', NULL),
    (11, 'no confirmation', pg_temp.hex('m'), 'import_web', :'user_id', NULL, NULL, NULL, '7'),
    (12, 'another client''s', pg_temp.hex('legacy-1'), 'import_app', :'user_id', NULL, NULL, NULL, NULL))
        AS t (n, what, digest, client, usr, scope, resource, claims, cnf) ORDER BY n;
SELECT count(*) FROM auth_store.imported_refresh_tokens WHERE digest = sha256('m');

-- Another tenant's is unknown, and its digest taken.
SELECT auth_store.tenant_create('import_tenant') \gset
SELECT client_id
  FROM auth_store.client_create('Theirs', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'import_theirs',
      tenant_id => 'import_tenant');
SELECT user_id AS their_id FROM auth_store.user_create('import@example.com', tenant_id => 'import_tenant') \gset
SELECT auth_store.refresh_token_import(pg_temp.hex('theirs'), 'import_theirs', :'their_id') IS NOT NULL AS imported;
SELECT pg_temp.raised(format('SELECT auth_store.refresh_token_import(%L, ''import_theirs'', %L)', pg_temp.hex('m'),
    :'user_id'));
SELECT pg_temp.raised(format('SELECT auth_store.refresh_token_import(%L, ''import_web'', %L)', pg_temp.hex('theirs'),
    :'user_id'));
SELECT error FROM auth_store.token_refresh('theirs', 'import_app');
SET auth_store.tenant_id = 'default';
SELECT error FROM auth_store.token_refresh('theirs', 'import_app');
SELECT error FROM auth_store.token_revoke('theirs', 'import_app');
RESET auth_store.tenant_id;
SELECT error FROM auth_store.token_refresh('theirs', 'import_theirs');

-- Gone with the client and with the tenant; cleaned up when the grant's end and the retention are past.
SELECT FROM auth_store.client_delete('import_app');
SELECT count(*) FROM auth_store.imported_refresh_tokens WHERE client_id = 'import_app';
SELECT auth_store.tenant_erase('import_tenant', 'import_tenant') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('import_tenant') WHERE rows > 0;
UPDATE auth_store.imported_refresh_tokens SET expires_at = clock_timestamp() - interval '30 days'
 WHERE digest = sha256('legacy-1');
UPDATE auth_store.imported_refresh_tokens SET expires_at = clock_timestamp() - interval '29 days'
 WHERE digest = sha256('legacy-2');
SELECT deleted, done FROM auth_store.cleanup_batch('imported_refresh_tokens');
SELECT count(*) FROM auth_store.imported_refresh_tokens WHERE digest IN (sha256('legacy-1'), sha256('legacy-2'));

BEGIN READ ONLY;
SELECT pg_temp.raised(format('SELECT FROM auth_store.refresh_token_import(%L, ''import_web'', %L)', pg_temp.hex('x'),
    :'user_id'));
COMMIT;

-- Users spread over several databases: a pointer in the database of the text's digest leads to what was imported in
-- another. A text that was imported here is found too.
SELECT auth_store.imported_point(pg_temp.hex('elsewhere'), '018f6f2c-0000-8abc-8000-000000000001', 'refresh_token',
    clock_timestamp() + '10 days');
SELECT auth_store.imported_point(pg_temp.hex('key elsewhere'), '018f6f2c-0000-8abc-8000-000000000002', 'api_key');
SELECT auth_store.refresh_token_import(pg_temp.hex('here'), 'import_web', :'user_id') AS here \gset
SELECT auth_store.api_key_import(pg_temp.hex('key here'), 'key', :'user_id') AS key_here \gset
SELECT auth_store.imported_locate('here') = :'here' AS here,
       auth_store.imported_locate('key here') = :'key_here' AS key;
SELECT left(text, 20) AS text, auth_store.imported_locate(text)
  FROM (VALUES ('elsewhere'), ('key elsewhere'), ('nowhere'), (''), (NULL), (repeat('x', 1000000))) AS t (text);
-- It says a place, not that the token is good.
SELECT error FROM auth_store.token_refresh('elsewhere', 'import_web', :'secret');
SELECT valid FROM auth_store.api_key_verify('key elsewhere');
-- Again: its end is another. A text leads to one thing, and a thing has one text.
SELECT auth_store.imported_point(pg_temp.hex('elsewhere'), '018f6f2c-0000-8abc-8000-000000000001', 'refresh_token',
    clock_timestamp());
SELECT pg_temp.raised(format('SELECT auth_store.imported_point(%L, %L, %L, tenant_id => %L)', digest, id, kind, tenant))
  FROM (VALUES (pg_temp.hex('elsewhere'), '018f6f2c-0000-8abc-8000-000000000009', 'refresh_token', NULL),
               (pg_temp.hex('elsewhere'), '018f6f2c-0000-8abc-8000-000000000001', 'api_key', NULL),
               (pg_temp.hex('third'), '018f6f2c-0000-8abc-8000-000000000001', 'refresh_token', NULL),
               (pg_temp.hex('third'), '018f6f2c-0000-8abc-8000-000000000003', 'session', NULL),
               ('third', '018f6f2c-0000-8abc-8000-000000000003', 'api_key', NULL),
               (pg_temp.hex('third'), '018f6f2c-0000-4abc-8000-000000000003', 'api_key', NULL),
               (NULL, '018f6f2c-0000-8abc-8000-000000000003', 'api_key', NULL),
               (pg_temp.hex('third'), NULL, 'api_key', NULL),
               (pg_temp.hex('third'), '018f6f2c-0000-8abc-8000-000000000003', NULL, NULL),
               (pg_temp.hex('third'), '018f6f2c-0000-8abc-8000-000000000003', 'api_key', 'nowhere'))
       AS t (digest, id, kind, tenant);
SELECT deleted, done FROM auth_store.cleanup_batch('imported_pointers');
SELECT auth_store.imported_locate('elsewhere') AS ended, auth_store.imported_locate('key elsewhere') AS stays;
DELETE FROM auth_store.imported_pointers;
SELECT FROM pg_temp.trail();
