-- Events: their types, which webhooks get one, what is stored of it, and the store's own steps as events.
\i tests/sql/include/helpers.sql
\pset null NULL

SELECT auth_store.tenant_create('hook_acme'), auth_store.tenant_create('hook_globex');
SELECT user_id AS ann FROM auth_store.user_create('ann@hook.example', tenant_id => 'hook_acme') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@hook.example', tenant_id => 'hook_globex') \gset
-- Webhooks by a name of the test's own.
CREATE TEMP TABLE hooks (name text, id uuid);
CREATE FUNCTION pg_temp.hook(name text, types text[], filters jsonb DEFAULT NULL, tenant text DEFAULT 'hook_acme')
RETURNS void LANGUAGE sql AS $$
    INSERT INTO hooks SELECT name, webhook_id
      FROM auth_store.webhook_create('https://hook.example/' || replace(name, ' ', '-'), types, filters,
          tenant_id => tenant)
$$;
-- How many deliveries an event has, and to whom.
CREATE FUNCTION pg_temp.sent(type text, payload jsonb, event text DEFAULT NULL, tenant text DEFAULT 'hook_acme',
    OUT queued int, OUT names text) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM auth_store.webhook_queue;
    queued := auth_store.webhook_emit(type, payload, event, tenant);
    names := (SELECT string_agg(h.name, ' ' ORDER BY h.name) FROM auth_store.webhook_queue q
                JOIN hooks h ON h.id = q.webhook_id);
END $$;
SELECT FROM pg_temp.trail();

--
-- The types
--
SELECT name, category, description, schema, created_at, updated_at, own FROM auth_store.webhook_event_type_list()
 WHERE name IN ('agent.created', 'code.redeemed', 'refresh_reuse');
SELECT string_agg(name, ' ') AS shipped, bool_and(sample ->> 'id' IS NOT NULL) AS with_samples
  FROM auth_store.webhook_event_type_list() WHERE NOT own;
-- Without a row: a fresh store has none.
SELECT count(*) FROM auth_store.webhook_event_types;
SELECT auth_store.webhook_event_type_register('hook.order_shipped', 'Orders', 'An order was shipped.',
    '{"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "pattern": "^[a-z0-9]+$"},
      "lines": {"items": {"$ref": "#/$defs/line"}}, "at": {"format": "date-time"}},
      "$defs": {"line": {"properties": {"count": {"minimum": 1}}}}}',
    '{"id": "order1", "lines": [{"count": 2}]}');
SELECT auth_store.webhook_event_type_register('hook.plain');
SELECT name, category, description, schema IS NULL AS any_payload, sample, created_at = updated_at AS new, own
  FROM auth_store.webhook_event_type_list() WHERE name LIKE 'hook.%';
-- A type that every store has can get a schema, and lose it again; a new one counts at once.
SELECT auth_store.webhook_event_type_register('agent.created', schema => '{"required": ["name"]}');
SELECT pg_temp.raised($$SELECT auth_store.webhook_emit('agent.created', '{}')$$);
SELECT auth_store.webhook_event_type_register('agent.created', schema => '{"required": ["id"]}');
SELECT pg_temp.raised($$SELECT auth_store.webhook_emit('agent.created', '{"name": "x"}')$$);
SELECT auth_store.webhook_event_type_register('agent.created');
SELECT auth_store.webhook_emit('agent.created', '{}');
SELECT created_at < updated_at AS changed FROM auth_store.webhook_event_type_list() WHERE name = 'agent.created';
SELECT event, resource_type, resource_id, details, tenant_id FROM auth_store.audit_log
 WHERE event = 'webhook_type.registered' ORDER BY occurred_at DESC LIMIT 1;
