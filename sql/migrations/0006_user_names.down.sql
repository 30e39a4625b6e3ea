-- The names that users have beside the address and the external key that are shown go: nothing below finds by them.
ALTER TABLE auth_store.users
    ADD COLUMN email_key text COLLATE "C",
    ADD CONSTRAINT users_email_key_of_email CHECK (email IS NOT NULL OR email_key IS NULL);
UPDATE auth_store.users u SET email_key = n.name_key
  FROM auth_store.user_names n
 WHERE n.user_id = u.id AND n.tenant_id = u.tenant_id AND n.kind = 'email' AND n.name = u.email;
DROP TABLE auth_store.user_names;
CREATE UNIQUE INDEX users_email_key ON auth_store.users (tenant_id, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX users_email_unkeyed_idx ON auth_store.users (id) WHERE email IS NOT NULL AND email_key IS NULL;
CREATE UNIQUE INDEX users_external_id_key ON auth_store.users (tenant_id, external_id);
DROP INDEX IF EXISTS auth_store.users_tenant_idx;
DROP INDEX IF EXISTS auth_store.users_email_unnamed_idx;
ALTER TABLE auth_store.users DROP COLUMN email_unnamed;
COMMENT ON COLUMN auth_store.users.email_key IS
    'What the address is compared by, the same in every database: its local part in NFC and lower case of Unicode, '
    'its domain in ASCII (UTS 46). Written by the store''s functions. '
    'NULL beside an address that is another user''s too, see check().';
