-- The device authorization grant: RFC 8628.
\i tests/sql/include/helpers.sql

-- A television, a confidential client, one that may not, and the user.
SELECT client_id
  FROM auth_store.client_create('Television', client_type => 'public', client_id => 'device_tv',
      scope => 'read write play',
    grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    resources => ARRAY['https://a.example/', 'https://b.example/']);
SELECT client_secret AS secret FROM auth_store.client_create('Printer', client_id => 'device_printer', scope => 'print',
    grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code']) \gset
SELECT client_secret AS web_secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'], client_id => 'device_web',
      scope => 'read') \gset
SELECT user_id FROM auth_store.user_create('device@example.com') \gset
SELECT gen_random_uuid() AS session_id \gset
SELECT FROM pg_temp.trail();

--
-- The device authorization endpoint
--

-- Section 3.2: what the device gets. Section 6.1: eight letters without vowels.
SELECT * FROM auth_store.device_authorize('device_tv', scope => 'read write',
    resource => ARRAY['https://a.example/', 'https://b.example/'], ip => '192.0.2.9') \gset
SELECT :'device_code' LIKE 'asdc\_%' AND length(:'device_code') = 69 AS device_code,
       :'user_code' ~ '^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$' AS user_code,
       :expires_in AS expires_in, :interval AS interval, :'scope' AS scope, :{?error} AS error;
-- The row holds digests.
SELECT digest = auth_store.token_hash(:'device_code') AS digest,
       user_code_digest = sha256('default'::bytea || '\x00'
           || replace(:'user_code', '-', '')::bytea) AS user_code_digest,
       upper(to_jsonb(d)::text) LIKE '%' || upper(right(:'device_code', 43)) || '%' OR to_jsonb(d)::text ~ :'user_code'
       OR to_jsonb(d)::text ~ replace(:'user_code', '-', '') AS holds_a_secret,
       expires_at - clock_timestamp() BETWEEN '14 min 55 s' AND '15 min' AS a_quarter, poll_interval, last_polled_at
  FROM auth_store.device_codes d WHERE client_id = 'device_tv';
SHOW auth_store.device_code_ttl;
SHOW auth_store.device_poll_interval;
SET auth_store.device_code_ttl = '1 min';
SET auth_store.device_poll_interval = 7;
SELECT expires_in, interval, scope FROM auth_store.device_authorize('device_tv');
RESET auth_store.device_code_ttl;
RESET auth_store.device_poll_interval;
SELECT * FROM pg_temp.trail();

-- Section 3.1: refusals. A confidential client authenticates.
SELECT what, r.device_code IS NOT NULL AS device_code, r.scope, r.error, r.error_description
  FROM (VALUES
    ('confidential',           'device_printer', :'secret',     false, NULL,         NULL::text[]),
    ('authenticated',          'device_printer', NULL,          true,  'print',      NULL),
    ('no secret',              'device_printer', NULL,          false, NULL,         NULL),
    ('wrong secret',           'device_printer', 'x',           false, NULL,         NULL),
    ('unknown client',         'device_nobody',  NULL,          false, NULL,         NULL),
    ('no client',              NULL,             NULL,          false, NULL,         NULL),
    ('grant type not allowed', 'device_web',     :'web_secret', false, NULL,         NULL),
    ('scope beyond',           'device_tv',      NULL,          false, 'read admin', NULL),
    ('malformed scope',        'device_tv',      NULL,          false, 'read"',      NULL),
    ('another resource',       'device_tv',      NULL,          false, 'read',       ARRAY['https://c.example/'])
  ) AS t (what, client, secret, authenticated, scope, resource),
  LATERAL auth_store.device_authorize(t.client, t.secret, t.authenticated, t.scope, t.resource) AS r;
SELECT * FROM pg_temp.trail();

--
-- The page of the user
--

