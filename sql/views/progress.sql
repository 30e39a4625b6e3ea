CREATE OR REPLACE VIEW auth_store.progress WITH (security_barrier = true) AS
SELECT p.pid, p.datid, p.datname, p.role, p.command, p.phase, p.step, p.steps, p.rows_done, p.rows_total, p.started_at,
       p.rows_per_second, p.seconds_left
  FROM auth_store.progress_list() p;
COMMENT ON VIEW auth_store.progress IS
    'The long calls that run in this database now, as the server''s pg_stat_progress_* show its own commands. A '
    'session that is pinned to a tenant sees that tenant''s.';
COMMENT ON COLUMN auth_store.progress.pid IS 'The process of the session: pg_stat_activity.pid, pg_cancel_backend().';
COMMENT ON COLUMN auth_store.progress.datid IS 'The database, as an oid.';
COMMENT ON COLUMN auth_store.progress.datname IS 'The name of the database.';
COMMENT ON COLUMN auth_store.progress.role IS 'The database role that logged in.';
COMMENT ON COLUMN auth_store.progress.command IS
    'The function or procedure: cleanup, cleanup_expired_data, vault_rekey, migrate, user_erase, tenant_erase, '
    'audit_seal, audit_verify, shard_forget, partitions_ensure, partitions_make or partitions_drop.';
COMMENT ON COLUMN auth_store.progress.phase IS
    'What it is at: a table, a partition, a migration. NULL: it has only one phase.';
COMMENT ON COLUMN auth_store.progress.step IS 'The number of the phase, from 1. NULL: they are not counted.';
COMMENT ON COLUMN auth_store.progress.steps IS 'How many phases there are. NULL: they are not counted.';
COMMENT ON COLUMN auth_store.progress.rows_done IS 'Rows that were looked at, changed or deleted since the call began.';
COMMENT ON COLUMN auth_store.progress.rows_total IS
    'Of about how many: audit_verify() and vault_rekey() count them, others go by the planner''s estimate. NULL: not '
    'known, or there are more than was thought.';
COMMENT ON COLUMN auth_store.progress.started_at IS 'When the call began.';
COMMENT ON COLUMN auth_store.progress.rows_per_second IS 'rows_done by the time since then. NULL: there are none yet.';
COMMENT ON COLUMN auth_store.progress.seconds_left IS
    'How many seconds the rest takes at this rate. NULL: rows_total or the rate is not known.';
