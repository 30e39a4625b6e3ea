CREATE OR REPLACE VIEW auth_store.jobs WITH (security_barrier = true) AS
SELECT j.name, j.schedule, j.command, j.active, j.last_status, j.last_run_at, j.next_run_at, j.run_as
  FROM auth_store.job_list() j;
COMMENT ON VIEW auth_store.jobs IS
    'The store''s jobs as pg_cron has them. pg_cron shows a role its own jobs, a superuser all.';
COMMENT ON COLUMN auth_store.jobs.name IS 'auth_store_cleanup and others, with @ and the database''s name.';
COMMENT ON COLUMN auth_store.jobs.schedule IS
    'As cron writes it; of a job that is not scheduled, the schedule planned.';
COMMENT ON COLUMN auth_store.jobs.command IS 'The SQL that it runs.';
COMMENT ON COLUMN auth_store.jobs.active IS
    'false: not scheduled, or paused. NULL: not known, since pg_cron is not in this database or closed to the caller.';
COMMENT ON COLUMN auth_store.jobs.last_status IS
    'Of the newest run: starting, running, succeeded or failed; why is in cron.job_run_details. NULL: it never ran.';
COMMENT ON COLUMN auth_store.jobs.last_run_at IS 'When the newest run began.';
COMMENT ON COLUMN auth_store.jobs.next_run_at IS
    'When the schedule is due next. NULL: not active, or a schedule of seconds.';
COMMENT ON COLUMN auth_store.jobs.run_as IS 'The role that it runs as.';