-- Section 6.1: any case, with or without dashes and spaces.
SELECT what, r.client_id, r.client_name, r.scope, r.resource, r.status, r.expires_at > clock_timestamp() AS alive,
       r.error, r.error_description
  FROM (VALUES
    ('as shown',         :'user_code'),
    ('lower case',       lower(:'user_code')),
    ('without the dash', replace(:'user_code', '-', '')),
    ('spaces',           ' ' || regexp_replace(:'user_code', '(.)', '\1 ', 'g')),
    ('another one',      CASE WHEN left(:'user_code', 1) = 'B' THEN 'C' ELSE 'B' END || substr(:'user_code', 2)),
    ('cut',              left(:'user_code', 8)),
    ('longer',           :'user_code' || 'B'),
    ('a vowel',          'A' || substr(:'user_code', 2)),
    ('empty',            ''),
    ('none',             NULL),
    ('the device code',  :'device_code')
  ) AS t (what, code), LATERAL auth_store.device_lookup(t.code) AS r;
SELECT * FROM pg_temp.trail();

-- A code belongs to its tenant.
SELECT auth_store.tenant_create('device_other') \gset
SELECT user_id AS stranger FROM auth_store.user_create('device@example.com', tenant_id => 'device_other') \gset
SELECT FROM pg_temp.trail();
SELECT error FROM auth_store.device_lookup(:'user_code', tenant_id => 'device_other');
SELECT error FROM auth_store.device_approve(:'user_code', :'stranger');
SELECT error FROM auth_store.device_deny(:'user_code', tenant_id => 'device_other');
SELECT tenant_id, event, error FROM auth_store.audit_log WHERE tenant_id = 'device_other' AND event LIKE 'device.%'
 ORDER BY occurred_at;
SELECT FROM pg_temp.trail();
-- Mistakes of the calling program.
SELECT what, pg_temp.raised('SELECT FROM auth_store.' || call)
  FROM (VALUES
    ('no user',         format('device_approve(%L, NULL)', :'user_code')),
    ('unknown user',    format('device_approve(%L, %L)', :'user_code', '00000000-0000-0000-0000-000000000000')),
    ('claims no object', format('device_approve(%L, %L, claims => ''[]'')', :'user_code', :'user_id')),
    ('NULL in amr',     format('device_approve(%L, %L, amr => ARRAY[NULL])', :'user_code', :'user_id')),
    ('infinite auth_time', format('device_approve(%L, %L, auth_time => ''infinity'')', :'user_code', :'user_id')),
    ('unknown tenant',  format('device_lookup(%L, tenant_id => ''nowhere'')', :'user_code')),
    ('unknown tenant',  format('device_deny(%L, tenant_id => ''nowhere'')', :'user_code'))) AS t (what, call);
SELECT count(*) FROM pg_temp.trail();

--
-- Polling
--

-- Section 3.5: pending; a plain poll leaves no audit row.
SELECT error, error_description, retry_after, access_token FROM auth_store.device_redeem(:'device_code', 'device_tv');
SELECT count(*) FROM pg_temp.trail();
-- slow_down: too early, and 5 seconds more for this and all later polls.
SELECT error, error_description, retry_after FROM auth_store.device_redeem(:'device_code', 'device_tv');
SELECT error, retry_after FROM auth_store.device_redeem(:'device_code', 'device_tv');
SELECT * FROM pg_temp.trail();
-- In time, by a hair; then too early.
UPDATE auth_store.device_codes SET last_polled_at = clock_timestamp() - interval '15 s'
 WHERE digest = auth_store.token_hash(:'device_code');
SELECT error, retry_after FROM auth_store.device_redeem(:'device_code', 'device_tv');
UPDATE auth_store.device_codes SET last_polled_at = clock_timestamp() - interval '10 s'
 WHERE digest = auth_store.token_hash(:'device_code');
SELECT error, retry_after FROM auth_store.device_redeem(:'device_code', 'device_tv');
SELECT * FROM pg_temp.trail();
-- A tenth of the interval is leeway, for timers and networks that are not exact. The interval is 20 s by now.
BEGIN;
UPDATE auth_store.device_codes SET last_polled_at = clock_timestamp() - interval '18 s'
 WHERE digest = auth_store.token_hash(:'device_code');
SELECT error, retry_after FROM auth_store.device_redeem(:'device_code', 'device_tv');
UPDATE auth_store.device_codes SET last_polled_at = clock_timestamp() - interval '16 s'
 WHERE digest = auth_store.token_hash(:'device_code');
