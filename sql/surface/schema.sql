COMMENT ON FUNCTION auth_store.install IS
    'Creates the tables, views, policies and partitions of the store, or puts back what is missing of them; repairs '
    'ownership after a restore with --no-owner; says which version the tables are after a restore of the schema '
    'alone; makes the privileges on schema, tables, views, functions and types exactly the shipped ones: what anybody '
    'else was granted on them, by hand or by default privileges, is taken back. '
    'Idempotent; the caller''s settings (search_path, quote_all_identifiers, default_tablespace, ...) change nothing. '
    'Tables of another version it leaves to migrate(), with a WARNING. Superusers only (42501). '
    'Refuses tables that belong to a role that is neither auth_store_owner nor a superuser (42501). '
    'Returns the version of the tables.';
ALTER FUNCTION auth_store.install COST 100000;

COMMENT ON FUNCTION auth_store.migrate IS
    'Brings the tables to a version: to_version, or the library''s own where it is NULL; up or down, in one '
    'transaction. Superusers only (42501); 22023 for a version that is not known. '
    'Then it gives a key to each e-mail address that has none and is no other user''s; where one is, a NOTICE says so '
    'and check() names both. Returns the version.';
ALTER FUNCTION auth_store.migrate COST 100000;

COMMENT ON FUNCTION auth_store.check IS
    'Lists what is missing, foreign or altered in this database: the object, the problem and what to do. '
    'severity is problem, or note for what an application added that the store can live with: a trigger, a column, an '
    'index, a constraint, a restrictive policy. No row with severity problem: all is well. '
    'Compared are definitions, not names: columns, constraints, indexes, policies, views, types, functions, owners, '
    'privileges, the store''s roles.';
ALTER FUNCTION auth_store.check COST 100000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.check TO auth_store_admin, auth_store_auditor;

COMMENT ON FUNCTION auth_store.uninstall IS
    'Drops every table and view of the store with all rows, so that DROP EXTENSION succeeds. '
    'confirm must be the name of the current database (22023). '
    'Refused (2BP01) while something else refers to the tables. Superusers only (42501). '
    'Returns true: what can''t be done is an error.';
ALTER FUNCTION auth_store.uninstall COST 100000;

COMMENT ON FUNCTION auth_store.restoring IS
    'Whether the session restores a dump: check_function_bodies is off and CREATE EXTENSION did not switch it off '
    'itself. The install script then makes no tables, because the dump brings them.';
ALTER FUNCTION auth_store.restoring COST 1;

COMMENT ON FUNCTION auth_store.guard IS
    'The function of the event trigger auth_store_guard: a command begins that may drop something. '
    'What would drop a table or view of auth_store, a column or a foreign key is then refused (55000), by whatever '
    'cascade and whoever says it, unless auth_store.allow_drop is on, in a restore (check_function_bodies = off, as '
    'pg_restore has it) and in the store''s own functions.';
ALTER FUNCTION auth_store.guard COST 10000;

COMMENT ON FUNCTION auth_store.guard_tables IS
    'What guard() asks of the library: guards the tables while the command with this tag runs; true. '
    'Not after DROP EXTENSION, which drops no table.';
ALTER FUNCTION auth_store.guard_tables COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.guard_tables TO auth_store_owner;

COMMENT ON FUNCTION auth_store.tenant_visible IS
    'Whether the session may see rows of that tenant: true unless auth_store.tenant_id is set to another one. '
    'What the policies tenant_pin call.';
ALTER FUNCTION auth_store.tenant_visible COST 1;
GRANT EXECUTE ON FUNCTION auth_store.tenant_visible TO
    auth_store_owner, auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor, auth_store_verifier,
    auth_store_worker, auth_store_jobs, auth_store_monitor, auth_store_developer;

COMMENT ON FUNCTION auth_store.id_time IS
    'When an id of the store was made, to the millisecond: the first 48 bits of a UUIDv8 (RFC 9562 section 5.8). '
    'NULL for NULL.';
ALTER FUNCTION auth_store.id_time COST 1;
GRANT EXECUTE ON FUNCTION auth_store.id_time TO
    auth_store_owner, auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor, auth_store_verifier,
    auth_store_worker, auth_store_jobs, auth_store_monitor, auth_store_developer;

COMMENT ON FUNCTION auth_store.health IS
    'Whether the store does its work, for a probe: a row for each thing that it looks at, with status ok, warn or '
    'fail and, unless it is ok, what to do. tables: there, and of the library''s version (if not, this is the only '
    'row); partitions: this month''s and the next month''s; cleanup: when it last ran (warn after an hour, fail '
    'after a week); counting: up to when cleanup has counted the trail; master_key: can be read where something is '
    'sealed; audit_seal: where the trail was ever sealed, whether all is that is older than two hours, and '
    'no transaction was open for as long when the newest head was made; webhooks: '
    'how long a delivery has waited that could be sent (warn after five minutes, fail after an hour); preloaded; '
    'replication_slots: unused ones that hold more than 1 GB of WAL; timeline: primary or standby (warn after a '
    'fail-over, a restore or a restored dump, until recovered() is called); on a standby replica_lag: how far it is '
    'behind (fail beyond auth_store.max_replica_lag); and for each subscription that writes tables of the store '
    '"subscription" and its name: whether it runs, copies, and heard the publisher in the last 90 s. It reads no '
    'more than some pages of small tables. Read-only, also on a standby.';
ALTER FUNCTION auth_store.health COST 100000 ROWS 9;
GRANT EXECUTE ON FUNCTION auth_store.health
   TO auth_store_admin, auth_store_auditor, auth_store_jobs, auth_store_monitor;

COMMENT ON FUNCTION auth_store.replica_lag IS
    'For how long, at most, a commit may have been durable on the primary without being seen on this standby; NULL '
    'on a primary. By what the primary has said of itself: while it writes nothing, and once it is not heard, the '
    'time grows. The clocks of both have to agree. A standby that has received nothing yet counts from 2000 on. '
    'While it is more than auth_store.max_replica_lag, functions that read the tables raise 55000.';
ALTER FUNCTION auth_store.replica_lag COST 10;
GRANT EXECUTE ON FUNCTION auth_store.replica_lag TO auth_store_app, auth_store_reader, auth_store_verifier,
   auth_store_admin, auth_store_auditor, auth_store_jobs, auth_store_monitor;
