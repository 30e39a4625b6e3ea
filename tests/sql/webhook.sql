-- Subscriptions to events: made, changed, paused, tried, ended, and the secrets that their deliveries are signed with.
\i tests/sql/include/helpers.sql

SELECT auth_store.webhook_event_type_register(name, sample => sample)
  FROM (VALUES ('sub.created', '{"id": "a1", "n": 12345678901234567890.5}'::jsonb), ('sub.updated', NULL),
               ('sub.part.done', '[{"id": 1}, {"id": 2}]')) v (name, sample);

-- Made: an id, an end, and a secret as Standard Webhooks has it, which is stored sealed.
SELECT webhook_id AS id, secret FROM auth_store.webhook_create('https://hooks.example/sub/1',
    ARRAY['sub.created', 'sub.part.*', 'sub.created'], '{"type": "Function", "ns": "onet"}',
    metadata => '{"zapier_subscription_id": "z1", "n": 12345678901234567890.5}') \gset
SELECT :'secret' ~ '^whsec_[A-Za-z0-9+/]{43}=$' AS formed, length(decode(substr(:'secret', 7), 'base64')) AS bytes;
SELECT tenant_id, client_id, status, status_reason, target_url, event_types, filters, max_attempts, max_per_hour,
       in_order, deleted_when_gone, expires_at, metadata, created_at = updated_at AS unchanged,
       created_at = status_changed_at AS of_its_making
  FROM auth_store.webhook_get(:'id');
SELECT octet_length(secret) - 32 AS overhead, position(decode(substr(:'secret', 7), 'base64') IN secret) AS plain,
       key_id = (SELECT k.id FROM auth_store.vault_keys k
                  WHERE k.tenant_id = 'default' AND k.retired_at IS NULL) AS by_the_tenants_key, expires_at
  FROM auth_store.webhook_secrets WHERE webhook_id = :'id';
SELECT success_count, failure_count, failures_in_row FROM auth_store.webhook_states WHERE webhook_id = :'id';
SELECT pattern, member, value FROM auth_store.webhook_routes WHERE webhook_id = :'id' ORDER BY 1;
-- The first key of the vault may be there already.
SELECT * FROM pg_temp.trail() WHERE event <> 'vault.key_created';
SELECT details, client_id, ip FROM auth_store.audit_log WHERE resource_type = 'webhook' AND resource_id = :'id';
-- With all there is.
SELECT client_id AS client FROM auth_store.client_create('Webhooks', ARRAY['https://webhook.example/cb']) \gset
SELECT client_id AS other_client FROM auth_store.client_create('Others', ARRAY['https://webhook.example/cb']) \gset
SELECT webhook_id AS full, expires_at - clock_timestamp() > '29 days' AS ends
  FROM auth_store.webhook_create('https://hooks.example:8443/sub/2?a=b', ARRAY['*'], '{}', :'client', 3, 100,
    '{"a": 1}', 'default', true, true, clock_timestamp() + interval '30 days', '192.0.2.1', 'Tester') \gset
SELECT client_id = :'client' AS of_the_client, event_types, filters, max_attempts, max_per_hour, in_order,
       deleted_when_gone, expires_at - clock_timestamp() > '29 days' AS ends, metadata
  FROM auth_store.webhook_get(:'full');
SELECT details, client_id = :'client' AS of_the_client, ip, user_agent
  FROM auth_store.audit_log WHERE resource_type = 'webhook' AND resource_id = :'full';

