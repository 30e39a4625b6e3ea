-- Webhooks and what waits for them are lost.
DELETE FROM auth_store.cleanup_cursors
 WHERE pg_catalog.split_part(task, '@', 1) IN ('webhooks', 'webhook_secrets', 'webhook_events');
DROP TABLE auth_store.webhook_attempts;
DROP TABLE auth_store.webhook_retries;
DROP TABLE auth_store.webhook_queue;
DROP TABLE auth_store.webhook_events;
DROP TABLE auth_store.webhook_switches;
DROP TABLE auth_store.webhook_routes;
DROP TABLE auth_store.webhook_secrets;
DROP TABLE auth_store.webhook_states;
DROP TABLE auth_store.webhooks;
DROP TABLE auth_store.webhook_event_types;
