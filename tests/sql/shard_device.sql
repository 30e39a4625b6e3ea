-- The log-in of a device in two halves. One database is both shards here; tests/tap/shards.pl has two.
\i tests/sql/include/helpers.sql
SET auth_store.sharded = on;
SELECT client_id AS client FROM auth_store.client_create('TV', client_id => 'shard_tv', client_type => 'public',
    grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    scope => 'read write', resources => ARRAY['https://api.example/', 'https://files.example/']) \gset
SELECT user_id AS tv FROM auth_store.user_create('tv@shards.example') \gset
SELECT session_id AS session FROM auth_store.session_create(:'tv') \gset
SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA' AS thumbprint \gset

--
-- Polls, as those of device_redeem()
--
SELECT device_code, user_code FROM auth_store.device_authorize('shard_tv') \gset
SELECT hand_over, user_id, error, retry_after FROM auth_store.device_hand_over(:'device_code', 'shard_tv');
SELECT error, retry_after FROM auth_store.device_hand_over(:'device_code', 'shard_tv');
SELECT error FROM auth_store.device_hand_over('asdc_none', 'shard_tv');
SELECT error FROM auth_store.device_hand_over(NULL, 'shard_tv');
SELECT error FROM auth_store.device_hand_over(:'device_code', 'nobody');
SELECT * FROM pg_temp.trail();

--
-- Approved for a user of another shard, who need not be here
--
SELECT * FROM auth_store.device_approve_elsewhere('BBB-WDJB-MJHT', :'tv');
SELECT error FROM auth_store.device_approve_elsewhere(:'user_code', :'tv', scope => 'admin');
SELECT pg_temp.raised(format('SELECT auth_store.device_approve_elsewhere(%L, NULL)', :'user_code'));
SELECT pg_temp.raised(format('SELECT auth_store.device_approve_elsewhere(%L, %L, tenant_id => ''none'')',
    :'user_code', :'tv'));
-- A user who is here is of the tenant, or unknown.
SELECT FROM auth_store.tenant_create('shard_strangers');
SELECT user_id AS stranger FROM auth_store.user_create('s@shards.example', tenant_id => 'shard_strangers') \gset
SELECT pg_temp.raised(format('SELECT auth_store.device_approve_elsewhere(%L, %L)', :'user_code', :'stranger'));
SET auth_store.tenant_id = 'default';
SELECT pg_temp.raised(format('SELECT auth_store.device_approve_elsewhere(%L, %L)', :'user_code', :'stranger'));
RESET auth_store.tenant_id;
SELECT * FROM auth_store.device_approve_elsewhere(:'user_code', :'tv', :'session', 'read', auth_time => '2026-01-01',
    acr => 'high', amr => ARRAY['pwd'], claims => '{"n": 12345678901234567890}');
SELECT error, error_description FROM auth_store.device_approve_elsewhere(:'user_code', :'tv');
SELECT error FROM auth_store.device_hand_over(:'device_code', 'shard_tv', dpop_jkt => 'x');
SELECT error FROM auth_store.device_hand_over(:'device_code', 'shard_tv', resource => ARRAY['https://other.example/']);
SELECT hand_over, user_id = :'tv' AS is_tv
  FROM auth_store.device_hand_over(:'device_code', 'shard_tv', resource => ARRAY['https://api.example/'],
      dpop_jkt => :'thumbprint') \gset
SELECT :'hand_over'::jsonb - '{device_id, grant_id, expires_at, user_id, session_id, auth_time}'::text[] AS hand_over,
       (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'hand_over'::jsonb) k) AS members,
       auth_store.id_bucket((:'hand_over'::jsonb ->> 'grant_id')::uuid) = auth_store.id_bucket(:'tv') AS grant_bucket;
-- The answer was lost: the same again.
SELECT hand_over = :'hand_over'::jsonb AS same
  FROM auth_store.device_hand_over(:'device_code', 'shard_tv', resource => ARRAY['https://api.example/'],
      dpop_jkt => :'thumbprint');
