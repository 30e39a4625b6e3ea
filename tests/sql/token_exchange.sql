-- Token exchange, RFC 8693.
\i tests/sql/include/helpers.sql

\set exchange 'urn:ietf:params:oauth:grant-type:token-exchange'
\set access 'urn:ietf:params:oauth:token-type:access_token'
-- The application that users log in to, a service behind it, and one behind that.
SELECT client_id
  FROM auth_store.client_create('Web', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'exchange_web',
      scope => 'read write pay');
SELECT client_secret AS secret
  FROM auth_store.client_create('Orders', client_id => 'exchange_orders', scope => 'read write audit',
    grant_types => ARRAY[:'exchange', 'client_credentials'], access_token_ttl => '10 min') \gset
SELECT client_secret AS next_secret
  FROM auth_store.client_create('Stock', client_id => 'exchange_stock', scope => 'read',
      grant_types => ARRAY[:'exchange'],
    access_token_ttl => '1 day') \gset
SELECT client_secret AS other_secret
  FROM auth_store.client_create('Other', client_id => 'exchange_other', scope => 'read') \gset
SELECT user_id FROM auth_store.user_create('exchange@example.com') \gset
SELECT user_id AS clerk_id FROM auth_store.user_create('clerk@example.com') \gset
SELECT gen_random_uuid() AS session_id \gset
SELECT * FROM auth_store.token_issue('exchange_web', :'user_id', session_id => :'session_id',
    claims => '{"org": 7}') \gset s_
SELECT access_token AS machine FROM auth_store.token_issue_client_credentials('exchange_orders', :'secret') \gset
SELECT FROM pg_temp.trail();

-- Section 2.2.1: what comes back. Without an actor token it is impersonation: no act.
SELECT * FROM auth_store.token_exchange(:'s_access_token', client_id => 'exchange_orders', client_secret => :'secret',
    ip => '192.0.2.1') \gset x_
SELECT :'x_access_token' ~ '^asat_[\w-]{64}$' AS form, :'x_issued_token_type' AS issued_token_type,
       :'x_token_type' AS token_type, :x_expires_in AS expires_in,
       :{?x_refresh_token} AS refresh_token, :'x_scope' AS scope, :'x_grant_id' = :'s_grant_id' AS same_grant,
       :'x_user_id' = :'user_id' AS "user",
       :'x_client_id' AS client_id, :'x_tenant_id' AS tenant_id, :'x_claims' AS claims,
       :'x_session_id' = :'session_id' AS session, :{?x_error} AS error;
SELECT active, scope, client_id, user_id = :'user_id' AS "user", username, grant_id = :'x_grant_id' AS grant_id,
       session_id = :'session_id' AS session, claims
  FROM auth_store.token_introspect(:'x_access_token');
SELECT event, success, risk_score, a.grant_id = :'x_grant_id' AS grant_id, user_id = :'user_id' AS "user", ip,
       resource_type, resource_id = t.id::text AS subject,
       details - 'subject_grant_id' AS details, details->>'subject_grant_id' = :'s_grant_id' AS subject_grant
  FROM auth_store.audit_log a, auth_store.access_tokens t
 WHERE event = 'token.exchanged' AND a.client_id = 'exchange_orders' AND t.grant_id = :'s_grant_id';
SELECT FROM pg_temp.trail();
SELECT family_digest IS NULL AND idle_expires_at IS NULL AS no_family, subject_token_id = t.id AS subject
  FROM auth_store.grants g, auth_store.access_tokens t WHERE g.id = :'x_grant_id' AND t.grant_id = :'s_grant_id';

-- Section 4.1: with an actor token its party is the claim act; the one before is nested in it.
SELECT * FROM auth_store.token_exchange(:'s_access_token', :'machine', 'exchange_orders', :'secret',
    subject_token_type => :'access',
    actor_token_type => :'access', requested_token_type => :'access') \gset d_
SELECT :'d_claims' AS claims;
SELECT claims FROM auth_store.token_introspect(:'d_access_token');
SELECT jsonb_pretty(auth_store.token_introspection(:'d_access_token',
    'https://auth.example') - '{exp,iat,jti,sub,sid}'::text[]);
