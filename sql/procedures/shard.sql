-- Buckets that move to another database. What begins a transaction, or takes a lock on every table, is a procedure that
-- its caller, a superuser, runs; the triggers run as whoever writes. sql/shard/ has the scripts that call them.

-- Refuses the rows of buckets that have moved, or are about to: its trigger fires for no other row.
CREATE FUNCTION auth_store.shard_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What goes over the rows of all users may leave these as they are, but deletes nothing that they refer to.
    IF TG_OP <> 'INSERT' AND current_setting('auth_store.pass_fenced', true) = 'all' AND pg_trigger_depth() = 1 THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'this row belongs to another shard, or is about to: buckets % have moved or move', TG_ARGV[0]
        USING ERRCODE = 'object_in_use',
              HINT = 'Look the bucket up in the map again; until it names another shard, wait and repeat the call';
END
$$;

-- The buckets that are fenced, by any of the triggers, which are there if and only if any are.
CREATE FUNCTION auth_store.shard_fenced() RETURNS int4multirange
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT COALESCE(
        (SELECT rtrim(encode(t.tgargs, 'escape'), E'\\0')::int4multirange
           FROM pg_trigger t
          WHERE t.tgfoid = 'auth_store.shard_refuse'::regproc AND t.tgname = 'auth_store_fence_insert' LIMIT 1),
        '{}')
$$;

-- Fences these buckets and no other. A command that waits for a lock makes all that come after it wait too, so it waits
-- for a moment only, and comes again: much less than deadlock_timeout, so that of a call that has one of the tables and
-- this one, which has another, it is never the call that fails.
CREATE PROCEDURE auth_store.shard_fence_set(fenced int4multirange)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moving     record;
    operation  text;
    renamed    text;
    condition  text;
    patience   text := current_setting('lock_timeout');
BEGIN
    IF fenced IS NULL THEN
        RAISE EXCEPTION 'argument "fenced" must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    ELSIF NOT fenced <@ '{[0,4095]}'::int4multirange THEN
        RAISE EXCEPTION 'invalid value for argument "fenced"'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Accepted: ranges of 0 to 4095.';
    END IF;
    FOR try IN 1 .. 340 LOOP
        BEGIN
            PERFORM set_config('lock_timeout', (s.setting::integer / 10 + 1)::text, true)
               FROM pg_settings s WHERE s.name = 'deadlock_timeout';
            -- In the order in which the store locks rows.
            EXECUTE (SELECT format('LOCK TABLE %s IN %s MODE',
                                   string_agg(format('auth_store.%I', s.table_name), ', ' ORDER BY s.number),
                                   CASE WHEN isempty(fenced) THEN 'ACCESS EXCLUSIVE' ELSE 'SHARE ROW EXCLUSIVE' END)
                       FROM auth_store.shard_tables() WITH ORDINALITY s (table_name, moves, buckets, whole_rows, number)
                      WHERE s.buckets <> '{}');
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF try = 340 THEN
                RAISE;
            END IF;
            PERFORM pg_sleep(random() / 2);
        END;
    END LOOP;
    FOR moving IN SELECT s.* FROM auth_store.shard_tables() s WHERE s.buckets <> '{}' LOOP
        FOREACH operation IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
            IF isempty(fenced) THEN
                EXECUTE format('DROP TRIGGER IF EXISTS auth_store_fence_%s ON auth_store.%I', operation,
                               moving.table_name);
                CONTINUE;
            END IF;
            -- The bucket of a name keeps who has it; all else of the row goes by its user.
            SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', a.attname), ' OR ' ORDER BY a.attnum)
              INTO renamed
              FROM pg_attribute a
             WHERE a.attrelid = format('auth_store.%I', moving.table_name)::regclass
               AND (a.attname IN ('user_id', 'bucket')
                    OR EXISTS (SELECT FROM pg_index i
                                WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)));
            SELECT string_agg(format('%L::int4multirange @> (%s)', fenced, format(b.bucket, r.row))
                              || CASE WHEN b.number > 1 AND operation = 'update' THEN format(' AND (%s)', renamed)
                                      ELSE '' END, ' OR ')
              INTO condition
              FROM unnest(moving.buckets) WITH ORDINALITY b (bucket, number)
                   CROSS JOIN unnest(CASE operation WHEN 'insert' THEN '{NEW.}'::text[]
                                                    WHEN 'delete' THEN '{OLD.}' ELSE '{OLD.,NEW.}' END) r (row);
            EXECUTE format('CREATE OR REPLACE TRIGGER auth_store_fence_%s BEFORE %1$s ON auth_store.%I FOR EACH ROW '
                           'WHEN (%s) EXECUTE FUNCTION auth_store.shard_refuse(%s)',
                           operation, moving.table_name, condition, quote_literal(fenced));
        END LOOP;
    END LOOP;
    PERFORM set_config('lock_timeout', patience, true);