SELECT * FROM pg_temp.trail();

--
-- Accepted once
--
SELECT access_token, token_type, refresh_token IS NOT NULL AS refresh, scope, grant_id, user_id = :'tv' AS is_tv,
       claims, session_id = :'session' AS session, auth_time = '2026-01-01' AS auth_time, acr, amr, error
  FROM auth_store.device_accept(:'hand_over') \gset t_
SELECT :'t_token_type' AS token_type, :'t_refresh' AS refresh, :'t_scope' AS scope, :'t_is_tv' AS is_tv,
       :'t_claims' AS claims, :'t_session' AS session, :'t_auth_time' AS auth_time, :'t_acr' AS acr, :'t_amr' AS amr,
       :'t_grant_id' = :'hand_over'::jsonb ->> 'grant_id' AS grant_id;
SELECT active, scope, audience, cnf FROM auth_store.token_introspect(:'t_access_token');
-- Again within the grace: a retry. Later: a replay, which ends what the first one made.
SET auth_store.code_replay_grace = '1min';
SELECT error, error_description FROM auth_store.device_accept(:'hand_over');
SELECT active FROM auth_store.token_introspect(:'t_access_token');
SET auth_store.code_replay_grace = 0;
SELECT error, error_description FROM auth_store.device_accept(:'hand_over');
SELECT active FROM auth_store.token_introspect(:'t_access_token');
RESET auth_store.code_replay_grace;
SELECT * FROM pg_temp.trail();
-- What says so is of the grant, and so in the user's bucket.
SELECT id = :'t_grant_id' AS of_grant, auth_store.id_bucket(id) = auth_store.id_bucket(:'tv') AS users_bucket,
       grant_id = id AS grant_id, scope
  FROM auth_store.device_codes WHERE poll_interval = 0;
-- One code gives one grant, and one grant is of one code, user and client.
SELECT pg_temp.raised(format('SELECT auth_store.device_accept(%L)', :'hand_over'::jsonb
    || jsonb_build_object('grant_id', overlay(:'t_grant_id' placing '000000000000' from 25))));