SELECT access_token AS clerk FROM auth_store.token_issue('exchange_orders', :'clerk_id', refresh => false) \gset
SELECT * FROM auth_store.token_exchange(:'d_access_token', :'clerk', 'exchange_orders', :'secret') \gset n_
SELECT :'n_claims'::jsonb #>> '{act,sub}' = :'clerk_id' AS clerk_is_the_actor,
       :'n_claims'::jsonb #- '{act,sub}' AS claims, :'n_user_id' = :'user_id' AS "user";
-- An impersonation in between keeps what is known.
SELECT claims #- '{act,sub}' AS claims
  FROM auth_store.token_exchange(:'n_access_token', client_id => 'exchange_stock', client_secret => :'next_secret');

-- Allowed per client, and to clients that authenticate alone.
SELECT what, r.error, r.error_description
  FROM (VALUES
    (1, 'no secret',         'exchange_orders', NULL),
    (2, 'wrong secret',      'exchange_orders', pg_temp.altered(:'secret')),
    (3, 'unknown client',    'exchange_nobody', :'secret'),
    (4, 'no client',         NULL, NULL),
    (5, 'without the grant type', 'exchange_other', :'other_secret'),
    (6, 'a public client',   'exchange_web', NULL)) AS t (n, what, client, secret),
  LATERAL auth_store.token_exchange(:'s_access_token', client_id => t.client, client_secret => t.secret) AS r
   ORDER BY n;
SELECT pg_temp.raised(
    format('SELECT FROM auth_store.client_create(''Public'', ARRAY[''http://127.0.0.1/cb''], ''public'', grant_types '
           '=> ARRAY[%L])', :'exchange'));
SELECT pg_temp.raised(
    format('SELECT FROM auth_store.client_update(''exchange_web'', jsonb_build_object(''grant_types'', ARRAY[%L]))',
        :'exchange'));
SELECT * FROM pg_temp.trail();

-- Section 2.2.2: a subject or actor that is not acceptable is an invalid_request.
SELECT access_token AS gone FROM auth_store.token_issue_client_credentials('exchange_orders', :'secret') \gset
SELECT FROM auth_store.token_revoke(:'gone', 'exchange_orders', :'secret');
SELECT FROM pg_temp.trail();
SELECT what, r.error, r.error_description, num_nulls(r.access_token, r.grant_id, r.issued_token_type) AS nulls
  FROM (VALUES
    (1, 'NULL',                       NULL, NULL, NULL, NULL, NULL),
    (2, 'empty',                      '', NULL, NULL, NULL, NULL),
    (3, 'malformed',                  'asat_!', NULL, NULL, NULL, NULL),
    (4, 'of 1 MB',                    'asat_' || repeat('A', 1000000), NULL, NULL, NULL, NULL),
    (5, 'unknown',                    'asat_' || repeat('A', 64), NULL, NULL, NULL, NULL),
    (6, 'wrong secret',               pg_temp.altered(:'s_access_token'), NULL, NULL, NULL, NULL),
    (7, 'revoked',                    :'gone', NULL, NULL, NULL, NULL),
    (8, 'a refresh token',            :'s_refresh_token', NULL, NULL, NULL, NULL),
    (9, 'said to be one',             :'s_refresh_token', NULL, 'urn:ietf:params:oauth:token-type:refresh_token', NULL,
        NULL),
    (10, 'said to be a JWT',          :'s_access_token', NULL, 'urn:ietf:params:oauth:token-type:jwt', NULL, NULL),
    (11, 'for a refresh token',       :'s_access_token', NULL, NULL, NULL,
        'urn:ietf:params:oauth:token-type:refresh_token'),
    (12, 'for nonsense',              :'s_access_token', NULL, NULL, NULL, 'x'),
    (13, 'a type and no actor',       :'s_access_token', NULL, NULL, :'access', NULL),
    (14, 'an actor of another type',  :'s_access_token', :'machine', NULL, 'urn:ietf:params:oauth:token-type:id_token',
        NULL),
    (15, 'an empty actor',            :'s_access_token', '', NULL, NULL, NULL),
    (16, 'an unknown actor',          :'s_access_token', 'asat_' || repeat('A', 64), NULL, NULL, NULL),
    (17, 'a revoked actor',           :'s_access_token', :'gone', NULL, NULL, NULL),
    (18, 'another client''s actor',   :'s_access_token', :'s_access_token', NULL, NULL, NULL))
        AS t (n, what, subject, actor, subject_type, actor_type, requested),
  LATERAL auth_store.token_exchange(t.subject, t.actor, 'exchange_orders', :'secret',
      subject_token_type => t.subject_type, actor_token_type => t.actor_type,
                                    requested_token_type => t.requested) AS r ORDER BY n;
