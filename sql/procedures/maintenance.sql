-- Cleanup that commits after each batch. A procedure that commits can neither be SECURITY DEFINER nor set
-- a search_path: it runs as its caller, names everything in full, operators too, and the definer functions do
-- the work. Those say how far it is, in the view progress and in NOTICEs; an error ends the row in the view.
-- Whatever level the database's transactions have by default, its own are READ COMMITTED: at any other a row that
-- somebody changes meanwhile would end the cleanup, and nothing would be counted.
CREATE PROCEDURE auth_store.cleanup(batch_size integer DEFAULT 1000, max_batches integer DEFAULT 1000)
LANGUAGE plpgsql AS $$
DECLARE
    task     pg_catalog.text;
    progress auth_store.cleanup_progress;
    deleted  pg_catalog.int8;
    examined pg_catalog.int8;
    dropped  pg_catalog.int4;
    since    pg_catalog.timestamptz;     -- when the batch began
    begun    pg_catalog.bool := false;    -- the transaction is this procedure's own, not one that its caller began
    setting  pg_catalog.text;
BEGIN
    -- NULL is the default, as everywhere.
    max_batches := COALESCE(max_batches, 1000);
    IF max_batches OPERATOR(pg_catalog.<) 1 OR max_batches OPERATOR(pg_catalog.>) 1000000 THEN
        RAISE EXCEPTION 'invalid value for argument "max_batches"'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Accepted: 1 to 1000000.';
    END IF;
    PERFORM auth_store.progress_begin('cleanup');
    FOREACH task IN ARRAY auth_store.cleanup_tasks() LOOP
        progress := NULL;
        deleted := 0;
        examined := 0;
        FOR batch IN 1 .. max_batches LOOP
            -- What a crash brings back has ended, and the next run deletes it again, with the audit row that is lost
            -- too. So no batch waits for the disk, and none makes others wait for a flush of its own.
            IF begun THEN
                setting := pg_catalog.set_config('synchronous_commit', 'off', true);
            END IF;
            since := pg_catalog.clock_timestamp();
            progress := auth_store.cleanup_batch(task, batch_size, progress.pass_start, progress.wrapped);
            COMMIT;
            SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
            begun := true;
            deleted := deleted OPERATOR(pg_catalog.+) progress.deleted;
            examined := examined OPERATOR(pg_catalog.+) progress.examined;
            EXIT WHEN progress.done;
            -- Who has to wait for an answer meanwhile finds the processor free.
            PERFORM pg_catalog.pg_sleep(LEAST(10, pg_catalog.date_part('epoch',
                pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) since) OPERATOR(pg_catalog.*)
                pg_catalog.current_setting('auth_store.cleanup_pause')::pg_catalog.float8 OPERATOR(pg_catalog./) 100));
        END LOOP;
        RAISE NOTICE 'auth_store cleanup: %: % of % rows deleted%', task, deleted, examined,
            CASE WHEN progress.done THEN '' ELSE ', to be continued by the next run' END;
    END LOOP;
    dropped := auth_store.cleanup_jtis();
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    RAISE NOTICE 'auth_store cleanup: claimed_jtis, revoked_jtis: % partition(s) dropped', dropped;
    examined := 0;
    FOR batch IN 1 .. max_batches LOOP
        since := pg_catalog.clock_timestamp();
        progress := auth_store.cleanup_usage(batch_size);
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        examined := examined OPERATOR(pg_catalog.+) progress.examined;
        EXIT WHEN progress.done;
        PERFORM pg_catalog.pg_sleep(LEAST(10, pg_catalog.date_part('epoch',
            pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) since) OPERATOR(pg_catalog.*)
            pg_catalog.current_setting('auth_store.cleanup_pause')::pg_catalog.float8 OPERATOR(pg_catalog./) 100));
    END LOOP;
    RAISE NOTICE 'auth_store cleanup: client_usage: % step(s) of the trail counted%', examined,
        CASE WHEN progress.done THEN '' ELSE ', to be continued by the next run' END;
    dropped := auth_store.cleanup_audit();
    COMMIT;
    RAISE NOTICE 'auth_store cleanup: audit_log: % month(s) dropped', dropped;
    PERFORM auth_store.progress_end();
END
$$;