SELECT user_id AS other FROM auth_store.user_create(id => overlay(:'tv' placing '000000000000' from 25)::uuid) \gset
SELECT client_id FROM auth_store.client_create('TV', client_id => 'shard_tv2', client_type => 'public',
    grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code'], scope => 'read');
SELECT pg_temp.raised(format('SELECT auth_store.device_accept(%L)', :'hand_over'::jsonb || more))
  FROM (VALUES (jsonb_build_object('device_id', :'t_grant_id')), (jsonb_build_object('user_id', :'other')),
               ('{"client_id": "shard_tv2"}')) t (more);
-- A grant that was not made of a code is nobody's to end by this.
SELECT grant_id AS issued, access_token AS issued_token FROM auth_store.token_issue('shard_tv', :'tv') \gset
SET auth_store.code_replay_grace = 0;
SELECT error, error_description FROM auth_store.device_accept(:'hand_over'::jsonb
    || jsonb_build_object('grant_id', :'issued'));
RESET auth_store.code_replay_grace;
SELECT active FROM auth_store.token_introspect(:'issued_token');
SELECT * FROM pg_temp.trail();

--
-- Refusals make nothing, and can be mended
--
SELECT device_code, user_code FROM auth_store.device_authorize('shard_tv') \gset
SELECT * FROM auth_store.device_approve_elsewhere(:'user_code', :'tv', :'session');
SELECT hand_over FROM auth_store.device_hand_over(:'device_code', 'shard_tv') \gset
SELECT FROM auth_store.user_set_status(:'tv', 'suspended');
SELECT error, error_description FROM auth_store.device_accept(:'hand_over');
SELECT FROM auth_store.user_set_status(:'tv', 'active');
SELECT FROM auth_store.client_set_status('shard_tv', 'suspended');
SELECT error, error_description FROM auth_store.device_accept(:'hand_over');
SELECT FROM auth_store.client_set_status('shard_tv', 'active');
SELECT error, error_description FROM auth_store.device_accept(:'hand_over'::jsonb || jsonb_build_object('expires_at',
    (1000000 * extract(epoch FROM auth_store.id_time((:'hand_over'::jsonb ->> 'grant_id')::uuid)
        - '2000-01-01+00'::timestamptz))::bigint + 1000));
-- The session ended with the suspension.
SELECT error, error_description FROM auth_store.device_accept(:'hand_over');
SELECT * FROM pg_temp.trail();

--
-- Mistakes
--
SELECT pg_temp.raised('SELECT auth_store.device_accept(NULL)');
SELECT pg_temp.raised('SELECT auth_store.device_accept(''{}'')');
SELECT pg_temp.raised('SELECT auth_store.device_accept(''[]'')');
SELECT pg_temp.raised('SELECT auth_store.device_accept(''1'')');
SELECT pg_temp.raised(format('SELECT auth_store.device_accept(%L)', :'hand_over'::jsonb || '{"user_id": "x"}'));
SELECT pg_temp.raised(format('SELECT auth_store.device_accept(%L)', :'hand_over'::jsonb || '{"claims": 1}'));
SELECT pg_temp.raised(format('SELECT auth_store.device_accept(%L)', :'hand_over'::jsonb || '{"cnf": {"jkt": 1}}'));
SELECT pg_temp.raised(format('SELECT auth_store.device_accept(%L)', :'hand_over'::jsonb || '{"client_id": "none"}'));
SELECT pg_temp.raised(format('SELECT auth_store.device_accept(%L)', :'hand_over'::jsonb
    || jsonb_build_object('user_id', overlay(:'tv' placing '111111111111' from 25))));
-- What no approval holds, and a grant that was not made while the code lived or is in another bucket than the user,
-- each of another code, because one code gives one grant.
CREATE FUNCTION pg_temp.made(id text, seconds bigint) RETURNS text LANGUAGE sql AS $$
    SELECT overlay(id placing overlay(lpad(to_hex(('x' || translate(left(id, 13), '-', ''))::bit(48)::bigint
        + 1000 * seconds), 12, '0') placing '-' from 9 for 0) from 1) $$;
SELECT what, pg_temp.raised(format('SELECT auth_store.device_accept(%L)', :'hand_over'::jsonb || more
    || jsonb_build_object('device_id', gen_random_uuid())))
  FROM (SELECT :'hand_over'::jsonb ->> 'grant_id', (:'hand_over'::jsonb ->> 'expires_at')::bigint) h (id, ends),
       LATERAL (VALUES
           ('acr', jsonb_build_object('acr', repeat('a', 2049))),
           ('before timestamptz', '{"auth_time": -9223372036854775807}'),
           ('after it', '{"auth_time": 9223371331200000000}'),
           ('infinite', '{"auth_time": 9223372036854775807}'),
           ('infinite before', '{"auth_time": -9223372036854775808}'),
           ('end of time', '{"expires_at": 9223372036854775807}'),
           ('in hours', jsonb_build_object('expires_at', ends + 7200000000, 'grant_id', pg_temp.made(id, 7200))),
           ('grant too late', jsonb_build_object('grant_id', pg_temp.made(id, 3600))),
           ('grant too early', jsonb_build_object('grant_id', pg_temp.made(id, -3600))),
           ('version 4', jsonb_build_object('grant_id', overlay(id placing '4' from 15))),
           ('another bucket', jsonb_build_object('grant_id', overlay(id placing
               CASE auth_store.id_bucket(:'tv') WHEN 0 THEN '001' ELSE '000' END from 16)))) t (what, more);

--
-- Never more than the client may have here
--
SELECT device_code, user_code FROM auth_store.device_authorize('shard_tv') \gset
SELECT pg_temp.raised(format('SELECT auth_store.device_approve_elsewhere(%L, %L, auth_time => ''-infinity'')',
    :'user_code', :'tv'));
SELECT * FROM auth_store.device_approve_elsewhere(:'user_code', :'tv', auth_time => '4714-11-24 00:00:00+00 BC');
SELECT hand_over FROM auth_store.device_hand_over(:'device_code', 'shard_tv') \gset
SELECT error, error_description FROM auth_store.device_accept(:'hand_over'::jsonb || '{"scope": "admin root"}');
SELECT error FROM auth_store.device_accept(:'hand_over'::jsonb
    || jsonb_build_object('scope', 'read ' || repeat('a', 400000)));
SELECT error FROM auth_store.device_accept(:'hand_over'::jsonb || '{"resources": ["nonsense", ""]}');
SELECT error FROM auth_store.device_accept(:'hand_over'::jsonb || '{"token_resources": ["https://other.example/"]}');
SELECT auth_store.client_update('shard_tv', '{"grant_types": ["refresh_token"]}');
SELECT error, error_description FROM auth_store.device_accept(:'hand_over');
SELECT auth_store.client_update('shard_tv', '{"scope": "read", "resources": ["https://api.example/"],
    "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]}');
SELECT access_token, auth_time = '4714-11-24 00:00:00+00 BC' AS is_first
  FROM auth_store.device_accept(:'hand_over') \gset n_
SELECT active, scope, audience, :'n_is_first' AS is_first FROM auth_store.token_introspect(:'n_access_token');

--
-- After a replay there are no tokens any more
--
SET auth_store.code_replay_grace = 0;
SELECT error, error_description FROM auth_store.device_accept(:'hand_over');
SELECT active FROM auth_store.token_introspect(:'n_access_token');
-- Also when the grant is gone.
SET auth_store.grant_retention = 0;
SELECT deleted > 0 AS deleted FROM auth_store.cleanup_batch('grants', 100000);
SELECT count(*) FROM auth_store.grants WHERE id = (:'hand_over'::jsonb ->> 'grant_id')::uuid;
RESET auth_store.grant_retention;
SELECT token_type, error, error_description FROM auth_store.device_accept(:'hand_over');
SET auth_store.code_replay_grace = '1min';
SELECT token_type, error, error_description FROM auth_store.device_accept(:'hand_over');
-- At the device's shard a replay is a code that was handed over and is then to be redeemed: it is handed over no more.
SELECT device_code, user_code FROM auth_store.device_authorize('shard_tv') \gset
SELECT * FROM auth_store.device_approve_elsewhere(:'user_code', :'tv');
SELECT hand_over IS NOT NULL AS given FROM auth_store.device_hand_over(:'device_code', 'shard_tv');
SELECT error, error_description FROM auth_store.device_redeem(:'device_code', 'shard_tv');
SELECT hand_over IS NOT NULL AS after_retry FROM auth_store.device_hand_over(:'device_code', 'shard_tv');
SET auth_store.code_replay_grace = 0;
SELECT error, error_description FROM auth_store.device_redeem(:'device_code', 'shard_tv');
RESET auth_store.code_replay_grace;
SELECT hand_over, error, error_description FROM auth_store.device_hand_over(:'device_code', 'shard_tv');
SELECT error, error_description FROM auth_store.device_redeem(:'device_code', 'shard_tv');
SELECT * FROM pg_temp.trail();

-- device_redeem() where the user is on another shard.
SELECT device_code, user_code FROM auth_store.device_authorize('shard_tv') \gset
SELECT * FROM auth_store.device_approve_elsewhere(:'user_code', '00000000-0000-8000-8000-000000000000');
SELECT pg_temp.raised(format('SELECT auth_store.device_redeem(%L, ''shard_tv'')', :'device_code'));