SELECT * FROM pg_temp.trail();

-- Section 4.4: may_act names who may; it stays with the new token.
SELECT what, r.error, r.error_description
  FROM (VALUES
    (1, 'the client', true,  '{"client_id": "exchange_orders"}'::jsonb),
    (2, 'the client as sub', true, '{"sub": "exchange_orders"}'),
    (3, 'its own, as an actor token', false, '{"sub": "exchange_orders", "client_id": "exchange_orders"}'),
    (4, 'the clerk', false, jsonb_build_object('sub', :'clerk_id')),
    (5, 'another client', true, '{"client_id": "exchange_stock"}'),
    (6, 'another issuer''s', true, '{"sub": "exchange_orders", "iss": "https://elsewhere.example"}'),
    (7, 'nobody', true, '{}'),
    (8, 'no object', true, '"exchange_orders"'),
    (9, 'null', true, 'null'),
    (10, 'too deep to read', true, (repeat('[', 2000) || repeat(']', 2000))::jsonb)) AS t (n, what, alone, may_act),
  LATERAL auth_store.token_issue('exchange_web', :'user_id', refresh => false,
      claims => jsonb_build_object('may_act', t.may_act)) AS i,
  LATERAL auth_store.token_exchange(i.access_token, CASE WHEN NOT t.alone THEN :'machine' END, 'exchange_orders',
      :'secret') AS r ORDER BY n;
SELECT access_token AS picky
  FROM auth_store.token_issue('exchange_web', :'user_id',
      claims => jsonb_build_object('may_act', jsonb_build_object('sub', :'clerk_id'))) \gset
SELECT access_token AS picky_clerk, claims ? 'may_act' AS may_act
  FROM auth_store.token_exchange(:'picky', :'clerk', 'exchange_orders', :'secret') \gset
SELECT :'may_act' AS may_act, error
  FROM auth_store.token_exchange(:'picky_clerk', client_id => 'exchange_stock', client_secret => :'next_secret');
SELECT FROM pg_temp.trail();

-- The scope: within the subject's, and within the client's.
SELECT t.requested, r.scope, r.error
  FROM (VALUES (1, NULL), (2, 'read'), (3, 'write read'), (4, ''), (5, 'pay'), (6, 'audit'), (7, 'read admin'),
      (8, E'a\tb')) AS t (n, requested),
  LATERAL auth_store.token_exchange(:'s_access_token', client_id => 'exchange_orders', client_secret => :'secret',
      scope => t.requested) AS r ORDER BY n;
-- The access token's own, where it is narrower than its grant.
SELECT access_token AS narrow
  FROM auth_store.token_refresh(:'s_refresh_token', 'exchange_web', scope => 'read pay') \gset
SELECT scope FROM auth_store.token_exchange(:'narrow', client_id => 'exchange_orders', client_secret => :'secret');
SELECT error, scope
  FROM auth_store.token_exchange(:'narrow', client_id => 'exchange_orders', client_secret => :'secret',
      scope => 'write');

-- The resources and audiences: within the subject's (RFC 8707 section 2.2, RFC 8693 section 2.1).
SELECT access_token AS placed, refresh_token AS placed_refresh
  FROM auth_store.token_issue('exchange_web', :'user_id',
      resource => ARRAY['https://a.example/', 'https://b.example/']) \gset
