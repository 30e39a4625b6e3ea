-- call(): every kind of function by one untyped way in, with the caller's rights, and what it says of mistakes.
\i tests/sql/include/helpers.sql

-- A row comes back as an object, with every type an argument has: arrays, intervals as text and as
-- seconds, jsonb, booleans.
SELECT auth_store.call('client_create',
    '{"name": "App", "client_id": "call_app", "client_type": "public",
        "redirect_uris": ["https://a.example/cb", "https://b.example/cb"], "scope": "read write",
    "access_token_ttl": "10 minutes", "refresh_token_ttl": 86400, "refresh_idle_ttl": 3600,
    "metadata": {"n": [1, 2.5, null]}, "rate_limit_per_hour": "100", "resources": null}');
SELECT auth_store.call('client_get',
    '{"client_id": "call_app"}') #- '{0,created_at}' #- '{0,updated_at}' AS a_set_of_one_row;
SELECT auth_store.call('client_get', '{"client_id": "nobody"}') AS an_empty_set;
-- A scalar is itself: a uuid.
SELECT auth_store.call('user_ensure',
    '{"external_id": "call"}') #>> '{}' = auth_store.user_ensure('call')::text AS the_same;
SELECT auth_store.user_ensure('call') AS ann \gset
SELECT auth_store.call('session_create',
    jsonb_build_object('user_id', :'ann', 'ttl', 7200, 'idle_ttl', 'PT1H', 'amr', '["pwd", "otp"]'::jsonb, 'metadata',
        '{"a": {"b": []}}'::jsonb, 'ip', '2001:db8::7', 'user_agent', 'é')) AS session \gset
SELECT v.valid, date_trunc('second', v.expires_at - v.created_at) AS ttl,
       date_trunc('second', v.idle_expires_at - v.created_at) AS idle_ttl, v.amr, v.metadata
  FROM auth_store.session_validate(:'session'::jsonb ->> 'session_token') AS v;
SELECT l -> 'ip' AS ip, l -> 'user_agent' AS agent, l -> 'amr' AS amr, l -> 'status' AS status
  FROM jsonb_array_elements(auth_store.call('session_list', jsonb_build_object('user_id', :'ann'))) AS l;
SELECT auth_store.call('session_create', jsonb_build_object('user_id', :'ann')) ->> 'session_id' AS other \gset
SELECT auth_store.call('session_revoke', jsonb_build_object('session_id', :'other', 'user_id', :'ann')) AS a_boolean,
       auth_store.call('session_revoke', jsonb_build_object('session_id', :'other')) AS again;
SELECT auth_store.call('user_sessions_revoke', jsonb_build_object('user_id', :'ann')) AS a_number;
SELECT auth_store.call('token_issue',
    jsonb_build_object('client_id', 'call_app', 'user_id', :'ann', 'scope', 'read', 'resource',
        '["https://api.example"]'::jsonb, 'claims', '{"shop": 7}'::jsonb, 'refresh', true)) AS issued \gset
SELECT r -> 'active' AS active, r -> 'audience' AS audience, r -> 'claims' AS claims, r ->> 'user_id' = :'ann' AS ann,
       date_trunc('second', (r ->> 'expires_at')::timestamptz - (r ->> 'issued_at')::timestamptz) AS ttl
  FROM auth_store.call('token_introspect', jsonb_build_object('token', :'issued'::jsonb ->> 'access_token')) AS r;
-- jsonb is itself, bytea hexadecimal, a NULL null; never an SQL NULL.
SELECT auth_store.call('token_introspection', '{"token": "no"}') AS jsonb,
       auth_store.call('token_hash', '{"token": "x"}') = to_jsonb(sha256('x')) AS bytea,
       auth_store.call('token_hash', '{"token": null}') AS of_null;
-- Also where a backslash in a string is an escape.
SET standard_conforming_strings = off;
SELECT auth_store.call('http_bucket', $${"body": "\\x636f64653d61"}$$) = to_jsonb(auth_store.http_bucket('code=a'))
           AS bytea_argument,
       auth_store.shard_fenced() AS fenced;
RESET standard_conforming_strings;
SELECT auth_store.call('api_key_create',
    jsonb_build_object('name', 'k', 'user_id', :'ann', 'allowed_cidrs', '["192.0.2.0/24", "2001:db8::/32"]'::jsonb,
        'expires_at', '2100-01-02T03:04:05Z')) AS key \gset
SELECT r -> 'allowed_cidrs' AS networks, (r ->> 'expires_at')::timestamptz AT TIME ZONE 'UTC' AS ends
  FROM jsonb_array_elements(auth_store.call('api_key_list', jsonb_build_object('user_id', :'ann'))) AS r;
SELECT auth_store.call('api_key_verify',
    jsonb_build_object('api_key', :'key'::jsonb ->> 'api_key', 'ip', '192.0.2.9')) -> 'valid' AS there,
       auth_store.call('api_key_verify',
           jsonb_build_object('api_key', :'key'::jsonb ->> 'api_key', 'ip', '203.0.113.9')) -> 'error' AS elsewhere;