SELECT error, retry_after FROM auth_store.device_redeem(:'device_code', 'device_tv');
ROLLBACK;
-- It grows to a minute, and never so far that less than two polls fit into what is left of the code's life.
BEGIN;
SELECT max(r.retry_after)
  FROM generate_series(1, 30) AS n,
       LATERAL auth_store.device_redeem(concat(:'device_code', left(n::text, 0)), 'device_tv') AS r;
UPDATE auth_store.device_codes SET poll_interval = 5, expires_at = clock_timestamp() + interval '41 s'
 WHERE digest = auth_store.token_hash(:'device_code');
SELECT min(r.error), max(r.error), max(r.retry_after) BETWEEN 15 AND 20 AS at_most_half
  FROM generate_series(1, 30) AS n,
       LATERAL auth_store.device_redeem(concat(:'device_code', left(n::text, 0)), 'device_tv') AS r;
UPDATE auth_store.device_codes SET expires_at = clock_timestamp() + interval '3 s'
 WHERE digest = auth_store.token_hash(:'device_code');
SELECT r.error, r.retry_after FROM auth_store.device_redeem(:'device_code', 'device_tv') AS r;
ROLLBACK;
-- Polls are HOT updates, also those that come too early. The page is full of versions that were rolled back above, and
-- a session counts their updates until it reports them.
SELECT pg_stat_force_next_flush();
VACUUM auth_store.device_codes;
BEGIN;
SELECT error FROM auth_store.device_redeem(:'device_code', 'device_tv');
SELECT error FROM auth_store.device_redeem(:'device_code', 'device_tv');
SELECT pg_stat_get_xact_tuples_updated(c) >= 2 AS updated,
       pg_stat_get_xact_tuples_updated(c) = pg_stat_get_xact_tuples_hot_updated(c) AS all_hot
  FROM (SELECT 'auth_store.device_codes'::regclass::oid AS c) t;
ROLLBACK;

-- What is wrong with a poll changes nothing.
SELECT last_polled_at AS polled, poll_interval FROM auth_store.device_codes
 WHERE digest = auth_store.token_hash(:'device_code') \gset
SELECT what, r.error, r.error_description, r.retry_after
  FROM (VALUES
    ('another client',  :'device_code', 'device_printer', :'secret'),
    ('wrong secret',    :'device_code', 'device_printer', 'x'),
    ('unknown client',  :'device_code', 'device_nobody', NULL),
    ('grant type',      :'device_code', 'device_web', :'web_secret'),
    ('no code',         NULL,           'device_tv', NULL),
    ('empty code',      '',             'device_tv', NULL),
    ('wrong code',      pg_temp.altered(:'device_code'), 'device_tv', NULL),
    ('cut code',        left(:'device_code', 68), 'device_tv', NULL),
    ('user code',       :'user_code',   'device_tv', NULL)
  ) AS t (what, code, client, secret), LATERAL auth_store.device_redeem(t.code, t.client, t.secret) AS r;
SELECT last_polled_at = :'polled' AS unchanged, poll_interval = :poll_interval AS unchanged FROM auth_store.device_codes
 WHERE digest = auth_store.token_hash(:'device_code');
SELECT * FROM pg_temp.trail();

--
-- Approving
--

SELECT FROM auth_store.client_set_status('device_tv', 'suspended');
SELECT error, error_description FROM auth_store.device_approve(:'user_code', :'user_id');
SELECT error FROM auth_store.device_redeem(:'device_code', 'device_tv');
SELECT FROM auth_store.client_set_status('device_tv', 'active');
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'user_id';
SELECT error, error_description FROM auth_store.device_approve(:'user_code', :'user_id');
UPDATE auth_store.users SET status = 'active' WHERE id = :'user_id';
SELECT error, error_description FROM auth_store.device_approve(:'user_code', :'user_id', scope => 'read play');
SELECT error, error_description FROM auth_store.device_approve(:'user_code', :'user_id', acr => repeat('a', 2049));
SELECT * FROM pg_temp.trail();
-- None of these decided anything. Less scope than was asked for.
SELECT * FROM auth_store.device_approve(lower(:'user_code'), :'user_id', :'session_id', 'read', ip => '192.0.2.10',
    user_agent => 'phone',
    auth_time => '2024-05-06 07:08:09+00', acr => 'urn:mace:silver', amr => ARRAY['pwd', 'otp'],
    claims => '{"org": 7}');
