-- Refresh token rotation: RFC 6749 section 6, RFC 9700 section 4.14.2. Each row of the table of outcomes, in its order.
\i tests/sql/include/helpers.sql

SELECT client_secret AS secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'], client_id => 'refresh_web',
    scope => 'read write', access_token_ttl => '10 min') \gset
SELECT client_secret AS other_secret FROM auth_store.client_create('Other', ARRAY['https://other.example/cb'],
    client_id => 'refresh_other', scope => 'read write') \gset
SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'refresh_app',
      scope => 'read write');
SELECT user_id FROM auth_store.user_create('refresh@example.com') \gset
-- What a family is after a step.
CREATE FUNCTION pg_temp.family(id uuid) RETURNS TABLE (rotations int, revoked_reason text, live_access_tokens bigint)
    LANGUAGE sql AS $$
    SELECT rotation_count, revoked_reason,
           (SELECT count(*) FROM auth_store.access_tokens t
             WHERE t.grant_id = g.id AND g.revoked_at IS NULL AND t.revoked_at IS NULL)
      FROM auth_store.grants g WHERE g.id = $1
$$;

-- 1. Unknown, or the family secret differs: nothing changes, a guesser can't end a family.
SELECT * FROM auth_store.token_issue('refresh_web', :'user_id', claims => '{"org": 7}', ip => '192.0.2.1') \gset r_
SELECT FROM pg_temp.trail();
-- A token is id(16) ‖ family secret(16) ‖ rotation secret(32): characters 6 to 26 are of the id, 28 to
-- 47 of the family secret.
SELECT what, r.error, r.error_description,
       num_nulls(access_token, refresh_token, scope, grant_id, user_id, client_id) AS nulls
  FROM (VALUES
    ('NULL',                    NULL),
    ('empty',                   ''),
    ('malformed',               'asrt_!'),
    ('cut',                     left(:'r_refresh_token', 90)),
    ('longer',                  :'r_refresh_token' || 'A'),
    ('an access token',         :'r_access_token'),
    ('of 1 MB',                 'asrt_' || repeat('A', 1000000)),
    ('unknown id',              'asrt_' || repeat('A', 86)),
    ('another family secret',   overlay(:'r_refresh_token' PLACING repeat('A', 20) FROM 28 FOR 20))) AS t (what, token),
  LATERAL auth_store.token_refresh(t.token, 'refresh_web', :'secret') AS r;
SELECT * FROM pg_temp.trail();
SELECT * FROM pg_temp.family(:'r_grant_id');

-- 2. Another client, and wrong client authentication: high risk, the family lives (RFC 6749 section 10.4).
SELECT error, error_description FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_other', :'other_secret');
SELECT error, error_description FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app');
SELECT error, error_description FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', 'wrong');
SELECT error, error_description FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web');
SELECT error, error_description FROM auth_store.token_refresh(:'r_refresh_token', NULL, :'secret');
SELECT * FROM pg_temp.trail();
SELECT * FROM pg_temp.family(:'r_grant_id');

-- 3. The current one: a new refresh token, a new access token; the old access token lives to its end.
SELECT * FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret', ip => '192.0.2.9') \gset s_
SELECT :'s_access_token' <> :'r_access_token' AS new_access_token,
       :'s_refresh_token' <> :'r_refresh_token' AS new_refresh_token,
       :'s_refresh_token' LIKE 'asrt\_%' AND length(:'s_refresh_token') = 91 AS form,
       left(:'s_refresh_token', 47) = left(:'r_refresh_token', 47) AS same_family,
       :'s_token_type' AS token_type, :s_expires_in AS expires_in, :'s_scope' AS scope,
       :'s_grant_id' = :'r_grant_id' AS same_grant,
       :'s_user_id' = :'user_id' AS "user", :'s_client_id' AS client_id, :'s_tenant_id' AS tenant_id,
       :'s_claims' AS claims, :{?s_error} AS error;
SELECT * FROM pg_temp.family(:'r_grant_id');
SELECT current_digest = auth_store.token_hash(:'s_refresh_token') AS current,
       previous_digest = auth_store.token_hash(:'r_refresh_token') AS previous,
       length(successor_sealed) AS sealed, rotated_at IS NOT NULL AS rotated, network
  FROM auth_store.grants WHERE id = :'r_grant_id';
SELECT event, error, risk_score, flags, user_id = :'user_id' AS "user", grant_id = :'r_grant_id' AS grant_id, ip
  FROM auth_store.audit_log WHERE client_id = 'refresh_web' ORDER BY occurred_at DESC LIMIT 1;
SELECT FROM pg_temp.trail();