END
$$;

CREATE FUNCTION auth_store.shard_range(first_bucket integer, last_bucket integer) RETURNS int4multirange
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF first_bucket IS NULL OR last_bucket IS NULL THEN
        RAISE EXCEPTION 'argument "%" must not be NULL',
            CASE WHEN first_bucket IS NULL THEN 'first_bucket' ELSE 'last_bucket' END
            USING ERRCODE = 'null_value_not_allowed';
    ELSIF first_bucket NOT BETWEEN 0 AND 4095 THEN
        RAISE EXCEPTION 'invalid value for argument "first_bucket"'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Accepted: 0 to 4095.';
    ELSIF last_bucket NOT BETWEEN first_bucket AND 4095 THEN
        RAISE EXCEPTION 'invalid value for argument "last_bucket"'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Accepted: first_bucket to 4095.';
    END IF;
    RETURN int4multirange(int4range(first_bucket, last_bucket, '[]'));
END
$$;

CREATE PROCEDURE auth_store.shard_fence(first_bucket integer, last_bucket integer)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CALL auth_store.shard_fence_set(auth_store.shard_fenced() + auth_store.shard_range(first_bucket, last_bucket));
END
$$;

CREATE PROCEDURE auth_store.shard_unfence(first_bucket integer, last_bucket integer)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Also where there is nothing to do, so that a script on the wrong server stops.
    IF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION 'cannot execute shard_unfence() in a read-only transaction'
            USING ERRCODE = 'read_only_sql_transaction';
    ELSIF auth_store.shard_fenced() && auth_store.shard_range(first_bucket, last_bucket) THEN
        CALL auth_store.shard_fence_set(auth_store.shard_fenced() - auth_store.shard_range(first_bucket, last_bucket));
    END IF;
END
$$;

-- Keys and JWT ids that arrive may be here from another move. A vault key opens what moves with it; the tenant's own
-- one goes on to seal.
CREATE FUNCTION auth_store.shard_arrive() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known boolean;
BEGIN
    IF TG_ARGV[0] = 'keys' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE id = $1)', TG_RELID::regclass) INTO known USING NEW.id;
        IF TG_TABLE_NAME = 'vault_keys' THEN
            NEW.retired_at := COALESCE(NEW.retired_at, clock_timestamp());
        END IF;
    ELSE
        -- The trigger is of a partition, which alone can have the same row.
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE jti_hash = $1)', TG_RELID::regclass)
            INTO known USING NEW.jti_hash;
    END IF;
    RETURN CASE WHEN NOT known THEN NEW END;
END
$$;

-- Deletes what has moved away, page by page. A procedure that commits cannot set a search_path: all is named in full.
CREATE PROCEDURE auth_store.shard_forget(first_bucket integer, last_bucket integer, kept_buckets int4multirange,
                                         pages integer DEFAULT 1000)
LANGUAGE plpgsql AS $$
DECLARE
    range     pg_catalog.int4multirange;
    moving    auth_store.shard_table;
    gone      pg_catalog.text;
    setting   pg_catalog.text;
    deleted   pg_catalog.int8;
    step      pg_catalog.int8;
    number    pg_catalog.int4 := 0;
    numbers   pg_catalog.int4;
    total     pg_catalog.int8;
    page      pg_catalog.int8;
    size      pg_catalog.int8;
