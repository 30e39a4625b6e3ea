COMMENT ON FUNCTION auth_store.role_create IS
    E'Makes a role of a tenant and returns its name. Every tenant has the roles admin (may everything), moderator and '
    'user.\n'
    'name: 1 to 63 bytes of a-z, 0-9, dots, underscores and hyphens (22023); 23505 where it exists. '
    'permissions: at most 500 of 1 to 255 bytes of a-z, 0-9, dots, underscores, hyphens and colons (22023); an '
    'asterisk may stand alone, for all, or last and after a colon: users:* covers users:read and users:read:own, not '
    'users. inherits: at most 20 roles of the tenant whose permissions it has too, now and as they change; 23503 where '
    'one is unknown. tenant_id: default the session''s; 23503 where it is unknown.';
ALTER FUNCTION auth_store.role_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.role_create TO auth_store_admin;

COMMENT ON FUNCTION auth_store.role_update IS
    'Changes a role, also one that every tenant has; what it comes to changes at once for all who have it, or a role '
    'that inherits from it. Arguments are those of role_create(), NULL for what stays as it is. 22023 where the role '
    'would inherit from itself by way of others, 23503 where it is unknown. Always true.';
ALTER FUNCTION auth_store.role_update COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.role_update TO auth_store_admin;

COMMENT ON FUNCTION auth_store.role_delete IS
    'Deletes a role and takes it from all who have it; returns from how many. 55000 for one that every tenant has, and '
    'where another role inherits from it. 23503 where it is unknown.';
ALTER FUNCTION auth_store.role_delete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.role_delete TO auth_store_admin;

COMMENT ON FUNCTION auth_store.role_list IS
    'The roles of a tenant by name. permissions: its own; effective: with what it inherits. '
    'tenant_id: default the session''s; 23503 where it is unknown. Read-only, also on a standby.';
ALTER FUNCTION auth_store.role_list COST 5000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.role_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.role_assign IS
    E'Gives a user a role. True where the user did not have it; false where the user did, which then has the new end '
    'and giver.\n'
    'expires_at: a time to come (22023), NULL: until it is taken away. assigned_by: the user who gives it, NULL for '
    'the application itself. tenant_id: the tenant of the role, default the user''s own; who belongs to several '
    'organisations has a role in each. 23503 for an unknown user, role or tenant, 22004 for NULL. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.role_assign COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.role_assign TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.role_unassign IS
    'Takes a role from a user; false where the user did not have it. tenant_id: the tenant of the role, default the '
    'user''s own. reason: at most 1000 characters, for the audit row. 23503 for an unknown user or tenant, 22004 for '
    'NULL. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.role_unassign COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.role_unassign TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_roles IS
    'The roles that a user has now, of one tenant or, with NULL, of all. No row for an unknown user. Says nothing of '
    'the user''s status. 22004 for NULL. Read-only, also on a standby.';
ALTER FUNCTION auth_store.user_roles COST 5000 ROWS 5;
GRANT EXECUTE ON FUNCTION auth_store.user_roles TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_permissions IS
    'What a user may in a tenant by the roles that the user has now, wildcards as they are, without those that another '
    'covers. Empty for an unknown user, for one who is not active and for a tenant that is not. '
    'tenant_id: default the session''s pin, else the user''s own. 22004 for NULL. Read-only, also on a standby.';
ALTER FUNCTION auth_store.user_permissions COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.user_permissions TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_has_permission IS
    'Whether one of the roles that an active user has now allows this in an active tenant. False for an unknown user, '
    'tenant or permission. permission: no wildcard (22023). tenant_id: default the session''s pin, else the user''s '
    'own. 22004 for NULL. Read-only, also on a standby.';
ALTER FUNCTION auth_store.user_has_permission COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.user_has_permission TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin;

COMMENT ON FUNCTION auth_store.member_list IS
    E'The members of a tenant: the users who have a role in it now, whatever tenant they are of, in the order of their '
    'ids.\n'
    'role: those who have this one. after: the user_id that the page before ended with. max_rows: 1 to 1000 (22023), '
    'default 100. tenant_id: default the session''s; 23503 where it is unknown. A session that is pinned to the tenant '
    'is not told what users of others are called. Read-only, also on a standby.';
ALTER FUNCTION auth_store.member_list COST 5000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.member_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.member_remove IS
    'Takes every role in a tenant from a user, who is not a member then; false where the user has none. What the user '
    'has in the user''s own tenant, sessions and tokens too, stays: user_end() ends that. '
    'tenant_id: default the session''s; 23503 where it is unknown. reason: at most 1000 characters, for the audit row. '
    '22004 for NULL. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.member_remove COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.member_remove TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_tenants IS
    'The active tenants that an active user may act in, see authenticate(): the user''s own, and those in which the '
    'user has a role. No row for an unknown user. 22004 for NULL. Read-only, also on a standby.';
ALTER FUNCTION auth_store.user_tenants COST 5000 ROWS 5;
GRANT EXECUTE ON FUNCTION auth_store.user_tenants TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin;