SELECT t.resource, t.audience, i.audience AS aud, r.error, r.error_description
  FROM (VALUES
    (1, NULL::text[], NULL::text[]),
    (2, '{https://a.example/}', NULL),
    (3, NULL, '{https://b.example/}'),
    (4, '{https://a.example/}', '{https://b.example/,https://a.example/}'),
    (5, '{https://c.example/}', NULL),
    (6, NULL, '{orders}'),
    (7, '{}', '{}'),
    (8, '{relative}', NULL),
    (9, '{NULL}', NULL),
    (10, NULL, '{NULL}'),
    (11, NULL, '{""}')) AS t (n, resource, audience),
  LATERAL auth_store.token_exchange(:'placed', client_id => 'exchange_orders', client_secret => :'secret',
      resource => t.resource, audience => t.audience) AS r,
  LATERAL pg_temp.seen(r.access_token) AS i ORDER BY n;
SELECT access_token AS placed
  FROM auth_store.token_refresh(:'placed_refresh', 'exchange_web', resource => ARRAY['https://b.example/']) \gset
SELECT t.resource, i.audience, r.error FROM (VALUES (1, NULL::text[]), (2, '{https://a.example/}')) AS t (n, resource),
  LATERAL auth_store.token_exchange(:'placed', client_id => 'exchange_orders', client_secret => :'secret',
      resource => t.resource) AS r,
  LATERAL pg_temp.seen(r.access_token) AS i ORDER BY n;
-- A subject for anything: what the client may name, by URI or by name.
SELECT t.resource, t.audience, i.audience AS aud, r.error
  FROM (VALUES (1, NULL::text[], NULL::text[]), (2, '{urn:example:x}', '{orders}')) AS t (n, resource, audience),
  LATERAL auth_store.token_exchange(:'s_access_token', client_id => 'exchange_orders', client_secret => :'secret',
      resource => t.resource, audience => t.audience) AS r,
  LATERAL pg_temp.seen(r.access_token) AS i ORDER BY n;
SELECT FROM auth_store.client_update('exchange_stock', '{"resources": ["https://b.example/", "https://d.example/"]}');
SELECT t.subject, t.resource, i.audience, r.error, r.error_description
  FROM (VALUES (1, 'for b', :'placed', NULL::text[]), (2, 'for any', :'s_access_token', NULL),
      (3, 'for any', :'s_access_token', '{https://d.example/}'),
               (4, 'for any', :'s_access_token', '{https://a.example/}')) AS t (n, subject, token, resource),
  LATERAL auth_store.token_exchange(t.token, client_id => 'exchange_stock', client_secret => :'next_secret',
      resource => t.resource) AS r,
  LATERAL pg_temp.seen(r.access_token) AS i ORDER BY n;
SELECT FROM auth_store.client_update('exchange_stock', '{"resources": null}');
SELECT FROM pg_temp.trail();

-- The end: the client's lifetime, never past the subject's.
SELECT r.expires_in
  FROM auth_store.token_exchange(:'s_access_token', client_id => 'exchange_orders', client_secret => :'secret') AS r;
SELECT r.expires_in BETWEEN 3590 AND 3600 AS an_hour, i.expires_at = s.expires_at AS the_subjects
  FROM auth_store.token_introspect(:'s_access_token') AS s,
       auth_store.token_exchange(:'s_access_token', client_id => 'exchange_stock',
           client_secret => :'next_secret') AS r,
       pg_temp.seen(r.access_token) AS i;
SELECT g.expires_at = t.expires_at AS grant_ends_with_it, t.expires_at = s.expires_at AS and_with_the_subject
  FROM auth_store.grants g JOIN auth_store.access_tokens t ON t.grant_id = g.id
  JOIN auth_store.access_tokens s ON s.id = g.subject_token_id
 WHERE g.client_id = 'exchange_stock' ORDER BY g.id DESC LIMIT 1;

-- Sender constraints: a bound subject needs its key, and the new token is bound to what was proved.
SELECT auth_store.pkce_challenge(repeat('k', 43)) AS jkt, auth_store.pkce_challenge(repeat('x', 43)) AS other_jkt,
       auth_store.pkce_challenge(repeat('c', 43)) AS x5t \gset