-- What is not accepted. NULL stands for the default.
CREATE FUNCTION pg_temp.refused(arguments text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.raised('SELECT auth_store.webhook_create(' || arguments || ')')
$$;
SELECT a AS arguments, pg_temp.refused(a) FROM unnest(ARRAY[
    'NULL, ARRAY[''*'']', '''https://hooks.example'', NULL', '''https://hooks.example'', ''{}''',
    '''https://hooks.example'', ARRAY[NULL]', '''https://hooks.example'', ARRAY[''*'', NULL]',
    '''http://hooks.example'', ARRAY[''*'']', '''https://u:p@hooks.example'', ARRAY[''*'']',
    '''https://hooks.example/#x'', ARRAY[''*'']', '''https://0x7f.1/'', ARRAY[''*'']', ''''', ARRAY[''*'']',
    '''https://hooks.example/ä'', ARRAY[''*'']', '''javascript:alert(1)'', ARRAY[''*'']',
    '''https://hooks.example'', ARRAY[''sub.unknown'']', '''https://hooks.example'', ARRAY[''sub.created'', ''x.y'']',
    '''https://hooks.example'', ARRAY['''']', '''https://hooks.example'', ARRAY[''Sub.created'']',
    '''https://hooks.example'', ARRAY[''sub*'']', '''https://hooks.example'', ARRAY[''*.created'']',
    '''https://hooks.example'', ARRAY[''*''], ''[]''', '''https://hooks.example'', ARRAY[''*''], ''1''',
    '''https://hooks.example'', ARRAY[''*''], ''null''', '''https://hooks.example'', ARRAY[''*''], max_attempts => 0',
    '''https://hooks.example'', ARRAY[''*''], max_attempts => 101',
    '''https://hooks.example'', ARRAY[''*''], max_per_hour => 0',
    '''https://hooks.example'', ARRAY[''*''], metadata => ''[]''',
    '''https://hooks.example'', ARRAY[''*''], expires_at => clock_timestamp()',
    '''https://hooks.example'', ARRAY[''*''], expires_at => ''-infinity''',
    '''https://hooks.example'', ARRAY[''*''], client_id => ''sub_nobody''',
    '''https://hooks.example'', ARRAY[''*''], tenant_id => ''sub_nowhere''']) a;
SELECT pg_temp.refused(format('%L, ARRAY[''*'']', 'https://hooks.example/' || repeat('x', 2048 - 22))) AS at_the_limit,
       pg_temp.refused(format('%L, ARRAY[''*'']', 'https://hooks.example/' || repeat('x', 2049 - 22))) AS beyond;
SELECT pg_temp.refused('''https://hooks.example/many'', ARRAY(SELECT ''t'' || n || ''.*'' FROM generate_series(1, '
           || n || ') n)') FROM unnest(ARRAY[100, 101]) n;
SELECT pg_temp.refused('''https://hooks.example/big'', ARRAY[''*''], ' || o
           || ' => jsonb_build_object(''k'', repeat(''x'',' || n || '))')
  FROM unnest(ARRAY['filters', 'metadata']) o, unnest(ARRAY[65000, 66000]) n;
SELECT webhook_id AS by_default, expires_at FROM auth_store.webhook_create('https://hooks.example/null', ARRAY['*'],
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) \gset
SELECT max_attempts, max_per_hour, in_order, deleted_when_gone, expires_at, metadata
  FROM auth_store.webhook_get(:'by_default');
SELECT auth_store.webhook_delete(target_url => url) FROM unnest(ARRAY['https://hooks.example/many',
    'https://hooks.example/big', 'https://hooks.example/null', 'https://hooks.example/' || repeat('x', 2026)]) url;
-- http is a setting.
SET auth_store.webhook_allow_http = on;
SELECT webhook_id AS plain FROM auth_store.webhook_create('http://127.0.0.1:8000/sub', ARRAY['*']) \gset
RESET auth_store.webhook_allow_http;
-- Switched off, no webhook gets such a URL; one that has it can be changed otherwise.
SELECT auth_store.webhook_update(:'plain', '{"max_attempts": 2}');
SELECT pg_temp.raised(format('SELECT auth_store.webhook_update(%L, ''{"target_url": "http://127.0.0.1:8000/2"}'')',
    :'plain'));
SELECT auth_store.webhook_delete(target_url => 'http://127.0.0.1:8000/sub');
SELECT FROM pg_temp.trail();

-- Changed: only what is named; null is the default; the routes follow.
SELECT auth_store.webhook_update(:'id', '{"target_url": "https://hooks.example/sub/3", "event_types": ["sub.*"],
    "filters": {"ns": ["a"], "kind": "x"}, "max_attempts": 5, "max_per_hour": 7, "in_order": true,
    "deleted_when_gone": true, "expires_at": "2100-01-31T12:00:00Z", "metadata": {"n": 1e400}}');
SELECT target_url, event_types, filters, max_attempts, max_per_hour, in_order, deleted_when_gone,
       expires_at AT TIME ZONE 'UTC' AS expires_at, metadata = '{"n": 1e400}' AS exact, updated_at > created_at AS later
  FROM auth_store.webhook_get(:'id');
SELECT pattern, member, value FROM auth_store.webhook_routes WHERE webhook_id = :'id' ORDER BY 1;
SELECT auth_store.webhook_update(:'id', '{"in_order": null, "max_attempts": null, "max_per_hour": null,
    "filters": null, "deleted_when_gone": null, "expires_at": null, "metadata": null}'),
       auth_store.webhook_update(:'id', '{}');
SELECT target_url, event_types, filters, max_attempts, max_per_hour, in_order, deleted_when_gone, expires_at, metadata
  FROM auth_store.webhook_get(:'id');
SELECT pattern, member, value FROM auth_store.webhook_routes WHERE webhook_id = :'id' ORDER BY 1;
SELECT details FROM auth_store.audit_log WHERE event = 'webhook.updated' AND resource_id = :'id' ORDER BY occurred_at;
SELECT c AS changes, pg_temp.raised(format('SELECT auth_store.webhook_update(%L, %L)', :'id', c))
  FROM unnest(ARRAY[NULL, '[]', '1', '{"client_id": "x"}', '{"status": "active"}', '{"target_url": null}',
    '{"target_url": 1}', '{"target_url": "ftp://x"}', '{"event_types": null}', '{"event_types": []}',
    '{"event_types": "*"}', '{"event_types": ["sub.unknown"]}', '{"event_types": ["*", null]}', '{"filters": []}',
    '{"max_attempts": "1"}', '{"max_attempts": 1.5}', '{"max_attempts": 0}', '{"max_attempts": 1e400}',
    '{"max_per_hour": 0}', '{"max_per_hour": 3000000000}', '{"in_order": 1}', '{"deleted_when_gone": "true"}',
    '{"expires_at": 1}', '{"expires_at": "tomorrow perhaps"}', '{"expires_at": "2001-01-01"}', '{"metadata": 1}']) c;
SELECT pg_temp.raised('SELECT auth_store.webhook_update(NULL, ''{}'')'),
       pg_temp.raised('SELECT auth_store.webhook_update(gen_random_uuid(), ''{}'')');

-- Disabled it has no routes, suspended it has.
SELECT auth_store.webhook_set_status(:'id', 'disabled', 'by hand');
SELECT status, status_reason, status_changed_at > created_at AS later FROM auth_store.webhook_get(:'id');
SELECT count(*) FROM auth_store.webhook_routes WHERE webhook_id = :'id';
-- A change leaves it without.
SELECT auth_store.webhook_update(:'id', '{"event_types": ["sub.created"]}');
SELECT count(*) FROM auth_store.webhook_routes WHERE webhook_id = :'id';
SELECT auth_store.webhook_set_status(:'id', 'suspended');
SELECT status, status_reason FROM auth_store.webhook_get(:'id');
SELECT pattern FROM auth_store.webhook_routes WHERE webhook_id = :'id';
SELECT auth_store.webhook_set_status(:'id', 'active', backlog => 'skip');
SELECT details FROM auth_store.audit_log WHERE event = 'webhook.status_changed' AND resource_id = :'id'
 ORDER BY occurred_at;
SELECT a AS arguments, pg_temp.raised('SELECT auth_store.webhook_set_status(' || a || ')') FROM unnest(ARRAY[
    'NULL, ''active''', 'gen_random_uuid(), ''active''', 'gen_random_uuid(), NULL', 'gen_random_uuid(), ''gone''',
    'gen_random_uuid(), ''''', 'gen_random_uuid(), ''active'', backlog => ''drop''',
    'gen_random_uuid(), ''active'', backlog => ''''', 'gen_random_uuid(), ''disabled'', backlog => ''skip''']) a;

-- Tried: the sample of any type, whatever it has subscribed to.
SELECT auth_store.webhook_test(:'id', 'sub.part.done') AS delivery \gset
SELECT q.webhook_id = :'id' AS to_it, q.attempt, q.redelivery_of, e.test, e.event_type, e.event_id, e.user_id,
       regexp_replace(e.body, '"timestamp":"[^"]*"', '"timestamp":…') AS body,
       e.body ~ '"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"' AS rfc_3339
  FROM auth_store.webhook_queue q JOIN auth_store.webhook_events e ON e.id = q.event_id AND e.tenant_id = q.tenant_id
 WHERE q.id = :'delivery';
CREATE TEMP TABLE tried AS
SELECT auth_store.webhook_test(:'id', t) AS id FROM unnest(ARRAY['sub.created', 'sub.updated']) t;
SELECT event_type, body::jsonb->'data' AS data
  FROM tried JOIN auth_store.webhook_queue q USING (id) JOIN auth_store.webhook_events e ON e.id = q.event_id
 ORDER BY q.id;
SELECT details - 'delivery_id' AS details, details->>'delivery_id' = :'delivery' AS of_it
  FROM auth_store.audit_log WHERE event = 'webhook.tested' AND resource_id = :'id' ORDER BY occurred_at LIMIT 1;
SELECT a AS arguments, pg_temp.raised(format('SELECT auth_store.webhook_test(%s)', replace(a, 'ID', :'id')))
  FROM unnest(ARRAY['NULL, ''sub.created''', '''ID'', NULL', '''ID'', ''sub.unknown''', '''ID'', ''sub.*''',
    '''ID'', ''*''', '''ID'', ''''', 'gen_random_uuid(), ''sub.created''']) a;

-- Active again: what waits is redriven or skipped, as is said.
INSERT INTO auth_store.webhook_retries (id, webhook_id, event_id, failed_at, due_at, attempt, tenant_id, error)
SELECT gen_random_uuid(), :'id', gen_random_uuid(), now(), due, 2, 'default', 'timeout'
  FROM unnest(ARRAY[now() + interval '1 day', now() + interval '2 days', NULL]) due;
UPDATE auth_store.webhook_states
   SET paused_until = now() + '1 h', open_until = now() + '1 h', failing_since = now(), warned_at = now(),
       failures_in_row = 9, failure_count = 9 WHERE webhook_id = :'id';
SELECT auth_store.webhook_set_status(:'id', 'active') AS was_active;
SELECT auth_store.webhook_set_status(:'id', 'suspended', 'failing');
SELECT pg_temp.raised(format('SELECT auth_store.webhook_set_status(%L, ''active'')', :'id'));
SELECT pg_temp.raised(format('SELECT auth_store.webhook_test(%L, ''sub.created'')', :'id'));
SELECT failures_in_row, failing_since IS NULL AS forgiven FROM auth_store.webhook_states WHERE webhook_id = :'id';
SELECT auth_store.webhook_set_status(:'id', 'active', backlog => 'redrive');
SELECT status, status_reason FROM auth_store.webhook_get(:'id');
SELECT paused_until, open_until, failing_since, warned_at, failures_in_row, failure_count
  FROM auth_store.webhook_states WHERE webhook_id = :'id';
SELECT due_at <= clock_timestamp() AS due, count(*) FROM auth_store.webhook_retries WHERE webhook_id = :'id'
 GROUP BY 1 ORDER BY 1;
SELECT count(*) AS queued FROM auth_store.webhook_queue WHERE webhook_id = :'id';
SELECT auth_store.webhook_set_status(:'id', 'disabled');
SELECT pg_temp.raised(format('SELECT auth_store.webhook_set_status(%L, ''active'')', :'id'));
SELECT auth_store.webhook_set_status(:'id', 'active', 'mended', 'skip');
SELECT (SELECT count(*) FROM auth_store.webhook_queue WHERE webhook_id = :'id') AS queued,
       (SELECT array_agg(due_at) FROM auth_store.webhook_retries WHERE webhook_id = :'id') AS dead;
SELECT details FROM auth_store.audit_log WHERE event = 'webhook.status_changed' AND resource_id = :'id'
 ORDER BY occurred_at DESC LIMIT 1;
-- Another receiver has not failed yet.
UPDATE auth_store.webhook_states SET open_until = now() + '1 h', failures_in_row = 9 WHERE webhook_id = :'id';
SELECT auth_store.webhook_update(:'id', '{"max_attempts": 9}');
SELECT failures_in_row FROM auth_store.webhook_states WHERE webhook_id = :'id';
SELECT auth_store.webhook_update(:'id', '{"target_url": "https://hooks.example/sub/4"}');
SELECT open_until, failures_in_row FROM auth_store.webhook_states WHERE webhook_id = :'id';
SELECT FROM pg_temp.trail();

-- Rotated: the former secrets sign for the overlap, and at most three do.
CREATE FUNCTION pg_temp.secrets(webhook text, OUT live bigint, OUT present bigint, OUT ends text[])
LANGUAGE sql AS $$
    SELECT count(*), count(*) FILTER (WHERE expires_at IS NULL),
           array_agg(round(extract(epoch FROM expires_at - clock_timestamp()) / 3600)::text || ' h' ORDER BY id)
               FILTER (WHERE expires_at IS NOT NULL)
      FROM auth_store.webhook_secrets WHERE webhook_id = webhook::uuid
$$;
SELECT auth_store.webhook_secret_rotate(:'id') AS second \gset
SELECT :'second' ~ '^whsec_[A-Za-z0-9+/]{43}=$' AS formed, :'second' <> :'secret' AS another;
SELECT * FROM pg_temp.secrets(:'id');
SELECT auth_store.webhook_secret_rotate(:'id', '2 days') IS NOT NULL AS third;
SELECT * FROM pg_temp.secrets(:'id');
SELECT auth_store.webhook_secret_rotate(:'id', '3 days') IS NOT NULL AS fourth;
SELECT * FROM pg_temp.secrets(:'id');
SELECT auth_store.webhook_secret_rotate(:'id', '1 hour') IS NOT NULL AS fifth;
SELECT * FROM pg_temp.secrets(:'id');
SELECT auth_store.webhook_secret_rotate(:'id', '0') IS NOT NULL AS sixth;
SELECT * FROM pg_temp.secrets(:'id');
SELECT auth_store.webhook_secret_rotate(:'id', NULL) IS NOT NULL AS by_default;
SELECT * FROM pg_temp.secrets(:'id');
SELECT details FROM auth_store.audit_log WHERE event = 'webhook.secret_rotated' AND resource_id = :'id'
 ORDER BY occurred_at;
SELECT a AS arguments, pg_temp.raised('SELECT auth_store.webhook_secret_rotate(' || a || ')') FROM unnest(ARRAY[
    'NULL', 'gen_random_uuid()', 'gen_random_uuid(), ''-1 s''', 'gen_random_uuid(), ''366 days''']) a;
-- No secret is another row's: moved, it does not open.
SELECT count(*) AS unreadable FROM auth_store.vault_check() WHERE kind = 'webhook secret';
BEGIN;
UPDATE auth_store.webhook_secrets s SET secret = o.secret FROM auth_store.webhook_secrets o
 WHERE s.webhook_id = :'id' AND o.webhook_id = :'full';
SELECT kind, tenant_id, state, readable FROM auth_store.vault_check() WHERE kind = 'webhook secret';
ROLLBACK;

-- A client's id that a browser sent: another's is unknown, and so is one that is nobody's.
SELECT f AS function,
       pg_temp.raised(format('SELECT auth_store.' || f, :'full', quote_literal(:'other_client'))) AS others,
       pg_temp.raised(format('SELECT auth_store.' || f, :'id', quote_literal(:'client'))) AS nobodys,
       pg_temp.raised(format('SELECT auth_store.' || f, :'full', quote_literal(:'client'))) AS own
  FROM unnest(ARRAY['webhook_update(%L, ''{}'', %s)', 'webhook_set_status(%L, ''active'', client_id => %s)',
                    'webhook_secret_rotate(%L, client_id => %s)', 'webhook_test(%L, ''sub.created'', %s)']) f;
SELECT count(*) FROM auth_store.webhook_get(:'full', :'client');
SELECT count(*) FROM auth_store.webhook_get(:'full', :'other_client');
SELECT count(*) FROM auth_store.webhook_get(:'id', :'client');
SELECT count(*) FROM auth_store.webhook_get(gen_random_uuid());
SELECT pg_temp.raised('SELECT auth_store.webhook_get(NULL)');
SELECT auth_store.webhook_delete(:'full', client_id => :'other_client') AS others,
       auth_store.webhook_delete(:'id', client_id => :'client') AS nobodys;

-- Listed, page by page.
SELECT auth_store.tenant_create('webhook_tenant') AS tenant \gset
SELECT webhook_id AS foreign_id
  FROM auth_store.webhook_create('https://hooks.example/sub/1', ARRAY['*'], tenant_id => 'webhook_tenant') \gset
SELECT count(auth_store.webhook_create('https://hooks.example/page/' || n, ARRAY['sub.*'], client_id => :'client'))
  FROM generate_series(1, 5) n;
SELECT target_url, status FROM auth_store.webhook_list(client_id => :'client');
SELECT webhook_id AS last FROM auth_store.webhook_list(client_id => :'client', max_rows => 2) OFFSET 1 \gset
SELECT target_url FROM auth_store.webhook_list(client_id => :'client', max_rows => 2, after => :'last');
SELECT target_url FROM auth_store.webhook_list('webhook_tenant');
SELECT count(*) FROM auth_store.webhook_list(max_rows => 1000) WHERE tenant_id <> 'default';
SELECT count(*) FROM auth_store.webhook_list(client_id => :'client', status => 'disabled');
SELECT count(*) FROM auth_store.webhook_list(client_id => :'other_client');
SELECT a AS arguments, pg_temp.raised('SELECT auth_store.webhook_list(' || replace(a, 'CLIENT', :'client') || ')')
  FROM unnest(ARRAY['''sub_nowhere''', 'client_id => ''sub_nobody''', 'status => ''gone''', 'max_rows => 0',
    'max_rows => 1001', '''webhook_tenant'', ''CLIENT''']) a;
-- Another tenant's.
SELECT pg_temp.refused(format(
    '''https://hooks.example'', ARRAY[''*''], client_id => %L, tenant_id => ''webhook_tenant''', :'client'));
SELECT auth_store.webhook_delete(:'id', tenant_id => 'webhook_tenant') AS of_another_tenant,
       auth_store.webhook_delete(target_url => 'https://hooks.example/sub/4', tenant_id => 'webhook_tenant') AS by_url;
-- A suspended tenant makes none.
SELECT auth_store.tenant_set_status('webhook_tenant', 'suspended');
SELECT pg_temp.refused('''https://hooks.example'', ARRAY[''*''], tenant_id => ''webhook_tenant''');

-- Under a pin there is but one tenant.
SET auth_store.tenant_id = 'webhook_tenant';
SELECT count(*) FROM auth_store.webhook_get(:'id');
SELECT target_url FROM auth_store.webhook_list();
SELECT f AS function, pg_temp.raised(format('SELECT auth_store.' || f, :'id'))
  FROM unnest(ARRAY['webhook_update(%L, ''{}'')', 'webhook_set_status(%L, ''disabled'')', 'webhook_secret_rotate(%L)',
                    'webhook_test(%L, ''sub.created'')']) f;
SELECT pg_temp.raised('SELECT auth_store.webhook_list(''default'')');
SELECT auth_store.webhook_delete(:'id') AS of_another,
       auth_store.webhook_delete(target_url => 'https://hooks.example/sub/4');
SELECT auth_store.webhook_update(:'foreign_id', '{"max_attempts": 2}'),
       auth_store.webhook_set_status(:'foreign_id', 'disabled'), auth_store.webhook_set_status(:'foreign_id', 'active'),
       auth_store.webhook_secret_rotate(:'foreign_id') IS NOT NULL AS rotated,
       auth_store.webhook_test(:'foreign_id', 'sub.created') IS NOT NULL AS tested;
SELECT auth_store.webhook_delete(:'foreign_id') AS its_own;
RESET auth_store.tenant_id;

-- Ended: by its id, or all of a URL; with what is theirs. The second time there is none.
SELECT pg_temp.trail() FROM (SELECT FROM pg_temp.trail()) t;
SELECT auth_store.webhook_test(:'id', 'sub.created') IS NOT NULL AS queued;
SELECT auth_store.webhook_delete(:'id'), auth_store.webhook_delete(:'id') AS again;
SELECT details FROM auth_store.audit_log WHERE event = 'webhook.deleted' AND resource_id = :'id';
SELECT (SELECT count(*) FROM auth_store.webhooks WHERE id = :'id') AS webhooks,
       (SELECT count(*) FROM auth_store.webhook_secrets WHERE webhook_id = :'id') AS secrets,
       (SELECT count(*) FROM auth_store.webhook_states WHERE webhook_id = :'id') AS states,
       (SELECT count(*) FROM auth_store.webhook_routes WHERE webhook_id = :'id') AS routes,
       (SELECT count(*) FROM auth_store.webhook_queue WHERE webhook_id = :'id') AS queue,
       (SELECT count(*) FROM auth_store.webhook_retries WHERE webhook_id = :'id') AS retries;
SELECT count(auth_store.webhook_create('https://hooks.example/page/1', ARRAY['*'])) AS second_of_this_url;
SELECT auth_store.webhook_delete(target_url => 'https://hooks.example/page/1', client_id => :'client') AS of_the_client,
       auth_store.webhook_delete(target_url => 'https://hooks.example/page/1') AS the_other,
       auth_store.webhook_delete(target_url => 'https://hooks.example/page/1') AS again;
SELECT a AS arguments, pg_temp.raised('SELECT auth_store.webhook_delete(' || a || ')') FROM unnest(ARRAY[
    '', 'NULL, NULL', 'gen_random_uuid(), ''https://hooks.example''',
    'target_url => ''x'', client_id => ''sub_nobody''',
    'target_url => ''x'', tenant_id => ''sub_nowhere''', 'target_url => ''''']) a;
SELECT count(*) AS deleted FROM pg_temp.trail() WHERE event = 'webhook.deleted';
-- With its client. Its deliveries go with the next cleanup, as those do whose event is gone.
SELECT webhook_id AS ending
  FROM auth_store.webhook_create('https://hooks.example/ending', ARRAY['sub.*'], client_id => :'client') \gset
SELECT webhook_id AS staying FROM auth_store.webhook_create('https://hooks.example/staying', ARRAY['sub.*']) \gset
SELECT auth_store.webhook_test(:'staying', 'sub.created') AS delivery \gset
SELECT event_id AS event FROM auth_store.webhook_queue WHERE id = :'delivery' \gset
CREATE TEMP TABLE waiting AS
SELECT ('ffffffff-ffff-8000-8000-00000000000' || n)::uuid AS id, webhook_id, event_id, what
  FROM (VALUES (1, :'ending'::uuid, :'event'::uuid, 'of a webhook that ends'),
               (2, :'staying', gen_random_uuid(), 'of an event that is gone'),
               (3, :'staying', :'event', 'of both that are there')) v (n, webhook_id, event_id, what);
INSERT INTO auth_store.webhook_queue (id, webhook_id, event_id, attempt, tenant_id)
SELECT id, webhook_id, event_id, 0, 'default' FROM waiting;
INSERT INTO auth_store.webhook_retries (id, webhook_id, event_id, failed_at, attempt, tenant_id)
SELECT id, webhook_id, event_id, clock_timestamp(), 1, 'default' FROM waiting;
SELECT count(*) FROM auth_store.webhooks WHERE client_id = :'client';
SELECT auth_store.client_delete(:'client');
SELECT count(*) FROM auth_store.webhooks WHERE client_id = :'client';
SELECT count(*) AS batches FROM unnest('{webhook_queue,webhook_retries}'::text[]) t, auth_store.cleanup_batch(t);
SELECT what AS ready FROM waiting JOIN auth_store.webhook_queue USING (id) ORDER BY id;
SELECT what AS dead_letter FROM waiting JOIN auth_store.webhook_retries USING (id) ORDER BY id;
SELECT auth_store.webhook_delete(:'staying');
DELETE FROM auth_store.webhook_event_types WHERE name LIKE 'sub.%';
