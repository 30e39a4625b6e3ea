-- The same connections in a table of the same shape, encrypted by pgcrypto with :options.
SELECT id AS key_id FROM auth_store.vault_keys WHERE tenant_id = 'default' AND retired_at IS NULL \gset
CREATE TABLE bench.:table (LIKE auth_store.connections INCLUDING ALL,
                           FOREIGN KEY (key_id, tenant_id)
                           REFERENCES auth_store.vault_keys (id, tenant_id)) WITH (fillfactor = 85);
-- pgcrypto has no data key to name; the column and its index stay, so that a row is as wide and as dear to write.
ALTER TABLE bench.:table ALTER key_id SET DEFAULT :'key_id';
CREATE TEMP TABLE made AS SELECT * FROM auth_store.connections;
UPDATE made SET access_token = public.pgp_sym_encrypt(rpad(actor_id, 200, 'aT4'),
    'passphrase of the application', :'options'),
                refresh_token = public.pgp_sym_encrypt(rpad(actor_id, 120, 'rT4'),
                'passphrase of the application', :'options');
INSERT INTO bench.:table SELECT * FROM made ORDER BY id;
