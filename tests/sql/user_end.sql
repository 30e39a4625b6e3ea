-- The end of what a user has, the external key, and the user's own page.
\i tests/sql/include/helpers.sql

SELECT client_id AS app, client_secret AS secret
  FROM auth_store.client_create('App', ARRAY['https://app.example/cb'], scope => 'read') \gset
SELECT user_id AS ann FROM auth_store.user_create('ann@end.example', external_id => 'end-1') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@end.example', external_id => 'end-2') \gset
SELECT auth_store.user_name_add(:'ann', 'external', 'end-1b');

-- One of everything, for each call below anew.
CREATE FUNCTION pg_temp.fill(who uuid, app text) RETURNS TABLE (access text, refresh text, session text, key text)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT s.session_token INTO session FROM auth_store.session_create(who) s;
    SELECT t.access_token, t.refresh_token INTO access, refresh FROM auth_store.token_issue(app, who) t;
    PERFORM auth_store.token_issue(app, who, session_id => (SELECT v.session_id
        FROM auth_store.session_validate(session) v));
    PERFORM auth_store.code_issue(app, who, code_challenge => 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
    SELECT k.api_key INTO key FROM auth_store.api_key_create('k', who) k;
    PERFORM auth_store.connection_store('github', who::text, 'x');
    PERFORM auth_store.connection_store('google', 'end-1', 'x'), auth_store.connection_store('google', 'end-1b', 'x');
    PERFORM auth_store.connection_store('slack', (SELECT v.api_key_id::text FROM auth_store.api_key_verify(key) v),
        'x', actor_type => 'api_key');
    RETURN NEXT;
END $$;
CREATE FUNCTION pg_temp.works(access text, session text, key text, actor text) RETURNS TABLE (token boolean,
    session_ok boolean, key_ok boolean, connections bigint) LANGUAGE sql AS $$
    SELECT (auth_store.token_introspect(access)).active, (auth_store.session_validate(session)).valid,
           (auth_store.api_key_verify(key)).valid,
           (SELECT count(*) FROM auth_store.connections
             WHERE actor_id IN (actor, 'end-1', 'end-1b') AND revoked_at IS NULL)
$$;

-- Everything of one user, and nothing of another's.
SELECT * FROM pg_temp.fill(:'ann', :'app') \gset
SELECT access AS bob_access, session AS bob_session, key AS bob_key FROM pg_temp.fill(:'bob', :'app') \gset
SELECT * FROM auth_store.user_end(:'ann', reason => 'closed');
SELECT * FROM pg_temp.works(:'access', :'session', :'key', :'ann');
SELECT token, session_ok, key_ok FROM pg_temp.works(:'bob_access', :'bob_session', :'bob_key', 'end-2');
SELECT count(*) AS connections_of_bob FROM auth_store.connection_list(:'bob');
SELECT (auth_store.token_refresh(:'refresh', :'app', client_secret => :'secret')).error;
SELECT DISTINCT revoked_reason COLLATE "C" FROM auth_store.grants WHERE user_id = :'ann' ORDER BY 1;
SELECT revoked_reason FROM auth_store.api_keys WHERE user_id = :'ann';
SELECT provider, access_token IS NULL AS emptied, revoked_reason FROM auth_store.connections
 WHERE actor_id IN ('end-1', 'end-1b', :'ann') ORDER BY provider, actor_id COLLATE "C";
-- Once more, there is nothing; the user may log in again.
SELECT * FROM auth_store.user_end(:'ann');
SELECT error FROM auth_store.session_create(:'ann');
-- Only what is named.
SELECT * FROM pg_temp.fill(:'ann', :'app') \gset
SELECT * FROM auth_store.user_end(:'ann', '{api_keys}');
SELECT * FROM pg_temp.works(:'access', :'session', :'key', :'ann');
SELECT * FROM auth_store.user_end(:'ann', '{sessions}');
SELECT * FROM pg_temp.works(:'access', :'session', :'key', :'ann');
SELECT * FROM auth_store.user_end(:'ann', '{grants,connections}');
SELECT * FROM pg_temp.works(:'access', :'session', :'key', :'ann');
SELECT * FROM auth_store.user_end(:'ann', '{}');
SELECT event, details FROM auth_store.audit_log WHERE user_id = :'ann' AND event = 'user.ended' ORDER BY occurred_at;
SELECT pg_temp.raised('SELECT auth_store.user_end(' || arguments || ')') FROM (VALUES (1, 'NULL'),
    (2, 'gen_random_uuid()'), (3, quote_literal(:'ann') || ', ''{cookies}'''),
    (4, quote_literal(:'ann') || ', ''{NULL}'''), (5, quote_literal(:'ann') || ', reason => '''''))
    t (n, arguments)
 ORDER BY n;

-- The application's key of the user, where it is told who acts.
SELECT * FROM pg_temp.fill(:'ann', :'app') \gset
SELECT s.external_id AS touched, v.external_id AS validated, t.external_id AS authorized, u.external_id AS used,
       k.external_id AS key
  FROM auth_store.session_touch(:'session') s, auth_store.session_validate(:'session') v,
       auth_store.token_authorize(:'access') t, auth_store.token_use(:'access') u, auth_store.api_key_touch(:'key') k;
SELECT s.external_id IS NULL AS touched, t.external_id IS NULL AS authorized, k.external_id IS NULL AS key
  FROM auth_store.session_touch('x') s, auth_store.token_authorize('x') t, auth_store.api_key_touch('x') k;
SELECT active, error, external_id FROM auth_store.token_authorize(:'access', 'write');
SELECT (auth_store.token_authorize(access_token)).external_id IS NULL AS of_a_client
  FROM auth_store.client_create('Machine', scope => 'read', grant_types => '{client_credentials}') c,
       auth_store.token_issue_client_credentials(c.client_id, c.client_secret);
SELECT DISTINCT external_id FROM auth_store.recent_activity WHERE user_id = :'ann';
SELECT DISTINCT external_id FROM auth_store.failed_actions WHERE user_id = :'ann' AND event = 'token.refreshed';
SELECT count(*) FROM auth_store.security_events WHERE external_id = 'end-1' AND user_id <> :'ann';

-- The user's own page: the newest first, page by page, and nobody else's.
SELECT user_id AS cat FROM auth_store.user_create('cat@end.example', ip => '192.0.2.1', user_agent => 'a b') \gset
SELECT session_id FROM auth_store.session_create(:'cat', ip => '192.0.2.2', user_agent => 'c') \gset
SELECT FROM auth_store.token_issue(:'app', :'cat', 'write');
SELECT auth_store.audit_write('order.shipped', :'cat', details => '{"n": 1}') IS NOT NULL AS written;
SELECT auth_store.connection_store('github', :'cat', 'x') IS NOT NULL AS connected;
SELECT event, success, client_id = :'app' AS by_app, session_id = :'session_id' AS in_session, ip, user_agent,
       from_application, occurred_at > clock_timestamp() - interval '1 min' AS now
  FROM auth_store.user_activity(:'cat') ORDER BY event COLLATE "C";
SELECT activity_id AS last FROM auth_store.user_activity(:'cat', max_rows => 2) OFFSET 1 \gset
SELECT activity_id AS next FROM auth_store.user_activity(:'cat', before => :'last', max_rows => 2) OFFSET 1 \gset
SELECT count(*), count(DISTINCT activity_id) FROM (
    SELECT activity_id FROM auth_store.user_activity(:'cat', max_rows => 2)
    UNION ALL SELECT activity_id FROM auth_store.user_activity(:'cat', before => :'last', max_rows => 2)
    UNION ALL SELECT activity_id FROM auth_store.user_activity(:'cat', before => :'next', max_rows => 2)) pages;
SELECT count(*) FROM auth_store.user_activity(:'cat', clock_timestamp() + interval '1 min');
SELECT count(*) FROM auth_store.user_activity(gen_random_uuid());
SELECT count(*) FROM auth_store.user_activity(:'cat', '-infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff');
SELECT pg_temp.raised('SELECT auth_store.user_activity(' || arguments || ')') FROM (VALUES ('NULL'),
    (quote_literal(:'cat') || ', max_rows => 0'), (quote_literal(:'cat') || ', max_rows => 1001')) t (arguments);
BEGIN;
SET LOCAL auth_store.tenant_id = 'elsewhere';
SELECT count(*) FROM auth_store.user_activity(:'cat');
COMMIT;
BEGIN READ ONLY;
SELECT count(*) > 0 AS works FROM auth_store.user_activity(:'cat');
SELECT pg_temp.raised(format('SELECT auth_store.user_end(%L)', :'cat'));
COMMIT;
