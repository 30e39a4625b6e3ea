COMMENT ON FUNCTION auth_store.webhook_emit IS
    'Emits an event of the application to the webhooks of the tenant that want it, in the caller''s transaction: it is '
    'delivered if that commits. Returns how many deliveries are queued, 0 if nobody wants it. '
    'event_type: a type that exists (23503), none of the store''s own events (22023). '
    'payload: a JSON object, or an array of at least one object, which fits the schema of the type, if it has one, '
    'each object of an array by itself (22023, with the place of the first fault). What is sent, an object with type, '
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
    'Switches whether the store''s own steps in a tenant are events for its webhooks too; they are not before the '
    'first call. The type of such an event is the event of the audit trail, its data the row without address and user '
    'agent. Rows of audit_write() are none. From the next step on, in every session that begins it after the commit. '
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
ALTER FUNCTION auth_store.webhook_event_type_list COST 5000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.webhook_event_type_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_create IS
    E'Subscribes to events: each that is of one of event_types, and whose payload contains filters, is delivered to '
    'target_url. Returns webhook_id, expires_at, and, this once, the secret that deliveries are signed with (Standard '
    'Webhooks: whsec_ and padded base64 of 32 bytes); the store keeps it sealed by the vault. '
    'What does not fit is 22023 with the accepted values as hint.\n'
    'target_url: https, 1 to 2048 bytes, without user name, password and fragment, its host spelled plainly; http too '
    'where auth_store.webhook_allow_http is on. Whether the host''s address may be sent to, the worker decides. '
    'event_types: 1 to 100 of agent.created (23503 where there is no such type), agent.* for all that begin so, or * '
    'for all. filters: a JSON object of at most 64 kB, contained as @> has it; default any payload. '
    'client_id: the client whose it is, with whom it is deleted; default nobody''s; 23503 where unknown. '
    'max_attempts: 1 to 100 before a delivery is a dead letter, default 10. '
    'max_per_hour: attempts, 1 or more, default any number. '
    'metadata: a JSON object of at most 64 kB. tenant_id: the client''s, otherwise default the session''s; 55000 where '
    'it is suspended. in_order: a delivery waits for those before it, default false. '
    'deleted_when_gone: an answer 410 deletes the webhook, default false: it disables it. '
    'expires_at: a time to come at which it ends, default never. '
    '22004 for a NULL target_url or event_types, 55000 where the vault has no master key. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.webhook_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_create TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_update IS
    'Changes a webhook: changes is a JSON object with any of target_url, event_types, filters, max_attempts, '
    'max_per_hour, in_order, deleted_when_gone, expires_at (a text, as in 2030-01-31T12:00:00Z) and metadata, with the '
    'rules and the errors of webhook_create(); null is the default. What is in the queue goes to the new target_url, '
    'whose failures are counted anew. 22023 for another key, 23503 for an unknown webhook. '
    'client_id: whose webhook it must be, for an id that a browser sent: another''s is answered as an unknown one. '
    'NULL, an explicit one too, is not compared, so the caller must see that it has one. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.webhook_update COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_update TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_set_status IS
    E'Sets a webhook''s status. active: it gets events, and they are sent; suspended: they wait; disabled: it gets '
    'none, and what waits is not sent. reason: at most 1000 characters of one line (22023). '
    '23503 for an unknown webhook, 22023 for another status.\n'
    'backlog: what becomes of the deliveries that wait when it is made active again: redrive has them sent at once, '
    'skip deletes them; 55000 where some wait and it is NULL, 22023 with another status. Dead letters stay dead: '
    'webhooks_redrive() sends them. The failures up to then count no more. '
    'client_id: whose webhook it must be, as for webhook_update(). '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.webhook_set_status COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_set_status TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_secret_rotate IS
    'Makes another secret of a webhook and returns it, this once. Deliveries are signed with it, and for overlap (0 to '
    '365 days, default 24 hours; 22023) also with those before it, of which the two newest stay; a receiver accepts '
    'one that it knows. overlap 0 ends the former ones at once. '
    '23503 for an unknown webhook, 55000 where the vault has no master key. '
    'client_id: whose webhook it must be, as for webhook_update(). '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.webhook_secret_rotate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_secret_rotate TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_delete IS
    'Ends the webhook with this webhook_id, or all with this target_url (either, 22023), and returns how many there '
    'were; their deliveries that were not made are deleted. '
    'tenant_id: whose, default the webhook''s, with target_url the client''s or the session''s. '
    'client_id: whose webhook it must be, as for webhook_update(); 23503 where target_url is given and there is no '
    'such client. ip, user_agent: where the request came from, for the audit rows.';
