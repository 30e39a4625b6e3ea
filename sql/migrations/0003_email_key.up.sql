-- What an e-mail address is compared by is made by the library, and stored: lower() is another function in a database
-- of another collation, and changes with its provider. migrate() fills the column in.
ALTER TABLE auth_store.users
    ADD COLUMN email_key text COLLATE "C",
    ADD CONSTRAINT users_email_key_of_email CHECK (email IS NOT NULL OR email_key IS NULL);
DROP INDEX IF EXISTS auth_store.users_email_key;
CREATE UNIQUE INDEX users_email_key ON auth_store.users (tenant_id, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX users_email_unkeyed_idx ON auth_store.users (id) WHERE email IS NOT NULL AND email_key IS NULL;
COMMENT ON COLUMN auth_store.users.email IS 'The address as it was given: what is shown and mailed to.';
COMMENT ON COLUMN auth_store.users.email_key IS
    'What the address is compared by, the same in every database: its local part in NFC and lower case of Unicode, '
    'its domain in ASCII (UTS 46). Written by the store''s functions. '
    'NULL beside an address that is another user''s too, see check().';
