-- Webhooks. An event is stored once, and one row a webhook that wants it goes into the queue, in the transaction that
-- caused it. The queue holds what is ready or being sent, and a delivery's row goes when the delivery is over; what
-- failed waits in webhook_retries. So the queue stays small, and a claim reads little more than it gives out.

CREATE TABLE auth_store.webhook_event_types (
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    name        text COLLATE "C" NOT NULL,
    category    text COLLATE "C" NOT NULL,
    description text        NOT NULL,
    schema      jsonb,
    sample      jsonb,
    CONSTRAINT webhook_event_types_pkey PRIMARY KEY (name)
);

CREATE TABLE auth_store.webhooks (
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
    CONSTRAINT webhooks_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT webhooks_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT webhooks_client_fkey FOREIGN KEY (client_id, tenant_id)
        REFERENCES auth_store.clients (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT webhooks_status_known CHECK (status IN ('active', 'disabled', 'suspended'))
);
CREATE INDEX webhooks_client_idx ON auth_store.webhooks (client_id, tenant_id)
    WHERE client_id IS NOT NULL;
CREATE INDEX webhooks_url_idx ON auth_store.webhooks (tenant_id, target_url);
CREATE INDEX webhooks_expires_idx ON auth_store.webhooks (expires_at) WHERE expires_at IS NOT NULL;

-- What is known of a webhook's receiver. A row of its own, because every batch of deliveries changes it.
CREATE TABLE auth_store.webhook_states (
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

-- The keys that deliveries are signed with: one, and during a rotation the former ones too.
CREATE TABLE auth_store.webhook_secrets (
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
CREATE INDEX webhook_secrets_webhook_idx ON auth_store.webhook_secrets (webhook_id, tenant_id);
CREATE INDEX webhook_secrets_vault_key_idx ON auth_store.webhook_secrets (key_id, tenant_id, id);

-- By what an event finds its webhooks: no event reads a webhook whose type, or whose filter's word, is another. What
-- differs most comes first in the key, so that a look-up compares little.
CREATE TABLE auth_store.webhook_routes (
    webhook_id uuid NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    pattern    text COLLATE "C" NOT NULL,
    member     text COLLATE "C" NOT NULL,
    value      text COLLATE "C" NOT NULL,
    CONSTRAINT webhook_routes_pkey PRIMARY KEY (value, member, pattern, tenant_id, webhook_id),
    CONSTRAINT webhook_routes_webhook_fkey FOREIGN KEY (webhook_id, tenant_id)
        REFERENCES auth_store.webhooks (id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX webhook_routes_webhook_idx ON auth_store.webhook_routes (webhook_id, tenant_id);
CREATE INDEX webhook_routes_tenant_idx ON auth_store.webhook_routes (tenant_id, pattern, member);

-- For which tenants the steps of the store itself are events.
CREATE TABLE auth_store.webhook_switches (
    changed_at timestamptz NOT NULL,
    own_events boolean     NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    CONSTRAINT webhook_switches_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT webhook_switches_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id)
);

CREATE TABLE auth_store.webhook_events (
    id         uuid    NOT NULL,
    user_id    uuid,
    test       boolean NOT NULL DEFAULT false,
    tenant_id  text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    event_id   text COLLATE "C",
    body       text    NOT NULL,
    CONSTRAINT webhook_events_pkey PRIMARY KEY (id, tenant_id)
);
CREATE UNIQUE INDEX webhook_events_event_id_key ON auth_store.webhook_events (tenant_id, event_id)
    WHERE event_id IS NOT NULL;
CREATE INDEX webhook_events_user_idx ON auth_store.webhook_events (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE auth_store.webhook_queue (
    id            uuid    NOT NULL,
    webhook_id    uuid    NOT NULL,
    event_id      uuid    NOT NULL,
    redelivery_of uuid,
    leased_until  timestamptz,
    attempt       integer NOT NULL,
    tenant_id     text COLLATE "C" NOT NULL,
    CONSTRAINT webhook_queue_pkey PRIMARY KEY (id, tenant_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX webhook_queue_webhook_idx ON auth_store.webhook_queue (tenant_id, webhook_id, id);

CREATE TABLE auth_store.webhook_retries (
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
CREATE INDEX webhook_retries_due_idx ON auth_store.webhook_retries (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_retries_webhook_idx ON auth_store.webhook_retries (tenant_id, webhook_id, id);

-- The partitioned parent carries no key and no index: each partition gets its own.
CREATE TABLE auth_store.webhook_attempts (
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
ALTER TABLE auth_store.webhook_attempts REPLICA IDENTITY FULL;

-- What the trail says of clients, counted. Cleanup fills the tables from the rows that are there.
CREATE TABLE auth_store.client_usage (
    day              date        NOT NULL,
    last_used_at     timestamptz,
    codes_issued     bigint      NOT NULL,
    codes_redeemed   bigint      NOT NULL,
    devices_redeemed bigint      NOT NULL,
    tokens_issued    bigint      NOT NULL,
    tokens_refreshed bigint      NOT NULL,
    tokens_exchanged bigint      NOT NULL,
    tokens_used      bigint      NOT NULL,
    revoked          bigint      NOT NULL,
    refused          bigint      NOT NULL,
    refresh_refused  bigint      NOT NULL,
    users            bigint      NOT NULL,
    tenant_id        text COLLATE "C" NOT NULL,
    client_id        text COLLATE "C" NOT NULL,
    CONSTRAINT client_usage_pkey PRIMARY KEY (day, tenant_id, client_id)
) WITH (fillfactor = 80);

-- The key begins with the user, by which rows are erased and walked.
CREATE TABLE auth_store.client_users (
    user_id       uuid        NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    tenant_id     text COLLATE "C" NOT NULL,
    client_id     text COLLATE "C" NOT NULL,
    CONSTRAINT client_users_pkey PRIMARY KEY (user_id, tenant_id, client_id)
) WITH (fillfactor = 80);

CREATE TABLE auth_store.flag_counts (
    hour      timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    steps     bigint      NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    flag      text COLLATE "C" NOT NULL,
    CONSTRAINT flag_counts_pkey PRIMARY KEY (hour, tenant_id, flag)
) WITH (fillfactor = 80);

-- The indexes of a month find the rows of a client, a tenant, an address, an event, by flags, by details and those that
-- were refused too. New months get them so; those that are there are indexed anew, which takes some seconds for each
-- million rows.
DO $$
DECLARE
    month record;
BEGIN
    FOR month IN
        SELECT c.relname AS name,
               (SELECT pg_catalog.format(' TABLESPACE %I', t.spcname)
                  FROM pg_catalog.pg_tablespace t WHERE t.oid = c.reltablespace) AS place
          FROM pg_catalog.pg_inherits i
          JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'auth_store.audit_log'::pg_catalog.regclass
    LOOP
        EXECUTE pg_catalog.format('DROP INDEX IF EXISTS auth_store.%I', month.name || '_idx');
        EXECUTE pg_catalog.format('CREATE INDEX %I ON auth_store.%I USING brin (
                occurred_at,
                id,
                user_id uuid_bloom_ops (n_distinct_per_range = 600, false_positive_rate = 0.01),
                grant_id uuid_bloom_ops (n_distinct_per_range = 600, false_positive_rate = 0.01),
                client_id text_bloom_ops (n_distinct_per_range = 100, false_positive_rate = 0.01),
                event text_bloom_ops (n_distinct_per_range = 50, false_positive_rate = 0.01),
                ip inet_bloom_ops (n_distinct_per_range = 600, false_positive_rate = 0.01),
                tenant_id text_bloom_ops (n_distinct_per_range = 50, false_positive_rate = 0.01)
            ) WITH (pages_per_range = 16, autosummarize = on)', month.name || '_idx', month.name)
            || COALESCE(month.place, '');
        EXECUTE pg_catalog.format('CREATE INDEX %I ON auth_store.%I (occurred_at)%s WHERE NOT success',
            month.name || '_refused_idx', month.name, COALESCE(month.place, ''));
        EXECUTE pg_catalog.format('CREATE INDEX %I ON auth_store.%I USING gin (flags COLLATE "C")
            WITH (gin_pending_list_limit = 256)%s WHERE flags IS NOT NULL', month.name || '_flags_idx', month.name,
            COALESCE(month.place, ''));
        EXECUTE pg_catalog.format('CREATE INDEX %I ON auth_store.%I USING gin (details jsonb_path_ops)
            WITH (gin_pending_list_limit = 256)%s WHERE details IS NOT NULL', month.name || '_details_idx', month.name,
            COALESCE(month.place, ''));
    END LOOP;
END
$$;

CREATE TABLE auth_store.providers (
    created_at             timestamptz NOT NULL,
    updated_at             timestamptz NOT NULL,
    name                   text COLLATE "C" NOT NULL,
    display_name           text        NOT NULL,
    authorization_endpoint text,
    token_endpoint         text,
    revocation_endpoint    text,
    metadata               jsonb       NOT NULL,
    CONSTRAINT providers_pkey PRIMARY KEY (name)
);

-- What ends and cannot be refreshed, for the view alerts.
CREATE INDEX connections_ending_idx ON auth_store.connections (access_token_expires_at)
    WHERE access_token_expires_at IS NOT NULL AND refresh_at IS NULL AND revoked_at IS NULL;
