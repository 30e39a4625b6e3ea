-- Webhooks of several tenants, and the queue of pgmq beside them: a message is moved to an archive when it is done.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS auth_store;
SELECT auth_store.tenant_create('tenant' || t) FROM generate_series(1, 4) t;
CREATE TABLE hooks AS
SELECT tenant_id, webhook_id, row_number() OVER () - 1 AS n
  FROM (SELECT CASE t WHEN 0 THEN 'default' ELSE 'tenant' || t END AS tenant_id, w
          FROM generate_series(0, 4) t, generate_series(1, 8) w) x,
       auth_store.webhook_create('https://hook' || w || '.example/' || tenant_id, '{thing.created}',
           tenant_id => x.tenant_id) m;

CREATE TABLE pgmq_queue (
    msg_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, read_ct int NOT NULL DEFAULT 0,
    enqueued_at timestamptz NOT NULL DEFAULT now(), vt timestamptz NOT NULL, message jsonb
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX ON pgmq_queue (vt);
CREATE TABLE pgmq_archive (
    msg_id bigint PRIMARY KEY, read_ct int NOT NULL, enqueued_at timestamptz NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now(), vt timestamptz NOT NULL, message jsonb);
CREATE INDEX ON pgmq_archive (archived_at);

-- Archives messages one by one, each in a transaction of its own, as a worker does when their answers come.
CREATE PROCEDURE archive_each(ids bigint[]) LANGUAGE plpgsql AS $$
DECLARE
    id bigint;
BEGIN
    FOREACH id IN ARRAY ids LOOP
        WITH done AS (DELETE FROM public.pgmq_queue WHERE msg_id = id RETURNING *)
        INSERT INTO public.pgmq_archive (msg_id, vt, read_ct, enqueued_at, message)
        SELECT msg_id, vt, read_ct, enqueued_at, message FROM done;
        COMMIT;
    END LOOP;
END $$;

CREATE SEQUENCE ids;
-- An id in the order of time.
CREATE FUNCTION next_id() RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '8000a' ||
            lpad(to_hex(nextval('public.ids')), 15, '0'))::uuid
$$;
CREATE FUNCTION body(n int) RETURNS text LANGUAGE sql AS $$
    SELECT format('{"type":"thing.created","timestamp":"2026-11-28T21:00:00.000Z","data":{"id":"%s","ns":"onet",'
                  '"type":"Function","name":"thing number %s","tags":["one","two","three"],"size":%s}}',
                  md5(n::text), n, n * 7)
$$;

CREATE TABLE rows (event_id uuid, id uuid, webhook_id uuid, tenant_id text, i int);
-- So many deliveries for the store.
CREATE PROCEDURE fill_store(deliveries int) LANGUAGE sql AS $$
    TRUNCATE auth_store.webhook_queue, auth_store.webhook_events;
    TRUNCATE rows;
    INSERT INTO rows
    SELECT public.next_id() AS event_id, public.next_id() AS id, h.webhook_id, h.tenant_id, i
      FROM generate_series(1, deliveries) i JOIN public.hooks h ON h.n = i % 40;
    INSERT INTO auth_store.webhook_events (id, tenant_id, event_type, body)
    SELECT event_id, tenant_id, 'thing.created', public.body(i) FROM rows ORDER BY i;
    INSERT INTO auth_store.webhook_queue (id, webhook_id, event_id, attempt, tenant_id)
    SELECT id, webhook_id, event_id, 0, tenant_id FROM rows ORDER BY i;
$$;
-- So many messages for the other.
CREATE PROCEDURE fill_pgmq(deliveries int) LANGUAGE sql AS $$
    TRUNCATE pgmq_queue;
    INSERT INTO pgmq_queue (vt, message)
    SELECT clock_timestamp(),
           jsonb_build_object('url', 'https://hook' || i % 8 || '.example/', 'body', public.body(i)::jsonb)
      FROM generate_series(1, deliveries) i;
$$;