SELECT event, error, client_id, user_id = :'user_id' AS "user", session_id = :'session_id' AS session, ip, user_agent
  FROM auth_store.audit_log WHERE event = 'device.approved' AND error IS NULL AND client_id = 'device_tv';
SELECT FROM pg_temp.trail();
-- Once: approving again, denying and looking at it are outcomes.
SELECT * FROM auth_store.device_approve(:'user_code', :'user_id');
SELECT * FROM auth_store.device_deny(:'user_code');
SELECT client_id, scope, status, error, error_description FROM auth_store.device_lookup(:'user_code');
SELECT * FROM pg_temp.trail();

--
-- Redeeming
--

SELECT error, error_description FROM auth_store.device_redeem(:'device_code', 'device_printer', :'secret');
SELECT error, error_description
  FROM auth_store.device_redeem(:'device_code', 'device_tv', resource => ARRAY['https://c.example/']);
SELECT error, error_description FROM auth_store.device_redeem(:'device_code', 'device_tv', dpop_jkt => 'x');
SELECT error, error_description FROM auth_store.device_redeem(:'device_code', 'device_tv', x5t_s256 => 'x');
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'user_id';
SELECT error, error_description FROM auth_store.device_redeem(:'device_code', 'device_tv');
UPDATE auth_store.users SET status = 'active' WHERE id = :'user_id';
SELECT * FROM pg_temp.trail();
-- Section 3.5: a token response of RFC 6749 section 5.1, however early the poll, bound to the key (RFC 9449).
\set jkt 0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I
SELECT * FROM auth_store.device_redeem(:'device_code', 'device_tv', resource => ARRAY['https://b.example/'],
    dpop_jkt => :'jkt', ip => '192.0.2.9') \gset r_
SELECT :'r_access_token' LIKE 'asat\_%' AS access_token, :'r_refresh_token' LIKE 'asrt\_%' AS refresh_token,
       :'r_token_type' AS token_type, :r_expires_in AS expires_in,
       :'r_scope' AS scope, :'r_user_id' = :'user_id' AS "user", :'r_client_id' AS client_id, :'r_claims' AS claims,
       :'r_session_id' = :'session_id' AS session,
       :'r_auth_time'::timestamptz AS auth_time, :'r_acr' AS acr, :'r_amr' AS amr, :{?r_error} AS error;
SELECT active, scope, audience, cnf = jsonb_build_object('jkt', :'jkt') AS cnf, claims,
       session_id = :'session_id' AS session
  FROM auth_store.token_introspect(:'r_access_token');
SELECT auth_store.id_time(:'r_grant_id') > clock_timestamp() - interval '1 min' AS grant_id,
       (SELECT grant_id = :'r_grant_id' FROM auth_store.device_codes
         WHERE digest = auth_store.token_hash(:'device_code')) AS kept;
SELECT * FROM pg_temp.trail();
-- Once. Within auth_store.code_replay_grace a retry, later a replay, as of a code (RFC 6749 section 4.1.2).
SET auth_store.code_replay_grace = '1 min';
SELECT error, error_description, access_token FROM auth_store.device_redeem(:'device_code', 'device_tv');
SELECT active FROM auth_store.token_introspect(:'r_access_token');
-- A clock that was set back lengthens no grace.
BEGIN;
UPDATE auth_store.device_codes SET redeemed_at = clock_timestamp() + interval '10 s' WHERE grant_id = :'r_grant_id';
SELECT error, error_description FROM auth_store.device_redeem(:'device_code', 'device_tv');
SELECT revoked_reason FROM auth_store.grants WHERE id = :'r_grant_id';
ROLLBACK;
SET auth_store.code_replay_grace = 0;
SELECT error FROM auth_store.device_redeem(:'device_code', 'device_printer', :'secret');
SELECT active FROM auth_store.token_introspect(:'r_access_token');
SELECT error, error_description, access_token FROM auth_store.device_redeem(:'device_code', 'device_tv');
SELECT active FROM auth_store.token_introspect(:'r_access_token');
RESET auth_store.code_replay_grace;
SELECT * FROM pg_temp.trail();

