-- What the store knows of the histories of its server. The newest row says which of them it knows of; the first is
-- written by install(), the others by recovered(). A restore into a fresh install adds the rows of the dump to that of
-- the install.
CREATE TABLE IF NOT EXISTS auth_store.recoveries (
    acknowledged_at   timestamptz NOT NULL,
    lost_from         timestamptz,
    lost_to           timestamptz,
    claims_until      timestamptz,
    system_identifier bigint      NOT NULL,
    timeline          integer     NOT NULL,
    policy            text,
    CONSTRAINT recoveries_pkey PRIMARY KEY (acknowledged_at, system_identifier, timeline),
    CONSTRAINT recoveries_window_whole CHECK (
        (lost_from IS NULL) = (lost_to IS NULL) AND (lost_from IS NULL) = (claims_until IS NULL)
        AND (lost_from IS NULL) = (policy IS NULL)),
    CONSTRAINT recoveries_window_order CHECK (lost_from <= lost_to),
    CONSTRAINT recoveries_policy_known CHECK (policy IN ('keep', 'window', 'all'))
);
COMMENT ON TABLE auth_store.recoveries IS
    'Restores and fail-overs that the store was told of by recovered(), and what commits they lost.';
COMMENT ON COLUMN auth_store.recoveries.acknowledged_at IS
    'When recovered() was called first, or the tables were made.';
COMMENT ON COLUMN auth_store.recoveries.lost_from IS
    'From when on commits were lost; NULL: the tables were made. The same as lost_to: none was lost.';
COMMENT ON COLUMN auth_store.recoveries.lost_to IS 'Until when commits were lost; NULL: the tables were made.';
COMMENT ON COLUMN auth_store.recoveries.claims_until IS
    'A JWT id whose token ends before this, and of which is not known when it was made, is not claimed.';
COMMENT ON COLUMN auth_store.recoveries.system_identifier IS
    'The server''s, as pg_control_system() shows it: a dump is restored to a server with another.';
COMMENT ON COLUMN auth_store.recoveries.timeline IS 'The server''s: a promotion and a restore begin another.';
COMMENT ON COLUMN auth_store.recoveries.policy IS 'What ended: keep, window or all; NULL: the tables were made.';
COMMENT ON CONSTRAINT recoveries_pkey ON auth_store.recoveries IS
    'The newest row is found by it. With the server, so that the rows of a dump go beside those of an install.';
COMMENT ON CONSTRAINT recoveries_window_whole ON auth_store.recoveries IS
    'The row of an install has no window, every other has one with its policy.';
COMMENT ON CONSTRAINT recoveries_window_order ON auth_store.recoveries IS
    'A window ends at its beginning, where nothing was lost, or after it.';
COMMENT ON CONSTRAINT recoveries_policy_known ON auth_store.recoveries IS
    'One of the words that recovered() takes.';
