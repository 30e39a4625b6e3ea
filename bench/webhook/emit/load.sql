-- A store, and beside it what an application would write into.
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION auth_store;
-- The default tenant has a row from the first call on.
SELECT client_id FROM auth_store.client_create('App', NULL, 'confidential', '{client_credentials}') \g /dev/null
CREATE TABLE plain_events (LIKE auth_store.webhook_events INCLUDING ALL);
CREATE TABLE plain_queue (LIKE auth_store.webhook_queue INCLUDING ALL);

-- So many webhooks as there should be in all, as webhook_create() makes them: of each event one wants it.
CREATE PROCEDURE fill(webhooks integer) LANGUAGE plpgsql AS $$
DECLARE
    there integer := (SELECT count(*) FROM auth_store.webhooks);
BEGIN
    WITH made AS (
        INSERT INTO auth_store.webhooks (id, created_at, updated_at, status_changed_at, max_attempts, in_order,
               deleted_when_gone, tenant_id, status, target_url, event_types, filters, metadata)
        SELECT gen_random_uuid(), now(), now(), now(), 10, false, false, 'default', 'active',
               'https://example.com/' || n, CASE n % 3 WHEN 0 THEN '{function.called}' WHEN 1 THEN '{function.*}'
               ELSE '{*}' END::text[], jsonb_build_object('type', 'Function', 'ns', 'ns' || n), '{}'
          FROM generate_series(there + 1, webhooks) n
        RETURNING id, tenant_id, event_types, filters
    )
    INSERT INTO auth_store.webhook_routes (webhook_id, tenant_id, pattern, member, value)
    SELECT id, tenant_id, event_types[1], 'ns', filters ->> 'ns' FROM made;
END $$;