-- A confidential client without the grant type refresh_token gets no refresh token; and all of the scope.
SELECT device_code, user_code FROM auth_store.device_authorize('device_printer', :'secret') \gset p_
SELECT * FROM auth_store.device_approve(:'p_user_code', :'user_id');
SELECT access_token IS NOT NULL AS access_token, refresh_token, token_type, scope, error
  FROM auth_store.device_redeem(:'p_device_code', 'device_printer', :'secret');

--
-- Denying, and running out of time
--

SELECT device_code, user_code FROM auth_store.device_authorize('device_tv') \gset d_
SELECT FROM pg_temp.trail();
SELECT * FROM auth_store.device_deny(:'d_user_code', ip => '192.0.2.10');
SELECT * FROM auth_store.device_deny(:'d_user_code');
SELECT * FROM auth_store.device_approve(:'d_user_code', :'user_id');
SELECT client_id, status, error FROM auth_store.device_lookup(:'d_user_code');
SELECT error, error_description, retry_after FROM auth_store.device_redeem(:'d_device_code', 'device_tv');
SELECT error FROM auth_store.device_redeem(:'d_device_code', 'device_tv');
SELECT * FROM pg_temp.trail();

SELECT device_code, user_code FROM auth_store.device_authorize('device_tv') \gset e_
SELECT device_code, user_code FROM auth_store.device_authorize('device_tv') \gset f_
SELECT * FROM auth_store.device_approve(:'f_user_code', :'user_id');
UPDATE auth_store.device_codes SET expires_at = clock_timestamp()
 WHERE digest IN (auth_store.token_hash(:'e_device_code'), auth_store.token_hash(:'f_device_code'));
SELECT FROM pg_temp.trail();
SELECT client_id, status, error, error_description FROM auth_store.device_lookup(:'e_user_code');
SELECT * FROM auth_store.device_approve(:'e_user_code', :'user_id');
SELECT * FROM auth_store.device_deny(:'e_user_code');
SELECT error, error_description, retry_after FROM auth_store.device_redeem(:'e_device_code', 'device_tv');
-- Approved in time, fetched too late.
SELECT error FROM auth_store.device_redeem(:'f_device_code', 'device_tv');
SELECT * FROM pg_temp.trail();

--
-- Guessing: section 5.1
--

