COMMENT ON FUNCTION auth_store.user_export IS
    'Everything that is held about a user, as one JSON object: a member for each table, an array of rows. Secrets and '
    'what they are compared with are not in it, nor the tokens of connections. 23503 for an unknown user. '
    'Reading the trail takes the longest: see user_activity(). ip, user_agent: where the request came from, for the '
    'audit row.';
ALTER FUNCTION auth_store.user_export COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.user_export TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_erase IS
    'Removes a user with all that is held about the user in every table, for good. The audit trail keeps its rows, but '
    'as those of a random pseudonym and without address, user agent, session and details. Returns a certificate, a '
    'JSON object: user_id, tenant_id, erased_at, reason, and tables, with how many rows of each were removed or '
    'pseudonymised. The trail''s rows are found by the index of each month, some hundredths of which it reads; with '
    'whole_trail it reads every row, and puts the pseudonym where the rows of other users name the user, such as who '
    'gave them a role, and takes address and user agent from these. Invitations to an address of the user go too. '
    'For a user who is gone it does the same with rows that a step under way left; 23503 where there is nothing. '
    'reason: why, at most 1000 characters; it stays in the trail. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_erase COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.user_erase TO auth_store_admin;

COMMENT ON FUNCTION auth_store.user_end IS
    'Ends what a user has, in one transaction: sessions, grants (with their tokens, and with codes that were not '
    'redeemed), API keys, and connections to providers (their tokens are deleted). Returns how many of each. '
    'what: only these of sessions, grants, api_keys, connections (22023); NULL: all. With sessions alone the grants '
    'that were made in them end too. Connections are those of the actor user whose actor_id is the user''s id or one '
    'of the external keys, and those of the user''s API keys. The user stays and may log in again: see '
    'user_set_status(). A log-in or a new key that is under way is waited for and ended. 23503 for an unknown user. '
    'reason: why, 1 to 1000 characters. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_end COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_end TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.cleanup_expired_data IS
    'Deletes what has expired, in the caller''s transaction: grants auth_store.grant_retention after their end, '
    'imported refresh tokens that long after their grant''s absolute end, authorization codes at their expiry '
    '(redeemed ones a day later), pushed requests at theirs, device codes an hour after (redeemed ones a day), access '
    'tokens, consents and roles of users at their expiry, sessions a day after their end, client secrets a day after '
    'theirs, API keys auth_store.grant_retention after theirs, rate limits that are paid back; and counts '
    'the audit trail for the views, see cleanup_usage(); and drops the '
    'partitions of JWT ids that have ended and the audit trail''s months past auth_store.audit_retention. '
    'It walks each table in the order of its ids, batch_size rows at a time (1 to 100000), at most max_batches a '
    'table (1 to 1000000), and goes on from there at the next call. '
    'It waits for nobody, and a task that another run is at is left to that run. '
    'Returns the number of rows deleted, those of dropped partitions not counted. '
    'In a session pinned to one tenant it cleans that tenant''s rows.';
ALTER FUNCTION auth_store.cleanup_expired_data COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_expired_data TO auth_store_admin, auth_store_jobs;

COMMENT ON PROCEDURE auth_store.cleanup IS
    'The same as cleanup_expired_data(), with a COMMIT after each batch, and a NOTICE for each table and every '
    'auth_store.progress_interval: for large tables and for a scheduler. Others see in the view progress how far it is.'
    ' Not within a transaction (2D000).';
GRANT EXECUTE ON PROCEDURE auth_store.cleanup TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.cleanup_batch IS
    'One batch of cleanup(): task names the table. '
    'Pass back pass_start and wrapped of the batch before (NULL: a new pass) until done.';
ALTER FUNCTION auth_store.cleanup_batch COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_batch TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.cleanup_tasks IS
    'The tables that cleanup() walks, in its order: what cleanup_batch() takes as task.';
ALTER FUNCTION auth_store.cleanup_tasks COST 100;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_tasks TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.cleanup_jtis IS
    'A step of cleanup(): drops the partitions of claimed_jtis and revoked_jtis that ended more than five minutes '
    'ago; returns how many. One that can''t be dropped stays until the next run, with a WARNING. '
    'Does nothing in a session pinned to one tenant.';
ALTER FUNCTION auth_store.cleanup_jtis COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_jtis TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.cleanup_usage IS
    'A step of cleanup(): counts what the audit trail says of clients, users and flags, for the views, and deletes '
    'counts that are older than auth_store.audit_retention. It goes on where the step before ended, in the order of '
    'time, and reads some 16 rows for one of batch_size (1 to 100000); examined is how many it read, and done says '
    'whether that was all. It stays a minute behind the present, and behind the start of the oldest transaction of '
    'this database that has written and the oldest statement that runs; while a prepared transaction is there, or a '
    'session with track_activities off has written, it waits. Each row is counted once, also after a crash. '
    'Does nothing in a session pinned to one tenant, at REPEATABLE READ and above, and while another run is at it.';
ALTER FUNCTION auth_store.cleanup_usage COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_usage TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.cleanup_audit IS
    'The last step of cleanup(): makes the audit trail''s months ahead, drops those past the retention, each with a '
    'row audit.month_dropped; returns how many it dropped. '
    'What can''t be made or dropped now is left to the next run, with a WARNING. '
    'Does nothing in a session pinned to one tenant.';
ALTER FUNCTION auth_store.cleanup_audit COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_audit TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.partitions_make IS
    'Makes those of the named partitions of audit_log, claimed_jtis and revoked_jtis that are missing, as '
    'audit_log_y2026m11; returns how many: before the rows of a dump are restored into a fresh install, or those of a '
    'publisher arrive. 22004 for NULL, 22023 for a NULL element, another name, more than 10000.';
ALTER FUNCTION auth_store.partitions_make COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.partitions_make TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.recovered IS
    'Says that a fail-over, or a restore, has lost the commits from lost_from until lost_to; twice the same time says '
    'that none was lost, as after a planned switch-over. health() is content then. What the store did in the window is '
    'unknown to it. So, if it is not empty: DPoP proofs and client assertions that were made before lost_to and a '
    'minute are refused (an assertion that does not say when: if it may be), and so are time steps of authenticator '
    'apps; jti_claim() without issued_at refuses what ends less than longest_claim (0 to 24 hours) after lost_to; '
    'codes, device codes, pushed requests, one-time tokens and challenges that were made before lost_to are deleted; '
    'the fences of connections leave out the next million; and a refresh token that proves to be made in the window, '
    'and newer than what is known, continues its family. policy: what else ends of sessions, grants and API keys, '
    'because it may have been ended in the window: keep, nothing; window, what was made before lost_to; all. '
    'Returns how much of it; a second call for the same window changes its policy and longest_claim, and ends what is '
    'left. All in one transaction, whose time grows with what it ends. '
    '22004 for a NULL time, 22023 for one that is infinite or in the future, a window that ends before it begins, '
    'another policy; 42501 in a session that is pinned to a tenant, 25006 on a standby.';
ALTER FUNCTION auth_store.recovered COST 1000000;
GRANT EXECUTE ON FUNCTION auth_store.recovered TO auth_store_admin;
