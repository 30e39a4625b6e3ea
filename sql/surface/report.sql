COMMENT ON FUNCTION auth_store.job_plan IS
    'The jobs that the store wants run, also for another scheduler than pg_cron: name, schedule as cron writes it, '
    'the SQL, and the database to run it in. The names have the database''s name in them.';
ALTER FUNCTION auth_store.job_plan COST 1000 ROWS 3;
GRANT EXECUTE ON FUNCTION auth_store.job_plan
   TO auth_store_admin, auth_store_jobs, auth_store_auditor, auth_store_monitor;

COMMENT ON FUNCTION auth_store.job_next_run IS
    'When a schedule of five fields is due next after a time, as cron and pg_cron read it in UTC: lists, ranges, '
    'steps, names, $ for the last day of a month, @hourly and the like. NULL for a schedule of another kind, '
    'for one that is '
    'due on no day of the next eight years, and for NULL.';
ALTER FUNCTION auth_store.job_next_run COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.job_next_run
   TO auth_store_admin, auth_store_jobs, auth_store_auditor, auth_store_monitor;

COMMENT ON FUNCTION auth_store.job_list IS
    'The rows of the view jobs, for roles that may not read the view. Read-only, also on a standby.';
ALTER FUNCTION auth_store.job_list COST 100000 ROWS 3;
GRANT EXECUTE ON FUNCTION auth_store.job_list
   TO auth_store_admin, auth_store_jobs, auth_store_auditor, auth_store_monitor;

COMMENT ON FUNCTION auth_store.jobs_schedule IS
    'Schedules the jobs of job_plan() with pg_cron, those that are there already anew; returns each with the statement '
    'that did it. pg_cron runs them as run_as, which a superuser may name (22023 where there is no such role); '
    'NULL: as the caller, who must be allowed to log in. Where pg_cron is absent, or in another database, on '
    'a standby, '
    'and where the caller lacks USAGE on the schema cron, it schedules nothing: a NOTICE says why, done is false, and '
    'the statements are those to run there. What pg_cron refuses has pg_cron''s own error.';
ALTER FUNCTION auth_store.jobs_schedule COST 100000 ROWS 3;
GRANT EXECUTE ON FUNCTION auth_store.jobs_schedule TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.jobs_unschedule IS
    'Ends the jobs of this database that the caller scheduled, for a superuser everybody''s; returns those that it '
    'ended. Where jobs_schedule() can do nothing, this function can''t either, and returns the statements to run.';
ALTER FUNCTION auth_store.jobs_unschedule COST 100000 ROWS 3;
GRANT EXECUTE ON FUNCTION auth_store.jobs_unschedule TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.progress_list IS
    'The rows of the view progress, for roles that may not read the view: a row for each long call that runs in this '
    'database now, none for one that is over, was cancelled or failed. A call of a session that is pinned to a tenant, '
    'and one that is about one tenant (user_erase, tenant_erase), is seen by that tenant''s sessions and by those that '
    'are not pinned; others by the latter alone. It reads the server''s memory and no table, so it answers while '
    'migrate() has the tables locked; there is nothing to read of sessions with track_activities = off. '
    'While a call builds an index, it is in pg_stat_progress_create_index instead. Read-only, also on a standby.';
ALTER FUNCTION auth_store.progress_list COST 1000 ROWS 3;
GRANT EXECUTE ON FUNCTION auth_store.progress_list
   TO auth_store_admin, auth_store_jobs, auth_store_auditor, auth_store_monitor;

COMMENT ON FUNCTION auth_store.progress_begin IS
    'Shows in the view progress that a procedure runs in this session, until progress_end(), an error or the end of '
    'the statement. The procedures call it themselves. command: cleanup, shard_forget or vault_rekey (22023 for '
    'another, 22004 for NULL). Returns true.';
ALTER FUNCTION auth_store.progress_begin COST 10;
GRANT EXECUTE ON FUNCTION auth_store.progress_begin TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.progress_add IS
    'Adds rows to what the call of progress_begin() has done, and says what it is at: phase, a table as a rule, which '
    'is step of steps. The procedures call it themselves. rows_total: about how many rows there are at the first call; '
    'NULL: not known. Returns false where no such call is shown. 22004 for NULL, 22023 for less than 0.';
ALTER FUNCTION auth_store.progress_add COST 10;
GRANT EXECUTE ON FUNCTION auth_store.progress_add TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.progress_end IS
    'Shows the call of progress_begin() no more. The procedures call it themselves. Returns true.';
ALTER FUNCTION auth_store.progress_end COST 10;
GRANT EXECUTE ON FUNCTION auth_store.progress_end TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.compliance_report IS
    'What an audit asks of a period, from "from" until before "to" (both names need quotes where they are named), as '
    'one JSON object: tokens (how many codes, tokens and grants were issued, used, revoked, refused; and expired, how '
    'many rows of which kind cleanup deleted, for all tenants only), replays, flags '
    '(each with its risk and how many users and clients it concerns), administration (operators'' acts by event and '
    'database role), stale (API keys and clients that nobody used for 90 days before now, the 100 oldest of each), '
    'second_factors (active users without an authenticator app or a passkey, also by role), erasures, and retention. '
    'What the trail''s months no longer hold is not counted: retention has the oldest_month. '
    'tenant_id: NULL is all tenants, in a pinned session its own. It reads the trail of the period twice. '
    'Read-only, also on a standby. 22004 for a NULL time, 22023 for a period that is empty or has no end, 23503 for an '
    'unknown tenant.';
ALTER FUNCTION auth_store.compliance_report COST 1000000;
GRANT EXECUTE ON FUNCTION auth_store.compliance_report TO auth_store_admin, auth_store_auditor;
