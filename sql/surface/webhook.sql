COMMENT ON FUNCTION auth_store.webhook_emit IS
    'Emits an event of the application to the webhooks of the tenant that want it, in the caller''s transaction: it is '
    'delivered if that commits. Returns how many deliveries are queued, 0 if nobody wants it. '
    'event_type: a type that exists (23503), none of the store''s own events (22023). '
    'payload: a JSON object, or an array of at least one object, which fits the schema of the type, if it has one, each '
    'object of an array by itself (22023, with the place of the first fault). What is sent, an object with type, '
    'timestamp and data, has at most 256 kB (22023). A filter must be contained in the payload, or in one object of an '
    'array. '
    'event_id: the application''s own name of the event, 1 to 200 characters. The same one in the same tenant emits '
    'once, and returns 0 then, while the event is kept (auth_store.webhook_retention). A call waits for another '
    'session''s call with the same one; at REPEATABLE READ and above 40001 where the other committed meanwhile. '
    'user_id: the user whom it is about, of the tenant (23503); user_erase() deletes the event. '
    'tenant_id: NULL is the session''s, else default; 23503 for an unknown one. '
    'The webhooks that decide are those committed by now, at every isolation level. '
    'Workers that LISTEN to auth_store_webhooks are woken at the commit; so the transaction cannot be prepared '
    '(PREPARE TRANSACTION) where something was queued.';
ALTER FUNCTION auth_store.webhook_emit COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_emit TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_own_events_set IS
    'Switches whether the store''s own steps in a tenant are events for its webhooks too; they are not before the first '
    'call. The type of such an event is the event of the audit trail, its data the row without address and user agent. '
    'Rows of audit_write() are none. From the next step on, in every session that begins it after the commit. '
    '22004 for a NULL, 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.webhook_own_events_set COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_own_events_set TO auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_event_type_register IS
    'Registers a type of events, for all tenants, or changes one that exists: every argument counts anew. '
    'name: 1 to 100 bytes, words of a-z, 0-9 and underscores with dots between them, as order.shipped; none of the '
    'store''s own events. category: 1 to 200 characters, under what a page shows it; NULL is the word before the first '
    'dot. description: at most 1000 characters. '
    'schema: the JSON Schema (draft 6 to 2020-12) that payloads must fit, formats included; NULL: any payload will do. '
    'At most 64 kB; each $ref is to a part of itself and never leads back to where it stands; at most 64 levels and '
    '2000 objects and arrays with each $ref followed; at most 20 regular expressions, without look-around and back '
    'references. sample: a payload as an example, for webhook_test() and pages, of at most 64 kB; it must fit the '
    'schema. 22004 for a NULL name, 22023 for what is not so. '
    '42501 in a session pinned to one tenant: a type belongs to all.';
ALTER FUNCTION auth_store.webhook_event_type_register COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_event_type_register TO auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_event_type_list IS
    'The types of events by their names: those that every store has (agent.created …), those registered, and the '
    'store''s own, which are the events of the audit trail. Read-only, also on a standby.';
ALTER FUNCTION auth_store.webhook_event_type_list COST 5000 ROWS 150;
GRANT EXECUTE ON FUNCTION auth_store.webhook_event_type_list TO auth_store_app, auth_store_admin;
