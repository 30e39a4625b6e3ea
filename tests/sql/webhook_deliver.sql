-- Deliveries: claimed by turns, signed, completed, tried again, dead, and sent once more.
\i tests/sql/include/helpers.sql
-- Those of other tests would be claimed, too.
DELETE FROM auth_store.webhook_queue;
DELETE FROM auth_store.webhook_retries;
-- An id in the order of time, and so many deliveries of a webhook in the queue.
CREATE SEQUENCE pg_temp.ids;
CREATE FUNCTION pg_temp.id() RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '8000a' ||
            lpad(to_hex(nextval('pg_temp.ids')), 15, '0'))::uuid
$$;
CREATE FUNCTION pg_temp.put(webhook uuid, deliveries int DEFAULT 1) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    event uuid;
    of text := (SELECT w.tenant_id FROM auth_store.webhooks w WHERE w.id = webhook);
BEGIN
    FOR n IN 1 .. deliveries LOOP
        event := pg_temp.id();
        INSERT INTO auth_store.webhook_events (id, tenant_id, event_type, body)
        VALUES (event, of, 'thing.created', format('{"n":%s}', n));
        INSERT INTO auth_store.webhook_queue (id, webhook_id, event_id, attempt, tenant_id)
        VALUES (pg_temp.id(), webhook, event, 0, of);
    END LOOP;
END $$;
-- What is claimed: of each webhook how many, by the names of their URLs.
CREATE FUNCTION pg_temp.claim(most int DEFAULT 50, each int DEFAULT 10, busy text[] DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat(name, ' ', n), ', ' ORDER BY name COLLATE "C")
      FROM (SELECT substr(url, 23) AS name, count(*) AS n
              FROM auth_store.webhook_claim(most, '1 min', each, busy) GROUP BY url) c
