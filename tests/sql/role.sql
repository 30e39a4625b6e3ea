-- Roles: what they may, what they inherit, who has them and for how long.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('role_acme'), auth_store.tenant_create('role_globex');
SELECT user_id AS ann FROM auth_store.user_create('ann@role.example', tenant_id => 'role_acme') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@role.example', tenant_id => 'role_globex') \gset
CREATE FUNCTION pg_temp.roles(tenant text) RETURNS TABLE (name text, permissions text[], inherits text[],
    effective text[], built_in boolean) LANGUAGE sql AS $$
    SELECT name, permissions, inherits, effective, built_in FROM auth_store.role_list(tenant) $$;
CREATE FUNCTION pg_temp.may(who uuid, VARIADIC asked text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(a || CASE WHEN auth_store.user_has_permission(who, a) THEN ' yes' ELSE ' no' END, ', ')
      FROM unnest(asked) a $$;
SELECT FROM pg_temp.trail();

-- Every tenant has three, also before anything was written.
SELECT * FROM pg_temp.roles('role_acme');
SELECT count(*) FROM auth_store.roles WHERE tenant_id = 'role_acme';

-- A role, and one that inherits from it.
SELECT auth_store.role_create('clerk', ARRAY['orders:read', 'orders:read', 'invoices:*'], 'Keeps the orders',
                              'role_acme');
SELECT auth_store.role_create('chief', '{orders:*}', tenant_id => 'role_acme', inherits => '{clerk,user}');
SELECT * FROM pg_temp.roles('role_acme');
SELECT description, created_at = updated_at AS new FROM auth_store.role_list('role_acme') WHERE name = 'clerk';
SELECT event, resource_type, resource_id, details FROM auth_store.audit_log
 WHERE tenant_id = 'role_acme' AND event LIKE 'role.%' ORDER BY occurred_at;
-- A change comes down to the heirs; one that says nothing of something leaves it.
SELECT auth_store.role_update('clerk', '{stock:count}', tenant_id => 'role_acme');
SELECT * FROM pg_temp.roles('role_acme') WHERE name IN ('clerk', 'chief');
SELECT auth_store.role_update('user', '{profile:*,help:read}', tenant_id => 'role_acme');
SELECT auth_store.role_update('chief', description => 'Leads', tenant_id => 'role_acme');
SELECT * FROM pg_temp.roles('role_acme') WHERE name NOT IN ('clerk', 'admin');
SELECT description FROM auth_store.role_list('role_acme') WHERE name IN ('clerk', 'chief') ORDER BY name;
SELECT * FROM pg_temp.roles('role_globex') WHERE name = 'user';
SELECT event, resource_id, details FROM auth_store.audit_log
 WHERE tenant_id = 'role_acme' AND event = 'role.updated' ORDER BY occurred_at;
SELECT FROM pg_temp.trail();

-- Given, renewed, used, taken.
SELECT auth_store.role_assign(:'ann', 'clerk', assigned_by => :'ann', ip => '192.0.2.1', user_agent => 'a');
SELECT pg_temp.may(:'ann', 'stock:count', 'stock', 'stock:counting', 'orders:read');
SELECT auth_store.role_assign(:'ann', 'chief', clock_timestamp() + interval '1 h');
SELECT pg_temp.may(:'ann', 'stock:count', 'orders', 'orders:', 'orders:read', 'orders:read:own', 'profile:edit');
SELECT auth_store.user_permissions(:'ann');
SELECT tenant_id, role, permissions, assigned_by = :'ann' AS by_ann, expires_at IS NOT NULL AS ends
  FROM auth_store.user_roles(:'ann');
SELECT auth_store.role_assign(:'ann', 'clerk');
SELECT role, assigned_by, assigned_at > auth_store.id_time(id) AS renewed FROM auth_store.user_roles
 WHERE user_id = :'ann' AND role = 'clerk';
SELECT event, user_id = :'ann' AS ann, resource_id, ip, details ->> 'assigned_by' = :'ann' AS by_ann,
       details -> 'renewed' AS renewed, details ->> 'expires_at' IS NOT NULL AS ends
  FROM auth_store.audit_log WHERE event = 'role.assigned' AND user_id = :'ann' ORDER BY occurred_at;
-- After its end a role is none, and cleanup takes it.
UPDATE auth_store.user_roles SET expires_at = clock_timestamp() WHERE user_id = :'ann' AND role = 'chief';
SELECT pg_temp.may(:'ann', 'stock:count', 'orders:read');
SELECT role FROM auth_store.user_roles(:'ann');
SELECT deleted FROM auth_store.cleanup_batch('user_roles');
SELECT role FROM auth_store.user_roles WHERE user_id = :'ann';
SELECT auth_store.role_unassign(:'ann', 'clerk', reason => 'moved on'), auth_store.role_unassign(:'ann', 'clerk');
SELECT auth_store.user_permissions(:'ann');
SELECT event, details FROM auth_store.audit_log WHERE event = 'role.unassigned' AND user_id = :'ann';

-- A user of one organisation with a role in another.
SELECT auth_store.role_assign(:'ann', 'user'),
       auth_store.role_assign(:'ann', 'moderator', tenant_id => 'role_globex', assigned_by => :'bob');
SELECT tenant_id, role, permissions FROM auth_store.user_roles(:'ann');
SELECT tenant_id, role FROM auth_store.user_roles(:'ann', 'role_globex');
SELECT auth_store.user_permissions(:'ann') AS own, auth_store.user_permissions(:'ann', 'role_globex') AS other,
       auth_store.user_permissions(:'ann', 'default') AS none;
SELECT auth_store.user_has_permission(:'ann', 'content:hide') AS own,
       auth_store.user_has_permission(:'ann', 'content:hide', 'role_globex') AS other,
       auth_store.user_has_permission(:'ann', 'content:hide', 'no such tenant') AS none;
-- Who is pinned to the other sees the member, and not the member's other roles; the member's status counts.
SET auth_store.tenant_id = 'role_globex';
SELECT auth_store.user_has_permission(:'ann', 'content:hide') AS here,
       auth_store.user_has_permission(:'ann', 'help:read', 'role_acme') AS there;
SELECT tenant_id, role FROM auth_store.user_roles(:'ann');
SELECT pg_temp.raised(format('SELECT auth_store.role_assign(%L, %L)', :'ann', 'admin'));
RESET auth_store.tenant_id;
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'ann';
SELECT auth_store.user_has_permission(:'ann', 'help:read') AS own,
       auth_store.user_has_permission(:'ann', 'content:hide', 'role_globex') AS other,
       auth_store.user_permissions(:'ann');
SELECT tenant_id, role FROM auth_store.user_roles(:'ann');
UPDATE auth_store.users SET status = 'active' WHERE id = :'ann';

-- Deleted: taken from all, unless somebody inherits from it.
SELECT auth_store.role_assign(:'ann', 'clerk');
SELECT pg_temp.raised($$SELECT auth_store.role_delete('clerk', 'role_acme')$$);
SELECT pg_temp.raised($$SELECT auth_store.role_delete('admin', 'role_acme')$$);
SELECT auth_store.role_update('chief', tenant_id => 'role_acme', inherits => '{}');
SELECT auth_store.role_delete('clerk', 'role_acme');
SELECT role FROM auth_store.user_roles(:'ann', 'role_acme');
SELECT event, resource_id, details FROM auth_store.audit_log WHERE event = 'role.deleted';

-- Circles, of one and of several.
SELECT auth_store.role_create(n, tenant_id => 'role_acme', inherits => i)
  FROM (VALUES ('a', '{}'::text[]), ('b', '{a}'), ('c', '{b}')) t (n, i);
SELECT pg_temp.raised($$SELECT auth_store.role_update('a', tenant_id => 'role_acme', inherits => '{c}')$$);
SELECT pg_temp.raised($$SELECT auth_store.role_update('a', tenant_id => 'role_acme', inherits => '{a}')$$);
SELECT pg_temp.raised($$SELECT auth_store.role_create('d', tenant_id => 'role_acme', inherits => '{d}')$$);
SELECT pg_temp.raised($$SELECT auth_store.role_create('d', tenant_id => 'role_acme', inherits => '{nobody}')$$);
SELECT name, inherits FROM pg_temp.roles('role_acme') WHERE length(name) = 1;

-- What is no permission, no name, not there.
SELECT p AS permission, pg_temp.raised(format('SELECT auth_store.role_create(%L, ARRAY[%L], tenant_id => %L)', 'bad', p,
                                              'role_acme'))
  FROM unnest(ARRAY['', 'Users:read', 'users:%', 'us*', '*:read', 'users:*:own', '**', 'users read', 'é']) p;
SELECT asked, pg_temp.raised(format('SELECT auth_store.user_has_permission(%L, %L)', :'ann', asked))
  FROM unnest(ARRAY['users:*', '*', 'users:%', '', NULL]) asked;
SELECT pg_temp.raised(q) FROM (VALUES
    ('SELECT auth_store.role_create(NULL)'), ('SELECT auth_store.role_create(''A'')'),
    ('SELECT auth_store.role_create(''user'')'), ('SELECT auth_store.role_create(''b'', ARRAY[NULL])'),
    ('SELECT auth_store.role_create(''b'', tenant_id => ''nowhere'')'),
    ('SELECT auth_store.role_update(''nobody'')'), ('SELECT auth_store.role_delete(''nobody'')'),
    ('SELECT auth_store.role_list(''nowhere'')'),
    ('SELECT auth_store.role_assign(NULL, ''user'')'),
    ('SELECT auth_store.role_assign(''00000000-0000-0000-0000-000000000000'', ''user'')'),
    (format('SELECT auth_store.role_assign(%L, NULL)', :'ann')),
    (format('SELECT auth_store.role_assign(%L, ''nobody'')', :'ann')),
    (format('SELECT auth_store.role_assign(%L, ''user'', tenant_id => ''nowhere'')', :'ann')),
    (format('SELECT auth_store.role_assign(%L, ''user'', now() - interval ''1 s'')', :'ann')),
    (format('SELECT auth_store.role_assign(%L, ''user'', assigned_by => %L)', :'ann', gen_random_uuid())),
    (format('SELECT auth_store.role_unassign(%L, ''user'', ''nowhere'')', :'ann')),
    ('SELECT auth_store.user_permissions(NULL)'), ('SELECT auth_store.user_roles(NULL)')) t (q);
SELECT auth_store.user_permissions(gen_random_uuid()), auth_store.user_has_permission(gen_random_uuid(), 'a');

-- An erased tenant leaves no role, of its own users or of others.
SELECT auth_store.tenant_erase('role_globex', 'role_globex') > 0 AS erased;
SELECT tenant_id, role FROM auth_store.user_roles WHERE user_id = :'ann';
SELECT auth_store.tenant_erase('role_acme', 'role_acme') > 0 AS erased;
SELECT count(*) FROM auth_store.user_roles WHERE tenant_id LIKE 'role\_%';

-- A row that was found before is asked whether it is the one: these two come to the same number.
SELECT auth_store.tenant_create('a.together'), auth_store.tenant_create('b.together');
SELECT user_id AS both FROM auth_store.user_create(tenant_id => 'a.together') \gset
SELECT auth_store.role_create('reader', '{docs:read}', tenant_id => id),
       auth_store.role_assign(:'both', 'reader', tenant_id => id)
  FROM unnest('{a.together,b.together}'::text[]) id;
SELECT auth_store.tenant_set_status('b.together', 'suspended');
SELECT id, auth_store.user_has_permission(:'both', 'docs:read', id) AS may
  FROM unnest('{a.together,a.together,b.together,a.together,b.together}'::text[]) id;