ALTER FUNCTION auth_store.webhook_delete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_delete TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_get IS
    'The webhook with this id, without secrets; no row for an unknown one. client_id: whose webhook it must be, as for '
    'webhook_update(). Read-only, also on a standby. 22004 for a NULL webhook_id.';
ALTER FUNCTION auth_store.webhook_get COST 1000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.webhook_get TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_list IS
    'The webhooks of a tenant, or of a client of it, in the order of their ids, which is that of their making, '
    'max_rows at a time (1 to 1000), behind the webhook with the id after: NULL for the first page, then the last '
    'webhook_id of the page before. status: only those of this status (22023). tenant_id: default the client''s or the '
    'session''s. 23503 for an unknown tenant or client. Read-only, also on a standby.';
ALTER FUNCTION auth_store.webhook_list COST 10000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.webhook_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_test IS
    'Sends the sample of an event type to a webhook, whatever that has subscribed to, and returns the delivery''s id. '
    'It is delivered as an event is, with the header webhook-test: true and an empty object where the type has no '
    'sample. 23503 for an unknown webhook or event_type, 55000 where the webhook is not active or has ended. '
    'client_id: whose webhook it must be, as for webhook_update(). '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.webhook_test COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_test TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhook_claim IS
    E'Deliveries to send, each given to the caller alone for a lease: POST body with headers to url, follow no '
    'redirect, then call webhook_complete() or webhook_complete_batch() with delivery_id and attempt. Commit before '
    'sending. Deliveries whose next attempt is due come first, then the tenants have a turn each, and of each tenant '
    'one webhook after the other; a claim goes on where the last one stopped. Of one webhook the oldest come first, '
    'but only in_order keeps their order when workers are many. Nothing is given out twice at a time; what other '
    'transactions have locked is passed over. Passed over are also webhooks that are not active or have expired, whose '
    'receiver wants a pause or whose circuit is open (one probe alone when that is over), those over their hourly '
    'limit, those in order of which a delivery is being sent or waits for its next attempt, and those of a suspended '
    'tenant.\n'
    'max_deliveries: 1 to 1000, how many it gives at most, default 50. '
    'per_webhook: 1 to 1000, how many of one webhook are leased at a time, by all workers together, default 10; '
    'claims made in the same moment may exceed it. '
    'lease: 1 s to 1 h, default 1 min, longer than sending them all may take. '
    'busy_hosts: names of hosts, with or without a port, whose webhooks are passed over; at most 1000. '
    'headers: content-type, user-agent, webhook-id (the delivery, the same at each attempt), webhook-timestamp '
    '(integer seconds), webhook-signature (Standard Webhooks: v1, HMAC-SHA256; one for each live secret, at most '
    'three, with spaces between), and webhook-test where webhook_test() made it. '
    'A webhook without a secret that opens is passed over with a warning; 55000 where the vault has no master key. '
    'A delivery whose webhook or event is gone is deleted; one whose lease ended more often than the webhook has '
    'attempts is a dead letter.';
ALTER FUNCTION auth_store.webhook_claim COST 100000 ROWS 50;
GRANT EXECUTE ON FUNCTION auth_store.webhook_claim TO auth_store_worker;