SELECT n, pg_temp.raised(format('SELECT auth_store.webhook_event_type_register(%s)', arguments))
  FROM (VALUES (1, 'NULL'), (2, $$''$$), (3, $$'Agent.made'$$), (4, $$'agent.*'$$), (5, $$'agent..made'$$),
    (6, $$'.made'$$), (7, $$'a-b'$$), (8, $$E'a\n'$$), (9, $$repeat('a', 101)$$), (10, $$'code.redeemed'$$),
    (11, $$'refresh_reuse'$$), (12, $$'a', category => ''$$), (13, $$'a', category => E'a\tb'$$),
    (14, $$'a', description => repeat('x', 1001)$$),
    (20, $$'a', schema => '[]'$$), (21, $$'a', schema => 'true'$$), (22, $$'a', schema => '{"type": 1}'$$),
    (23, $$'a', schema => '{"$ref": "https://example.com/schema"}'$$),
    (24, $$'a', schema => '{"$ref": "file:///etc/passwd"}'$$), (25, $$'a', schema => '{"$ref": "#/$defs/none"}'$$),
    (26, $$'a', schema => '{"properties": {"child": {"$ref": "#"}}}'$$),
    (27, $$'a', schema => '{"$schema": "https://example.com/draft"}'$$),
    (28, $$'a', schema => '{"pattern": "(?=a)b"}'$$), (29, $$'a', schema => '{"pattern": "(a{1000}){1000}"}'$$),
    (30, $$'a', schema => jsonb_build_object('enum', array_fill('{}'::jsonb, '{2001}'))$$),
    (31, $$'a', schema => (repeat('{"not":', 70) || '{}' || repeat('}', 70))::jsonb$$),
    (32, $$'a', schema => jsonb_build_object('description', repeat('x', 65536))$$),
    (33, $$'a', schema => (repeat('{"not":', 1000) || '{}' || repeat('}', 1000))::jsonb$$),
    (40, $$'a', sample => '1'$$), (41, $$'a', sample => '[1]'$$), (42, $$'a', sample => '[]'$$),
    (43, $$'a', schema => '{"required": ["id"]}', sample => '{"name": "secret"}'$$),
    (44, $$'a', sample => jsonb_build_object('x', repeat('x', 65536))$$)) AS f (n, arguments) ORDER BY n;
SELECT count(*) FROM auth_store.webhook_event_types WHERE name = 'a';

--
-- Who gets an event: patterns
--
SELECT pg_temp.hook('exact', '{agent.created}'), pg_temp.hook('family', '{agent.*}'), pg_temp.hook('all', '{*}'),
       pg_temp.hook('thrice', '{agent.created,agent.*,*}'), pg_temp.hook('other', '{thing.created,thing.*,hook.a.*}'),
       pg_temp.hook('globex', '{*}', tenant => 'hook_globex');
SELECT auth_store.webhook_event_type_register('hook.a.b.c');
SELECT auth_store.webhook_event_type_register('agent');
SELECT n, s.* FROM (VALUES (1, 'agent.created'), (2, 'agent.deleted'), (3, 'thing.created'), (4, 'workflow.started'),
    (5, 'hook.a.b.c'), (6, 'agent')) AS e (n, type), pg_temp.sent(type, '{}') AS s ORDER BY n;
SELECT * FROM pg_temp.sent('agent.created', '{}', tenant => 'hook_globex');
SELECT auth_store.webhook_emit('agent.created', '{}');

--
-- Filters, by containment
--
SELECT auth_store.webhook_delete(id) FROM hooks \g /dev/null
TRUNCATE hooks;
SELECT pg_temp.hook('text', '{function.*}', '{"type": "Function"}'),
       pg_temp.hook('two', '{function.*}', '{"type": "Function", "ns": "onet"}'),
       pg_temp.hook('nested', '{function.*}', '{"meta": {"owner": {"team": "blue"}}}'),
       pg_temp.hook('number', '{function.*}', '{"n": 1.0}'), pg_temp.hook('null', '{function.*}', '{"gone": null}'),
       pg_temp.hook('array', '{function.*}', '{"tags": ["a", "b"]}'),
       pg_temp.hook('mixed', '{function.*}', '{"a": 1, "tags": ["a"], "type": "Function"}'),
       pg_temp.hook('empty', '{function.*}', '{}'), pg_temp.hook('unnamed', '{function.*}', '{"": "x"}'),
       pg_temp.hook('blank', '{function.*}', '{"ns": ""}'),
       pg_temp.hook('long', '{function.*}', jsonb_build_object('text', repeat('é', 3000))),
       pg_temp.hook('longer', '{function.*}', jsonb_build_object('text', repeat('é', 3000) || 'x')),
       pg_temp.hook('long member', '{function.*}', jsonb_build_object(repeat('m', 3000), 'x'));
