-- Accounts at other providers.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('external') AS tenant \gset
CREATE FUNCTION pg_temp.login(provider text, subject text, email text = NULL, verified boolean = false,
    link boolean = NULL, OUT who text, OUT created boolean, OUT linked boolean, OUT error text) LANGUAGE sql AS $$
    SELECT (SELECT coalesce(u.first_name, 'unnamed') FROM auth_store.users u WHERE u.id = l.user_id), l.created,
           l.linked, l.error
      FROM auth_store.identity_login(provider, subject, email, verified, link_by_email => link,
          tenant_id => 'external') l
$$;

-- The first log-in makes a user, the next finds it.
SELECT user_id AS ann, created, linked, error IS NULL AS done
  FROM auth_store.identity_login('google', '108', 'ann@ext.example', true, '{"name": "Ann", "n": 1.10}',
           tenant_id => 'external', ip => '192.0.2.1', user_agent => 'a b') \gset
SELECT :'created' AS created, :'linked' AS linked, :'done' AS done;
SELECT auth_store.user_update(:'ann', '{"first_name": "Ann"}');
SELECT email, email_verified FROM auth_store.user_get(:'ann');
SELECT * FROM pg_temp.login('google', '108', 'ann.lee@ext.example');
SELECT user_id = :'ann' AS of_ann, provider, subject, email, email_verified, profile, linked_at <= last_used_at AS used
  FROM auth_store.identity_find('google', '108', 'external');
-- What the provider says changes nothing of the user.
SELECT email, email_verified FROM auth_store.user_get(:'ann');
-- The same number elsewhere is somebody else, so are another tenant's, and other letters.
SELECT * FROM pg_temp.login('github', '108');
SELECT * FROM pg_temp.login('google', '108 ');
SELECT count(*) FROM auth_store.identity_find('google', '108');
-- An address that is none is no reason to refuse a log-in, and one that was not verified is not.
SELECT * FROM pg_temp.login('apple', '1', 'no address', true);
SELECT * FROM pg_temp.login('apple', '2', 'apple@ext.example', false);
SELECT u.email, u.email_verified
  FROM auth_store.identity_find('apple', '2', 'external') i, LATERAL auth_store.user_get(i.user_id) u;

-- By the address: only where asked, and only if both sides have verified it.
SELECT user_id AS bob FROM auth_store.user_create('Bob@ext.example', first_name => 'Bob', tenant_id => 'external') \gset
SELECT * FROM pg_temp.login('google', 'bob', 'bob@ext.example', true, true);
SELECT auth_store.user_update(:'bob', '{"email_verified": true}');
SELECT * FROM pg_temp.login('google', 'bob', 'bob@ext.example', true);
SELECT * FROM pg_temp.login('google', 'bob', 'bob@ext.example', true, false);
SELECT * FROM pg_temp.login('google', 'bob', 'bob@ext.example', false, true);
SELECT * FROM pg_temp.login('google', 'bob', 'BOB@ext.example', true, true);
SELECT * FROM pg_temp.login('google', 'bob');
-- The tenant's policy is the default.
SELECT auth_store.tenant_policy_set('external', '{"identity_link_by_email": true}') IS NOT NULL AS set;
SELECT * FROM pg_temp.login('github', 'bob', 'bob@ext.example', true);
-- What was put into the account before its address was proved is a stranger's, maybe: it ends with the link.
SELECT user_id AS dan FROM auth_store.user_create('dan@ext.example', 'of a stranger', first_name => 'Dan',
    tenant_id => 'external') \gset
SELECT error FROM auth_store.identity_link(:'dan', 'gitlab', 'stranger');
SELECT session_token AS session FROM auth_store.session_create(:'dan') \gset
SELECT api_key AS key FROM auth_store.api_key_create('k', :'dan') \gset
SELECT auth_store.user_update(:'dan', '{"email_verified": true}');
SELECT * FROM pg_temp.login('google', 'dan', 'dan@ext.example', true);
SELECT (auth_store.session_validate(:'session')).valid AS session, (auth_store.api_key_verify(:'key')).valid AS key,
       (SELECT count(*) FROM auth_store.passwords WHERE user_id = :'dan') AS passwords;
SELECT provider FROM auth_store.identity_list(:'dan');
-- What came later stays.
SELECT error FROM auth_store.password_set(:'dan', 'of the owner');
SELECT session_token AS session FROM auth_store.session_create(:'dan') \gset
SELECT * FROM pg_temp.login('github', 'dan', 'dan@ext.example', true);
SELECT (auth_store.session_validate(:'session')).valid AS session,
       (SELECT count(*) FROM auth_store.passwords WHERE user_id = :'dan') AS passwords;
