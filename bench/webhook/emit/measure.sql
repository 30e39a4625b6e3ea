-- Each kind in turns, so that whatever else the machine does falls on all of them: medians of the rounds.
\set QUIET on
SET client_min_messages = warning;
CALL fill(:webhooks);
VACUUM ANALYZE auth_store.webhooks;
VACUUM ANALYZE auth_store.webhook_routes;
TRUNCATE auth_store.webhook_events, auth_store.webhook_queue, plain_events, plain_queue;
CREATE TEMP TABLE taken (form text, round integer, micros float, wal numeric);

-- Microseconds and bytes of WAL of one call, of so many.
CREATE FUNCTION pg_temp.time(form text, call text, round integer, calls integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before pg_lsn;
    micros float;
BEGIN
    EXECUTE format($f$
        CREATE OR REPLACE FUNCTION pg_temp.run() RETURNS float LANGUAGE plpgsql AS $run$
        DECLARE
            payload jsonb := '{"id": "call_1", "ns": "ns7", "type": "Function", "name": "search", "arguments":
                {"query": "lighthouses of the north sea", "limit": 20}, "duration_ms": 120, "caller": "agent_42"}';
            quiet jsonb := payload || '{"ns": "nobody"}';
            webhook uuid := gen_random_uuid();
            event uuid;
            began timestamptz := clock_timestamp();
        BEGIN
            FOR i IN 1 .. %s LOOP
                %s;
            END LOOP;
            RETURN extract(epoch FROM clock_timestamp() - began) * 1e6 / %1$s;
        END $run$ $f$, calls, call);
    before := pg_current_wal_insert_lsn();
    micros := pg_temp.run();
    INSERT INTO taken VALUES (form, round, micros, (pg_current_wal_insert_lsn() - before) / calls);
END $$;

SELECT auth_store.webhook_emit('function.called', '{"ns": "ns7", "type": "Function"}') AS matches \gset
SELECT pg_temp.time(form, call, r, :calls)
  FROM generate_series(0, :rounds) r, (VALUES
    ('inserts', $$event := gen_random_uuid();
                  INSERT INTO plain_events (id, tenant_id, event_type, body)
                  VALUES (event, 'default', 'function.called', '{"type":"function.called","timestamp":"'
                      || to_json(clock_timestamp()) || '","data":' || payload || '}');
                  INSERT INTO plain_queue (id, webhook_id, event_id, attempt, tenant_id)
                  VALUES (gen_random_uuid(), webhook, event, 0, 'default')$$),
    ('emit', $$PERFORM auth_store.webhook_emit('function.called', payload)$$),
    ('emit to nobody', $$PERFORM auth_store.webhook_emit('function.called', quiet)$$)) c (form, call)
 ORDER BY r \g /dev/null

CREATE TEMP VIEW medians AS
    SELECT form, percentile_cont(0.5) WITHIN GROUP (ORDER BY micros) AS micros,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY wal) AS wal
      FROM taken WHERE round > 0 GROUP BY form;
CREATE TEMP VIEW results AS
    SELECT m.form, round(m.micros::numeric, 1) AS micros, round((m.micros / i.micros)::numeric, 2) AS ratio,
           round(m.wal) AS wal
      FROM medians m, medians i WHERE i.form = 'inserts';
SELECT format('emit to one of %s webhooks: time, of two bare inserts', :webhooks), ratio, '<= 2'
  FROM results WHERE form = 'emit' \g |cat >>"$TARGETS"
\set QUIET off
\pset format aligned
\pset tuples_only off
\echo == :webhooks webhooks, :matches of which wants it
TABLE results ORDER BY ratio;