$$;
-- Completes the oldest delivery of a webhook that is being sent.
CREATE FUNCTION pg_temp.done(webhook uuid, status int, headers jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT auth_store.webhook_complete(id, attempt, status, 'body', 7, response_headers => headers)
      FROM (SELECT * FROM auth_store.webhook_queue
             WHERE webhook_id = webhook AND leased_until IS NOT NULL ORDER BY id LIMIT 1) q
$$;
-- Time goes on: what is to be tried again is due, leases, pauses and circuits end.
CREATE FUNCTION pg_temp.later() RETURNS void LANGUAGE sql AS $$
    UPDATE auth_store.webhook_retries SET due_at = clock_timestamp() WHERE due_at IS NOT NULL;
    UPDATE auth_store.webhook_queue SET leased_until = clock_timestamp() WHERE leased_until IS NOT NULL;
    UPDATE auth_store.webhook_states SET paused_until = clock_timestamp() WHERE paused_until IS NOT NULL;
    UPDATE auth_store.webhook_states SET open_until = clock_timestamp() WHERE open_until IS NOT NULL;
$$;
CREATE FUNCTION pg_temp.hook(name text, of text DEFAULT 'default', attempts int DEFAULT 10,
    in_order boolean DEFAULT false, per_hour int DEFAULT NULL, gone boolean DEFAULT false)
RETURNS uuid LANGUAGE sql AS $$
    SELECT webhook_id FROM auth_store.webhook_create('https://hooks.example/' || name, '{thing.created}',
        tenant_id => of, max_attempts => attempts, in_order => in_order, max_per_hour => per_hour,
        deleted_when_gone => gone)
$$;
\set ECHO all

-- Claimed: the request is ready to be sent, and signed.
SELECT webhook_id AS a, secret FROM auth_store.webhook_create('https://hooks.example/a', '{thing.created}') \gset
SELECT pg_temp.put(:'a', 12);
CREATE TEMP TABLE claimed AS SELECT * FROM auth_store.webhook_claim();
CREATE FUNCTION pg_temp.nth(n int) RETURNS uuid LANGUAGE sql AS $$
    SELECT delivery_id FROM pg_temp.claimed ORDER BY delivery_id OFFSET n LIMIT 1
$$;
SELECT count(*), count(DISTINCT delivery_id) AS different, min(attempt) AS attempt, bool_and(webhook_id = :'a') AS a,
       min(url) AS url, string_agg(body, ' ' ORDER BY delivery_id) AS oldest_first FROM claimed;
SELECT bool_and(headers ->> 'webhook-id' = delivery_id::text) AS id,
       bool_and(abs((headers ->> 'webhook-timestamp')::bigint - extract(epoch FROM now())) < 100) AS seconds,
       bool_and(headers ->> 'user-agent' ~ '^auth_store/[0-9.]+$') AS agent,
       array_agg(DISTINCT headers - '{webhook-id,webhook-timestamp,webhook-signature,user-agent}'::text[]) AS others
  FROM claimed;
CREATE FUNCTION pg_temp.signature(secret text, id uuid, headers jsonb, body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    key bytea := decode(substr(secret, 7), 'base64') || decode(repeat('00', 32), 'hex');
    message bytea := convert_to(concat_ws('.', id, headers ->> 'webhook-timestamp', body), 'UTF8');
    inner_key bytea := key;
    outer_key bytea := key;
BEGIN
    -- RFC 2104 section 2.
    FOR i IN 0 .. 63 LOOP
        inner_key := set_byte(inner_key, i, get_byte(key, i) # 54);
        outer_key := set_byte(outer_key, i, get_byte(key, i) # 92);
    END LOOP;
    RETURN 'v1,' || encode(sha256(outer_key || sha256(inner_key || message)), 'base64');
END $$;
SELECT bool_and(headers ->> 'webhook-signature' = pg_temp.signature(:'secret', delivery_id, headers, body)) AS signed
  FROM claimed;
-- Nothing twice; of one webhook so many at a time, in however many claims.
SELECT pg_temp.claim();
SELECT pg_temp.claim(each => 11);
SELECT pg_temp.claim(each => 20);
SELECT pg_temp.claim(each => 20);
-- While a secret is replaced both sign, the new one first.
SELECT auth_store.webhook_secret_rotate(:'a', '1 hour') AS second \gset
SELECT pg_temp.put(:'a');
SELECT headers ->> 'webhook-signature' = concat_ws(' ', pg_temp.signature(:'second', delivery_id, headers, body),
           pg_temp.signature(:'secret', delivery_id, headers, body)) AS both
  FROM auth_store.webhook_claim(per_webhook => 20);

-- Delivered: the row goes, the log has a row, the state counts.
SELECT auth_store.webhook_complete(delivery_id, attempt, 204, 'ok', 12, NULL, '{"Server": "x"}') FROM claimed
 ORDER BY delivery_id LIMIT 1;
SELECT event_type, attempt, duration_ms, http_status, outcome, error, response_headers, response_body, tenant_id
  FROM auth_store.webhook_attempts;
SELECT count(*) AS others FROM auth_store.webhook_queue;
SELECT success_count, failure_count, lost_count, failures_in_row, last_success_at IS NOT NULL AS at, failing_since
  FROM auth_store.webhook_states WHERE webhook_id = :'a';
-- Completed twice, with another attempt's number, of no delivery: nothing changes.
SELECT auth_store.webhook_complete(pg_temp.nth(0), 1, 500) AS twice;
SELECT auth_store.webhook_complete(pg_temp.nth(1), 2, 200) AS ahead;
SELECT auth_store.webhook_complete(gen_random_uuid(), 1, 200) AS none;
SELECT success_count, failure_count, lost_count FROM auth_store.webhook_states WHERE webhook_id = :'a';
-- A lease that is over still counts as long as nobody else was given the delivery; then it is lost, and counted.
SELECT pg_temp.later();
SELECT auth_store.webhook_complete(pg_temp.nth(1), 1, 200) AS late;
SELECT count(*), min(attempt) AS attempt FROM auth_store.webhook_claim(1);
SELECT auth_store.webhook_complete(pg_temp.nth(2), 1, 200) AS lost;
SELECT auth_store.webhook_complete(pg_temp.nth(2), 2, 200) AS its;
SELECT auth_store.webhook_complete(pg_temp.nth(2), 1, 200) AS lost;
SELECT success_count, failure_count, lost_count FROM auth_store.webhook_states WHERE webhook_id = :'a';
SELECT auth_store.webhook_delete(:'a') AS deleted;
SELECT count(*) AS queued FROM auth_store.webhook_queue;

-- Turns: the tenants, then their webhooks; who has much does not come more often.
SELECT auth_store.tenant_create('deliver1'), auth_store.tenant_create('deliver2');
SELECT pg_temp.hook('b1') AS b1, pg_temp.hook('b2') AS b2, pg_temp.hook('c1', 'deliver1') AS c1,
       pg_temp.hook('d1', 'deliver2') AS d1 \gset
SELECT pg_temp.put(:'b1', 2000), pg_temp.put(:'b2', 40), pg_temp.put(:'c1', 5), pg_temp.put(:'d1', 1);
SELECT pg_temp.claim(4, 1);
SELECT count(pg_temp.claim(2)) AS claims FROM generate_series(1, 3);
SELECT webhook_id = :'c1' AS c1, count(*) >= 3 AS enough FROM auth_store.webhook_queue
 WHERE attempt > 0 AND webhook_id IN (:'c1', :'b1') GROUP BY 1 ORDER BY 1;
SELECT count(*) AS all_at_once FROM auth_store.webhook_claim(1000, '1 min', 1000);
-- The rows are in both indexes, also those for whose new version their page had no room.
SET enable_seqscan = off;
SET enable_bitmapscan = off;
CREATE TEMP TABLE by_key AS
SELECT id, attempt FROM auth_store.webhook_queue WHERE id > '00000000-0000-0000-0000-000000000000';
CREATE TEMP TABLE by_webhook AS
SELECT id, attempt FROM auth_store.webhook_queue WHERE tenant_id > '' AND webhook_id IS NOT NULL;
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT count(*) FILTER (WHERE attempt = 1) > 900 AS leased, count(k.id) = count(*) AS by_key,
       count(w.id) = count(*) AS by_webhook
  FROM auth_store.webhook_queue LEFT JOIN by_key k USING (id, attempt) LEFT JOIN by_webhook w USING (id, attempt);
SELECT count(*) AS waits_no_longer FROM auth_store.webhook_queue WHERE attempt = 0 AND webhook_id <> :'b1';
DELETE FROM auth_store.webhook_queue
 WHERE webhook_id = :'b1' AND id NOT IN (SELECT id FROM auth_store.webhook_queue WHERE webhook_id = :'b1'
                                            ORDER BY id DESC LIMIT 3);
-- A suspended tenant gets nothing; a busy host neither.
SELECT pg_temp.later();
SELECT auth_store.tenant_set_status('deliver1', 'suspended');
SELECT pg_temp.claim(1000, 1);
SELECT pg_temp.claim(1000, 1, '{hooks.example}') AS busy, pg_temp.claim(1000, 1, '{HOOKS.example:443}') AS busy,
       pg_temp.claim(1000, 2, '{hooks.example:80,example}') AS others;
SELECT auth_store.tenant_set_status('deliver1', 'active');
-- A pinned session has its own tenant's.
SELECT pg_temp.later();
SET auth_store.tenant_id = 'deliver1';
SELECT pg_temp.claim(1000, 1000);
SELECT auth_store.webhook_complete(id, attempt, 200) AS of_another FROM auth_store.webhook_queue
 WHERE webhook_id = :'b1' ORDER BY id LIMIT 1;
RESET auth_store.tenant_id;
-- What is not active or has expired is passed over; what has no webhook or no event is deleted.
SELECT auth_store.webhook_set_status(:'b1', 'disabled'), auth_store.webhook_set_status(:'b2', 'suspended');
UPDATE auth_store.webhooks SET expires_at = clock_timestamp() WHERE id = :'c1';
SELECT pg_temp.later();
SELECT pg_temp.claim(1000, 1000);
SELECT pg_temp.put(:'d1');
DELETE FROM auth_store.webhook_events e USING auth_store.webhook_queue q
 WHERE q.event_id = e.id AND q.webhook_id = :'d1';
SELECT pg_temp.later();
DELETE FROM auth_store.webhooks WHERE id = :'c1';
SELECT pg_temp.claim(1000, 1000);
SELECT count(*) AS gone FROM auth_store.webhook_queue WHERE webhook_id IN (:'c1', :'d1');
SELECT auth_store.webhook_delete(:'b1'), auth_store.webhook_delete(:'b2'), auth_store.webhook_delete(:'d1');

-- Failed: tried again after a while that grows, by the same id, until max_attempts; then it is a dead letter.
SELECT pg_temp.hook('e', attempts => 3) AS e \gset
SELECT pg_temp.put(:'e');
SELECT pg_temp.claim(), pg_temp.done(:'e', 500);
SELECT r.attempt, r.http_status, r.error, r.due_at - r.failed_at BETWEEN '4 s' AND '6 s' AS in_seconds,
       (SELECT count(*) FROM auth_store.webhook_queue) AS queued FROM auth_store.webhook_retries r;
SELECT pg_temp.claim() AS not_yet, pg_temp.later();
SELECT pg_temp.claim(), pg_temp.done(:'e', 302);
SELECT r.attempt, r.due_at - r.failed_at BETWEEN '4 min' AND '6 min' AS in_minutes FROM auth_store.webhook_retries r;
SELECT pg_temp.later(), pg_temp.claim();
SELECT auth_store.webhook_complete(id, attempt, error => 'connect: refused') FROM auth_store.webhook_queue;
SELECT r.attempt, r.http_status, r.error, r.due_at FROM auth_store.webhook_retries r;
SELECT attempt, outcome, http_status, error FROM auth_store.webhook_attempts WHERE webhook_id = :'e' ORDER BY attempt;
SELECT count(DISTINCT delivery_id) AS deliveries FROM auth_store.webhook_attempts WHERE webhook_id = :'e';
SELECT success_count, failure_count, failures_in_row, last_error FROM auth_store.webhook_states WHERE webhook_id = :'e';
-- A worker that dies with it again and again does not keep it for ever.
SELECT pg_temp.put(:'e');
SELECT pg_temp.claim(), pg_temp.later();
SELECT pg_temp.claim(), pg_temp.later();
SELECT pg_temp.claim(), pg_temp.later();
SELECT pg_temp.claim(), pg_temp.later();
SELECT pg_temp.claim(), pg_temp.later();
SELECT pg_temp.claim() AS no_more;
SELECT attempt, due_at, error FROM auth_store.webhook_retries ORDER BY id DESC LIMIT 1;

-- Once more: a new delivery of the same event, and the dead letter is none any longer.
SELECT id AS dead FROM auth_store.webhook_retries ORDER BY id LIMIT 1 \gset
SELECT auth_store.webhook_redeliver(:'dead') AS again \gset
SELECT id = :'again' AS new, redelivery_of = :'dead' AS of_it, attempt FROM auth_store.webhook_queue;
SELECT count(*) AS dead FROM auth_store.webhook_retries;
SELECT pg_temp.claim(), pg_temp.done(:'e', 200);
-- One that was delivered too.
SELECT auth_store.webhook_redeliver(:'again') IS NOT NULL AS replayed;
SELECT pg_temp.claim(), pg_temp.done(:'e', 200);
SELECT auth_store.webhooks_redrive('{}') AS dead, auth_store.webhooks_redrive('{}') AS none;
SELECT auth_store.webhooks_redrive(jsonb_build_object('status', 'delivered', 'since', now() - interval '1 hour',
           'webhook_id', :'e')) AS of_e,
       auth_store.webhooks_redrive('{"status": "delivered", "since": 0, "event_type": "thing.updated"}') AS of_type,
       auth_store.webhooks_redrive('{"status": "delivered", "since": 0, "until": 1}') AS of_long_ago,
       auth_store.webhooks_redrive('{"status": "delivered", "since": 0, "tenant_id": "deliver1"}') AS of_tenant;
SELECT pg_temp.claim();
SELECT event, resource_type, details - '{delivery_id,redelivery_id,since}'::text[] AS details
  FROM auth_store.audit_log WHERE event = 'webhook.redriven' ORDER BY occurred_at;
SELECT auth_store.webhook_set_status(:'e', 'disabled');
SELECT pg_temp.raised(format('SELECT auth_store.webhook_redeliver(%L)', :'again')) AS disabled;
SELECT auth_store.webhook_set_status(:'e', 'active', backlog => 'redrive');
DELETE FROM auth_store.webhook_events;
SELECT pg_temp.raised(format('SELECT auth_store.webhook_redeliver(%L)', :'again')) AS gone,
       pg_temp.raised(format('SELECT auth_store.webhook_redeliver(%L, client_id => %L)', :'again', 'other')) AS others;
SELECT auth_store.webhook_delete(:'e');

-- Retry-After, as seconds and as a date, pauses the webhook (RFC 9110 section 10.2.3).
SELECT pg_temp.hook('f') AS f \gset
SELECT pg_temp.put(:'f', 6);
SELECT pg_temp.claim(50, 1), pg_temp.done(:'f', 429, '{"Retry-After": "120"}');
SELECT paused_until - clock_timestamp() BETWEEN '110 s' AND '120 s' AS paused,
       (SELECT r.due_at = s.paused_until FROM auth_store.webhook_retries r) AS due
  FROM auth_store.webhook_states s WHERE webhook_id = :'f';
SELECT pg_temp.claim() AS paused, pg_temp.later();
SELECT pg_temp.claim(50, 1), pg_temp.done(:'f', 503, '{"retry-after": ["Sun, 06 Nov 2094 08:49:37 GMT"]}');
SELECT paused_until - clock_timestamp() BETWEEN '23 h' AND '24 h' AS a_day_at_most
  FROM auth_store.webhook_states WHERE webhook_id = :'f';
-- The receiver steers.
SELECT pg_temp.later(), pg_temp.claim(50, 1), pg_temp.done(:'f', 500, '{"Webhook-Delivery": "abort-message"}');
SELECT pg_temp.later(), pg_temp.claim(50, 1), pg_temp.done(:'f', 200, '{"webhook-delivery": "disable"}');
SELECT status, status_reason FROM auth_store.webhooks WHERE id = :'f';
SELECT auth_store.webhook_set_status(:'f', 'active', backlog => 'redrive');
SELECT pg_temp.later(), pg_temp.claim(50, 1), pg_temp.done(:'f', 410);
SELECT status, status_reason FROM auth_store.webhooks WHERE id = :'f';
SELECT outcome, count(*) FROM auth_store.webhook_attempts WHERE webhook_id = :'f' GROUP BY 1 ORDER BY 1;
SELECT auth_store.webhook_delete(:'f');
SELECT pg_temp.hook('g', gone => true) AS g \gset
SELECT pg_temp.put(:'g', 2);
SELECT pg_temp.claim(), pg_temp.done(:'g', 410);
SELECT count(*) AS webhooks FROM auth_store.webhooks WHERE id = :'g';
SELECT count(*) AS deliveries FROM auth_store.webhook_queue;
SELECT event, details FROM auth_store.audit_log WHERE event IN ('webhook.disabled', 'webhook.deleted')
   AND details ? 'reason' ORDER BY occurred_at;

-- The circuit: five failures in a row open it; then one probe; each that fails doubles the time.
SELECT pg_temp.hook('h') AS h \gset
SELECT pg_temp.put(:'h', 30);
SELECT pg_temp.claim(50, 8);
SELECT count(pg_temp.done(:'h', 500)) FROM generate_series(1, 6);
SELECT failures_in_row, open_until - clock_timestamp() BETWEEN '25 s' AND '30 s' AS open
  FROM auth_store.webhook_states WHERE webhook_id = :'h';
SELECT pg_temp.claim() AS open;
UPDATE auth_store.webhook_states SET open_until = clock_timestamp() WHERE webhook_id = :'h';
SELECT pg_temp.claim() AS probe, pg_temp.claim() AS and_no_other;
-- What was sent before the circuit opened says nothing; the probe does.
SELECT pg_temp.done(:'h', 500);
SELECT failures_in_row FROM auth_store.webhook_states WHERE webhook_id = :'h';
SELECT auth_store.webhook_complete(q.id, q.attempt, 500) FROM auth_store.webhook_queue q
  JOIN auth_store.webhook_states s ON s.open_until = q.leased_until;
SELECT failures_in_row, open_until - clock_timestamp() BETWEEN '55 s' AND '60 s' AS open
  FROM auth_store.webhook_states WHERE webhook_id = :'h';
UPDATE auth_store.webhook_states SET open_until = clock_timestamp() WHERE webhook_id = :'h';
SELECT pg_temp.claim() AS probe;
SELECT auth_store.webhook_complete(q.id, q.attempt, 200) FROM auth_store.webhook_queue q
  JOIN auth_store.webhook_states s ON s.open_until = q.leased_until;
SELECT pg_temp.claim() AS closed;

-- Days of failures: a warning at half of them, then it is suspended, and its events wait.
SELECT auth_store.webhook_delete(:'h');
SELECT pg_temp.hook('i') AS i \gset
SELECT pg_temp.put(:'i', 9);
SELECT pg_temp.claim(), count(*) > 0 AS forgotten FROM pg_temp.trail();
SELECT count(pg_temp.done(:'i', 500)) FROM generate_series(1, 5);
UPDATE auth_store.webhook_states SET failing_since = clock_timestamp() - interval '61 h' WHERE webhook_id = :'i';
SELECT pg_temp.done(:'i', 500), pg_temp.done(:'i', 500);
SELECT event FROM pg_temp.trail();
UPDATE auth_store.webhook_states SET failing_since = clock_timestamp() - interval '121 h' WHERE webhook_id = :'i';
SELECT pg_temp.done(:'i', 500), pg_temp.done(:'i', 500);
SELECT event FROM pg_temp.trail();
SELECT status, status_reason FROM auth_store.webhooks WHERE id = :'i';
SELECT pg_temp.later(), pg_temp.claim() AS suspended;
SELECT auth_store.webhook_delete(:'i');

-- At REPEATABLE READ too, where rows are changed by statements.
SELECT pg_temp.hook('n') AS n \gset
SELECT pg_temp.put(:'n', 3);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.claim(2), pg_temp.claim(2) AS rest, pg_temp.claim(2) AS none;
SELECT pg_temp.done(:'n', 200), pg_temp.done(:'n', 200), pg_temp.done(:'n', 204);
COMMIT;
SELECT success_count, (SELECT count(*) FROM auth_store.webhook_queue) AS queued
  FROM auth_store.webhook_states WHERE webhook_id = :'n';
SELECT auth_store.webhook_delete(:'n');

-- So many an hour; in order, one after the other, also over a failure.
SELECT pg_temp.hook('j', per_hour => 3) AS j, pg_temp.hook('k', in_order => true, attempts => 2) AS k \gset
SELECT pg_temp.put(:'j', 5), pg_temp.put(:'k', 3);
SELECT pg_temp.claim(50, 2), pg_temp.claim(50, 4), pg_temp.claim(50, 4);
UPDATE auth_store.webhook_states SET hour_started_at = hour_started_at - interval '1 h' WHERE webhook_id = :'j';
SELECT pg_temp.claim();
SELECT pg_temp.done(:'k', 500), pg_temp.claim() AS waits;
SELECT pg_temp.later();
SELECT min(attempt) AS attempt, min(body) AS the_same FROM auth_store.webhook_claim() WHERE webhook_id = :'k';
SELECT pg_temp.done(:'k', 500);
SELECT min(attempt) AS attempt, min(body) AS the_next FROM auth_store.webhook_claim() WHERE webhook_id = :'k';
SELECT auth_store.webhook_delete(:'j'), auth_store.webhook_delete(:'k');

-- Many in one call are the same as one by one.
SELECT pg_temp.hook('l', attempts => 1) AS l, pg_temp.hook('m') AS m \gset
SELECT pg_temp.put(:'l', 3), pg_temp.put(:'m', 5);
CREATE TEMP TABLE batch AS SELECT * FROM auth_store.webhook_claim();
CREATE TEMP TABLE results AS
SELECT row_number() OVER (ORDER BY webhook_id = :'m', delivery_id) AS n, delivery_id, attempt, webhook_id FROM batch;
SELECT n, status
  FROM auth_store.webhook_complete_batch((
           SELECT jsonb_agg(jsonb_build_object('delivery_id', delivery_id, 'attempt', attempt,
                      'http_status', (ARRAY[200, 500, 429, 200, 500, 299, 503, NULL])[n],
                      'response_body', repeat('ü', 3000), 'duration_ms', n, 'error', CASE n WHEN 8 THEN 'timeout' END,
                      'response_headers', '{"retry-after": "9"}'::jsonb) ORDER BY n) FROM results)
       || jsonb_build_array(jsonb_build_object('delivery_id', (SELECT delivery_id FROM results WHERE n = 1),
                                               'attempt', 1),
                            jsonb_build_object('delivery_id', gen_random_uuid(), 'attempt', 1, 'http_status', null)))
       WITH ORDINALITY AS c (delivery_id, status, n);
SELECT n, outcome, http_status, octet_length(response_body) AS bytes, error
  FROM auth_store.webhook_attempts JOIN results USING (delivery_id, attempt) ORDER BY n;
SELECT webhook_id = :'m' AS m, success_count, failure_count, failures_in_row, lost_count,
       paused_until IS NOT NULL AS paused
  FROM auth_store.webhook_states WHERE webhook_id IN (:'l', :'m') ORDER BY 1;
SELECT count(*) FILTER (WHERE due_at IS NULL) AS dead, count(due_at) AS again FROM auth_store.webhook_retries;

-- Garbage: the call is refused, and nothing is completed.
SELECT argument, pg_temp.raised(format('SELECT auth_store.webhook_complete(%s)', argument))
  FROM unnest(ARRAY['NULL, 1', 'gen_random_uuid(), NULL', 'gen_random_uuid(), 0', 'gen_random_uuid(), 1, 99',
                    'gen_random_uuid(), 1, 600', 'gen_random_uuid(), 1, duration_ms => -1',
                    'gen_random_uuid(), 1, response_headers => ''[]''']) AS argument;
SELECT results, pg_temp.raised(format('SELECT * FROM auth_store.webhook_complete_batch(%L)', results))
  FROM unnest(ARRAY[NULL, '{}', '[1]', '[{}]', '[{"delivery_id": 1}]', '[{"delivery_id": "x"}]',
                    '[{"delivery_id": "00000000-0000-0000-0000-000000000000", "attempt": 1.5}]',
                    '[{"delivery_id": "00000000-0000-0000-0000-000000000000", "attempt": 1, "response_body": 1}]',
                    '[{"delivery_id": "00000000-0000-0000-0000-000000000000", "attempt": 1, "more": 1}]', '[]'])
       AS results;
SELECT argument, pg_temp.raised(format('SELECT * FROM auth_store.webhook_claim(%s)', argument))
  FROM unnest(ARRAY['0', '1001', 'lease => ''0 s''', 'lease => ''2 h''', 'per_webhook => 0',
                    'busy_hosts => ARRAY[NULL]::text[]', 'NULL, NULL, NULL, NULL']) AS argument;
SELECT filter, pg_temp.raised(format('SELECT auth_store.webhooks_redrive(%L)', filter))
  FROM unnest(ARRAY[NULL, '[]', '{"x": 1}', '{"status": "all"}', '{"status": "delivered"}', '{"webhook_id": "x"}',
                    '{"since": "yesterdayish"}', '{"since": true}', '{"since": "-infinity"}']) AS filter;
SELECT pg_temp.raised('SELECT auth_store.webhook_redeliver(NULL)'),
       pg_temp.raised('SELECT auth_store.webhook_redeliver(gen_random_uuid())');

-- Due again, but not given out yet: the attempt that failed is over, and completing it once more changes nothing.
SELECT pg_temp.hook('n') AS n \gset
SELECT pg_temp.put(:'n', 2);
CREATE TEMP TABLE again AS SELECT delivery_id, attempt FROM auth_store.webhook_claim();
SELECT auth_store.webhook_complete(delivery_id, attempt, 500) FROM again;
SELECT pg_temp.later(), pg_temp.claim(each => 1);
SELECT auth_store.webhook_complete(q.id, a.attempt, 200) AS twice
  FROM again a JOIN auth_store.webhook_queue q ON q.id = a.delivery_id WHERE q.leased_until IS NULL;
SELECT success_count, failure_count FROM auth_store.webhook_states WHERE webhook_id = :'n';
SELECT auth_store.webhook_delete(:'n');

-- The log ends.
SELECT pg_temp.raised('SELECT auth_store.cleanup_webhook_logs(0)');
SELECT auth_store.cleanup_webhook_logs(1) AS young;
UPDATE auth_store.webhook_retries SET failed_at = failed_at - interval '3 days' WHERE due_at IS NULL;
SELECT auth_store.cleanup_webhook_logs(2) AS dead_letters;
SELECT auth_store.webhook_delete(:'l'), auth_store.webhook_delete(:'m');
DELETE FROM auth_store.webhook_events;