-- Another spelling may be another mailbox; a second address does not say whose the account is.
SELECT user_id AS kim FROM auth_store.user_create('kim@ext.example', tenant_id => 'external') \gset
SELECT auth_store.user_update(:'kim', '{"email_verified": true}');
SELECT * FROM pg_temp.login('gitlab', 'kim', U&'\212Aim@ext.example', true);
SELECT auth_store.user_name_add(:'dan', 'email', 'dan2@ext.example');
UPDATE auth_store.user_names SET verified_at = clock_timestamp() WHERE name = 'dan2@ext.example';
SELECT * FROM pg_temp.login('bitbucket', 'dan', 'dan2@ext.example', true);
-- Never by single sign-on, to it or from it.
SELECT * FROM pg_temp.login('sso:acme.com', 'bob', 'bob@ext.example', true, true);
SELECT * FROM pg_temp.login('sso:acme.com', '7', 'cat@acme.example', true, true);
SELECT auth_store.user_update(user_id, '{"first_name": "Cat"}') FROM auth_store.identity_find('sso:acme.com', '7',
    'external');
SELECT * FROM pg_temp.login('google', 'cat', 'cat@acme.example', true, true);
SELECT * FROM pg_temp.login('sso:other.com', '7', 'cat@acme.example', true, true);
-- A user who is not active is not linked and does not log in.
SELECT auth_store.user_set_status(:'bob', 'suspended');
SELECT * FROM pg_temp.login('google', 'bob', 'bob@ext.example', true, true);
SELECT * FROM pg_temp.login('apple', 'bob', 'bob@ext.example', true, true);
SELECT auth_store.user_set_status(:'bob', 'active');
-- Nor is one whom an administrator has locked.
SELECT auth_store.user_lock(:'dan');
SELECT * FROM pg_temp.login('google', 'dan');
SELECT * FROM pg_temp.login('apple', 'dan', 'dan@ext.example', true, true);
SELECT auth_store.user_unlock(:'dan');

-- Linked by a user who is logged in; once more, it is noted what the provider says now.
SELECT * FROM auth_store.identity_link(:'ann', 'github', 'ann', 'ann@github.example', '{"a": 1}');
SELECT * FROM auth_store.identity_link(:'ann', 'github', 'ann', NULL, NULL, true);
SELECT provider, subject, email, email_verified, profile FROM auth_store.identity_list(:'ann') ORDER BY provider;
SELECT error FROM auth_store.identity_link(:'bob', 'github', 'ann');
SELECT error FROM auth_store.identity_link(:'ann', 'github', '108');

-- The last way to log in stays.
SELECT error FROM auth_store.identity_unlink(:'ann', 'google', '108');
SELECT * FROM auth_store.identity_unlink(:'ann', 'github', 'ann');
SELECT error FROM auth_store.password_set(:'ann', 'correct horse battery');
SELECT error FROM auth_store.identity_unlink(:'ann', 'github', 'ann');
SELECT error FROM auth_store.identity_link(:'ann', 'github', 'ann');
SELECT u.error FROM auth_store.identity_find('github', '108', 'external') i,
    LATERAL auth_store.identity_unlink(i.user_id, 'github', '108', allow_last => true) u;
SELECT count(*) FROM auth_store.identity_list(:'ann');
SELECT event, error, details, count(*) FROM auth_store.audit_log WHERE tenant_id = 'external' AND event LIKE 'identity%'
 GROUP BY event, error, details ORDER BY event, error COLLATE "C", details::text COLLATE "C";
SELECT count(*) FROM auth_store.identities i WHERE NOT EXISTS (SELECT FROM auth_store.users u WHERE u.id = i.user_id
    AND u.tenant_id = i.tenant_id);
-- Neither account nor address is in the trail.
SELECT count(*) FROM auth_store.audit_log a WHERE tenant_id = 'external' AND details::text ~ 'example|108|bob';

SELECT regexp_replace(left(call, 70), '[0-9a-f-]{36}', 'id') AS call,
       pg_temp.raised('SELECT auth_store.identity_' || call) FROM (VALUES
    (1, 'login(NULL, ''1'')'), (2, 'login(''google'', NULL)'), (3, 'login(''Google'', ''1'')'),
    (4, 'login(''google'', '''')'),
    (5, 'login(''google'', repeat(''x'', 1025))'), (6, 'login(''google'', ''1'', profile => ''[]'')'),
    (7, 'login(''google'', ''1'', tenant_id => ''nowhere'')'), (8, 'link(gen_random_uuid(), ''google'', ''1'')'),
    (9, 'link(NULL, ''google'', ''1'')'), (10, 'unlink(gen_random_uuid(), ''google'', ''1'')'),
    (11, format('unlink(%L, ''google'', ''1'')', :'ann')), (12, format('unlink(%L, ''google'', ''bob'')', :'ann')),
    (13, 'find(''google'', '''')'), (14, 'find(''saml:x'', ''1'')'), (15, 'list(NULL)')) t (n, call) ORDER BY n;
BEGIN;
SET LOCAL auth_store.tenant_id = 'default';
SELECT pg_temp.raised(format('SELECT auth_store.identity_link(%L, ''google'', ''x'')', :'ann'));
SELECT count(*) FROM auth_store.identity_list(:'bob');
COMMIT;
BEGIN READ ONLY;
SELECT count(*) FROM auth_store.identity_list(:'bob');
SELECT pg_temp.raised($$SELECT auth_store.identity_login('google', 'x')$$);
COMMIT;
SELECT auth_store.tenant_erase('external', 'external') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('external') WHERE rows > 0;
