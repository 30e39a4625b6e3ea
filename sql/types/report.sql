CREATE TYPE auth_store.job AS (
    name        text,
    schedule    text,
    command     text,
    active      boolean,
    last_status text,
    last_run_at timestamptz,
    next_run_at timestamptz,
    run_as      text
);
COMMENT ON TYPE auth_store.job IS 'A job of the store as pg_cron has it.';

CREATE TYPE auth_store.job_step AS (
    name      text,
    schedule  text,
    command   text,
    done      boolean,
    statement text
);
COMMENT ON TYPE auth_store.job_step IS
    'What was done with a job by pg_cron: the statement that did it, or that is to be run elsewhere.';

CREATE TYPE auth_store.call_progress AS (
    pid             integer,
    datid           oid,
    datname         text,
    role            text,
    command         text,
    phase           text,
    step            integer,
    steps           integer,
    rows_done       bigint,
    rows_total      bigint,
    started_at      timestamptz,
    rows_per_second double precision,
    seconds_left    bigint
);
COMMENT ON TYPE auth_store.call_progress IS 'A long call that runs now, and how far it is.';