SELECT n, s.* FROM (VALUES (1, '{}'::jsonb), (2, '{"type": "Function"}'), (3, '{"type": "function"}'),
    (4, '{"type": ["Function"]}'), (5, '{"type": "Function", "ns": "onet", "more": true}'),
    (6, '{"type": "Function", "ns": "two"}'), (7, '{"meta": {"owner": {"team": "blue", "n": 1}, "x": []}}'),
    (8, '{"meta": {"team": "blue"}}'), (9, '{"n": 1}'), (10, '{"n": "1"}'), (11, '{"n": 1.00}'), (12, '{"gone": null}'),
    (13, '{"tags": ["c", "b", "a"]}'), (14, '{"tags": ["a"]}'),
    (15, '{"type": "Function", "tags": ["a", "z"], "a": 1}'),
    (16, '{"": "x"}'), (17, '{"ns": ""}'), (18, jsonb_build_object('text', repeat('é', 3000))),
    (19, jsonb_build_object('text', repeat('é', 3000) || 'x')), (20, jsonb_build_object(repeat('m', 3000), 'x')),
    -- One object of an array must contain all of a filter.
    (30, '[{"type": "Function"}]'), (31, '[{"type": "Function"}, {"ns": "onet"}]'),
    (32, '[{"a": 1}, {"ns": "onet", "type": "Function"}]')) AS p (n, payload),
    pg_temp.sent('function.called', payload) AS s ORDER BY n;

--
-- Which webhooks: active and suspended ones that have not ended
--
SELECT auth_store.webhook_delete(id) FROM hooks \g /dev/null
TRUNCATE hooks;
SELECT pg_temp.hook('active', '{*}'), pg_temp.hook('suspended', '{*}'), pg_temp.hook('disabled', '{*}'),
       pg_temp.hook('ended', '{*}'), pg_temp.hook('deleted', '{*}');
UPDATE auth_store.webhooks SET status = h.name FROM hooks h
 WHERE h.id = webhooks.id AND h.name IN ('suspended', 'disabled');
UPDATE auth_store.webhooks SET expires_at = clock_timestamp() FROM hooks h
 WHERE h.id = webhooks.id AND h.name = 'ended';
DELETE FROM auth_store.webhooks USING hooks h WHERE h.id = webhooks.id AND h.name = 'deleted';
SELECT * FROM pg_temp.sent('agent.created', '{}');

--
-- What is stored
--
DELETE FROM auth_store.webhook_events;
SELECT * FROM pg_temp.sent('agent.created', '{"b": 1.50, "a": "é\"\\\u0001", "n": 12345678901234567890.5}');
SELECT event_type, event_id, user_id, test, tenant_id,
       regexp_replace(body, '"timestamp":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z"', '"timestamp":"…"') AS body,
       (body::json ->> 'timestamp')::timestamptz - auth_store.id_time(id) < '1 ms' AS when_made
  FROM auth_store.webhook_events;
SELECT count(*), bool_and(q.event_id = e.id) AS of_the_event, bool_and(leased_until IS NULL AND attempt = 0) AS ready,
       bool_and(redelivery_of IS NULL) AS first, bool_and(substr(q.id::text, 16, 3) = substr(webhook_id::text, 16, 3))
           AS in_the_webhooks_bucket
  FROM auth_store.webhook_queue q, auth_store.webhook_events e;
-- Deliveries of a webhook have the order of the calls, however fast they come.
DELETE FROM auth_store.webhook_queue;
SELECT sum(auth_store.webhook_emit('agent.created', jsonb_build_object('n', n), tenant_id => 'hook_acme'))
  FROM generate_series(1, 200) AS n;