SELECT access_token AS bound
  FROM auth_store.token_issue('exchange_web', :'user_id', cnf => jsonb_build_object('jkt', :'jkt')) \gset
SELECT access_token AS bound_machine
  FROM auth_store.token_issue_client_credentials('exchange_orders', :'secret',
      cnf => jsonb_build_object('jkt', :'jkt')) \gset
SELECT FROM pg_temp.trail();
SELECT what, r.error, r.error_description, r.token_type,
       replace(replace(i.cnf::text, :'jkt', '<jkt>'), :'x5t', '<x5t>') AS cnf
  FROM (VALUES
    (1, 'bound, no proof',         :'bound', NULL, NULL, NULL),
    (2, 'bound, another key',      :'bound', NULL, :'other_jkt', NULL),
    (3, 'bound, a certificate',    :'bound', NULL, NULL, :'jkt'),
    (4, 'bound, its key',          :'bound', NULL, :'jkt', NULL),
    (5, 'bound, and a certificate', :'bound', NULL, :'jkt', :'x5t'),
    (6, 'unbound, a key',          :'s_access_token', NULL, :'jkt', NULL),
    (7, 'unbound, a certificate',  :'s_access_token', NULL, NULL, :'x5t'),
    (8, 'bound actor, no proof',   :'s_access_token', :'bound_machine', NULL, NULL),
    (9, 'bound actor, its key',    :'s_access_token', :'bound_machine', :'jkt', NULL),
    (10, 'malformed',              :'s_access_token', NULL, 'x', NULL),
    (11, 'malformed',              :'s_access_token', NULL, NULL, '')) AS t (n, what, subject, actor, jkt, x5t),
  LATERAL auth_store.token_exchange(t.subject, t.actor, 'exchange_orders', :'secret', dpop_jkt => t.jkt,
      x5t_s256 => t.x5t) AS r,
  LATERAL pg_temp.seen(r.access_token) AS i ORDER BY n;
SELECT * FROM pg_temp.trail();

