-- Users in several organisations: members of a tenant, the tenants of a user, and acting in another.
\i tests/sql/include/helpers.sql
\set VERBOSITY terse

SELECT auth_store.tenant_create('north', 'North'), auth_store.tenant_create('south', 'South');
SELECT user_id AS ann FROM auth_store.user_create('ann@north.example', tenant_id => 'north', external_id => 'a') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@south.example', tenant_id => 'south') \gset
SELECT session_token AS anns FROM auth_store.session_create(:'ann', acr => 'mfa', amr => '{pwd,otp}') \gset
SELECT session_token AS bobs FROM auth_store.session_create(:'bob') \gset
SELECT auth_store.role_create('packer', '{orders:pack}', tenant_id => 'south');
CREATE TEMP VIEW members AS
    SELECT email, external_id, roles, member_since <= now() AS since, own
      FROM auth_store.member_list(tenant_id => 'south');

SELECT * FROM members;
SELECT tenant_id, display_name, roles, own FROM auth_store.user_tenants(:'ann');
SELECT auth_store.role_assign(:'ann', 'packer', assigned_by => :'bob', tenant_id => 'south'),
       auth_store.role_assign(:'ann', 'user', clock_timestamp() + '1 day', tenant_id => 'south'),
       auth_store.role_assign(:'bob', 'admin');
SELECT * FROM members;
SELECT tenant_id, display_name, roles, own FROM auth_store.user_tenants(:'ann');
SELECT count(*) AS packers FROM auth_store.member_list('packer', tenant_id => 'south');
-- Page by page.
SELECT m.email, count(n.*) AS behind
  FROM auth_store.member_list(tenant_id => 'south') m
       LEFT JOIN LATERAL auth_store.member_list(after => m.user_id, tenant_id => 'south') n ON true
 GROUP BY m.user_id, m.email ORDER BY m.user_id;
SELECT count(*) FROM auth_store.member_list(max_rows => 1, tenant_id => 'south');

-- The user acts in the other tenant, with what the role there allows.
CREATE TEMP VIEW acts AS
    SELECT auth_store.current_tenant_id() AS tenant, auth_store.current_has_permission('orders:pack') AS pack,
           auth_store.principal_recheck() AS stands;
SELECT * FROM pg_temp.acts;
BEGIN;
SELECT ok, tenant_id, error FROM auth_store.authenticate(:'anns');
SELECT * FROM acts;
SELECT ok, tenant_id, error FROM auth_store.authenticate(:'anns', tenant_id => 'south');
SELECT * FROM acts;
SELECT auth_store.role_unassign(:'ann', 'packer', 'south');
SELECT * FROM acts;
SELECT auth_store.member_remove(:'ann', 'south', 'left');
SELECT * FROM acts;
ROLLBACK;
-- Who is no member there, a tenant that is none or not active.
SELECT t, ok, error, error_description
  FROM (VALUES (1, 'north'), (2, 'nowhere'), (3, ''), (4, 'south')) v (n, t),
       auth_store.authenticate(:'bobs', tenant_id => t) ORDER BY n;
BEGIN;
SELECT auth_store.tenant_set_status('south', 'suspended');
SELECT ok, error FROM auth_store.authenticate(:'anns', tenant_id => 'south');
SELECT auth_store.user_has_permission(:'ann', 'orders:pack', 'south') AS has;
SELECT tenant_id FROM auth_store.user_tenants(:'ann');
ROLLBACK;
BEGIN;
UPDATE auth_store.user_roles SET expires_at = '2000-01-01' WHERE user_id = :'ann';
SELECT ok, error FROM auth_store.authenticate(:'anns', tenant_id => 'south');
SELECT email, roles FROM members;
ROLLBACK;

-- Step-up (RFC 9470 section 3): the log-in is too old, or of another kind than the server wants.
SELECT n, ok, error, error_description FROM (VALUES
    (1, '1 h', NULL), (2, '0', NULL), (3, NULL, 'mfa'), (4, NULL, 'phr mfa'), (5, NULL, 'phr'), (6, '1 h', 'mfa'),
    (7, '0', 'mfa')) v (n, age, acr), auth_store.authenticate(:'anns', max_age => age::interval, acr_values => acr)
 ORDER BY n;
SELECT ok, error FROM auth_store.authenticate(:'bobs', acr_values => 'mfa');
SELECT pg_temp.raised(format('SELECT auth_store.authenticate(%L, %s)', :'anns', argument))
  FROM (VALUES ($$acr_values => ''$$), ($$acr_values => 'a  b'$$), ($$acr_values => ' a'$$),
               ($$max_age => '-1 s'$$)) v (argument);
BEGIN;
SELECT ok FROM auth_store.authenticate(:'anns');
SELECT ok FROM auth_store.authenticate(:'anns', acr_values => 'phr');
SELECT auth_store.current_user_id() IS NULL AS nobody;
ROLLBACK;

-- A member leaves; nothing of the user's own is lost.
SELECT auth_store.member_remove(:'ann', 'south', 'left'), auth_store.member_remove(:'ann', 'south');
SELECT email FROM members;
SELECT valid FROM auth_store.session_validate(:'anns');
SELECT event, tenant_id, user_id = :'ann' AS ann, details FROM auth_store.recent_activity
 WHERE event LIKE 'member.%';
SELECT auth_store.member_remove(gen_random_uuid(), 'south'), count(*) FROM auth_store.user_tenants(gen_random_uuid());
SELECT pg_temp.raised(call) FROM (VALUES
    ('SELECT auth_store.member_remove(NULL)'),
    (format('SELECT auth_store.member_remove(%L, %L)', :'ann', 'nowhere')),
    (format('SELECT auth_store.member_remove(%L, %L, %L)', :'ann', 'south', repeat('x', 1001))),
    ('SELECT auth_store.user_tenants(NULL)'), ($$SELECT auth_store.member_list(tenant_id => 'nowhere')$$),
    ('SELECT auth_store.member_list(max_rows => 0)'), ('SELECT auth_store.member_list(max_rows => 1001)')) v (call);
SELECT auth_store.tenant_erase('north', 'north') > 0, auth_store.tenant_erase('south', 'south') > 0;
