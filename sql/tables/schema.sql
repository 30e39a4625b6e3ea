-- The versions that were applied to the tables; the newest is the one they have. A restore into a fresh install adds
-- the rows of the dump to that of the install.
CREATE TABLE IF NOT EXISTS auth_store.schema_version (
    version    integer     NOT NULL,
    name       text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT schema_version_pkey PRIMARY KEY (version, applied_at)
);
COMMENT ON TABLE auth_store.schema_version IS
    'Versions of the tables that install() and migrate() applied; the highest is current. '
    'The default of version is that one too: a dump of the schema alone has it.';
COMMENT ON COLUMN auth_store.schema_version.version IS 'The version the tables have from this row on.';
COMMENT ON COLUMN auth_store.schema_version.name IS 'What made it: install, or the name of the migration.';
COMMENT ON COLUMN auth_store.schema_version.applied_at IS 'When install() or migrate() gave the tables this version.';
COMMENT ON CONSTRAINT schema_version_pkey ON auth_store.schema_version IS
    'A version may be applied again after a way back: the time tells the rows apart, also those that a restore adds '
    'to the rows of a fresh install.';
