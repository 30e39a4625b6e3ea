-- Invitations to a tenant with a role: made, looked at, accepted once, taken back.
\i tests/sql/include/helpers.sql
\set VERBOSITY terse

SELECT auth_store.tenant_create('hosts', 'Hosts'), auth_store.tenant_create('guests', 'Guests');
SELECT auth_store.tenant_policy_set('hosts', '{"mail_interval": "0 s"}') IS NOT NULL AS set;
SELECT auth_store.role_create('editor', '{documents:*}', tenant_id => 'hosts');
SELECT user_id AS host FROM auth_store.user_create('host@hosts.example', tenant_id => 'hosts') \gset
SELECT user_id AS guest FROM auth_store.user_create('Guest@guests.example', tenant_id => 'guests') \gset
SELECT user_id AS other FROM auth_store.user_create('other@guests.example', tenant_id => 'guests') \gset

-- Made for an address, which may be no user's; a newer one ends the older.
SELECT token AS first, mail_to, user_id IS NULL AS nobody, expires_at - clock_timestamp() > '1 day' AS lives, error
  FROM auth_store.invitation_create('guest@guests.example', 'editor', 'hosts', invited_by => :'host') \gset
SELECT token AS token, mail_to, expires_at - clock_timestamp() < '1 hour' AS short
  FROM auth_store.invitation_create('GUEST@guests.example', 'editor', 'hosts', clock_timestamp() + '59 min',
      :'host') \gset
SELECT :'nobody' AS nobody, :'lives' AS lives, :'mail_to' AS mail_to, :'short' AS short;
SELECT token LIKE 'asot\_%' AS token, mail_to
  FROM auth_store.invitation_create('new@elsewhere.example', 'user', 'hosts');
-- Who has the address in the tenant gets it as it is stored.
SELECT mail_to FROM auth_store.invitation_create('HOST@hosts.example', 'admin', 'hosts');

-- To look uses nothing.
SELECT tenant_id, tenant_name, email, role, invited_by = :'host' AS by_host, expires_at > clock_timestamp() AS lives,
       error FROM auth_store.invitation_show(:'token');
SELECT purpose, tenant_id, details ->> 'role' AS role FROM auth_store.one_time_show(:'token');
SELECT error, error_description FROM auth_store.invitation_show(:'first');
SELECT what, error, error_description FROM (VALUES (1, 'NULL', NULL), (2, 'empty', ''), (3, 'nonsense', 'x'),
    (4, 'altered', pg_temp.altered(:'token'))) v (n, what, t), auth_store.invitation_show(t) ORDER BY n;
SELECT tenant_name, email, role, invited_by = :'host' AS by_host, error
  FROM auth_store.invitation_list(tenant_id => 'hosts') ORDER BY email COLLATE "C";
SELECT count(*) AS paged FROM auth_store.invitation_list(max_rows => 2, tenant_id => 'hosts') i,
    auth_store.invitation_list(after => i.invitation_id, tenant_id => 'hosts') b;

-- Who may not accept: who has not proved the address, who has another, who is not active, and by a token that is none.
CREATE FUNCTION pg_temp.accepts(what text, token text, who text, any_address boolean DEFAULT NULL)
    RETURNS TABLE (case_of text, tenant_id text, role text, error text, error_description text) LANGUAGE sql AS $$
    SELECT what, a.tenant_id, a.role, a.error, a.error_description
      FROM auth_store.invitation_accept(token, who::uuid, any_address) a
