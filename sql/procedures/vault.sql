-- Rekeying that commits after each batch, as cleanup() does: see there.
CREATE PROCEDURE auth_store.vault_rekey(batch integer DEFAULT 1000)
LANGUAGE plpgsql AS $$
DECLARE
    progress   auth_store.vault_rekey_progress;
    renewed    pg_catalog.int8 := 0;
    deleted    pg_catalog.int8 := 0;
    rekeyed    pg_catalog.int8 := 0;
    moved      pg_catalog.int8;
    unreadable pg_catalog.int8;
    behind     pg_catalog.int8;
BEGIN
    PERFORM auth_store.progress_begin('vault_rekey');
    LOOP
        progress := NULL;
        moved := 0;
        unreadable := 0;
        behind := 0;
        LOOP
            progress := auth_store.vault_rekey_batch(batch, progress.after_key, progress.after);
            COMMIT;
            SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
            renewed := renewed OPERATOR(pg_catalog.+) progress.keys_renewed;
            deleted := deleted OPERATOR(pg_catalog.+) progress.keys_deleted;
            rekeyed := rekeyed OPERATOR(pg_catalog.+) progress.rekeyed;
            moved := moved OPERATOR(pg_catalog.+) progress.rekeyed;
            unreadable := unreadable OPERATOR(pg_catalog.+) progress.unreadable;
            behind := behind OPERATOR(pg_catalog.+) progress.left_behind;
            EXIT WHEN progress.done;
        END LOOP;
        -- Another pass for what somebody else had locked.
        EXIT WHEN moved OPERATOR(pg_catalog.=) 0 OR behind OPERATOR(pg_catalog.<=) unreadable;
    END LOOP;
    RAISE NOTICE 'auth_store vault_rekey: % row(s) sealed anew, % data key(s) made, % deleted',
        rekeyed, renewed, deleted;
    IF unreadable OPERATOR(pg_catalog.>) 0 THEN
        RAISE WARNING 'auth_store vault_rekey: % row(s) do not open and stay as they are', unreadable
            USING HINT = 'SELECT * FROM auth_store.vault_check() WHERE NOT readable';
    END IF;
    IF behind OPERATOR(pg_catalog.>) unreadable THEN
        RAISE NOTICE 'auth_store vault_rekey: % row(s) were in use; call it again',
            behind OPERATOR(pg_catalog.-) unreadable;
    END IF;
    PERFORM auth_store.progress_end();
END
$$;
