-- Moving users in, many in a call.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('moved');
\set bcrypt '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
SELECT jsonb_build_array(
    jsonb_build_object('external_id', 'u-1', 'email', 'Ann@moved.example', 'email_verified', true, 'username', 'ann',
        'phone', '+49 30 123456', 'first_name', 'Ann', 'metadata', '{"n": 1.10}'::jsonb, 'must_change', true,
        'password', jsonb_build_object('password_hash', :'bcrypt', 'format', 'bcrypt'),
        'totp', '{"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}'::jsonb, 'roles', '["user"]'::jsonb),
    jsonb_build_object('external_id', 'u-2', 'email', 'ann@MOVED.example'),
    jsonb_build_object('external_id', 'u-3', 'password', jsonb_build_object('password_hash', md5('x'))),
    jsonb_build_object('id', '00000000-0000-0000-0000-0000000003e7', 'email', 'cid@moved.example'),
    jsonb_build_object('external_id', 'u-5', 'roles', '["nothing"]'::jsonb),
    jsonb_build_object('external_id', 'u-6', 'secret', 'x'), '"u-7"'::jsonb, 'null'::jsonb, '[]'::jsonb,
    jsonb_build_object('external_id', 'u-10', 'email_verified', 'yes'),
    jsonb_build_object('external_id', 'u-11', 'username', 'ANN'),
    jsonb_build_object('external_id', 'u-12', 'totp', '{"secret": "short"}'::jsonb),
    jsonb_build_object('id', 'no uuid'), '{}'::jsonb)::text AS users \gset
SELECT position, external_id, user_id IS NOT NULL AS taken, created, error, error_description
  FROM auth_store.users_import(:'users', 'moved');
-- One that is not taken leaves nothing.
SELECT external_id, email, email_verified, first_name, metadata
  FROM auth_store.user_list('active', tenant_id => 'moved')
 ORDER BY external_id COLLATE "C" NULLS LAST;
SELECT user_id AS ann FROM auth_store.user_find('ann', 'username', 'moved') \gset
SELECT kind, name FROM auth_store.user_name_list(:'ann');
SELECT ok, must_change FROM auth_store.password_verify(:'ann', 'U*U');
SELECT role FROM auth_store.user_roles(:'ann');
SELECT count(*) FROM auth_store.mfa_factors WHERE user_id = :'ann' AND confirmed_at IS NOT NULL;
-- The same call again: nobody is made twice, and a password that was changed meanwhile stays.
SELECT error FROM auth_store.password_set(:'ann', 'violet lamp 7 quarry');
SELECT position, external_id, created, error FROM auth_store.users_import(:'users', 'moved') WHERE error IS NULL;
SELECT ok FROM auth_store.password_verify(:'ann', 'violet lamp 7 quarry');
SELECT count(*) FROM auth_store.mfa_factors WHERE user_id = :'ann';
SELECT event, count(*) FROM auth_store.audit_log WHERE user_id = :'ann' GROUP BY event ORDER BY event COLLATE "C";

-- Accounts at other providers: never two users for one.
SELECT user_id AS kay FROM auth_store.user_create('kay@moved.example', tenant_id => 'moved') \gset
SELECT error FROM auth_store.identity_link(:'kay', 'google', 'k');
SELECT jsonb_build_array(
    jsonb_build_object('external_id', 'u-1', 'identities', '[{"provider": "google", "subject": "a", "email_verified":
        true, "email": "ann@gmail.example"}, {"provider": "github", "subject": "a"}, {"provider": "google",
        "subject": "a"}]'::jsonb),
    jsonb_build_object('external_id', 'v-2', 'email', 'two@moved.example', 'identities',
        '[{"provider": "sso:acme.com", "subject": "2"}, {"provider": "google", "subject": "k"}]'::jsonb),
    jsonb_build_object('external_id', 'v-3', 'identities', '[{"provider": "github", "subject": "a"}]'::jsonb),
    jsonb_build_object('external_id', 'v-4', 'identities', '[{"provider": "gitlab", "subject": "4", "email":
        "no address", "email_verified": true}]'::jsonb),
    jsonb_build_object('external_id', 'v-5', 'identities', '[{"provider": "Google", "subject": "5"}]'::jsonb),
    jsonb_build_object('external_id', 'v-6', 'identities', '[{"provider": "google", "subject": ""}]'::jsonb),
    jsonb_build_object('external_id', 'v-7', 'identities', '[{"provider": "google"}]'::jsonb),
    jsonb_build_object('external_id', 'v-8', 'identities', '[{"provider": "google", "subject": "8", "x": 1}]'::jsonb),
    jsonb_build_object('external_id', 'v-9', 'identities', '{}'::jsonb),
    jsonb_build_object('identities', '[{"provider": "google", "subject": "10"}]'::jsonb),
    jsonb_build_object('external_id', 'v-11', 'identities', '[]'::jsonb))::text AS users \gset
SELECT position, external_id, created, error, error_description FROM auth_store.users_import(:'users', 'moved');
SELECT u.external_id, i.provider, i.subject, i.email, i.email_verified, i.last_used_at
  FROM auth_store.identities i JOIN auth_store.users u ON u.id = i.user_id WHERE i.tenant_id = 'moved'
 ORDER BY i.provider, i.subject;
SELECT external_id FROM auth_store.users WHERE external_id LIKE 'v-%' ORDER BY external_id COLLATE "C";
-- The user logs in with it; what the provider says then stays when the call is made again.
SELECT user_id = :'ann' AS ann, created, linked, error
  FROM auth_store.identity_login('google', 'a', 'ann.lee@gmail.example', true, tenant_id => 'moved');
SELECT position, external_id, created, error FROM auth_store.users_import(:'users', 'moved') WHERE error IS NULL;
SELECT email, last_used_at IS NOT NULL AS used FROM auth_store.identity_find('google', 'a', 'moved');
-- An account that was unlinked comes back with the call.
SELECT error FROM auth_store.identity_unlink(:'ann', 'github', 'a');
SELECT count(*) FROM auth_store.users_import(:'users', 'moved') WHERE error IS NULL;
SELECT provider, subject FROM auth_store.identity_list(:'ann') ORDER BY provider;
SELECT event, details, count(*) FROM auth_store.audit_log WHERE user_id = :'ann' AND event LIKE 'identity%'
 GROUP BY event, details ORDER BY event, details::text COLLATE "C";
SELECT left(users, 30) AS users, pg_temp.raised(format('SELECT auth_store.users_import(%L)', users)) FROM (VALUES
    (NULL), ('{}'), ('null'), ('1'), ((SELECT jsonb_agg('{}'::jsonb)::text FROM generate_series(1, 1001)))) t (users);
SELECT pg_temp.raised('SELECT auth_store.users_import(''[]'', ''nowhere'')');
SELECT count(*) FROM auth_store.users_import('[]');
SELECT auth_store.tenant_erase('moved', 'moved') > 0 AS erased;
