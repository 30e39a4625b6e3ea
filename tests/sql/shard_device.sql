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
SELECT error, error_description FROM auth_store.device_accept(:'hand_over'::jsonb || '{"expires_at": 0}');
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
    || '{"user_id": "00000000-0000-8000-8000-000000000000"}'));
-- device_redeem() where the user is on another shard.
SELECT device_code, user_code FROM auth_store.device_authorize('shard_tv') \gset
SELECT * FROM auth_store.device_approve_elsewhere(:'user_code', '00000000-0000-8000-8000-000000000000');
SELECT pg_temp.raised(format('SELECT auth_store.device_redeem(%L, ''shard_tv'')', :'device_code'));