-- 4. The previous one, within the grace: the same successor again, a fresh access token, the family as it was.
SHOW auth_store.refresh_grace;
SELECT access_token NOT IN (:'s_access_token', :'r_access_token') AS fresh_access_token,
       refresh_token = :'s_refresh_token' AS same_successor, error
  FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
SELECT * FROM pg_temp.family(:'r_grant_id');
SELECT * FROM pg_temp.trail();
-- It is checked as the current one is: client, scope.
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_other', :'other_secret');
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret', scope => 'read admin');
-- Two tabs that refresh twice each: one of them is two generations back. It gets no token, and the family lives, since
-- all of it happened within the grace.
SELECT refresh_token, access_token FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_web', :'secret') \gset u_
SELECT refresh_token = :'u_refresh_token' AS same_successor
  FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_web', :'secret');
SELECT FROM pg_temp.trail();
SELECT error, error_description, num_nulls(access_token, refresh_token, scope, grant_id) AS nulls
  FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_other', :'other_secret');
SELECT * FROM pg_temp.trail();
SELECT * FROM pg_temp.family(:'r_grant_id');
SELECT active FROM auth_store.token_introspect(:'u_access_token');

-- 5. Any other secret of a real family: reuse. The family ends with its access tokens, at risk 1.
UPDATE auth_store.grants SET rotated_at = rotated_at - interval '1 min' WHERE id = :'r_grant_id';
SELECT error, error_description, access_token
  FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret', ip => '203.0.113.66');
SELECT * FROM pg_temp.family(:'r_grant_id');
SELECT active FROM auth_store.token_introspect(:'u_access_token');
SELECT event, error, risk_score, flags, user_id = :'user_id' AS "user", grant_id = :'r_grant_id' AS grant_id, ip
  FROM auth_store.audit_log WHERE client_id = 'refresh_web' ORDER BY occurred_at DESC LIMIT 1;
SELECT FROM pg_temp.trail();
-- 6. Of a revoked family none is good, within the grace or not.
SELECT error FROM auth_store.token_refresh(:'u_refresh_token', 'refresh_web', :'secret');
SELECT error FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_web', :'secret');
SELECT * FROM pg_temp.trail();
-- A secret that never was is a reuse too: who knows the family secret has had a token of it.
SELECT refresh_token, access_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id') \gset r_
SELECT error FROM auth_store.token_refresh(pg_temp.altered(:'r_refresh_token'), 'refresh_web', :'secret');
SELECT * FROM pg_temp.family(:'r_grant_id');
-- Another family of the same user and client goes on.
SELECT refresh_token, access_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id') \gset r_
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');

-- Without grace, by the setting: the second use is a reuse.
SET auth_store.refresh_grace = 0;
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id') \gset r_
SELECT refresh_token FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret') \gset s_
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
SELECT * FROM pg_temp.family(:'r_grant_id');
-- A client's own grace goes before the setting, in both directions.
SELECT FROM auth_store.client_update('refresh_web', '{"refresh_grace": "30 seconds"}');
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id') \gset r_
SELECT refresh_token FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret') \gset s_
SELECT refresh_token = :'s_refresh_token' AS same_successor
  FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
RESET auth_store.refresh_grace;
SELECT FROM auth_store.client_update('refresh_web', '{"refresh_grace": "0"}');
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
SELECT * FROM pg_temp.family(:'r_grant_id');
-- The grace has its end.
SELECT FROM auth_store.client_update('refresh_web', '{"refresh_grace": "1 second"}');
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id') \gset r_
SELECT refresh_token FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret') \gset s_
SELECT pg_sleep(1.05);
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
SELECT * FROM pg_temp.family(:'r_grant_id');
SELECT FROM auth_store.client_update('refresh_web', '{"refresh_grace": null}');

-- RFC 9700 section 4.14.2: the grace of a token runs from its own replacement. Who keeps the family
-- moving does not lengthen it.
SELECT FROM auth_store.client_update('refresh_web', '{"refresh_grace": "30 seconds"}');
SELECT set_config('refresh_test.secret', :'secret', false) IS NOT NULL AS set;
CREATE TABLE pg_temp.generation (n int, token text);
PREPARE begin_chain AS INSERT INTO generation SELECT 0, r.refresh_token
  FROM auth_store.token_issue('refresh_web', $1) AS r;
PREPARE move_on AS INSERT INTO generation SELECT g.n + 1, r.refresh_token
    FROM (SELECT * FROM generation ORDER BY n DESC LIMIT 1) AS g,
         auth_store.token_refresh(g.token, 'refresh_web', $1) AS r;