SELECT auth_store.call('audit_write',
    jsonb_build_object('event', 'order.shipped', 'risk_score', 0.25, 'flags', '["odd"]'::jsonb)) IS NOT NULL AS a_real;
SELECT auth_store.call('consent_check',
    jsonb_build_object('user_id', :'ann', 'client_id', 'call_app')) -> 'missing_scope' AS missing;
-- No argument, NULL for none, and functions that answer for themselves: a refusal is a row, a mistake an error.
SELECT auth_store.call('rate_limit_stats') ? 'slots' AS row,
       auth_store.call('rate_limit_stats', NULL) ? 'slots' AS null,
       auth_store.call('rate_limit_stats', '{}') ? 'slots' AS empty;
SELECT auth_store.call('code_redeem', '{"code": "x", "client_id": "call_app"}') -> 'error' AS refused;
SELECT pg_temp.raised($$SELECT auth_store.call('client_create', '{"name": "x", "client_type": "mobile"}')$$) AS mistake;
SELECT auth_store.call(function => 'pkce_verify', arguments => '{"verifier": "x", "challenge": "y"}') AS by_name;
-- Quotes are letters.
SELECT auth_store.call('user_ensure',
    jsonb_build_object('external_id',
        $$'); DROP TABLE x; -- "$1" \ %s$$)) #>> '{}' = auth_store.user_ensure($$'); DROP TABLE x; -- "$1" \ %s$$)::text
       AS the_same;
-- In the caller's transaction.
BEGIN;
SELECT auth_store.call('user_ensure', '{"external_id": "undone"}') IS NOT NULL AS made;
ROLLBACK;
SELECT count(*) AS none FROM auth_store.users WHERE external_id = 'undone';

-- Unknown names are answered with those there are; what is passed never comes back.
SELECT what, pg_temp.raised(format('SELECT auth_store.call(%s)', what))
  FROM (VALUES (1, $$'cleanup'$$), (2, $$'vault_rekey', '{"batch": 1}'$$), (3, 'NULL'),
      (4, $$'rate_limit_stats', '{"secret": 1}'$$), (5, $$'token_hash', '{"secret": "x"}'$$),
    (6, $$'token_hash'$$), (7, $$'token_hash', '{}'$$), (8, $$'token_hash', '["x"]'$$), (9, $$'token_hash', '"x"'$$),
    (10, $$'token_hash', 'null'$$), (11, $$'connection_complete', '{"fence": 1}'$$)) AS t (n, what) ORDER BY n;
SELECT left(what, 30) AS what, left(said, 94) AS said, said ~ ' (token_introspect), .*(user_get), ' AS names,
       said ~ 'cleanup,' AS procedures, said ~ 'sesame' AS echoed
  FROM (SELECT what, pg_temp.raised(format('SELECT auth_store.call(%L)', what)) AS said
    FROM unnest(ARRAY['sesame', 'call', '', 'version', 'pg_catalog.version', 'auth_store.user_get', 'user_get(NULL) --',
        'USER_GET', 'user_get ', 'pg_read_file', repeat('sesame', 100000)]) AS what) AS t
   ORDER BY length(what) < 100, what COLLATE "C";
SELECT left(pg_temp.raised(format('SELECT auth_store.call(%s)', call)), 130) AS raised
  FROM (VALUES (1, $$'session_revoke', '{"session_id": "secret"}'$$), (2, $$'session_revoke', '{"session_id": 7}'$$),
      (3, $$'session_revoke', '{"session_id": {"a": 1}}'$$),
    (4, $$'token_hash', '{"token": 7}'$$), (5, $$'token_hash', '{"token": true}'$$),
    (6, $$'token_hash', '{"token": ["x"]}'$$),
    (7, $$'client_create', '{"name": "x", "redirect_uris": "{https://a.example}"}'$$),
    (8, $$'client_create', '{"name": "x", "redirect_uris": ["a", 7]}'$$),
    (9, $$'client_create', '{"name": "x", "redirect_uris": [["a"]]}'$$),
    (10, $$'client_create', '{"name": "x", "redirect_uris": [null]}'$$),
    (11, $$'client_create', '{"name": "x", "require_pkce": "true"}'$$),
    (12, $$'client_create', '{"name": "x", "require_pkce": 1}'$$),
    (13, $$'client_create', '{"name": "x", "rate_limit_per_hour": 1.5}'$$),
    (14, $$'client_create', '{"name": "x", "rate_limit_per_hour": 99999999999}'$$),
    (15, $$'client_create', '{"name": "x", "rate_limit_per_hour": "secret"}'$$),
    (16, $$'client_create', '{"name": "x", "rate_limit_per_hour": false}'$$),
    (17, $$'client_create', '{"name": "x", "access_token_ttl": "secret"}'$$),
    (18, $$'client_create', '{"name": "x", "access_token_ttl": []}'$$),
    (19, $$'client_create', '{"name": "x", "access_token_ttl": true}'$$),
    (20, $$'jti_revoke', '{"jti": "x", "expires_at": "secret"}'$$),
    (21, $$'jti_revoke', '{"jti": "x", "expires_at": 1900000000}'$$),
    (22, $$'jti_revoke', '{"jti": "x", "expires_at": null}'$$),
    (23, $$'api_key_verify', '{"api_key": "x", "ip": "secret"}'$$),
    (24, $$'api_key_create', '{"name": "x", "allowed_cidrs": ["10.0.0.0/8", "secret"]}'$$),
    (25, $$'api_key_create', '{"name": "x", "allowed_cidrs": [10]}'$$),
    (26, $$'connection_complete', '{"connection_id": null, "fence": 1e30, "access_token": "x"}'$$),
    (27, $$'audit_write', '{"event": "x", "risk_score": "secret"}'$$),
    (28, $$'audit_write', '{"event": "x", "risk_score": 1e99}'$$),
    (29, $$'client_update', '{"client_id": "call_app", "changes": "secret"}'$$)) AS t (n, call) ORDER BY n;
