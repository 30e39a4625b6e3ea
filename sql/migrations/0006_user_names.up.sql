-- A user is found by names, of which each kind may have several: they are rows of their own, and unique there.
CREATE TABLE auth_store.user_names (
    user_id    uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    bucket     integer     NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    name_key   text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    CONSTRAINT user_names_pkey PRIMARY KEY (tenant_id, kind, name_key),
    CONSTRAINT user_names_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT user_names_kind_known CHECK (kind IN ('email', 'external', 'phone', 'username'))
);
CREATE INDEX user_names_user_idx ON auth_store.user_names (user_id, tenant_id);

-- The bucket as the library computes it: the first 12 bits of SHA-256 of tenant and key.
INSERT INTO auth_store.user_names (user_id, created_at, bucket, tenant_id, kind, name_key, name)
SELECT u.id, u.created_at,
       pg_catalog.get_byte(d.digest, 0) * 16 + pg_catalog.get_byte(d.digest, 1) / 16,
       u.tenant_id, n.kind, n.name_key, n.name
  FROM auth_store.users u
       CROSS JOIN LATERAL (VALUES ('email', u.email_key, u.email),
                                  ('external', u.external_id, u.external_id)) n (kind, name_key, name)
       CROSS JOIN LATERAL (SELECT pg_catalog.sha256(pg_catalog.convert_to(u.tenant_id, 'UTF8') || '\x00'::bytea
                                                    || pg_catalog.convert_to(n.name_key, 'UTF8'))) d (digest)
 WHERE n.name_key IS NOT NULL;

-- An address without a key is another user's too, or waits for migrate() to make its key.
ALTER TABLE auth_store.users ADD COLUMN email_unnamed boolean NOT NULL DEFAULT false;
UPDATE auth_store.users SET email_unnamed = true WHERE email IS NOT NULL AND email_key IS NULL;
CREATE INDEX users_email_unnamed_idx ON auth_store.users (id) WHERE email_unnamed;
CREATE INDEX users_tenant_idx ON auth_store.users (tenant_id, id);
DROP INDEX IF EXISTS auth_store.users_email_unkeyed_idx;
DROP INDEX IF EXISTS auth_store.users_email_key;
DROP INDEX IF EXISTS auth_store.users_external_id_key;
ALTER TABLE auth_store.users DROP COLUMN email_key; -- and with it the constraint