-- How the family takes each generation, and whether it lives on; in a transaction that is rolled back where it ends.
CREATE FUNCTION pg_temp.answers(secret text) RETURNS TABLE (n int, error text, successor bool, family text)
    LANGUAGE plpgsql AS $$
DECLARE
    g pg_temp.generation;
    family text;
BEGIN
    FOR g IN SELECT * FROM pg_temp.generation o ORDER BY o.n LOOP
        BEGIN
            SELECT g.n, r.error, r.refresh_token = (SELECT l.token FROM pg_temp.generation l ORDER BY l.n DESC LIMIT 1)
              INTO n, error, successor FROM auth_store.token_refresh(g.token, 'refresh_web', secret) AS r;
            SELECT coalesce(revoked_reason, 'lives') INTO family FROM auth_store.grants
             WHERE id = (SELECT max(id::text)::uuid FROM auth_store.grants WHERE client_id = 'refresh_web');
            RAISE EXCEPTION USING ERRCODE = 'TEST0', MESSAGE = family;
        EXCEPTION WHEN SQLSTATE 'TEST0' THEN
            answers.family := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END $$;
EXECUTE begin_chain(:'user_id');
EXECUTE move_on(:'secret');
EXECUTE move_on(:'secret');
EXECUTE move_on(:'secret');
EXECUTE move_on(:'secret');
SELECT id AS chain_id FROM auth_store.grants WHERE client_id = 'refresh_web' ORDER BY id DESC LIMIT 1 \gset
SELECT * FROM pg_temp.answers(:'secret');
-- What never was a token of the family is a reuse however often it has moved.
BEGIN;
SELECT r.error
  FROM pg_temp.generation g, auth_store.token_refresh(pg_temp.altered(g.token), 'refresh_web', :'secret') AS r
 WHERE g.n = 0;
SELECT revoked_reason FROM auth_store.grants WHERE id = :'chain_id';
ROLLBACK;
-- 20 seconds later the client refreshes again, and 20 seconds after that: the first four are a reuse by then, however
-- young the last rotation is.
UPDATE auth_store.grants SET rotated_at = rotated_at - interval '20 s' WHERE id = :'chain_id';
EXECUTE move_on(:'secret');
SELECT * FROM pg_temp.answers(:'secret');
UPDATE auth_store.grants SET rotated_at = rotated_at - interval '20 s' WHERE id = :'chain_id';
SELECT * FROM pg_temp.answers(:'secret');
EXECUTE move_on(:'secret');
SELECT * FROM pg_temp.answers(:'secret');
-- A shorter grace counts at once.
SELECT FROM auth_store.client_update('refresh_web', '{"refresh_grace": "15 seconds"}');
SELECT * FROM pg_temp.answers(:'secret');
-- The clock was set back: what was replaced at a time that has not come was replaced long ago, as far as anybody knows.
SELECT FROM auth_store.client_update('refresh_web', '{"refresh_grace": "300 seconds"}');
UPDATE auth_store.grants SET rotated_at = clock_timestamp() + interval '1 min' WHERE id = :'chain_id';
SELECT * FROM pg_temp.answers(:'secret');
-- The current one is as good as ever, and what it replaces begins a grace of its own.
EXECUTE move_on(:'secret');
SELECT * FROM pg_temp.answers(:'secret');
-- One digest in the row of a family that is refreshed now and then; 32 more at most of one that never rests.
UPDATE auth_store.grants SET rotated_at = rotated_at - interval '1 h' WHERE id = :'chain_id';
EXECUTE move_on(:'secret');
SELECT length(previous_digest) FROM auth_store.grants WHERE id = :'chain_id';
DO $$
BEGIN
    FOR n IN 1..40 LOOP
        EXECUTE format('EXECUTE move_on(%L)', current_setting('refresh_test.secret'));
    END LOOP;
END $$;
SELECT length(previous_digest) FROM auth_store.grants WHERE id = :'chain_id';
DROP TABLE pg_temp.generation;
SELECT FROM auth_store.client_update('refresh_web', '{"refresh_grace": null}');

-- 7. Expired: absolutely, or unused for too long. Never any grace.
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id') \gset r_
SELECT refresh_token FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret') \gset s_
SELECT FROM pg_temp.trail();
UPDATE auth_store.grants SET idle_expires_at = clock_timestamp() WHERE id = :'r_grant_id';
SELECT error FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_web', :'secret');
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
UPDATE auth_store.grants SET idle_expires_at = clock_timestamp() + '1 h', expires_at = clock_timestamp()
 WHERE id = :'r_grant_id';