SELECT pg_temp.raised($$SELECT auth_store.call('client_create', '{"name": "x", "access_token_ttl": 1e300}')$$)
       LIKE '22___ | invalid value for argument "access_token_ttl" | %' AS too_long;
-- Nothing of it stays.
BEGIN;
SELECT auth_store.call('token_hash', '{"token": "secret"}') IS NOT NULL AS called;
SELECT current_setting('auth_store_call.function', true) AS function,
       current_setting('auth_store_call.arguments', true) AS arguments;
SELECT pg_temp.raised($$SELECT auth_store.call('session_revoke', '{"session_id": "secret"}')$$);
SELECT current_setting('auth_store_call.function', true) AS function,
       current_setting('auth_store_call.arguments', true) AS arguments;
COMMIT;

-- With the caller's rights: 42501 as for the direct call, and the names of what the caller may call.
SET ROLE auth_store_reader;
SELECT auth_store.call('pkce_verify', '{"verifier": "x", "challenge": "y"}') AS may;
SELECT pg_temp.raised($$SELECT auth_store.call('user_ensure', '{"external_id": "x"}')$$) AS call,
       pg_temp.raised($$SELECT auth_store.user_ensure('x')$$) AS direct;
SELECT pg_temp.raised($$SELECT auth_store.call('nothing')$$) LIKE '% api_key_verify, %' AS names_its_own,
       pg_temp.raised($$SELECT auth_store.call('nothing')$$) LIKE '% api_key_create, %' AS names_others;
SET ROLE auth_store_auditor;
SELECT pg_temp.raised($$SELECT auth_store.call('tenant_erase', '{"id": "default", "confirm": "default"}')$$);
RESET ROLE;
CREATE ROLE call_nobody;
SET ROLE call_nobody;
SELECT pg_temp.raised($$SELECT auth_store.call('pkce_verify')$$);
RESET ROLE;
DROP ROLE call_nobody;
-- Whatever else is in the way of a name: another schema, or an operator, that comes first in the caller's path.
CREATE SCHEMA call_evil;
CREATE FUNCTION call_evil.user_ensure(external_id text) RETURNS text LANGUAGE sql AS $$SELECT 'evil'$$;
CREATE FUNCTION call_evil.steal(jsonb, text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'stolen'; END$$;
CREATE OPERATOR call_evil.->> (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = call_evil.steal);
SET search_path = call_evil, pg_catalog, auth_store;
SELECT call('user_ensure',
    '{"external_id": "call"}') = pg_catalog.to_jsonb(auth_store.user_ensure('call')) AS the_stores;
SELECT current_setting('search_path') AS the_callers;
RESET search_path;
DROP SCHEMA call_evil CASCADE;
-- A tenant pin holds.
SELECT auth_store.tenant_create('call-co') \gset
SELECT auth_store.user_ensure('theirs', 'call-co') AS theirs \gset
SET auth_store.tenant_id = 'default';
SELECT auth_store.call('user_get', jsonb_build_object('user_id', :'theirs')) AS unknown,
       pg_temp.raised($$SELECT auth_store.call('user_ensure', '{"external_id": "x", "tenant_id": "call-co"}')$$)
       AS refused;
RESET auth_store.tenant_id;
SELECT auth_store.tenant_erase('call-co', 'call-co') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('call-co') WHERE rows > 0;
-- What only reads works where nothing can be written.
BEGIN READ ONLY;
SELECT auth_store.call('token_introspect',
    jsonb_build_object('token', :'issued'::jsonb ->> 'access_token')) -> 'active' AS active;
SELECT pg_temp.raised($$SELECT auth_store.call('user_ensure', '{"external_id": "x"}')$$) AS writes;
ROLLBACK;