BEGIN
    pages := COALESCE(pages, 1000);
    range := auth_store.shard_range(first_bucket, last_bucket);
    IF kept_buckets IS NULL THEN
        RAISE EXCEPTION 'argument "kept_buckets" must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    ELSIF kept_buckets OPERATOR(pg_catalog.&&) range THEN
        RAISE EXCEPTION 'invalid value for argument "kept_buckets"'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Accepted: buckets that stay, none that is forgotten.';
    ELSIF pages OPERATOR(pg_catalog.<) 1 OR pages OPERATOR(pg_catalog.>) 1000000 THEN
        RAISE EXCEPTION 'invalid value for argument "pages"'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Accepted: 1 to 1000000.';
    ELSIF NOT range OPERATOR(pg_catalog.<@) auth_store.shard_fenced() THEN
        RAISE EXCEPTION 'these buckets are not fenced, so they live here'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Only buckets that have moved to another shard, or come from a move that was cancelled, are '
                         'forgotten: see shard_move_sql()';
    ELSIF EXISTS (SELECT FROM (SELECT p.pubname FROM pg_catalog.pg_publication p
                               UNION ALL
                               SELECT s.subname FROM pg_catalog.pg_subscription s
                                WHERE s.subdbid OPERATOR(pg_catalog.=) (
                                    SELECT d.oid FROM pg_catalog.pg_database d
                                     WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())) m (name)
                         CROSS JOIN LATERAL pg_catalog.regexp_matches(
                             m.name::pg_catalog.text, '^auth_store_move_([0-9]+)_([0-9]+)$') n (bounds)
                   WHERE auth_store.shard_range(n.bounds[1]::pg_catalog.int4, n.bounds[2]::pg_catalog.int4)
                         OPERATOR(pg_catalog.&&) range)
    THEN
        RAISE EXCEPTION 'these buckets are still published or subscribed to: what is deleted here would be there too'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'DROP SUBSCRIPTION on the other database, then DROP PUBLICATION here';
    END IF;
    PERFORM auth_store.progress_begin('shard_forget');
    -- Their share of the rows, if all buckets have as many.
    SELECT pg_catalog.count(*),
           pg_catalog.sum(c.reltuples) OPERATOR(pg_catalog.*) w.gone
               OPERATOR(pg_catalog./) (w.gone OPERATOR(pg_catalog.+) w.kept)
      INTO numbers, total
      FROM auth_store.shard_tables() s
           JOIN pg_catalog.pg_class c
             ON c.oid OPERATOR(pg_catalog.=) pg_catalog.format('auth_store.%I', s.table_name)::pg_catalog.regclass
           CROSS JOIN (SELECT pg_catalog.sum(pg_catalog.upper(b.range) OPERATOR(pg_catalog.-) pg_catalog.lower(b.range))
                                  FILTER (WHERE b.moved),
                              COALESCE(pg_catalog.sum(pg_catalog.upper(b.range) OPERATOR(pg_catalog.-)
                                                      pg_catalog.lower(b.range)) FILTER (WHERE NOT b.moved), 0)
                         FROM (SELECT r.r, true FROM pg_catalog.unnest(range) r (r)
                               UNION ALL
                               SELECT r.r, false FROM pg_catalog.unnest(kept_buckets) r (r)) b (range, moved)
                      ) w (gone, kept)
     WHERE s.buckets OPERATOR(pg_catalog.<>) '{}'::pg_catalog.text[]
     GROUP BY w.gone, w.kept;
    FOR moving IN SELECT s.* FROM auth_store.shard_tables() s
                   WHERE s.buckets OPERATOR(pg_catalog.<>) '{}'::pg_catalog.text[]
    LOOP
        deleted := 0;
        number := number OPERATOR(pg_catalog.+) 1;
        page := 0;
        size := pg_catalog.pg_relation_size(pg_catalog.format('auth_store.%I', moving.table_name)::pg_catalog.regclass)
                OPERATOR(pg_catalog./) pg_catalog.current_setting('block_size')::pg_catalog.int8;
        gone := pg_catalog.format('%L::pg_catalog.int4multirange OPERATOR(pg_catalog.@>) (%s)', range,
                                  pg_catalog.format(moving.buckets[1], ''));
        WHILE page OPERATOR(pg_catalog.<=) size LOOP
            -- Neither the fence nor foreign keys: each table loses what is its own.
            setting := pg_catalog.set_config('session_replication_role', 'replica', true);
            setting := pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
            EXECUTE pg_catalog.format('DELETE FROM auth_store.%I WHERE ctid >= ''(%s,0)'' AND ctid < ''(%s,0)'' AND %s',
                                      moving.table_name, page, page OPERATOR(pg_catalog.+) pages, gone);
            GET DIAGNOSTICS step = ROW_COUNT;
            PERFORM auth_store.progress_add(step, moving.table_name, number, numbers,
                                            CASE WHEN total OPERATOR(pg_catalog.>) 0 THEN total END);
            COMMIT;
            SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
            deleted := deleted OPERATOR(pg_catalog.+) step;
            page := page OPERATOR(pg_catalog.+) pages;
        END LOOP;
        RAISE NOTICE 'auth_store shard_forget: %: % rows deleted', moving.table_name, deleted;
    END LOOP;
    PERFORM auth_store.progress_end();
END
$$;