SELECT error FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_web', :'secret');
SELECT revoked_reason FROM auth_store.grants WHERE id = :'r_grant_id';
SELECT * FROM pg_temp.trail();
-- Using it moves the idle end, never past the absolute one; an access token ends with its grant.
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id') \gset r_
UPDATE auth_store.grants SET idle_expires_at = clock_timestamp() + '1 s', expires_at = clock_timestamp() + '5 min'
 WHERE id = :'r_grant_id';
SELECT error, expires_in FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
SELECT idle_expires_at = expires_at AS idle_end_is_the_absolute_end FROM auth_store.grants WHERE id = :'r_grant_id';

-- Scope: narrower for this access token only, never wider (section 6). The refresh token keeps what was granted.
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id', 'read') \gset r_
SELECT error, error_description
  FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret', scope => 'read write');
SELECT rotations, revoked_reason FROM pg_temp.family(:'r_grant_id');
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id', 'read write') \gset r_
SELECT access_token, refresh_token, scope
  FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret', scope => 'write') \gset s_
SELECT :'s_scope' AS scope, i.scope AS introspected FROM auth_store.token_introspect(:'s_access_token') AS i;
SELECT scope FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_web', :'secret');
-- Resources likewise (RFC 8707 section 2.2).
SELECT refresh_token, grant_id
  FROM auth_store.token_issue('refresh_web', :'user_id',
      resource => ARRAY['https://a.example/', 'https://b.example/']) \gset r_
SELECT error
  FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret', resource => ARRAY['https://c.example/']);
SELECT access_token, refresh_token
  FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret',
      resource => ARRAY['https://b.example/']) \gset s_
SELECT audience FROM auth_store.token_introspect(:'s_access_token');
SELECT access_token FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_web', :'secret') \gset s_
SELECT audience FROM auth_store.token_introspect(:'s_access_token');
SELECT * FROM pg_temp.trail();

-- Sender constraints: RFC 9449 section 5, RFC 8705 section 4. The wrong key is high risk, the family lives.
SELECT auth_store.pkce_challenge(repeat('k', 43)) AS jkt, auth_store.pkce_challenge(repeat('x', 43)) AS other_jkt \gset
SELECT refresh_token, grant_id
  FROM auth_store.token_issue('refresh_app', :'user_id', cnf => jsonb_build_object('jkt', :'jkt')) \gset r_
SELECT FROM pg_temp.trail();
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app');
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app', dpop_jkt => :'other_jkt');
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app', x5t_s256 => :'jkt');
SELECT error, token_type, refresh_token <> :'r_refresh_token' AS rotated
  FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app', dpop_jkt => :'jkt');
SELECT refresh_token
  FROM auth_store.token_issue('refresh_app', :'user_id', cnf => jsonb_build_object('x5t#S256', :'jkt')) \gset r_
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app', dpop_jkt => :'jkt');
SELECT error, token_type FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app', x5t_s256 => :'jkt');
SELECT * FROM pg_temp.trail();
-- Within the grace the key is asked for too.
SELECT refresh_token
  FROM auth_store.token_issue('refresh_app', :'user_id', cnf => jsonb_build_object('jkt', :'jkt')) \gset r_
SELECT refresh_token FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app', dpop_jkt => :'jkt') \gset s_
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app');
SELECT refresh_token = :'s_refresh_token' AS same_successor
  FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app', dpop_jkt => :'jkt');

-- A client that keeps its refresh token: as often as it likes, while it is used.
SELECT FROM auth_store.client_update('refresh_web', '{"refresh_rotation": false}');
SELECT refresh_token, access_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id') \gset r_
UPDATE auth_store.grants SET idle_expires_at = clock_timestamp() + '1 min' WHERE id = :'r_grant_id';
SELECT n, r.refresh_token = :'r_refresh_token' AS kept, r.access_token IS NOT NULL AS access_token, r.error
  FROM generate_series(1, 3) AS n,
       LATERAL auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret', user_agent => n::text) AS r;
SELECT * FROM pg_temp.family(:'r_grant_id');
SELECT idle_expires_at > clock_timestamp() + '29 days' AS extended FROM auth_store.grants WHERE id = :'r_grant_id';
-- A wrong one is still a reuse.
SELECT error FROM auth_store.token_refresh(pg_temp.altered(:'r_refresh_token'), 'refresh_web', :'secret');
SELECT * FROM pg_temp.family(:'r_grant_id');
SELECT FROM auth_store.client_update('refresh_web', '{"refresh_rotation": true}');

