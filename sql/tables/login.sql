-- Failed attempts to prove who one is. No foreign key: a failure is counted alike whether there is a user or not. The
-- ids are hashes, of names that nobody has too. Counting changes no indexed column: HOT updates, for which the
-- fillfactor leaves room.
CREATE TABLE IF NOT EXISTS auth_store.login_failures (
    id           uuid        NOT NULL,
    user_id      uuid,
    since        timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    locked_until timestamptz,
    failures     integer     NOT NULL,
    locks        integer     NOT NULL,
    max_failures integer     NOT NULL,
    tenant_id    text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    CONSTRAINT login_failures_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT login_failures_kind_known CHECK (kind IN ('one_time', 'password', 'second_factor'))
) WITH (fillfactor = 50);
CREATE INDEX IF NOT EXISTS login_failures_user_idx ON auth_store.login_failures (user_id, tenant_id);
COMMENT ON TABLE auth_store.login_failures IS
    'Failed attempts to log in, and the locks that follow: one row for a user and each network or known device that '
    'they came from, one for all networks together; of names that nobody has likewise.';
COMMENT ON COLUMN auth_store.login_failures.id IS
    'The first 16 bytes of SHA-256 of tenant, kind, user or name, and network or device.';
COMMENT ON COLUMN auth_store.login_failures.user_id IS 'Who should have been proved; NULL: nobody has the name.';
COMMENT ON COLUMN auth_store.login_failures.since IS 'The first of the failures that are counted.';
COMMENT ON COLUMN auth_store.login_failures.expires_at IS
    'When all is forgotten: a day after the last failure, or after the end of the lock.';
COMMENT ON COLUMN auth_store.login_failures.locked_until IS
    'Until when attempts are refused; NULL: not enough failures. One that is past lets the count begin anew.';
COMMENT ON COLUMN auth_store.login_failures.failures IS
    'How many there were since then, those during the lock among them. A good attempt deletes the row of its network.';
COMMENT ON COLUMN auth_store.login_failures.locks IS
    'How many locks there were since the last good attempt: each is twice as long as the one before.';
COMMENT ON COLUMN auth_store.login_failures.max_failures IS 'How many failures began a lock at the last one.';
COMMENT ON COLUMN auth_store.login_failures.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.login_failures.kind IS 'password, second_factor or one_time.';
COMMENT ON CONSTRAINT login_failures_pkey ON auth_store.login_failures IS
    'Finds the counter by the hash of what was tried and from where, of names that nobody has too.';
COMMENT ON CONSTRAINT login_failures_kind_known ON auth_store.login_failures IS
    'one_time, password or second_factor: failures of one kind lock out that kind.';
COMMENT ON INDEX auth_store.login_failures_user_idx IS
    'The counters of a user, for user_unlock() and user_erase(). Not partial: a row without a user costs the same '
    'time.';

-- Where users have logged in: a browser that was given a device token, or a network with a user agent.
CREATE TABLE IF NOT EXISTS auth_store.devices (
    id            uuid        NOT NULL,
    user_id       uuid        NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    trusted_until timestamptz,
    tenant_id     text COLLATE "C" NOT NULL,
    digest        bytea,
    ip            inet,
    user_agent    text,
    CONSTRAINT devices_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT devices_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS devices_user_idx ON auth_store.devices (user_id, tenant_id);
COMMENT ON TABLE auth_store.devices IS
    'Browsers that users have logged in with: with a token of their own, or as a network and a user agent.';
COMMENT ON COLUMN auth_store.devices.id IS 'The first 16 bytes of the token text; time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.devices.user_id IS 'The user who logged in there.';
COMMENT ON COLUMN auth_store.devices.first_seen_at IS 'When the user first logged in there.';
COMMENT ON COLUMN auth_store.devices.last_seen_at IS
    'The last log-in; auth_store.device_retention after it the device is forgotten.';
COMMENT ON COLUMN auth_store.devices.trusted_until IS
    'Until when it needs no second factor; NULL: it was not trusted.';
COMMENT ON COLUMN auth_store.devices.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.devices.digest IS
    'SHA-256 of the token text; NULL: it was given no token and is known by network and user agent alone.';
COMMENT ON COLUMN auth_store.devices.ip IS 'Address of the last log-in; NULL: not said.';
COMMENT ON COLUMN auth_store.devices.user_agent IS 'User agent of the last log-in; NULL: not said.';
COMMENT ON CONSTRAINT devices_pkey ON auth_store.devices IS
    'Finds the device by the hash of what it shows: a device token, or a network with a user agent.';
COMMENT ON CONSTRAINT devices_user_fkey ON auth_store.devices IS 'Devices go with their user.';
COMMENT ON INDEX auth_store.devices_user_idx IS
    'The devices of a user, of which a bounded number is kept; covers devices_user_fkey.';
