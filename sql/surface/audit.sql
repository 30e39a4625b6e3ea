COMMENT ON FUNCTION auth_store.audit_write IS
    'Writes an event of the application''s own into the audit trail, in the caller''s transaction; returns its id. '
    'The row is marked from_application, and has who called. event: its name, as order.shipped; none of the names of '
    'the store''s own events (22023, with the names in the HINT). success: NULL is whether error is NULL. '
    'risk_score: 0 to 1, kept to six digits; NULL is the highest risk among those flags that the store knows, else 0. '
    'flags: at most 32 names of at most 64 bytes. details: a JSON object of at most 64 kB. '
    'user_agent is cut after 512 characters. '
    'tenant_id: NULL is the tenant of the user or client named, else the session''s, else default. '
    '22004 for a NULL event or flag, 22023 for a shape or length, 23503 for an unknown tenant or one that is not the '
    'user''s or client''s.';
ALTER FUNCTION auth_store.audit_write COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.audit_write TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_activity IS
    'What happened to one user, the newest first, for that user''s own page: nobody else''s rows, and no risk, flag or '
    'detail. since: NULL is 30 days ago. Page by page: before is the activity_id of the last row of the page before, '
    'max_rows 1 to 1000 (22023). The application must know that who asks is that user. An unknown user has no rows. '
    'It reads the months since then by their index: some hundredths of each. Read-only, also on a standby. '
    '22004 for a user_id that is NULL.';
ALTER FUNCTION auth_store.user_activity COST 100000 ROWS 50;
GRANT EXECUTE ON FUNCTION auth_store.user_activity TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.audit_trail IS
    'The audit trail, all that is kept of it and not 30 days, the newest rows first; each argument that is given '
    'narrows it. ip: an address, or a network that it is in. since: from then on; until: before then. flags: rows that '
    'have all of them. details: rows whose details contain this object (22023 for another shape or above 64 kB). '
    'tenant_id: a tenant''s rows, also of one that is gone; a pinned session has its own alone. '
    'Page by page: before is the id of the last row of the page before, max_rows 1 to 1000 (22023). '
    'Each month has indexes for all of them but for a network and for steps that were granted (success => true). It is '
    'read back from until or before on, only as far as the page needs; where a network''s rows are rare, name another '
    'argument beside it. '
    'Read-only, also on a standby. 22023 for a NULL flag.';
ALTER FUNCTION auth_store.audit_trail COST 100000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.audit_trail TO auth_store_admin, auth_store_auditor;

COMMENT ON FUNCTION auth_store.partitions_ensure IS
    'Makes the audit trail''s partitions for this month and the next months_ahead (0 to 120) where they are missing; '
    'returns how many it made. Months are those of UTC. It lets every reader and writer pass. '
    'The first step of a month makes the next one''s by itself. '
    'An error here is the server''s own: 42501 where an event trigger may not do what it does as auth_store_owner.';
ALTER FUNCTION auth_store.partitions_ensure COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.partitions_ensure TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.partitions_drop IS
    'Drops the months of the audit trail that ended longer ago than older_than (NULL: auth_store.audit_retention), '
    'never the current one; returns how many. Each leaves a row audit.month_dropped. '
    'Less than auth_store.audit_retention is for superusers only (42501). '
    'Waits at most five times a fifth of a second for a month in use, and leaves it to the next run with a NOTICE. '
    '42501 in a session pinned to one tenant: a month belongs to all.';
ALTER FUNCTION auth_store.partitions_drop COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.partitions_drop TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.audit_seal IS
    'Closes what is committed of the audit trail, and is in no segment yet, into segments of at most 65,536 rows of '
    'one month; returns their heads, none where there is nothing to seal. A row whose transaction is open meanwhile is '
    'in a later segment. Each segment is a Merkle tree (RFC 6962, SHA-256) whose root goes into a chain of heads, and '
    'the vault seals each head. No writer waits for it; erasures of users and tenants do, and other calls of it. '
    'A call ends with the month in which it has sealed 4,000,000 rows: call it until it returns nothing. It leaves a '
    'row audit.sealed with the newest head, which webhooks get too; rows of that event alone are not sealed. '
    'only_continue: true does nothing where nothing was ever sealed, for a schedule. '
    '55000 where the vault has no master key. 42501 in a session pinned to one tenant: the trail is sealed for all.';
ALTER FUNCTION auth_store.audit_seal COST 100000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.audit_seal TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.audit_verify IS
    'Compares the audit trail with what audit_seal() has closed; a row for each thing that is not as it was sealed, at '
    'most 10,000, and none where all is; a NOTICE says how much was compared. since, until: rows of which time are '
    'compared; NULL is all. The chain of heads is always compared from its beginning. number, head: a head that was '
    'kept elsewhere, as audit_heads shows it: it and all before it must be there, which alone proves that the end of '
    'the trail was not cut off. docs/how-to/tamper_evidence.md lists the kinds of findings. '
    'Read-only, also on a standby; it needs the keys of the vault. '
    '22023 for a number without a head or a malformed one; 42501 in a session pinned to one tenant.';
ALTER FUNCTION auth_store.audit_verify COST 100000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.audit_verify TO auth_store_admin, auth_store_auditor;
