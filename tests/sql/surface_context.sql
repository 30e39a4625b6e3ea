-- Where a request came from: ip and user_agent of every act of a user, in its audit row.
\i tests/sql/include/helpers.sql

-- Without them is what a worker does, what counts, what passes on to another function, and an event of the
-- application, which is no row of the trail.
SELECT p.proname AS without_them FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
  JOIN pg_extension e ON e.oid = d.refobjid
 WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
   AND e.extname = 'auth_store' AND p.prokind = 'f' AND p.provolatile = 'v'
   AND EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 'auth_store_app'::regrole)
   AND NOT p.proargnames @> '{ip,user_agent}' ORDER BY p.proname COLLATE "C";

SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'context_app',
      scope => 'read');
SELECT count(*) > 0 AS passed_over FROM pg_temp.trail();
SELECT user_id AS ann
  FROM auth_store.user_create('ann.context@example.com', ip => '192.0.2.1', user_agent => 'agent 1') \gset
SELECT error FROM auth_store.user_create('ann.context@example.com', ip => '192.0.2.2', user_agent => 'agent 2');
SELECT auth_store.user_ensure('context', ip => '192.0.2.3', user_agent => 'agent 3') AS external \gset
SELECT auth_store.user_ensure('context', ip => '192.0.2.3', user_agent => 'agent 3') = :'external' AS the_same;
SELECT session_id AS session FROM auth_store.session_create(:'ann', ip => '192.0.2.4', user_agent => 'agent 4') \gset
SELECT session_id AS second FROM auth_store.session_create(:'ann', ip => '192.0.2.4', user_agent => 'agent 4') \gset
SELECT auth_store.session_revoke(:'session', user_id => :'ann', ip => '192.0.2.5', user_agent => 'agent 5');
SELECT auth_store.user_sessions_revoke(:'ann', ip => '192.0.2.6', user_agent => 'agent 6');
SELECT grant_id AS grant
  FROM auth_store.token_issue('context_app', :'ann', ip => '192.0.2.7', user_agent => 'agent 7') \gset
SELECT auth_store.grant_revoke(:'grant', user_id => :'ann', ip => '192.0.2.8', user_agent => 'agent 8');
SELECT auth_store.user_grants_revoke(:'ann', ip => '192.0.2.9', user_agent => 'agent 9');
SELECT auth_store.client_grants_revoke('context_app', ip => '192.0.2.10', user_agent => 'agent 10');
SELECT auth_store.consent_revoke(:'ann', 'context_app', ip => '192.0.2.11', user_agent => 'agent 11');
SELECT api_key_id AS key
  FROM auth_store.api_key_create('Key', :'ann', ip => '2001:db8::12', user_agent => 'agent 12') \gset
SELECT api_key_id = :'key' AS rotated
  FROM auth_store.api_key_rotate(:'key', user_id => :'ann', ip => '192.0.2.13', user_agent => 'agent 13');
SELECT auth_store.api_key_revoke(:'key', user_id => :'ann', ip => '192.0.2.14', user_agent => 'agent 14');
SELECT auth_store.connection_store('github', 'context', 'x', ip => '192.0.2.15',
    user_agent => 'agent 15') AS connection \gset
SELECT auth_store.connection_revoke(:'connection', actor_id => 'context', ip => '192.0.2.16', user_agent => 'agent 16');
SELECT auth_store.connection_delete(:'connection', actor_id => 'context', ip => '192.0.2.17',
    user_agent => repeat('é', 600)) IS NOT NULL AS deleted;
SELECT auth_store.jti_revoke('context', clock_timestamp() + '1 hour', ip => '192.0.2.18', user_agent => 'agent 18');
SELECT auth_store.jti_claim('context', 'context', clock_timestamp() - interval '1 hour', ip => '192.0.2.19',
    user_agent => 'agent 19');
-- RFC 9449 section 4.3: a refused proof.
SELECT error
  FROM auth_store.dpop_verify('no proof', 'POST', 'https://as.example/token', ip => '192.0.2.20',
      user_agent => 'agent 20');
SELECT event, error, ip, left(user_agent, 12) AS user_agent, length(user_agent) AS length
  FROM auth_store.audit_log a, pg_temp.mark m WHERE a.occurred_at > m.at AND event <> 'vault.key_created'
 ORDER BY a.occurred_at;
-- Nothing said is nothing kept, as before.
SELECT count(*) > 0 AS passed_over FROM pg_temp.trail();
SELECT auth_store.user_grants_revoke(:'ann', NULL, 'old call');
SELECT event, ip, user_agent FROM auth_store.audit_log a, pg_temp.mark m WHERE a.occurred_at > m.at;