-- The client lost the grant type, or is suspended.
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_web', :'user_id') \gset r_
SELECT FROM pg_temp.trail();
SELECT FROM auth_store.client_update('refresh_web', '{"grant_types": ["authorization_code"]}');
SELECT error, error_description FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
SELECT FROM auth_store.client_update('refresh_web', '{"grant_types": ["authorization_code", "refresh_token"]}');
SELECT FROM auth_store.client_set_status('refresh_web', 'suspended');
SELECT error, error_description FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
SELECT FROM auth_store.client_set_status('refresh_web', 'active');
-- Its tenant is suspended.
SELECT FROM auth_store.tenant_set_status('default', 'suspended');
SELECT error, error_description FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
SELECT FROM auth_store.tenant_set_status('default', 'active');
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_web', :'secret');
SELECT * FROM pg_temp.trail();

-- From another network than before: allowed, but noted. The same /24 is the same network.
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_app', :'user_id', ip => '192.0.2.1') \gset r_
SELECT refresh_token FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app', ip => '192.0.2.200') \gset s_
SELECT FROM pg_temp.trail();
SELECT refresh_token FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_app', ip => '198.51.100.1') \gset s_
SELECT refresh_token FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_app', ip => '2001:db8::1') \gset s_
SELECT refresh_token FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_app', ip => '2001:db8:0:1::1') \gset s_
SELECT * FROM pg_temp.trail();
-- A socket for both families reports IPv4 in IPv6 form: another network by its IPv4 part.
SELECT refresh_token FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_app', ip => '::ffff:192.0.2.1') \gset s_
SELECT refresh_token FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_app', ip => '192.0.2.7') \gset s_
SELECT refresh_token
  FROM auth_store.token_refresh(:'s_refresh_token', 'refresh_app', ip => '::ffff:198.51.100.1') \gset s_
SELECT * FROM pg_temp.trail();

-- A grant without a refresh token has no family.
SELECT refresh_token, access_token FROM auth_store.token_issue('refresh_app', :'user_id', refresh => false) \gset r_
SELECT :{?r_refresh_token} AS refresh_token;

-- One row per login, however often its token rotates, and nearly every update stays on its page (HOT).
SELECT refresh_token AS chain, grant_id AS chain_id FROM auth_store.token_issue('refresh_app', :'user_id') \gset
SELECT pg_stat_force_next_flush();
SELECT pg_stat_get_tuples_updated('auth_store.grants'::regclass) AS updated,
       pg_stat_get_tuples_hot_updated('auth_store.grants'::regclass) AS hot \gset
SELECT set_config('refresh_test.token', :'chain', false) IS NOT NULL AS set;
DO $$
BEGIN
    FOR n IN 1 .. 100 LOOP
        PERFORM pg_catalog.set_config('refresh_test.token', r.refresh_token, false)
           FROM auth_store.token_refresh(pg_catalog.current_setting('refresh_test.token'), 'refresh_app') AS r;
        COMMIT;
    END LOOP;
END $$;
SELECT rotation_count, revoked_at IS NULL AS live,
       current_digest = auth_store.token_hash(current_setting('refresh_test.token')) AS current
  FROM auth_store.grants WHERE id = :'chain_id';
SELECT pg_stat_force_next_flush();
SELECT pg_stat_get_tuples_updated('auth_store.grants'::regclass) - :updated AS updated,
       pg_stat_get_tuples_hot_updated('auth_store.grants'::regclass) - :hot >= 95 AS hot;

-- What is rolled back was not rotated.
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_app', :'user_id') \gset r_
BEGIN;
SELECT refresh_token FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app') \gset gone_
ROLLBACK;
SELECT rotations FROM pg_temp.family(:'r_grant_id');
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app');
-- So was the token: nobody else ever saw it, and it is a secret the family does not know.
SELECT error FROM auth_store.token_refresh(:'gone_refresh_token', 'refresh_app');
SELECT * FROM pg_temp.family(:'r_grant_id');

-- Another tenant's token is unknown.
SELECT auth_store.tenant_create('refresh_tenant') \gset
SELECT client_id
  FROM auth_store.client_create('Theirs', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'refresh_theirs',
      tenant_id => 'refresh_tenant');
SELECT refresh_token, grant_id FROM auth_store.token_issue('refresh_app', :'user_id') \gset r_
SELECT FROM pg_temp.trail();
SET auth_store.tenant_id = 'refresh_tenant';
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_theirs');
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'refresh_app');
RESET auth_store.tenant_id;
SELECT * FROM pg_temp.trail();
SELECT * FROM pg_temp.family(:'r_grant_id');

BEGIN READ ONLY;
SELECT pg_temp.raised(format('SELECT FROM auth_store.token_refresh(%L, ''refresh_app'')', :'r_refresh_token'));
COMMIT;