SELECT count(*) AS deliveries, bool_and(in_order) AS in_order
  FROM (SELECT (e.body::jsonb #>> '{data,n}')::int > lag((e.body::jsonb #>> '{data,n}')::int, 1, 0) OVER (ORDER BY q.id)
            AS in_order
          FROM auth_store.webhook_queue q JOIN auth_store.webhook_events e ON e.id = q.event_id
          JOIN hooks h ON h.id = q.webhook_id WHERE h.name = 'active') AS each;
-- Nobody wants it: nothing is stored.
DELETE FROM auth_store.webhook_events;
SELECT * FROM pg_temp.sent('agent.created', '{}', tenant => 'default');
SELECT count(*) FROM auth_store.webhook_events;

--
-- Once by its name, in each tenant
--
SELECT * FROM pg_temp.sent('agent.created', '{"n": 1}', 'e-1');
SELECT * FROM pg_temp.sent('agent.created', '{"n": 2}', 'e-1');
SELECT * FROM pg_temp.sent('thing.created', '{"n": 3}', 'e-1');
SELECT * FROM pg_temp.sent('agent.created', '{"n": 4}', 'e-1', 'hook_globex');
SELECT pg_temp.hook('later', '{*}', tenant => 'hook_globex');
SELECT * FROM pg_temp.sent('agent.created', '{"n": 5}', 'e-1', 'hook_globex');
SELECT tenant_id, event_type, event_id, body::jsonb -> 'data' AS data FROM auth_store.webhook_events ORDER BY tenant_id;
-- What is rolled back has not happened, and can be emitted again.
BEGIN;
SELECT * FROM pg_temp.sent('agent.created', '{}', 'e-2');
SAVEPOINT half;
SELECT * FROM pg_temp.sent('agent.created', '{}', 'e-3');
ROLLBACK TO half;
SELECT * FROM pg_temp.sent('agent.created', '{}', 'e-2');
SELECT * FROM pg_temp.sent('agent.created', '{}', 'e-3');
ROLLBACK;
SELECT count(*) FROM auth_store.webhook_events WHERE event_id IN ('e-2', 'e-3');
SELECT * FROM pg_temp.sent('agent.created', '{}', 'e-2');
-- A webhook that is made and one that is deleted in the transaction of the event count, unless that is rolled back.
BEGIN;
SELECT pg_temp.hook('of the moment', '{agent.*}');
SELECT * FROM pg_temp.sent('agent.created', '{}');
ROLLBACK;
SELECT * FROM pg_temp.sent('agent.created', '{}');

--
-- Schemas
--
SELECT n, pg_temp.raised(format('SELECT auth_store.webhook_emit(''hook.order_shipped'', %L)', payload))
  FROM (VALUES (1, '{"id": "a1", "lines": [{"count": 1}]}'), (2, '{}'), (3, '{"id": 7}'), (4, '{"id": "Not a secret"}'),
    (5, '{"id": "a1", "lines": [{"count": 1}, {"count": 0}]}'), (6, '{"id": "a1", "at": "yesterday"}'),
    (7, '[{"id": "a1"}, {"id": "a2"}]'), (8, '[{"id": "a1"}, {"ID": "a2"}]'),
    (9, '{"id": "a1", "n": 1e400}'), (10, '{"id": "a1", "deep": ' || repeat('[', 200) || repeat(']', 200) || '}'),
    (11, E'{"id": "a1", "lines": [{"count": 0, "a\\nb": 1}]}')) AS p (n, payload) ORDER BY n;

--
-- Mistakes and bounds
--
SELECT n, pg_temp.raised('SELECT auth_store.webhook_emit(' || arguments || ')') FROM (VALUES
    (1, $$NULL, '{}'$$), (2, $$'agent.created', NULL$$), (3, $$'agent.nothing', '{}'$$), (4, $$'', '{}'$$),
    (5, $$'*', '{}'$$), (6, $$'agent.*', '{}'$$), (7, $$'code.redeemed', '{}'$$), (8, $$'Code.Redeemed ', '{}'$$),
    (9, $$repeat('x', 1000000), '{}'$$), (10, $$'agent.created', '1'$$), (11, $$'agent.created', '"x"'$$),
    (12, $$'agent.created', 'null'$$), (13, $$'agent.created', '[]'$$), (14, $$'agent.created', '[{}, 1]'$$),
    (15, $$'agent.created', '[[{}]]'$$), (16, $$'agent.created', '{}', ''$$), (17, $$'agent.created', '{}', ' '$$),
    (18, $$'agent.created', '{}', repeat('é', 201)$$), (19, $$'agent.created', '{}', E'a\nb'$$),
    (20, $$'agent.created', '{}', tenant_id => 'nowhere'$$), (21, $$'agent.created', '{}', tenant_id => ''$$),
    (22, $$'agent.created', '{}', user_id => gen_random_uuid()$$),
    (30, $$'agent.created', jsonb_build_object('x', repeat('x', 256 * 1024))$$),
    -- Few bytes on disk, and more than 256 kB when printed.
    (31, $$'agent.created', jsonb_build_object('x', repeat(E'\x01', 50000))$$),
    (32, $$'agent.created', '{"x": 1e131000, "y": -1e131000, "z": 1e131000}'$$)) AS f (n, arguments) ORDER BY n;
SELECT * FROM pg_temp.sent('agent.created', '{}', repeat('é', 200));
SELECT * FROM pg_temp.sent('agent.created', jsonb_build_object('x', repeat('x', 256 * 1024 - 100)));
SELECT max(octet_length(body)) FROM auth_store.webhook_events;

--
-- The user whom it is about
--
SELECT pg_temp.raised(format('SELECT auth_store.webhook_emit(''agent.created'', ''{}'', user_id => %L,
    tenant_id => ''hook_acme'')', :'bob'));
SELECT auth_store.webhook_emit('agent.created', '{"mail": "ann@hook.example"}', 'of-ann', 'hook_acme', :'ann');
SELECT e ->> 'event_id' AS event_id, e ->> 'body' LIKE '%ann@hook.example%' AS body
  FROM jsonb_array_elements(auth_store.user_export(:'ann') -> 'webhook_events') AS e;
SELECT auth_store.user_erase(:'ann') #> '{tables,webhook_events}' AS erased;
SELECT count(*) FROM auth_store.webhook_events WHERE event_id = 'of-ann' OR user_id = :'ann';

--
-- A session that is pinned to a tenant
--
SET auth_store.tenant_id = 'hook_globex';
SELECT auth_store.webhook_emit('agent.created', '{}');
SELECT auth_store.webhook_emit('agent.created', '{}', 'pinned');
SELECT auth_store.webhook_emit('agent.created', '{}', 'pinned');
SELECT pg_temp.raised($$SELECT auth_store.webhook_emit('agent.created', '{}', tenant_id => 'hook_acme')$$);
SELECT pg_temp.raised($$SELECT auth_store.webhook_own_events_set('hook_acme', true)$$);
SELECT pg_temp.raised($$SELECT auth_store.webhook_event_type_register('hook.pinned')$$);
RESET auth_store.tenant_id;
SELECT tenant_id FROM auth_store.webhook_events WHERE event_id = 'pinned';
SELECT names FROM pg_temp.sent('agent.created', '{}', tenant => 'hook_acme');

--
-- The store's own steps
--
SELECT auth_store.webhook_delete(id) FROM hooks \g /dev/null
TRUNCATE hooks;
DELETE FROM auth_store.webhook_events;
SELECT pg_temp.hook('users', '{user.*}'),
       pg_temp.hook('bobs', '{*}', jsonb_build_object('user_id', :'bob'), 'hook_globex');
SELECT user_id AS eve FROM auth_store.user_create('eve@hook.example', tenant_id => 'hook_acme') \gset
SELECT count(*) AS not_switched_on FROM auth_store.webhook_events;
SELECT auth_store.webhook_own_events_set('hook_acme', true), auth_store.webhook_own_events_set('hook_globex', true);
SELECT auth_store.user_set_status(:'eve', 'suspended', 'a test');
SELECT auth_store.user_set_status(:'bob', 'suspended');
SELECT FROM auth_store.user_login('eve@hook.example', 'wrong', tenant_id => 'hook_acme', ip => '192.0.2.7',
    user_agent => 'Needle/1.0');
-- Neither another type, nor a row of the application's own.
SELECT FROM auth_store.session_create(:'bob') \g /dev/null
SELECT auth_store.webhook_emit('agent.created', '{}', tenant_id => 'hook_acme');
SELECT FROM auth_store.audit_write('user.smiled', user_id => :'eve');
SELECT e.tenant_id, e.event_type, e.user_id IN (:'eve', :'bob') AS of_the_user, h.name AS "to",
       (e.body::jsonb #>> '{data,occurred_at}')::timestamptz = date_trunc('ms', a.occurred_at) AS of_the_row
  FROM auth_store.webhook_events e JOIN auth_store.webhook_queue q ON q.event_id = e.id
  JOIN hooks h ON h.id = q.webhook_id
  JOIN auth_store.audit_log a ON a.tenant_id = e.tenant_id AND a.event = e.event_type
       AND a.id::text = e.body::jsonb #>> '{data,id}'
 ORDER BY a.occurred_at;
SELECT jsonb_pretty((body::jsonb -> 'data') - '{id,occurred_at,user_id}'::text[]) AS data FROM auth_store.webhook_events
 WHERE event_type = 'user.status_changed' AND tenant_id = 'hook_acme';
SELECT count(*) FROM auth_store.webhook_events WHERE body ~ 'Needle|192\.0\.2';
-- A step that is rolled back is none.
BEGIN;
SELECT auth_store.user_set_status(:'eve', 'active') \g /dev/null
ROLLBACK;
DELETE FROM auth_store.webhook_events;
SELECT auth_store.webhook_own_events_set('hook_acme', false);
SELECT auth_store.user_set_status(:'eve', 'active') \g /dev/null
SELECT count(*) AS switched_off FROM auth_store.webhook_events;
-- A switch that is rolled back was none.
BEGIN;
SELECT auth_store.webhook_own_events_set('hook_acme', true);
SELECT auth_store.user_set_status(:'eve', 'suspended') \g /dev/null
SELECT count(*) AS switched_on FROM auth_store.webhook_events;
ROLLBACK;
SELECT auth_store.user_set_status(:'eve', 'suspended') \g /dev/null
SELECT count(*) AS switched_back FROM auth_store.webhook_events;
SELECT event, resource_type, resource_id, details FROM auth_store.audit_log
 WHERE event = 'webhook.own_events_switched' AND tenant_id = 'hook_acme' ORDER BY occurred_at DESC LIMIT 1;
SELECT pg_temp.raised('SELECT auth_store.webhook_own_events_set(' || arguments || ')')
  FROM (VALUES ('NULL, true'), ($$'hook_acme', NULL$$), ($$'nowhere', true$$)) AS f (arguments);

--
-- So many patterns and members that no backend remembers them
--
SELECT pg_temp.hook('many ' || n, ARRAY(SELECT 'hook.t' || n || '.t' || m || '.*' FROM generate_series(1, 100) AS m))
  FROM generate_series(1, 11) AS n \g /dev/null
SELECT auth_store.webhook_event_type_register('hook.t7.t50.x');
SELECT pg_temp.hook('one of many', '{hook.t7.*}', '{"a": "b", "c": {}}');
SELECT payload, s.* FROM (VALUES ('{}'), ('{"a": "b"}'), ('{"a": "b", "c": {"d": 1}}')) AS p (payload),
    pg_temp.sent('hook.t7.t50.x', payload::jsonb) AS s;
SELECT auth_store.webhook_delete(id) FROM hooks \g /dev/null
DELETE FROM auth_store.webhook_event_types WHERE name LIKE 'hook.%' OR name IN ('agent', 'agent.created');