$$;
SELECT * FROM pg_temp.accepts('not proved', :'token', :'guest');
UPDATE auth_store.user_names SET verified_at = clock_timestamp() WHERE user_id IN (:'guest', :'other');
SELECT * FROM pg_temp.accepts('another address', :'token', :'other');
SELECT * FROM pg_temp.accepts('replaced', :'first', :'guest');
SELECT * FROM pg_temp.accepts('altered', pg_temp.altered(:'token'), :'guest');
SELECT * FROM pg_temp.accepts('NULL', NULL, :'guest');
BEGIN;
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'guest';
SELECT * FROM pg_temp.accepts('not active', :'token', :'guest');
ROLLBACK;
BEGIN;
UPDATE auth_store.tenants SET status = 'suspended' WHERE id = 'hosts';
SELECT * FROM pg_temp.accepts('tenant not active', :'token', :'guest');
SELECT error FROM auth_store.invitation_create('late@hosts.example', 'editor', 'hosts');
ROLLBACK;
BEGIN;
SELECT auth_store.role_delete('editor', 'hosts');
SELECT * FROM pg_temp.accepts('role gone', :'token', :'guest');
ROLLBACK;
BEGIN;
UPDATE auth_store.one_time_tokens SET expires_at = clock_timestamp() WHERE purpose = 'invitation';
SELECT * FROM pg_temp.accepts('too late', :'token', :'guest');
SELECT count(*) AS waiting FROM auth_store.invitation_list(tenant_id => 'hosts');
ROLLBACK;
BEGIN;
SELECT * FROM pg_temp.accepts('whoever has the link', :'token', :'other', true);
ROLLBACK;
-- Once, by the one who was invited, and by whom it was given.
SELECT * FROM pg_temp.accepts('accepted', :'token', :'guest');
SELECT * FROM pg_temp.accepts('used', :'token', :'guest');
SELECT tenant_id, role, assigned_by = :'host' AS by_host FROM auth_store.user_roles(:'guest');
SELECT email, own FROM auth_store.member_list(tenant_id => 'hosts');
SELECT auth_store.user_has_permission(:'guest', 'documents:read', 'hosts') AS may;
SELECT email FROM auth_store.invitation_list(tenant_id => 'hosts') ORDER BY email COLLATE "C";

-- Taken back.
SELECT token AS token FROM auth_store.invitation_create('other@guests.example', 'editor', 'hosts') \gset
SELECT invitation_id AS id FROM auth_store.invitation_show(:'token') \gset
SELECT auth_store.invitation_revoke(:'id', 'a mistake'), auth_store.invitation_revoke(:'id');
SELECT * FROM pg_temp.accepts('taken back', :'token', :'other');
SELECT error FROM auth_store.invitation_show(:'token');

-- What an application does wrong; and an address that is none.
SELECT error, error_description FROM auth_store.invitation_create('nobody', 'editor', 'hosts');
SELECT pg_temp.raised(call) FROM (VALUES
    ($$SELECT auth_store.invitation_create(NULL, 'editor', 'hosts')$$),
    ($$SELECT auth_store.invitation_create('a@b.example', NULL, 'hosts')$$),
    ($$SELECT auth_store.invitation_create('a@b.example', 'nobody', 'hosts')$$),
    ($$SELECT auth_store.invitation_create('a@b.example', 'editor', 'nowhere')$$),
    ($$SELECT auth_store.invitation_create('a@b.example', 'editor', 'hosts', '2000-01-01')$$),
    ($$SELECT auth_store.invitation_create('a@b.example', 'editor', 'hosts', 'infinity')$$),
    ($$SELECT auth_store.invitation_create('a@b.example', 'editor', 'hosts', invited_by => gen_random_uuid())$$),
    ($$SELECT auth_store.invitation_accept('x', NULL)$$),
    ($$SELECT auth_store.invitation_accept('x', gen_random_uuid())$$),
    ($$SELECT auth_store.invitation_revoke(NULL)$$), ($$SELECT auth_store.invitation_list(tenant_id => 'nowhere')$$),
    ($$SELECT auth_store.invitation_list(max_rows => 0)$$)) v (call);
-- No more mail for one address than the tenant's policy lets.
SELECT auth_store.tenant_policy_set('hosts', '{"mail_interval": "1 min"}') IS NOT NULL AS set;
SELECT error IS NULL AS first FROM auth_store.invitation_create('often@hosts.example', 'editor', 'hosts');
SELECT error, retry_after > 0 AS later FROM auth_store.invitation_create('OFTEN@hosts.example', 'editor', 'hosts');

SELECT event, tenant_id, error, user_id IS NOT NULL AS "user", resource_type, resource_id IS NOT NULL AS id,
       details - 'invited_by' AS details, count(*)
  FROM auth_store.recent_activity WHERE event LIKE 'invitation.%' GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 3, 7, 4;
SELECT auth_store.tenant_erase('hosts', 'hosts') > 0, auth_store.tenant_erase('guests', 'guests') > 0;
