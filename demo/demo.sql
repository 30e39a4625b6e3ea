-- The main job from end to end, on an empty database:
--
--     make demo                 runs this on a throw-away server
--     psql -X -f demo/demo.sql  runs it on yours (as superuser, in a database without auth_store)
--
-- Each step is plain SQL that any application could send; \gset keeps what it returned in psql variables, for the steps
-- after it. What a step claims is checked by must(), which raises when the claim is false: this file can't show what is
-- not so.
\set ON_ERROR_STOP on
\set QUIET on
\pset pager off
\pset footer off
\pset null '(null)'
SET client_min_messages = warning;

CREATE FUNCTION pg_temp.must(claim text, holds boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF holds IS NOT TRUE THEN RAISE EXCEPTION 'NOT SO: %', claim; END IF;
    RETURN 'checked: ' || claim;
END $$;

-- The app on a user's telephone.
\ir ../tests/sql/include/totp.sql

\echo
\echo '=== 1. Install'
CREATE EXTENSION auth_store;
SELECT extname, extversion, nspname AS schema
  FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'auth_store';

\echo
\echo '=== 2. A confidential client (a web server) and a public one (a phone application)'
SELECT client_id, client_secret
  FROM auth_store.client_create(
         name          => 'Web shop',
         redirect_uris => ARRAY['https://shop.example/callback'],
         client_type   => 'confidential',
         grant_types   => ARRAY['authorization_code', 'refresh_token'],
         refresh_grace => '1 s',
         scope         => 'openid profile orders') \gset web_
\echo '    client_id     =' :web_client_id
\echo '    client_secret =' :web_client_secret '  (shown once, stored as a digest)'

SELECT client_id, client_secret
  FROM auth_store.client_create(
         name          => 'Phone app',
         redirect_uris => ARRAY['http://127.0.0.1/callback'],
         client_type   => 'public',
         grant_types   => ARRAY['authorization_code', 'refresh_token'],
         scope         => 'openid orders') \gset app_
\echo '    client_id     =' :app_client_id
SELECT pg_temp.must('the web server has a secret, the phone application has none',
                    :'web_client_secret' LIKE 'ascs\_%' AND NOT :{?app_client_secret}) \g (tuples_only=on)

\echo
\echo '=== 3. A user'
SELECT user_id FROM auth_store.user_create(email => 'ada@example.com', first_name => 'Ada') \gset
\echo '    user_id =' :user_id

\echo
\echo '=== 4. The user agreed: issue an authorization code, bound to the challenge the client sent (PKCE, S256)'
-- The verifier is the one of RFC 7636, appendix B; a client makes its own and keeps it.
\set verifier dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
SELECT auth_store.pkce_challenge(:'verifier') AS challenge \gset
\echo '    verifier  =' :verifier
\echo '    challenge =' :challenge
SELECT code, scope, state
  FROM auth_store.code_issue(
         client_id             => :'web_client_id',
         user_id               => :'user_id',
         redirect_uri          => 'https://shop.example/callback',
         scope                 => 'openid orders',
         code_challenge        => :'challenge',
         code_challenge_method => 'S256',
         state                 => 'af0ifjsldkj',
         ip                    => '192.0.2.10') \gset
\echo '    code  =' :code
\echo '    scope =' :scope
\echo '    state =' :state
SELECT pg_temp.must('the challenge is the RFC''s',
    :'challenge' = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM') \g (tuples_only=on)

\echo
\echo '=== 5. Redeem the code'
SELECT access_token, token_type, expires_in, refresh_token, scope, grant_id
  FROM auth_store.code_redeem(
         code          => :'code',
         client_id     => :'web_client_id',
         client_secret => :'web_client_secret',
         redirect_uri  => 'https://shop.example/callback',
         code_verifier => :'verifier',
         ip            => '192.0.2.10') \gset first_
\echo '    access_token  =' :first_access_token
\echo '    refresh_token =' :first_refresh_token
\echo '    token_type    =' :first_token_type', expires_in' :first_expires_in', scope' :first_scope
SELECT pg_temp.must('the code gave an access and a refresh token',
                    :'first_access_token' LIKE 'asat\_%' AND :'first_refresh_token' LIKE 'asrt\_%') \g (tuples_only=on)

\echo
\echo '=== 6. Introspect the access token'
SELECT active, scope, client_id, user_id, username, expires_at > clock_timestamp() AS not_expired
  FROM auth_store.token_introspect(:'first_access_token') \gx
SELECT jsonb_pretty(auth_store.token_introspection(:'first_access_token', 'https://auth.example')) AS rfc_7662;
SELECT pg_temp.must('it is active, and is this user''s and client''s',
                    active AND user_id = :'user_id' AND client_id = :'web_client_id' AND scope = 'openid orders')
  FROM auth_store.token_introspect(:'first_access_token') \g (tuples_only=on)

\echo
\echo '=== 7. Refresh twice; each time the refresh token is a new one'
SELECT access_token, refresh_token
  FROM auth_store.token_refresh(
         refresh_token => :'first_refresh_token',
         client_id     => :'web_client_id',
         client_secret => :'web_client_secret') \gset second_
\echo '    access_token  =' :second_access_token
\echo '    refresh_token =' :second_refresh_token
SELECT access_token, refresh_token
  FROM auth_store.token_refresh(
         refresh_token => :'second_refresh_token',
         client_id     => :'web_client_id',
         client_secret => :'web_client_secret') \gset third_
\echo '    access_token  =' :third_access_token
\echo '    refresh_token =' :third_refresh_token
SELECT pg_temp.must('three different refresh tokens of one family, and the newest access token is active',
                    (SELECT count(DISTINCT t) = 3
                       FROM unnest(ARRAY[:'first_refresh_token', :'second_refresh_token', :'third_refresh_token']) AS t)
                    AND i.active AND i.grant_id = :'first_grant_id')
  FROM auth_store.token_introspect(:'third_access_token') AS i \g (tuples_only=on)

\echo
\echo '=== 8. A thief replays the first refresh token when the client''s grace (1 s) is over: the whole family dies'
SELECT pg_sleep(1.1);
SELECT error, error_description
  FROM auth_store.token_refresh(
         refresh_token => :'first_refresh_token',
         client_id     => :'web_client_id',
         client_secret => :'web_client_secret',
         ip            => '203.0.113.66') \gset replay_
\echo '    error             =' :replay_error
\echo '    error_description =' :replay_error_description
SELECT pg_temp.must('the replay is refused', :'replay_error' = 'invalid_grant') \g (tuples_only=on)
SELECT t.name AS access_token, i.active
  FROM (VALUES (1, 'first',  :'first_access_token'),
               (2, 'second', :'second_access_token'),
               (3, 'third',  :'third_access_token')) AS t (n, name, token),
       LATERAL auth_store.token_introspect(t.token) AS i
 ORDER BY t.n;
SELECT pg_temp.must('not one access token of the family is active', bool_and(NOT i.active))
  FROM unnest(ARRAY[:'first_access_token', :'second_access_token', :'third_access_token']) AS t (token),
       LATERAL auth_store.token_introspect(t.token) AS i \g (tuples_only=on)
SELECT error, error_description
  FROM auth_store.token_refresh(
         refresh_token => :'third_refresh_token',
         client_id     => :'web_client_id',
         client_secret => :'web_client_secret') \gset owner_
\echo '    error             =' :owner_error
\echo '    error_description =' :owner_error_description
SELECT pg_temp.must('the owner''s newest refresh token is dead as well',
    :'owner_error' = 'invalid_grant') \g (tuples_only=on)

\echo
\echo '=== 9. A code is redeemed once. The phone application logs in (any port of the loopback address does: RFC 8252)'
SELECT code
  FROM auth_store.code_issue(
         client_id             => :'app_client_id',
         user_id               => :'user_id',
         redirect_uri          => 'http://127.0.0.1:51004/callback',
         scope                 => 'orders',
         code_challenge        => :'challenge',
         code_challenge_method => 'S256') \gset app_
\echo '    code =' :app_code
SELECT access_token, refresh_token, scope
  FROM auth_store.code_redeem(
         code          => :'app_code',
         client_id     => :'app_client_id',
         redirect_uri  => 'http://127.0.0.1:51004/callback',
         code_verifier => :'verifier') \gset app_
\echo '    access_token  =' :app_access_token
\echo '    refresh_token =' :app_refresh_token
\echo
\echo '    At once again, as by a client that lost the answer: refused, and nothing else happens'
SELECT error, error_description
  FROM auth_store.code_redeem(
         code          => :'app_code',
         client_id     => :'app_client_id',
         redirect_uri  => 'http://127.0.0.1:51004/callback',
         code_verifier => :'verifier') \gset retry_
\echo '    error             =' :retry_error
\echo '    error_description =' :retry_error_description
SELECT pg_temp.must('the retry is refused and the tokens of the first use live',
                    :'retry_error' = 'invalid_grant' AND i.active)
  FROM auth_store.token_introspect(:'app_access_token') AS i \g (tuples_only=on)
\echo
\echo '    Again when auth_store.code_replay_grace (0.5 s) is over: a replay, and the first use''s tokens die with it'
SELECT pg_sleep(0.6);
SELECT error, error_description
  FROM auth_store.code_redeem(
         code          => :'app_code',
         client_id     => :'app_client_id',
         redirect_uri  => 'http://127.0.0.1:51004/callback',
         code_verifier => :'verifier',
         ip            => '203.0.113.66') \gset replay_
\echo '    error             =' :replay_error
\echo '    error_description =' :replay_error_description
SELECT pg_temp.must('the replay is refused and the tokens of the first use are dead',
                    :'replay_error' = 'invalid_grant' AND NOT i.active)
  FROM auth_store.token_introspect(:'app_access_token') AS i \g (tuples_only=on)

\echo
\echo '=== 10. Log in again, then revoke (RFC 7009): revoking the refresh token ends its access tokens too'
SELECT code
  FROM auth_store.code_issue(
         client_id             => :'web_client_id',
         user_id               => :'user_id',
         redirect_uri          => 'https://shop.example/callback',
         scope                 => 'openid',
         code_challenge        => :'challenge',
         code_challenge_method => 'S256') \gset
\echo '    code =' :code
SELECT access_token, refresh_token
  FROM auth_store.code_redeem(
         code          => :'code',
         client_id     => :'web_client_id',
         client_secret => :'web_client_secret',
         redirect_uri  => 'https://shop.example/callback',
         code_verifier => :'verifier') \gset last_
\echo '    access_token  =' :last_access_token
\echo '    refresh_token =' :last_refresh_token
SELECT pg_temp.must('the new access token is active', i.active)
  FROM auth_store.token_introspect(:'last_access_token') AS i \g (tuples_only=on)
SELECT error, error_description
  FROM auth_store.token_revoke(
         token         => :'last_refresh_token',
         client_id     => :'web_client_id',
         client_secret => :'web_client_secret');
SELECT active FROM auth_store.token_introspect(:'last_access_token');
SELECT pg_temp.must('it is revoked', NOT i.active)
  FROM auth_store.token_introspect(:'last_access_token') AS i \g (tuples_only=on)

\echo
\echo '=== 11. An API key of the user: a prefix of our own, a wildcard scope, one network'
SELECT api_key_id, api_key
  FROM auth_store.api_key_create(
         name                => 'Nightly export',
         user_id             => :'user_id',
         scope               => 'orders:*',
         prefix              => 'sk_live_',
         allowed_cidrs       => '{192.0.2.0/24}',
         rate_limit_per_hour => 1000) \gset
\echo '    api_key =' :api_key
SELECT t.need, t.ip, v.valid, v.error
  FROM (VALUES (1, 'orders:read', '192.0.2.10'),
               (2, 'users:read',  '192.0.2.10'),
               (3, 'orders:read', '203.0.113.66')) AS t (n, need, ip),
       LATERAL auth_store.api_key_verify(:'api_key', required_scope => t.need, ip => t.ip::inet) AS v
 ORDER BY t.n;
SELECT pg_temp.must('it allows what its scope covers, from its network',
                    array_agg(COALESCE(v.error, 'valid')
                    ORDER BY t.n) = ARRAY['valid', 'insufficient_scope', 'access_denied'])
  FROM (VALUES (1, 'orders:read', '192.0.2.10'),
               (2, 'users:read',  '192.0.2.10'),
               (3, 'orders:read', '203.0.113.66')) AS t (n, need, ip),
       LATERAL auth_store.api_key_verify(:'api_key', required_scope => t.need,
       ip => t.ip::inet) AS v \g (tuples_only=on)
\echo
\echo '    A use that counts, then a rotation: the old text works for the overlap'
SELECT valid, error FROM auth_store.api_key_touch(:'api_key', 'orders:read', ip => '192.0.2.10',
    user_agent => 'export/1.0');
SELECT api_key AS new_api_key
    FROM auth_store.api_key_rotate(:'api_key_id', overlap => '1 hour', user_id => :'user_id') \gset
\echo '    api_key =' :new_api_key
SELECT name, start, last_used_ip, previous_expires_at > clock_timestamp() AS overlap
    FROM auth_store.api_key_list(user_id => :'user_id');
SELECT pg_temp.must('both texts work', old.valid AND new.valid)
  FROM auth_store.api_key_verify(:'api_key', ip => '192.0.2.10') AS old,
       auth_store.api_key_verify(:'new_api_key', ip => '192.0.2.10') AS new \g (tuples_only=on)
SELECT auth_store.api_key_revoke(:'api_key_id', reason => 'the export was retired', user_id => :'user_id') AS revoked;
SELECT pg_temp.must('revoked, neither does', NOT old.valid AND NOT new.valid)
  FROM auth_store.api_key_verify(:'api_key', ip => '192.0.2.10') AS old,
       auth_store.api_key_verify(:'new_api_key', ip => '192.0.2.10') AS new \g (tuples_only=on)

\echo
\echo '=== 12. A session of the application itself: its token for the cookie, the grants made in it, and its end'
SELECT session_id, session_token, expires_at
  FROM auth_store.session_create(
         user_id    => :'user_id',
         acr        => 'pwd',
         ip         => '192.0.2.10',
         user_agent => 'Mozilla/5.0 (X11; Linux x86_64)') \gset
\echo '    session_token =' :session_token
\echo '    expires_at    =' :expires_at
SELECT valid, user_id, acr, expires_at, idle_expires_at FROM auth_store.session_validate(:'session_token') \gx
\echo
\echo '    After a second factor the token is replaced: the old one is none any more'
SELECT session_token AS new_session_token FROM auth_store.session_rotate(:'session_token', acr => 'mfa') \gset
SELECT pg_temp.must('the new token is valid, the old one is not, and the session is the same',
                    v.valid AND v.acr = 'mfa' AND v.session_id = :'session_id' AND NOT old.valid)
  FROM auth_store.session_validate(:'new_session_token') AS v,
      auth_store.session_validate(:'session_token') AS old \g (tuples_only=on)
\echo
\echo '    The user agrees to a scope, which is remembered, and a client gets a token in this session'
SELECT granted, missing_scope FROM auth_store.consent_check(:'user_id', :'app_client_id', 'openid orders');
SELECT scope FROM auth_store.consent_record(:'user_id', :'app_client_id', 'openid orders');
SELECT access_token
  FROM auth_store.token_issue(
         client_id  => :'app_client_id',
         user_id    => :'user_id',
         scope      => 'orders',
         session_id => :'session_id') \gset session_
SELECT name, scope, live_grants FROM auth_store.user_applications(:'user_id');
SELECT pg_temp.must('the consent covers what was asked for, and the token is active', c.granted AND i.active)
  FROM auth_store.consent_check(:'user_id', :'app_client_id', 'openid orders') AS c,
       auth_store.token_introspect(:'session_access_token') AS i \g (tuples_only=on)
\echo
\echo '    The user makes a passkey: a browser would ask the authenticator, here it is a program'
SELECT auth_store.tenant_policy_set('default', '{"passkey_rp_id": "shop.example",
    "passkey_origins": ["https://shop.example"], "passkey_user_verification": "required"}');
SELECT options FROM auth_store.passkey_challenge('registration', :'user_id') \gset passkey_
\set authenticator `mktemp -d`
\set credential `demo/authenticator :'authenticator' create https://shop.example :'passkey_options'`
SELECT pg_temp.must('the passkey is registered', error IS NULL)
  FROM auth_store.passkey_register(:'user_id', :'credential', name => 'Laptop') \g (tuples_only=on)
\echo
\echo '    The user logs out: the session ends, and with it what was granted in it'
SELECT auth_store.session_revoke(:'session_id', reason => 'logged out', user_id => :'user_id');
SELECT status, ip, user_agent, ended_reason FROM auth_store.session_list(:'user_id');
SELECT pg_temp.must('session and token are dead, and nothing new is issued in it',
                    NOT v.valid AND NOT i.active AND t.error = 'access_denied')
  FROM auth_store.session_validate(:'new_session_token') AS v,
       auth_store.token_introspect(:'session_access_token') AS i,
       auth_store.token_issue(:'app_client_id', :'user_id', session_id => :'session_id') AS t \g (tuples_only=on)
\echo
\echo '    The user comes back with the passkey, typing nothing; what the authenticator has signed is good once'
SELECT options FROM auth_store.passkey_challenge('login') \gset passkey_
\set credential `demo/authenticator :'authenticator' get :'passkey_options'`
SELECT ok, user_id, amr FROM auth_store.passkey_authenticate(:'credential') \gset passkey_
\set removed `rm -r :'authenticator'`
SELECT pg_temp.must('the passkey says who it is, and that the user was verified',
                    :'passkey_ok' AND :'passkey_user_id' = :'user_id' AND :'passkey_amr' = '{hwk,user,mfa}'),
       pg_temp.must('a second time it says nothing', NOT p.ok AND p.error = 'invalid_grant')
  FROM auth_store.passkey_authenticate(:'credential') AS p \g (tuples_only=on)

\echo
\echo '=== 13. A device log-in (RFC 8628): a television without a keyboard shows a code, the user types it on a phone'
SELECT client_id
  FROM auth_store.client_create(
         name        => 'Television',
         client_type => 'public',
         grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
         scope       => 'openid orders') \gset tv_
SELECT device_code, user_code, expires_in, interval
  FROM auth_store.device_authorize(client_id => :'tv_client_id', scope => 'orders', ip => '192.0.2.20') \gset tv_
\echo '    device_code =' :tv_device_code
\echo '    user_code   =' :tv_user_code ' expires_in' :tv_expires_in', interval' :tv_interval
\echo
\echo '    The television polls while nobody has typed the code, the second time too early'
SELECT n AS poll, error, retry_after
  FROM generate_series(1, 2) AS n,
       LATERAL auth_store.device_redeem(device_code => :'tv_device_code', client_id => :'tv_client_id',
       user_agent => 'poll ' || n);
SELECT pg_temp.must('the television must wait 5 seconds longer from now on', poll_interval = 10)
  FROM auth_store.device_codes WHERE client_id = :'tv_client_id' \g (tuples_only=on)
\echo
\echo '    The user types it in lower case and without the dash, sees who asks for what, and agrees'
SELECT client_name, scope, status
  FROM auth_store.device_lookup(user_code => lower(replace(:'tv_user_code', '-', '')), ip => '192.0.2.10');
SELECT error, error_description
  FROM auth_store.device_approve(user_code => :'tv_user_code', user_id => :'user_id', ip => '192.0.2.10');
SELECT access_token, refresh_token, scope
  FROM auth_store.device_redeem(device_code => :'tv_device_code', client_id => :'tv_client_id',
                                ip => '192.0.2.20') \gset tv_
\echo '    access_token  =' :tv_access_token
\echo '    refresh_token =' :tv_refresh_token
SELECT pg_temp.must('the television is logged in as the user', i.active AND i.user_id = :'user_id'
    AND i.scope = 'orders')
  FROM auth_store.token_introspect(:'tv_access_token') AS i \g (tuples_only=on)
SELECT pg_temp.must('its device code works once', error = 'invalid_grant')
  FROM auth_store.device_redeem(device_code => :'tv_device_code', client_id => :'tv_client_id') \g (tuples_only=on)

\echo
\echo '=== 14. The vault: the tokens that another provider gave the user, sealed, and one refresh at a time'
SELECT count(*) > 0 AS has_master_key FROM auth_store.vault_check() WHERE state = 'seals' \gset
\if :has_master_key
SELECT auth_store.connection_store(
         provider                => 'github',
         actor_id                => :'user_id',
         access_token            => 'ghu_first',
         refresh_token           => 'ghr_first',
         scope                   => 'repo',
         access_token_expires_at => clock_timestamp() + interval '8 hours') AS connection_id \gset
\echo
\echo '    One worker gets the refresh token, the next one learns when to look again'
SELECT granted, fence, refresh_token FROM auth_store.connection_lease(:'connection_id') \gset lease_
\echo '    fence         =' :lease_fence
\echo '    refresh_token =' :lease_refresh_token
SELECT granted, error, retry_after FROM auth_store.connection_lease(:'connection_id');
\echo
\echo '    The first has asked the provider and stores its answer; its fence is good once'
SELECT ok, status, error
  FROM auth_store.connection_complete(:'connection_id', :lease_fence, 'ghu_second', 'ghr_second',
      clock_timestamp() + interval '8 hours');
SELECT ok, status, error
  FROM auth_store.connection_complete(:'connection_id', :lease_fence, 'ghu_third', 'ghr_third',
      clock_timestamp() + interval '8 hours');
SELECT provider, status, scope, has_refresh_token, failures FROM auth_store.provider_connections;
SELECT pg_temp.must('the application gets the tokens of the first, and the table has none of them',
                    g.access_token = 'ghu_second' AND g.refresh_token = 'ghr_second'
                    AND position('ghu_'::bytea IN c.access_token) = 0
                        AND position('ghr_'::bytea IN c.refresh_token) = 0)
  FROM auth_store.connection_get('github', :'user_id') AS g
  JOIN auth_store.connections AS c ON c.id = g.connection_id \g (tuples_only=on)
\else
\echo '    left out: this server has no master key, see docs/how-to/vault.md'
\endif
\getenv master_keys DEMO_MASTER_KEYS
\if :{?master_keys}
\echo
\echo '    Another master key, appended to the file that auth_store.master_key_file names: it seals from the reload on'
SELECT auth_store.vault_key_generate() \g (tuples_only=on format=unaligned) | cat >> "$DEMO_MASTER_KEYS"
SELECT pg_reload_conf(), pg_sleep(1);
SELECT id, state, data_keys, connections FROM auth_store.vault_check();
SET client_min_messages = notice;
CALL auth_store.vault_rekey();
SET client_min_messages = warning;
SELECT id, state, data_keys, connections FROM auth_store.vault_check();
SELECT pg_temp.must('the old master key can go, and the tokens still open',
                    (SELECT array_agg(state ORDER BY state) = ARRAY['not needed', 'seals']
                    FROM auth_store.vault_check())
                    AND g.access_token = 'ghu_second')
  FROM auth_store.connection_get('github', :'user_id') AS g \g (tuples_only=on)
\endif

\echo
\echo '=== 15. People: a log-in with a password and an authenticator app, a role, and a policy that asks for both'
SELECT user_id AS ada
  FROM auth_store.user_create('Ada@shop.example', password => 'correct horse battery') \gset
\echo '    A wrong password and an unknown name are answered alike'
SELECT ok, error FROM auth_store.user_login('ada@shop.example', 'wrong horse battery', ip => '192.0.2.7');
SELECT ok, error FROM auth_store.user_login('nobody@shop.example', 'wrong horse battery', ip => '192.0.2.7');
SELECT ok, mfa_required, new_device, device_token
  FROM auth_store.user_login('ada@shop.example', 'correct horse battery', remember_device => true,
                             ip => '192.0.2.7', user_agent => 'demo') \gset ada_
SELECT pg_temp.must('the right one is good, in any spelling of the address, and the browser is remembered',
                    :'ada_ok' AND NOT :'ada_mfa_required' AND :'ada_new_device' AND :'ada_device_token' LIKE 'asdt_%')
    \g (tuples_only=on)
\if :has_master_key
\echo
\echo '    An authenticator app: its URI goes into a QR code, and its first code confirms it'
SELECT pg_temp.step_begins();
SELECT factor_id, secret, otpauth_uri FROM auth_store.totp_enroll(:'ada', issuer => 'Web shop') \gset app_
\echo '    otpauth_uri   =' :app_otpauth_uri
SELECT ok FROM auth_store.totp_confirm(:'ada', :'app_factor_id', pg_temp.totp(:'app_secret', -1));
SELECT ok, mfa_required FROM auth_store.user_login('ada@shop.example', 'correct horse battery') \gset ada_
SELECT ok AS code_ok
  FROM auth_store.totp_verify(:'ada', pg_temp.totp(:'app_secret'), :'ada_device_token', trust_device => true) \gset
SELECT v.ok AS used_ok, l.mfa_required AS trusted_mfa
  FROM auth_store.totp_verify(:'ada', pg_temp.totp(:'app_secret')) AS v,
       auth_store.user_login('ada@shop.example', 'correct horse battery',
                             device_token => :'ada_device_token') AS l \gset
SELECT pg_temp.must('the password asks for a code, which is good once; a trusted browser needs none for a while',
                    :'ada_mfa_required' AND :'code_ok' AND NOT :'used_ok' AND NOT :'trusted_mfa') \g (tuples_only=on)
\endif
\echo
\echo '    A role, a session, and rows of which each sees the owner''s alone, or all by permission'
SELECT auth_store.role_create('clerk', ARRAY['orders:read']);
CREATE TEMP TABLE orders (id int, owner uuid);
INSERT INTO orders VALUES (1, :'ada'), (2, :'user_id');
CREATE ROLE demo_shop;
GRANT auth_store_reader TO demo_shop;
GRANT SELECT ON orders TO demo_shop;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders USING (owner = (SELECT auth_store.current_user_id())
                                   OR auth_store.current_has_permission('orders:read'));
SELECT session_token FROM auth_store.session_create(:'ada', acr => 'mfa', amr => '{pwd,otp}') \gset ada_
BEGIN;
SET LOCAL ROLE demo_shop;
SELECT count(*) AS nobodys FROM orders \gset
SELECT ok FROM auth_store.authenticate(:'ada_session_token');
SELECT array_agg(id ORDER BY id) AS own FROM orders \gset
COMMIT;
SELECT auth_store.role_assign(:'ada', 'clerk');
BEGIN;
SET LOCAL ROLE demo_shop;
SELECT ok FROM auth_store.authenticate(:'ada_session_token');
SELECT array_agg(id ORDER BY id) AS clerks FROM orders \gset
COMMIT;
SELECT pg_temp.must('nobody sees none, Ada her own, and a clerk all',
                    :nobodys = 0 AND :'own' = '{1}' AND :'clerks' = '{1,2}') \g (tuples_only=on)
DROP TABLE orders;
DROP OWNED BY demo_shop;
DROP ROLE demo_shop;

\echo
\echo '=== 16. Webhooks: an event is delivered if its transaction commits, by a worker, and the receiver can verify it'
\getenv receiver_port DEMO_RECEIVER_PORT
\if :{?receiver_port}
CREATE ROLE demo_sender LOGIN;
GRANT auth_store_worker TO demo_sender;
SELECT webhook_id, secret AS webhook_secret
  FROM auth_store.webhook_create('http://127.0.0.1:' || :'receiver_port' || '/hooks',
                                 ARRAY['function.called', 'workflow.*'], filters => '{"ns": "tools"}') \gset
\echo '    secret =' :webhook_secret '  (shown once, sealed by the vault; the receiver has it)'
BEGIN;
SELECT auth_store.webhook_emit('function.called', '{"ns": "tools", "id": 6}') AS queued, 'rolled back' AS but;
ROLLBACK;
BEGIN;
SELECT auth_store.webhook_emit('function.called', '{"ns": "tools", "id": 7}') AS queued;
SELECT auth_store.webhook_emit('function.called', '{"ns": "other", "id": 8}') AS queued;
SELECT auth_store.webhook_emit('workflow.completed', '{"ns": "tools", "id": 9}') AS queued;
COMMIT;
\echo '    A worker runs for a moment, and a receiver that has the secret: demo/deliver'
\setenv WEBHOOK_SECRET :webhook_secret
\! demo/deliver "$DEMO_RECEIVER_PORT" 2
SELECT pg_temp.must('what was committed and wanted was delivered, and verified there',
                    count(*) = 2 AND bool_and(outcome = 'delivered' AND http_status = 204))
  FROM auth_store.webhook_attempts WHERE webhook_id = :'webhook_id' \g (tuples_only=on)
DROP ROLE demo_sender;
\else
\echo '    left out: make demo has a worker and a receiver for it; see docs/how-to/webhooks.md'
\endif

\echo
\echo '=== 17. The audit trail: each step left a row, in the same transaction'
SELECT to_char(occurred_at, 'HH24:MI:SS.MS') AS at, event, success, error, risk_score AS risk, flags, ip
  FROM auth_store.recent_activity ORDER BY occurred_at;
SELECT pg_temp.must('the replayed refresh token and the replayed code stand there at risk 1.0',
                    count(*) FILTER (WHERE event = 'refresh_reuse' AND risk_score = 1.0) = 1
                    AND count(*) FILTER (WHERE event = 'code_replay' AND risk_score = 1.0) = 1)
  FROM auth_store.recent_activity \g (tuples_only=on)

\echo
\echo '=== 18. Cleanup: what has expired goes. Here a code with a life of one second, which nobody redeemed'
SELECT expires_at
  FROM auth_store.code_issue(
         client_id             => :'app_client_id',
         user_id               => :'user_id',
         redirect_uri          => 'http://127.0.0.1:51004/callback',
         scope                 => 'orders',
         code_challenge        => :'challenge',
         code_challenge_method => 'S256',
         ttl                   => '1 second');
SELECT pg_sleep(1.1);
SELECT auth_store.cleanup_expired_data() AS rows_deleted \gset
\echo '    rows_deleted =' :rows_deleted
-- With it go counts of failed log-ins that mean nothing any more.
SELECT pg_temp.must('that code is gone, and of the user''s things nothing else',
                    NOT EXISTS (SELECT FROM auth_store.authorization_codes
                                 WHERE redeemed_at IS NULL AND expires_at <= clock_timestamp())
                    AND :rows_deleted BETWEEN 1 AND 5) \g (tuples_only=on)
-- The same in batches that each commit, for a schedule; it reports its progress.
SET client_min_messages = notice;
CALL auth_store.cleanup();

\echo
\echo '=== Done: every claim above was checked'
