-- Webhooks. An event is stored once, and one row a webhook that wants it goes into the queue, in the transaction that
-- caused it. The queue holds what is ready or being sent, and a delivery's row goes when the delivery is over; what
-- failed waits in webhook_retries. So the queue stays small, and a claim reads little more than it gives out.

CREATE TABLE IF NOT EXISTS auth_store.webhook_event_types (
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    name        text COLLATE "C" NOT NULL,
    category    text COLLATE "C" NOT NULL,
    description text        NOT NULL,
    schema      jsonb,
    sample      jsonb,
    CONSTRAINT webhook_event_types_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE auth_store.webhook_event_types IS
    'The types of events of the application that were registered. Those that every store has, and the store''s own, '
    'need no row.';
COMMENT ON COLUMN auth_store.webhook_event_types.created_at IS 'When the type was registered.';
COMMENT ON COLUMN auth_store.webhook_event_types.updated_at IS 'When it was last registered anew.';
COMMENT ON COLUMN auth_store.webhook_event_types.name IS 'Words with dots between them: agent.created.';
COMMENT ON COLUMN auth_store.webhook_event_types.category IS 'Under what a page of all types shows it.';
COMMENT ON COLUMN auth_store.webhook_event_types.description IS 'What has happened when it is emitted.';
COMMENT ON COLUMN auth_store.webhook_event_types.schema IS
    'The JSON Schema that a payload must fit; NULL: it may be anything.';
COMMENT ON COLUMN auth_store.webhook_event_types.sample IS
    'A payload as an example, which webhook_test() sends; NULL: an empty object.';
COMMENT ON CONSTRAINT webhook_event_types_pkey ON auth_store.webhook_event_types IS
    'A type is its name, the same for all tenants: their webhooks name it.';

CREATE TABLE IF NOT EXISTS auth_store.webhooks (
    id                uuid        NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    status_changed_at timestamptz NOT NULL,
    expires_at        timestamptz,
    max_attempts      integer     NOT NULL,
    max_per_hour      integer,
    in_order          boolean     NOT NULL,
    deleted_when_gone boolean     NOT NULL,
    tenant_id         text COLLATE "C" NOT NULL,
    client_id         text COLLATE "C",
    status            text COLLATE "C" NOT NULL,
    status_reason     text,
    target_url        text COLLATE "C" NOT NULL,
    event_types       text[]      NOT NULL,
    filters           jsonb,
    metadata          jsonb       NOT NULL,
    logout            boolean     NOT NULL DEFAULT false,
    CONSTRAINT webhooks_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT webhooks_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT webhooks_client_fkey FOREIGN KEY (client_id, tenant_id)
        REFERENCES auth_store.clients (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT webhooks_status_known CHECK (status IN ('active', 'disabled', 'suspended'))
);
CREATE INDEX IF NOT EXISTS webhooks_client_idx ON auth_store.webhooks (client_id, tenant_id)
    WHERE client_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS webhooks_url_idx ON auth_store.webhooks (tenant_id, target_url);
CREATE INDEX IF NOT EXISTS webhooks_expires_idx ON auth_store.webhooks (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE auth_store.webhooks IS 'Webhooks: who wants which events, and where they are sent.';
COMMENT ON COLUMN auth_store.webhooks.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.webhooks.created_at IS 'When it was made.';
COMMENT ON COLUMN auth_store.webhooks.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN auth_store.webhooks.status_changed_at IS 'When its status last changed.';
COMMENT ON COLUMN auth_store.webhooks.expires_at IS 'When the subscription ends by itself; NULL: it does not.';
COMMENT ON COLUMN auth_store.webhooks.max_attempts IS 'How often a delivery is tried before it is a dead letter.';
COMMENT ON COLUMN auth_store.webhooks.max_per_hour IS 'How many attempts an hour it gets at most; NULL: any number.';
COMMENT ON COLUMN auth_store.webhooks.in_order IS
    'Whether a delivery waits until those before it are delivered or dead.';
COMMENT ON COLUMN auth_store.webhooks.deleted_when_gone IS
    'Whether an answer 410 deletes it; false: the answer disables it.';
COMMENT ON COLUMN auth_store.webhooks.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.webhooks.client_id IS 'The client whose it is; NULL: nobody''s in particular.';
COMMENT ON COLUMN auth_store.webhooks.status IS
    'active; disabled: by a call or an answer 410, and gets no events; suspended: it failed for days, and its events '
    'wait.';
COMMENT ON COLUMN auth_store.webhooks.status_reason IS 'Why it has the status; NULL: no reason was given.';
COMMENT ON COLUMN auth_store.webhooks.target_url IS 'Where the deliveries go.';
COMMENT ON COLUMN auth_store.webhooks.event_types IS
    'The types of events it wants; agent.* stands for all that begin so and go on, * for all.';
COMMENT ON COLUMN auth_store.webhooks.filters IS
    'A JSON object that the payload must contain, as @> has it; NULL: any payload.';
COMMENT ON COLUMN auth_store.webhooks.metadata IS 'What the application keeps with it.';
COMMENT ON COLUMN auth_store.webhooks.logout IS
    'Whether it is the one that the store made to tell its client of log-outs, by logout tokens.';
COMMENT ON CONSTRAINT webhooks_pkey ON auth_store.webhooks IS
    'Finds a webhook by id. With the tenant in it, foreign keys carry both.';
COMMENT ON CONSTRAINT webhooks_tenant_fkey ON auth_store.webhooks IS
    'Webhooks go before their tenant does; tenant_erase() deletes them.';
COMMENT ON CONSTRAINT webhooks_client_fkey ON auth_store.webhooks IS 'Webhooks go with their client.';
COMMENT ON CONSTRAINT webhooks_status_known ON auth_store.webhooks IS
    'active, disabled or suspended: each of them gets its events, loses them or keeps them waiting.';
COMMENT ON INDEX auth_store.webhooks_client_idx IS
    'The webhooks of a client; covers webhooks_client_fkey. Partial: most webhooks are nobody''s in particular.';
COMMENT ON INDEX auth_store.webhooks_url_idx IS
    'The webhooks of a tenant, and among them those that send to one URL; covers webhooks_tenant_fkey.';
COMMENT ON INDEX auth_store.webhooks_expires_idx IS 'Finds subscriptions that are over, for cleanup.';

-- What is known of a webhook's receiver. A row of its own, because every batch of deliveries changes it.
CREATE TABLE IF NOT EXISTS auth_store.webhook_states (
    webhook_id      uuid        NOT NULL,
    paused_until    timestamptz,
    open_until      timestamptz,
    failing_since   timestamptz,
    warned_at       timestamptz,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    hour_started_at timestamptz,
    success_count   bigint      NOT NULL DEFAULT 0,
    failure_count   bigint      NOT NULL DEFAULT 0,
    lost_count      bigint      NOT NULL DEFAULT 0,
    failures_in_row integer     NOT NULL DEFAULT 0,
    hour_count      integer     NOT NULL DEFAULT 0,
    tenant_id       text COLLATE "C" NOT NULL,
    last_error      text,
    CONSTRAINT webhook_states_pkey PRIMARY KEY (webhook_id, tenant_id),
    CONSTRAINT webhook_states_webhook_fkey FOREIGN KEY (webhook_id, tenant_id)
        REFERENCES auth_store.webhooks (id, tenant_id) ON DELETE CASCADE
) WITH (fillfactor = 50);
COMMENT ON TABLE auth_store.webhook_states IS 'How the receivers of webhooks have answered, and what follows from it.';
COMMENT ON COLUMN auth_store.webhook_states.webhook_id IS 'The webhook that it belongs to: webhooks.id.';
COMMENT ON COLUMN auth_store.webhook_states.paused_until IS
    'Until when the receiver wants nothing (429 or 503 with Retry-After); NULL: it does not say.';
COMMENT ON COLUMN auth_store.webhook_states.open_until IS
    'Until when the circuit is open: nothing is sent, and then one probe. NULL: it is closed.';
COMMENT ON COLUMN auth_store.webhook_states.failing_since IS
    'The first failure since the last success; NULL: there is none.';
COMMENT ON COLUMN auth_store.webhook_states.warned_at IS
    'When webhook.failing was recorded of these failures; NULL: not yet.';
COMMENT ON COLUMN auth_store.webhook_states.last_success_at IS 'The last delivery; NULL: never.';
COMMENT ON COLUMN auth_store.webhook_states.last_failure_at IS 'The last attempt that failed; NULL: none.';
COMMENT ON COLUMN auth_store.webhook_states.hour_started_at IS 'When the hour of hour_count began; NULL: none did.';
COMMENT ON COLUMN auth_store.webhook_states.success_count IS
    'How many deliveries succeeded since the webhook was made.';
COMMENT ON COLUMN auth_store.webhook_states.failure_count IS 'How many attempts failed since the webhook was made.';
COMMENT ON COLUMN auth_store.webhook_states.lost_count IS
    'Completions that came when their lease had been given to another worker.';
COMMENT ON COLUMN auth_store.webhook_states.failures_in_row IS 'Attempts that failed since the last success.';
COMMENT ON COLUMN auth_store.webhook_states.hour_count IS 'Attempts in the hour that began at hour_started_at.';
COMMENT ON COLUMN auth_store.webhook_states.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.webhook_states.last_error IS 'Why the last failed attempt failed; NULL: none did.';
COMMENT ON CONSTRAINT webhook_states_pkey ON auth_store.webhook_states IS
    'One row of state for a webhook, found by it at each claim.';
COMMENT ON CONSTRAINT webhook_states_webhook_fkey ON auth_store.webhook_states IS 'The state goes with its webhook.';

-- The keys that deliveries are signed with: one, and during a rotation the former ones too.
CREATE TABLE IF NOT EXISTS auth_store.webhook_secrets (
    id         uuid        NOT NULL,
    webhook_id uuid        NOT NULL,
    key_id     uuid        NOT NULL,
    expires_at timestamptz,
    tenant_id  text COLLATE "C" NOT NULL,
    secret     bytea       NOT NULL,
    CONSTRAINT webhook_secrets_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT webhook_secrets_webhook_fkey FOREIGN KEY (webhook_id, tenant_id)
        REFERENCES auth_store.webhooks (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT webhook_secrets_vault_key_fkey FOREIGN KEY (key_id, tenant_id)
        REFERENCES auth_store.vault_keys (id, tenant_id)
);
CREATE INDEX IF NOT EXISTS webhook_secrets_webhook_idx ON auth_store.webhook_secrets (webhook_id, tenant_id);
CREATE INDEX IF NOT EXISTS webhook_secrets_vault_key_idx ON auth_store.webhook_secrets (key_id, tenant_id, id);
COMMENT ON TABLE auth_store.webhook_secrets IS
    'The keys that the deliveries of webhooks are signed with, sealed by the vault; at most three of one webhook.';
COMMENT ON COLUMN auth_store.webhook_secrets.id IS 'Time-ordered, see id_time(): the newest is the present one.';
COMMENT ON COLUMN auth_store.webhook_secrets.webhook_id IS 'The webhook that it belongs to: webhooks.id.';
COMMENT ON COLUMN auth_store.webhook_secrets.key_id IS 'The data key of the vault that opens the secret.';
COMMENT ON COLUMN auth_store.webhook_secrets.expires_at IS
    'Until when deliveries are signed with it too; NULL: it is the present one.';
COMMENT ON COLUMN auth_store.webhook_secrets.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.webhook_secrets.secret IS
    'The secret''s bytes as nonce(12) ‖ ciphertext ‖ tag(16); AES-256-GCM under a key derived from the data key for '
    'tenant, row and column.';
COMMENT ON CONSTRAINT webhook_secrets_pkey ON auth_store.webhook_secrets IS
    'Names the secret; time-ordered, so that the newest one is the present one.';
COMMENT ON CONSTRAINT webhook_secrets_webhook_fkey ON auth_store.webhook_secrets IS 'Secrets go with their webhook.';
COMMENT ON CONSTRAINT webhook_secrets_vault_key_fkey ON auth_store.webhook_secrets IS
    'A data key stays as long as it opens a secret: without it no delivery could be signed.';
COMMENT ON INDEX auth_store.webhook_secrets_webhook_idx IS
    'The one to three secrets of a webhook, read at each claim; covers webhook_secrets_webhook_fkey.';
COMMENT ON INDEX auth_store.webhook_secrets_vault_key_idx IS
    'What a data key has sealed, in the order in which vault_rekey() walks it; covers webhook_secrets_vault_key_fkey.';

-- By what an event finds its webhooks: no event reads a webhook whose type, or whose filter's word, is another. What
-- differs most comes first in the key, so that a look-up compares little.
CREATE TABLE IF NOT EXISTS auth_store.webhook_routes (
    webhook_id uuid NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    pattern    text COLLATE "C" NOT NULL,
    member     text COLLATE "C" NOT NULL,
    value      text COLLATE "C" NOT NULL,
    CONSTRAINT webhook_routes_pkey PRIMARY KEY (value, member, pattern, tenant_id, webhook_id),
    CONSTRAINT webhook_routes_webhook_fkey FOREIGN KEY (webhook_id, tenant_id)
        REFERENCES auth_store.webhooks (id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS webhook_routes_webhook_idx ON auth_store.webhook_routes (webhook_id, tenant_id);
CREATE INDEX IF NOT EXISTS webhook_routes_tenant_idx ON auth_store.webhook_routes (tenant_id, pattern, member);
COMMENT ON TABLE auth_store.webhook_routes IS
    'By what an event finds the webhooks that may want it: those that are active or suspended.';
COMMENT ON COLUMN auth_store.webhook_routes.webhook_id IS 'The webhook: webhooks.id.';
COMMENT ON COLUMN auth_store.webhook_routes.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.webhook_routes.pattern IS 'One of the webhook''s event types, with its wildcard.';
COMMENT ON COLUMN auth_store.webhook_routes.member IS
    'A member of the filter, at its top, whose value is a text; empty: the filter has none.';
COMMENT ON COLUMN auth_store.webhook_routes.value IS
    'The text, or where it is long the start and a digest of it; empty where member is.';
COMMENT ON CONSTRAINT webhook_routes_pkey ON auth_store.webhook_routes IS
    'Finds the webhooks of an event by what differs most: first the word of the filter, last the tenant.';
COMMENT ON CONSTRAINT webhook_routes_webhook_fkey ON auth_store.webhook_routes IS 'Routes go with their webhook.';
COMMENT ON INDEX auth_store.webhook_routes_webhook_idx IS
    'The routes of a webhook that changes its types or filter; covers webhook_routes_webhook_fkey.';
COMMENT ON INDEX auth_store.webhook_routes_tenant_idx IS
    'Says by which members webhooks of a tenant filter, so that an event looks for those alone.';

-- For which tenants the steps of the store itself are events.
CREATE TABLE IF NOT EXISTS auth_store.webhook_switches (
    changed_at timestamptz NOT NULL,
    own_events boolean     NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    CONSTRAINT webhook_switches_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT webhook_switches_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id)
);
COMMENT ON TABLE auth_store.webhook_switches IS
    'The tenants whose steps of the audit trail are events for their webhooks too; no row: they are not.';
COMMENT ON COLUMN auth_store.webhook_switches.changed_at IS 'When it was last switched.';
COMMENT ON COLUMN auth_store.webhook_switches.own_events IS
    'Whether the steps of the tenant are events for its webhooks.';
COMMENT ON COLUMN auth_store.webhook_switches.tenant_id IS 'The tenant whose steps they are.';
COMMENT ON CONSTRAINT webhook_switches_pkey ON auth_store.webhook_switches IS
    'A tenant has one switch; no row stands for off.';
COMMENT ON CONSTRAINT webhook_switches_tenant_fkey ON auth_store.webhook_switches IS
    'The switch goes before its tenant does; tenant_erase() deletes it.';

CREATE TABLE IF NOT EXISTS auth_store.webhook_events (
    id         uuid    NOT NULL,
    user_id    uuid,
    test       boolean NOT NULL DEFAULT false,
    tenant_id  text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    event_id   text COLLATE "C",
    body       text    NOT NULL,
    CONSTRAINT webhook_events_pkey PRIMARY KEY (id, tenant_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS webhook_events_event_id_key ON auth_store.webhook_events (tenant_id, event_id)
    WHERE event_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS webhook_events_user_idx ON auth_store.webhook_events (user_id) WHERE user_id IS NOT NULL;
COMMENT ON TABLE auth_store.webhook_events IS
    'Events that a webhook wanted, or that were given an id; kept for auth_store.webhook_retention.';
COMMENT ON COLUMN auth_store.webhook_events.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.webhook_events.user_id IS 'The user whom it is about; NULL: none, or it was not said.';
COMMENT ON COLUMN auth_store.webhook_events.test IS
    'Whether webhook_test() made it: its deliveries have the header webhook-test.';
COMMENT ON COLUMN auth_store.webhook_events.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.webhook_events.event_type IS
    'The type of the event: agent.created, or a step of the store such as token.refreshed.';
COMMENT ON COLUMN auth_store.webhook_events.event_id IS
    'The application''s own name of it, by which it is emitted once; NULL: it gave none.';
COMMENT ON COLUMN auth_store.webhook_events.body IS
    'What is sent, byte for byte: a JSON object with type, timestamp and data.';
COMMENT ON CONSTRAINT webhook_events_pkey ON auth_store.webhook_events IS
    'Finds the event of a delivery. Time-ordered: cleanup finds what has ended at the left edge.';
COMMENT ON INDEX auth_store.webhook_events_event_id_key IS
    'The application''s own id is emitted once within a tenant, also by two sessions at once.';
COMMENT ON INDEX auth_store.webhook_events_user_idx IS
    'The events that are about a user, for user_erase() and user_export().';

CREATE TABLE IF NOT EXISTS auth_store.webhook_queue (
    id            uuid    NOT NULL,
    webhook_id    uuid    NOT NULL,
    event_id      uuid    NOT NULL,
    redelivery_of uuid,
    leased_until  timestamptz,
    attempt       integer NOT NULL,
    tenant_id     text COLLATE "C" NOT NULL,
    CONSTRAINT webhook_queue_pkey PRIMARY KEY (id, tenant_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX IF NOT EXISTS webhook_queue_webhook_idx ON auth_store.webhook_queue (tenant_id, webhook_id, id);
COMMENT ON TABLE auth_store.webhook_queue IS
    'Deliveries that are ready or being sent. Without foreign keys: an event locks no row of a webhook.';
COMMENT ON COLUMN auth_store.webhook_queue.id IS
    'The delivery; time-ordered, see id_time(). Sent as webhook-id, the same at every attempt.';
COMMENT ON COLUMN auth_store.webhook_queue.webhook_id IS 'The webhook: webhooks.id.';
COMMENT ON COLUMN auth_store.webhook_queue.event_id IS 'The event that is sent: webhook_events.id.';
COMMENT ON COLUMN auth_store.webhook_queue.redelivery_of IS
    'The delivery that it repeats because somebody asked; NULL: none.';
COMMENT ON COLUMN auth_store.webhook_queue.leased_until IS
    'Until when the worker that claimed it may send it; NULL, or in the past: nobody does.';
COMMENT ON COLUMN auth_store.webhook_queue.attempt IS 'The number of attempts begun.';
COMMENT ON COLUMN auth_store.webhook_queue.tenant_id IS 'The tenant it belongs to.';
COMMENT ON CONSTRAINT webhook_queue_pkey ON auth_store.webhook_queue IS
    'The queue in its order: a claim reads from the left edge, and a completion finds its delivery.';
COMMENT ON INDEX auth_store.webhook_queue_webhook_idx IS
    'The deliveries of a webhook in their order, for one that wants them in order, and to end them with it.';

CREATE TABLE IF NOT EXISTS auth_store.webhook_retries (
    id            uuid        NOT NULL,
    webhook_id    uuid        NOT NULL,
    event_id      uuid        NOT NULL,
    redelivery_of uuid,
    failed_at     timestamptz NOT NULL,
    due_at        timestamptz,
    attempt       integer     NOT NULL,
    http_status   integer,
    tenant_id     text COLLATE "C" NOT NULL,
    error         text,
    CONSTRAINT webhook_retries_pkey PRIMARY KEY (id, tenant_id)
);
CREATE INDEX IF NOT EXISTS webhook_retries_due_idx ON auth_store.webhook_retries (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS webhook_retries_webhook_idx ON auth_store.webhook_retries (tenant_id, webhook_id, id);
COMMENT ON TABLE auth_store.webhook_retries IS
    'Deliveries that failed: those that are tried again, and the dead letters, which are not.';
COMMENT ON COLUMN auth_store.webhook_retries.id IS 'The delivery, as in webhook_queue.';
COMMENT ON COLUMN auth_store.webhook_retries.webhook_id IS 'The webhook: webhooks.id.';
COMMENT ON COLUMN auth_store.webhook_retries.event_id IS 'The event that is sent: webhook_events.id.';
COMMENT ON COLUMN auth_store.webhook_retries.redelivery_of IS
    'The delivery that it repeats because somebody asked; NULL: none.';
COMMENT ON COLUMN auth_store.webhook_retries.failed_at IS 'When the last attempt failed.';
COMMENT ON COLUMN auth_store.webhook_retries.due_at IS 'When it is tried again; NULL: it is a dead letter.';
COMMENT ON COLUMN auth_store.webhook_retries.attempt IS 'The number of attempts made.';
COMMENT ON COLUMN auth_store.webhook_retries.http_status IS
    'The status of the last answer; NULL: there was no answer.';
COMMENT ON COLUMN auth_store.webhook_retries.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.webhook_retries.error IS 'Why the last attempt failed.';
COMMENT ON CONSTRAINT webhook_retries_pkey ON auth_store.webhook_retries IS
    'Finds the delivery that is tried again or asked for anew.';
COMMENT ON INDEX auth_store.webhook_retries_due_idx IS
    'Finds what is due, the longest overdue first; dead letters have no entry.';
COMMENT ON INDEX auth_store.webhook_retries_webhook_idx IS
    'The failed deliveries of a webhook, for webhooks_redrive() and to end them with it.';

-- The partitioned parent carries no key and no index: each partition gets its own.
CREATE TABLE IF NOT EXISTS auth_store.webhook_attempts (
    delivery_id      uuid        NOT NULL,
    webhook_id       uuid        NOT NULL,
    event_id         uuid        NOT NULL,
    attempted_at     timestamptz NOT NULL,
    attempt          integer     NOT NULL,
    duration_ms      integer,
    http_status      integer,
    tenant_id        text COLLATE "C" NOT NULL,
    event_type       text COLLATE "C" NOT NULL,
    outcome          text COLLATE "C" NOT NULL,
    error            text,
    response_headers jsonb,
    response_body    text
) PARTITION BY RANGE (attempted_at);
COMMENT ON TABLE auth_store.webhook_attempts IS
    'Every attempt to deliver: one row when it is completed; monthly partitions, bounds in UTC.';
COMMENT ON COLUMN auth_store.webhook_attempts.delivery_id IS 'The delivery, as in webhook_queue.';
COMMENT ON COLUMN auth_store.webhook_attempts.webhook_id IS 'The webhook: webhooks.id.';
COMMENT ON COLUMN auth_store.webhook_attempts.event_id IS 'The event that is sent: webhook_events.id.';
COMMENT ON COLUMN auth_store.webhook_attempts.attempted_at IS 'When the attempt was completed.';
COMMENT ON COLUMN auth_store.webhook_attempts.attempt IS 'Which attempt of the delivery it was, from 1.';
COMMENT ON COLUMN auth_store.webhook_attempts.duration_ms IS 'How long it took, in milliseconds; NULL: not told.';
COMMENT ON COLUMN auth_store.webhook_attempts.http_status IS 'The status of the answer; NULL: there was none.';
COMMENT ON COLUMN auth_store.webhook_attempts.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.webhook_attempts.event_type IS 'The type of the event that was sent.';
COMMENT ON COLUMN auth_store.webhook_attempts.outcome IS
    'delivered, retrying, dead, or gone where the answer was 410.';
COMMENT ON COLUMN auth_store.webhook_attempts.error IS 'Why it failed; NULL: it did not.';
COMMENT ON COLUMN auth_store.webhook_attempts.response_headers IS
    'The headers of the answer, a JSON object; NULL: not told.';
COMMENT ON COLUMN auth_store.webhook_attempts.response_body IS
    'The first 4,096 bytes of the answer''s body; NULL: not told.';
-- The table has no key, so the deletion of a tenant is replicated by the whole row. The partitions have the same.
ALTER TABLE auth_store.webhook_attempts REPLICA IDENTITY FULL;