-- Whatever ends the subject ends what was made of it, at any depth.
CREATE TABLE pg_temp.chain (depth int, token text);
CREATE FUNCTION pg_temp.chain(token text, depth int, secret text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    response auth_store.token_response;
BEGIN
    TRUNCATE pg_temp.chain;
    INSERT INTO pg_temp.chain VALUES (0, token);
    FOR n IN 1 .. depth LOOP
        SELECT * INTO response
          FROM auth_store.token_exchange(token, client_id => 'exchange_orders', client_secret => secret);
        IF response.error IS NOT NULL THEN
            RETURN pg_catalog.format('%s: %s, %s', n, response.error, response.error_description);
        END IF;
        token := response.access_token;
        INSERT INTO pg_temp.chain VALUES (n, token);
    END LOOP;
    RETURN 'made';
END $$;
CREATE FUNCTION pg_temp.active() RETURNS boolean[]
    LANGUAGE sql AS 'SELECT array_agg(i.active ORDER BY depth) FROM pg_temp.chain c, LATERAL '
                    'auth_store.token_introspect(c.token) AS i';
SELECT pg_temp.chain(:'s_access_token', 6, :'secret'), pg_temp.active();
-- its access token
SELECT * FROM auth_store.token_issue('exchange_web', :'user_id') \gset s_
SELECT pg_temp.chain(:'s_access_token', 3, :'secret'), pg_temp.active();
SELECT access_token AS sister FROM auth_store.token_refresh(:'s_refresh_token', 'exchange_web') \gset
SELECT error FROM auth_store.token_revoke(:'s_access_token', 'exchange_web');
SELECT pg_temp.active();
SELECT active AS sister FROM auth_store.token_introspect(:'sister');
-- its grant: by a refresh token that was replaced
SELECT pg_temp.chain(:'sister', 3, :'secret'), pg_temp.active();
SELECT error FROM auth_store.token_refresh(pg_temp.altered(:'s_refresh_token'), 'exchange_web');
SELECT pg_temp.active();
-- one in the middle: those before it live on
SELECT access_token FROM auth_store.token_issue('exchange_web', :'user_id') \gset s_
SELECT pg_temp.chain(:'s_access_token', 4, :'secret'), pg_temp.active();
SELECT auth_store.grant_revoke((SELECT i.grant_id
                                  FROM pg_temp.chain c, LATERAL auth_store.token_introspect(c.token) AS i
                                 WHERE depth = 2));
SELECT pg_temp.active();
-- its client, for a while
SELECT FROM auth_store.client_set_status('exchange_web', 'suspended');
SELECT pg_temp.active();
SELECT error
  FROM auth_store.token_exchange((SELECT token FROM pg_temp.chain WHERE depth = 1), client_id => 'exchange_orders',
      client_secret => :'secret');
SELECT FROM auth_store.client_set_status('exchange_web', 'active');
SELECT pg_temp.active();
-- its user
SELECT auth_store.user_grants_revoke(:'user_id') > 3 AS ended;
SELECT pg_temp.active();
-- its expiry, and then its row
SELECT access_token FROM auth_store.token_issue('exchange_web', :'user_id') \gset s_
SELECT pg_temp.chain(:'s_access_token', 2, :'secret'), pg_temp.active();
BEGIN;
UPDATE auth_store.access_tokens SET expires_at = clock_timestamp()
 WHERE id = (SELECT jti FROM auth_store.token_introspect(:'s_access_token'));
SELECT pg_temp.active();
ROLLBACK;
SELECT jti FROM auth_store.token_introspect(:'s_access_token') \gset
DELETE FROM auth_store.access_tokens WHERE id = :'jti';
SELECT pg_temp.active();
-- What was made ends alone.
SELECT access_token FROM auth_store.token_issue('exchange_web', :'user_id') \gset s_
SELECT pg_temp.chain(:'s_access_token', 2, :'secret');
SELECT error FROM pg_temp.chain c, LATERAL auth_store.token_revoke(c.token, 'exchange_orders', :'secret')
 WHERE depth = 2;
SELECT pg_temp.active();
-- A resource server is told the same.
SELECT depth, a.active, a.error FROM pg_temp.chain c, LATERAL auth_store.token_authorize(c.token, 'read') AS a
 ORDER BY depth;

-- A user who is not active (no function of this version makes one so).
BEGIN;
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'user_id';
SELECT error, error_description
  FROM auth_store.token_exchange(:'s_access_token', client_id => 'exchange_orders', client_secret => :'secret');
ROLLBACK;

-- Claims of any size and depth come through.
SELECT access_token AS deep
  FROM auth_store.token_issue('exchange_web', :'user_id',
      claims => jsonb_build_object('n', (repeat('[', 2000) || repeat(']', 2000))::jsonb, 'x', 1e400, 'act', 5)) \gset
SELECT error, claims->'act' #- '{sub}' AS act, claims->'x' = '1e400' AS number
  FROM auth_store.token_exchange(:'deep', :'machine', 'exchange_orders', :'secret');

-- Another tenant's token is none.
SELECT auth_store.tenant_create('exchange_tenant') \gset
SELECT client_secret AS their_secret
  FROM auth_store.client_create('Theirs', client_id => 'exchange_theirs',
      grant_types => ARRAY[:'exchange', 'client_credentials'], tenant_id => 'exchange_tenant') \gset
SELECT access_token AS their_machine
  FROM auth_store.token_issue_client_credentials('exchange_theirs', :'their_secret') \gset
SELECT error, error_description
  FROM auth_store.token_exchange(:'s_access_token', client_id => 'exchange_theirs', client_secret => :'their_secret');
SELECT error, error_description
  FROM auth_store.token_exchange(:'s_access_token', :'their_machine', 'exchange_orders', :'secret');
SET auth_store.tenant_id = 'exchange_tenant';
SELECT error
  FROM auth_store.token_exchange(:'s_access_token', client_id => 'exchange_theirs', client_secret => :'their_secret');
SELECT error
  FROM auth_store.token_exchange(:'their_machine', client_id => 'exchange_theirs', client_secret => :'their_secret');
RESET auth_store.tenant_id;

BEGIN READ ONLY;
SELECT pg_temp.raised('SELECT FROM auth_store.token_exchange(''x'')');
COMMIT;