COMMENT ON FUNCTION auth_store.webhook_complete IS
    E'Says how an attempt of webhook_claim() ended, and returns what becomes of the delivery. '
    'delivered: the status was 2xx. '
    'retrying: it is tried again 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h after the first, second … '
    'attempt, each moved by up to a fifth; after 429 or 503 with Retry-After (seconds or an HTTP date, RFC 9110 '
    'section 10.2.3) then, 1 s to 24 h from now, and the webhook gets nothing before; 429 without pauses it for a '
    'minute at most. '
    'dead: max_attempts of the webhook were made, or the answer has the header webhook-delivery: abort-message; it is '
    'kept for webhooks_redrive() and webhook_redeliver(). '
    'gone: the answer was 410, which disables the webhook or, with deleted_when_gone, deletes it; or the webhook was '
    'deleted meanwhile. disabled: the answer has the header webhook-delivery: disable. '
    'ignored: the delivery is not in the queue with this attempt, because it was completed before or was given to '
    'another worker; that is counted, and changes nothing else. An attempt whose lease has ended counts as long as '
    'nobody else was given the delivery.\n'
    'After five failures in a row the webhook gets nothing for 30 s, then one probe; each probe that fails doubles the '
    'time, up to 15 min. After auth_store.webhook_failing_days of nothing but failures it is suspended. '
    'http_status: 100 to 599, NULL where no answer came. response_body is kept up to 4096 bytes, error up to 1000 '
    'characters, response_headers, an object with a text or an array of texts for each name, up to 16 kB, else not '
    'at all. duration_ms: 0 or more. '
    '22004 for a NULL delivery_id or attempt; 22023 for what does not fit.';
ALTER FUNCTION auth_store.webhook_complete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_complete TO auth_store_worker;

COMMENT ON FUNCTION auth_store.webhook_complete_batch IS
    'The same as webhook_complete() for many attempts, in few statements; a row for each, in their order. '
    'results: a JSON array of at most 1000 objects with the arguments of webhook_complete() as members. '
    '22004 and 22023 as there, for any of them: then nothing is completed.';
ALTER FUNCTION auth_store.webhook_complete_batch COST 100000 ROWS 50;
GRANT EXECUTE ON FUNCTION auth_store.webhook_complete_batch TO auth_store_worker;

COMMENT ON FUNCTION auth_store.webhook_redeliver IS
    E'Sends the event of a delivery to its webhook once more, whatever became of the delivery, and returns the new '
    'delivery''s id: it has its own webhook-id and all attempts before it. A dead letter is one no longer.\n'
    'client_id: whose webhook it must be, for an id that a browser sent: another''s is answered as an unknown one. '
    '23503 for an unknown delivery; 55000 where its event is no longer kept (auth_store.webhook_retention) or its '
    'webhook is disabled or has expired; 22004 for NULL. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.webhook_redeliver COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.webhook_redeliver TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.webhooks_redrive IS
    E'Sends many deliveries once more, as webhook_redeliver() does one, and returns how many: those whose event is '
    'kept and whose webhook is not disabled.\n'
    'filter: a JSON object; all of its members may be missing. status: dead (default: the dead letters, which are none '
    'any longer) or delivered (a replay; needs since, and 54000 for more than 100000). webhook_id, event_type, '
    'tenant_id: only those. since, until: when the last attempt was, from and before, as the text of a time or seconds '
    'since 1970. 22023 for another member or value, 22004 for NULL. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.webhooks_redrive COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.webhooks_redrive TO auth_store_admin;

COMMENT ON FUNCTION auth_store.cleanup_webhook_logs IS
    'Deletes attempts and dead letters older than so many days (1 to 36500, default 30) and returns how many; months '
    'of attempts that are empty then are dropped. cleanup() does it after auth_store.webhook_retention by itself.';
ALTER FUNCTION auth_store.cleanup_webhook_logs COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_webhook_logs TO auth_store_admin, auth_store_jobs;