SELECT auth_store.tenant_create('device_guess') \gset
SELECT client_id
  FROM auth_store.client_create('TV', client_type => 'public', client_id => 'device_guess', tenant_id => 'device_guess',
      scope => 'read',
    grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code']);
SELECT user_code FROM auth_store.device_authorize('device_guess') \gset g_
SELECT user_id AS guesser FROM auth_store.user_create('device@example.com', tenant_id => 'device_guess') \gset
SHOW auth_store.user_code_guesses_per_network;
SHOW auth_store.user_code_guesses_per_tenant;
SET auth_store.user_code_guesses_per_network = 3;
SET auth_store.user_code_guesses_per_tenant = 6;
-- Three networks that a user has approved a request from, and one that a user has denied one from.
SELECT n, a.error
  FROM generate_series(1, 3) AS n, LATERAL auth_store.device_authorize(concat('device_guess', left(n::text, 0))) AS d,
    LATERAL auth_store.device_approve(d.user_code, :'guesser', ip => ('192.0.' || n || '.1')::inet) AS a;
SELECT a.error
  FROM auth_store.device_authorize('device_guess') AS d,
       LATERAL auth_store.device_deny(d.user_code, ip => '192.0.9.1', tenant_id => 'device_guess') AS a;
SELECT FROM pg_temp.trail();
-- What can be no code is no guess; three wrong ones from anywhere in a /24, by any of the three functions, and the
-- right one is refused too.
SELECT error
  FROM generate_series(1, 5),
       LATERAL auth_store.device_lookup('AAAA-AAAA', '198.51.100.1', tenant_id => 'device_guess');
SELECT error, error_description, retry_after
  FROM auth_store.device_lookup('BBBB-BBBB', '198.51.100.1', tenant_id => 'device_guess');
SELECT error, error_description, retry_after
  FROM auth_store.device_approve('BBBB-BBBC', :'guesser', ip => '198.51.100.2');
SELECT error, error_description, retry_after
  FROM auth_store.device_deny('BBBB-BBBD', ip => '::ffff:198.51.100.3', tenant_id => 'device_guess');
SELECT client_id, status, error, error_description, retry_after BETWEEN 1190 AND 1200 AS retry_after
  FROM auth_store.device_lookup(:'g_user_code', '198.51.100.254', tenant_id => 'device_guess');
SELECT error, retry_after > 0 AS retry_after
  FROM auth_store.device_approve(:'g_user_code', :'guesser', ip => '198.51.100.254');
SELECT error, retry_after > 0 AS retry_after
  FROM auth_store.device_deny(:'g_user_code', ip => '198.51.100.254', tenant_id => 'device_guess');
-- The trail says so once a minute.
SELECT * FROM pg_temp.trail();
-- Another network, and an application that says nothing of it, find it; a /64 of IPv6 is one.
SELECT status, error FROM auth_store.device_lookup(:'g_user_code', '198.51.101.1', tenant_id => 'device_guess');
SELECT status, error FROM auth_store.device_lookup(:'g_user_code', tenant_id => 'device_guess');
SET auth_store.user_code_guesses_per_network = 2;
SELECT error
  FROM generate_series(1, 2) AS n,
       LATERAL auth_store.device_lookup('BBBB-BBBB', ('2001:db8::' || n)::inet, tenant_id => 'device_guess');
SELECT status, error FROM auth_store.device_lookup(:'g_user_code', '2001:db8::ffff:1', tenant_id => 'device_guess');
SELECT status, error FROM auth_store.device_lookup(:'g_user_code', '2001:db8:0:1::1', tenant_id => 'device_guess');
SELECT error FROM auth_store.device_lookup('BBBB-BBBB', '2001:db8:0:1::1', tenant_id => 'device_guess');
-- The tenant as a whole has had six now: nobody there is answered any more, but for known networks.
-- Another tenant has its own.
SELECT status, error, retry_after BETWEEN 1 AND 600 AS retry_after
  FROM auth_store.device_lookup(:'g_user_code', '203.0.113.1', tenant_id => 'device_guess');
SELECT error FROM auth_store.device_lookup(:'g_user_code', '203.0.113.1', tenant_id => 'device_other');
-- From where a user has approved a request lately, log-ins go on: with the network's own cap, and one for
-- all of these networks.
SELECT ip, l.status, l.error
  FROM (VALUES (1, '192.0.1.200'::inet), (2, '::ffff:192.0.2.7'), (3, '192.0.9.1'), (4, '192.0.4.1'), (5, NULL))
       AS t (n, ip),
    LATERAL auth_store.device_lookup(:'g_user_code', ip, tenant_id => 'device_guess') AS l ORDER BY n;
SELECT l.error FROM auth_store.device_lookup(:'g_user_code', '192.0.1.200', tenant_id => 'device_other') AS l;
SET auth_store.user_code_guesses_per_network = 3;
SELECT n, l.error
  FROM generate_series(1, 4) AS n,
       LATERAL auth_store.device_lookup('BBBB-BBBB', ('192.0.1.' || n)::inet, tenant_id => 'device_guess') AS l;
SELECT l.status, l.error FROM auth_store.device_lookup(:'g_user_code', '192.0.1.1', tenant_id => 'device_guess') AS l;
SELECT l.status, l.error FROM auth_store.device_lookup(:'g_user_code', '192.0.2.1', tenant_id => 'device_guess') AS l;
SELECT n, l.error
  FROM generate_series(1, 3) AS n,
       LATERAL auth_store.device_lookup('BBBB-BBBB', ('192.0.2.' || n)::inet, tenant_id => 'device_guess') AS l;
-- Six more, all that the second cap has: it opens no more guesses than the first.
SELECT l.status, l.error, l.retry_after BETWEEN 1 AND 600 AS retry_after
  FROM auth_store.device_lookup(:'g_user_code', '192.0.3.1', tenant_id => 'device_guess') AS l;
RESET auth_store.user_code_guesses_per_tenant;
RESET auth_store.user_code_guesses_per_network;
SELECT FROM pg_temp.trail();

--
-- Who is shut out between the approval and the last poll gets nothing
--

SELECT auth_store.user_ensure('device shut out') AS shut \gset
SELECT client_id
  FROM auth_store.client_create('Shut', client_type => 'public', client_id => 'device_shut',
      grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code'], scope => 'watch');
-- Ending the user's grants, of this client or of all, withdraws what was approved.
SELECT device_code AS w_device, user_code AS w_user FROM auth_store.device_authorize('device_shut') \gset
SELECT error FROM auth_store.device_approve(:'w_user', :'shut');
SELECT auth_store.user_grants_revoke(:'shut', 'device_shut');
SELECT error FROM auth_store.device_redeem(:'w_device', 'device_shut');
-- A session that has ended approves nothing, and what was approved in it is not redeemed.
SELECT device_code AS w_device, user_code AS w_user FROM auth_store.device_authorize('device_shut') \gset
SELECT session_id FROM auth_store.session_create(:'shut') \gset
SELECT error FROM auth_store.device_approve(:'w_user', :'shut', :'session_id');
SELECT auth_store.session_revoke(:'session_id', 'test') AS ended;
SELECT error, error_description FROM auth_store.device_redeem(:'w_device', 'device_shut');
SELECT user_code AS w_user FROM auth_store.device_authorize('device_shut') \gset
SELECT error, error_description FROM auth_store.device_approve(:'w_user', :'shut', :'session_id');
SELECT count(*) FROM auth_store.grants WHERE user_id = :'shut' AND revoked_at IS NULL;
SELECT FROM auth_store.client_delete('device_shut');

--
-- The end of what it belongs to
--

-- Cleanup keeps an expired code for an hour, so that the device is told, and a redeemed one for a day.
SELECT status, count(*) FROM auth_store.device_codes d,
       LATERAL (SELECT CASE WHEN redeemed_at IS NOT NULL THEN 'redeemed'
                            WHEN expires_at < clock_timestamp() THEN 'expired' ELSE 'other' END AS status) s
 WHERE client_id IN ('device_tv', 'device_printer') GROUP BY 1 ORDER BY 1;
UPDATE auth_store.device_codes SET expires_at = clock_timestamp() - interval '59 min'
 WHERE client_id IN ('device_tv', 'device_printer');
SELECT auth_store.cleanup_expired_data() >= 0 AS cleaned;
SELECT count(*), count(redeemed_at) AS redeemed FROM auth_store.device_codes
 WHERE client_id IN ('device_tv', 'device_printer');
UPDATE auth_store.device_codes SET expires_at = clock_timestamp() - interval '61 min'
 WHERE client_id IN ('device_tv', 'device_printer');
SELECT auth_store.cleanup_expired_data() >= 0 AS cleaned;
SELECT count(*), count(redeemed_at) AS redeemed FROM auth_store.device_codes
 WHERE client_id IN ('device_tv', 'device_printer');
UPDATE auth_store.device_codes SET expires_at = clock_timestamp() - interval '25 h'
 WHERE client_id IN ('device_tv', 'device_printer');
SELECT auth_store.cleanup_expired_data() >= 0 AS cleaned;
SELECT count(*) FROM auth_store.device_codes WHERE client_id IN ('device_tv', 'device_printer');
-- A client, a tenant.
SELECT FROM auth_store.device_authorize('device_tv');
SELECT FROM auth_store.client_delete('device_tv');
SELECT auth_store.tenant_erase('device_guess', 'device_guess') > 0 AS erased;
SELECT count(*) FROM auth_store.device_codes WHERE client_id = 'device_tv';
SELECT * FROM pg_temp.tenant_rows('device_guess') WHERE rows > 0;

-- A read-only transaction.
BEGIN READ ONLY;
SELECT call, pg_temp.raised('SELECT FROM auth_store.' || call)
  FROM unnest(ARRAY['device_authorize(''device_printer'')', 'device_lookup(''BBBB-BBBB'')',
    format('device_approve(''BBBB-BBBB'', %L)', '00000000-0000-0000-0000-000000000000'), 'device_deny(''BBBB-BBBB'')',
    'device_redeem(''x'', ''device_printer'')']) AS call;
COMMIT;
