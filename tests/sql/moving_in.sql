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
SELECT left(users, 30) AS users, pg_temp.raised(format('SELECT auth_store.users_import(%L)', users)) FROM (VALUES
    (NULL), ('{}'), ('null'), ('1'), ((SELECT jsonb_agg('{}'::jsonb)::text FROM generate_series(1, 1001)))) t (users);
SELECT pg_temp.raised('SELECT auth_store.users_import(''[]'', ''nowhere'')');
SELECT count(*) FROM auth_store.users_import('[]');
SELECT auth_store.tenant_erase('moved', 'moved') > 0 AS erased;
