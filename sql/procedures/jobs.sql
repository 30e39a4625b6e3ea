-- The store's jobs, through pg_cron where it is in this database. All of it runs as its caller: pg_cron runs a job as
-- the role that scheduled it, and shows a role its own jobs.

-- The database's name is part of each job's: pg_cron knows one job of a name and role, for however many databases.
CREATE FUNCTION auth_store.job_plan(OUT name text, OUT schedule text, OUT command text, OUT database text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'auth_store_' || p.job || '@' || current_database(), p.schedule, p.command,
           COALESCE(p.database, current_database()::text)
      FROM (VALUES
            ('cleanup', '*/5 * * * *', 'CALL auth_store.cleanup()', NULL),
            -- Cleanup makes the months ahead too, but only at its end.
            ('partitions', '7 * * * *', 'SELECT auth_store.partitions_ensure()', NULL),
            -- Nothing, until somebody has called audit_seal() once.
            ('seal', '11-59/15 * * * *', 'SELECT auth_store.audit_seal(only_continue => true)', NULL),
            -- pg_cron keeps the history of its runs for good.
            ('history', '40 3 * * *', format(
                'DELETE FROM cron.job_run_details r USING cron.job j WHERE j.jobid = r.jobid '
                'AND j.jobname IN (%L, %L, %L, %L) AND r.start_time < now() - interval ''14 days''',
                'auth_store_cleanup@' || current_database(), 'auth_store_partitions@' || current_database(),
                'auth_store_seal@' || current_database(), 'auth_store_history@' || current_database()),
             (SELECT s.setting FROM pg_settings s WHERE s.name = 'cron.database_name'))
           ) p (job, schedule, command, database)
$$;

CREATE FUNCTION auth_store.job_list()
RETURNS SETOF auth_store.job
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- pg_cron's schema is always this one, and nobody but a superuser can make the extension.
    IF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron')
        OR NOT has_schema_privilege('cron', 'USAGE')
    THEN
        RETURN QUERY SELECT p.name, p.schedule, p.command, NULL::boolean, NULL::text, NULL::timestamptz,
                            NULL::timestamptz, NULL::text
                       FROM auth_store.job_plan() p;
        RETURN;
    END IF;
    -- The time zone of the schedules: a setting since pg_cron 1.6, GMT before.
    RETURN QUERY EXECUTE $query$
        SELECT p.name, COALESCE(j.schedule, p.schedule), COALESCE(j.command, p.command),
               COALESCE(j.active, false), r.status, r.start_time,
               CASE WHEN j.active THEN
                    (auth_store.job_next_run(j.schedule, (statement_timestamp() AT TIME ZONE z.zone) AT TIME ZONE 'UTC')
                        AT TIME ZONE 'UTC') AT TIME ZONE z.zone END,
               j.username::text
          FROM auth_store.job_plan() p
               CROSS JOIN (SELECT COALESCE((SELECT s.setting FROM pg_settings s WHERE s.name = 'cron.timezone'),
                                           'GMT')) z (zone)
          LEFT JOIN cron.job j ON j.jobname::text = p.name
          LEFT JOIN LATERAL (SELECT d.status, d.start_time FROM cron.job_run_details d
                              WHERE d.jobid = j.jobid ORDER BY d.runid DESC LIMIT 1) r ON true
         ORDER BY p.name COLLATE "C", j.username::text COLLATE "C"
    $query$;
END
$$;

CREATE FUNCTION auth_store.jobs_schedule(run_as text DEFAULT NULL)
RETURNS SETOF auth_store.job_step
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plan     record;
    -- A variable of its own: the parser that pgspot has knows no field of a row.
    statement text;
    lives_in text := (SELECT s.setting FROM pg_settings s WHERE s.name = 'cron.database_name');
    here     boolean := EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron');
    -- Without it a role schedules as itself and in this database alone, which is all that is needed.
    any_role boolean;
    obstacle text;
BEGIN
    IF run_as IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = run_as) THEN
        RAISE EXCEPTION 'invalid value for argument "run_as"'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Accepted: the name of a role.';
    END IF;
    any_role := here AND has_schema_privilege('cron', 'USAGE')
        AND COALESCE(has_function_privilege(
                to_regprocedure('cron.schedule_in_database(text,text,text,text,text,boolean)')::oid, 'EXECUTE'), false);
    obstacle := CASE
        WHEN pg_is_in_recovery() THEN 'this is a standby: run the statements on the primary'
        WHEN NOT here AND lives_in IS DISTINCT FROM current_database() AND lives_in IS NOT NULL
            THEN format('pg_cron lives in the database %I: run the statements there', lives_in)
        WHEN NOT here THEN 'there is no pg_cron in this database: run the statements in the one that '
            'cron.database_name names, after CREATE EXTENSION pg_cron'
        WHEN NOT has_schema_privilege('cron', 'USAGE')
            THEN format('%I lacks USAGE on the schema cron: have a superuser grant it or run the statements',
                        current_user)
        WHEN run_as IS NOT NULL AND run_as <> current_user AND NOT any_role
            THEN format('%I may schedule as itself only: have a superuser run the statements', current_user)
        END;
    IF obstacle IS NOT NULL THEN
        RAISE NOTICE 'auth_store: nothing is scheduled, since %', obstacle;
    END IF;
    FOR plan IN SELECT p.* FROM auth_store.job_plan() p LOOP
        statement := CASE
            WHEN obstacle IS NULL AND NOT any_role
                THEN format('SELECT cron.schedule(%L, %L, %L)', plan.name, plan.schedule, plan.command)
            WHEN COALESCE(run_as, CASE WHEN obstacle IS NOT NULL THEN current_user END) IS NULL
                THEN format('SELECT cron.schedule_in_database(%L, %L, %L, %L)', plan.name, plan.schedule,
                            plan.command, plan.database)
            ELSE format('SELECT cron.schedule_in_database(%L, %L, %L, %L, %L)', plan.name, plan.schedule,
                        plan.command, plan.database, COALESCE(run_as, current_user))
            END;
        IF obstacle IS NULL THEN
            EXECUTE statement;
        END IF;
        RETURN QUERY SELECT plan.name, plan.schedule, plan.command, obstacle IS NULL, statement;
    END LOOP;
END
$$;

CREATE FUNCTION auth_store.jobs_unschedule()
RETURNS SETOF auth_store.job_step
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plan     record;
    there    boolean;
    possible boolean := NOT pg_is_in_recovery()
        AND EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') AND has_schema_privilege('cron', 'USAGE');
    statement text;
BEGIN
    IF NOT possible THEN
        RAISE NOTICE 'auth_store: nothing is unscheduled: run the statements on the primary, in the database that '
            'pg_cron lives in, as a role that may';
    END IF;
    FOR plan IN SELECT p.* FROM auth_store.job_plan() p LOOP
        statement := format('SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = %L', plan.name);
        IF possible THEN
            EXECUTE format('SELECT count(q.ended) > 0 FROM (%s) q (ended)', statement) INTO there;
            CONTINUE WHEN NOT there;
        END IF;
        RETURN QUERY SELECT plan.name, plan.schedule, plan.command, possible, statement;
    END LOOP;
END
$$;
