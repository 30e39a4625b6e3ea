-- What the trail says of clients, counted: a report over months reads these rows and not the trail. Cleanup counts the
-- trail's rows once, in the order of their time, and remembers up to when in cleanup_cursors.

CREATE TABLE IF NOT EXISTS auth_store.client_usage (
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
COMMENT ON TABLE auth_store.client_usage IS
    'What each client did with codes and tokens on each day, counted from the audit trail by cleanup and kept as long.';
COMMENT ON COLUMN auth_store.client_usage.day IS 'The day in UTC.';
COMMENT ON COLUMN auth_store.client_usage.last_used_at IS
    'The last step of that day that was granted; NULL: none was.';
COMMENT ON COLUMN auth_store.client_usage.codes_issued IS 'Authorization codes that were issued.';
COMMENT ON COLUMN auth_store.client_usage.codes_redeemed IS 'Each made a grant with its first tokens.';
COMMENT ON COLUMN auth_store.client_usage.devices_redeemed IS
    'Log-ins of devices; each made a grant with its first tokens.';
COMMENT ON COLUMN auth_store.client_usage.tokens_issued IS 'By token_issue() and by client credentials.';
COMMENT ON COLUMN auth_store.client_usage.tokens_refreshed IS 'Refresh tokens that were exchanged for new ones.';
COMMENT ON COLUMN auth_store.client_usage.tokens_exchanged IS 'Tokens given for another (RFC 8693).';
COMMENT ON COLUMN auth_store.client_usage.tokens_used IS 'Uses of access tokens that were recorded: token_use().';
COMMENT ON COLUMN auth_store.client_usage.revoked IS 'Tokens and grants revoked one by one.';
COMMENT ON COLUMN auth_store.client_usage.refused IS 'Steps of any of these kinds that were refused.';
COMMENT ON COLUMN auth_store.client_usage.refresh_refused IS 'How many of the refused steps were refreshes.';
COMMENT ON COLUMN auth_store.client_usage.users IS 'How many different users that day.';
COMMENT ON COLUMN auth_store.client_usage.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.client_usage.client_id IS
    'The client as it was named in the requests, also where no such client exists; empty: the steps name none.';
COMMENT ON CONSTRAINT client_usage_pkey ON auth_store.client_usage IS
    'A row for each day, tenant and client; the day first, because reports read days and cleanup deletes them.';

-- The key begins with the user, by which rows are erased and walked.
CREATE TABLE IF NOT EXISTS auth_store.client_users (
    user_id       uuid        NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    tenant_id     text COLLATE "C" NOT NULL,
    client_id     text COLLATE "C" NOT NULL,
    CONSTRAINT client_users_pkey PRIMARY KEY (user_id, tenant_id, client_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE auth_store.client_users IS
    'Which users the steps of each client named, counted from the audit trail by cleanup and kept as long.';
COMMENT ON COLUMN auth_store.client_users.user_id IS 'The user whom the steps named.';
COMMENT ON COLUMN auth_store.client_users.first_seen_at IS 'The first step of the client that named the user.';
COMMENT ON COLUMN auth_store.client_users.last_seen_at IS 'The last step of the client that named the user.';
COMMENT ON COLUMN auth_store.client_users.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.client_users.client_id IS 'The client, as in client_usage.';
COMMENT ON CONSTRAINT client_users_pkey ON auth_store.client_users IS
    'A row for each user and client; the user first, because rows are erased and walked by it.';

CREATE TABLE IF NOT EXISTS auth_store.flag_counts (
    hour      timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    steps     bigint      NOT NULL,
    tenant_id text COLLATE "C" NOT NULL,
    flag      text COLLATE "C" NOT NULL,
    CONSTRAINT flag_counts_pkey PRIMARY KEY (hour, tenant_id, flag)
) WITH (fillfactor = 80);
COMMENT ON TABLE auth_store.flag_counts IS
    'How many steps had each flag in each hour, counted from the audit trail by cleanup and kept as long.';
COMMENT ON COLUMN auth_store.flag_counts.hour IS 'When the hour began; hours are those of UTC.';
COMMENT ON COLUMN auth_store.flag_counts.last_at IS 'The last such step.';
COMMENT ON COLUMN auth_store.flag_counts.steps IS 'How many there were.';
COMMENT ON COLUMN auth_store.flag_counts.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.flag_counts.flag IS
    'The flag: code_replay, refresh_reuse …; docs/reference/events.md lists them.';
COMMENT ON CONSTRAINT flag_counts_pkey ON auth_store.flag_counts IS
    'A row for each hour, tenant and flag; the hour first, because alerts read the last hours and cleanup deletes the '
    'oldest.';
