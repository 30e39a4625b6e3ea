COMMENT ON FUNCTION auth_store.vault_key_generate IS
    'Makes a master key and returns the lines to append to the file that auth_store.master_key_file names, with '
    'instructions as comments. Nothing of it is kept in the database.';
ALTER FUNCTION auth_store.vault_key_generate COST 100;
GRANT EXECUTE ON FUNCTION auth_store.vault_key_generate TO auth_store_admin;

COMMENT ON FUNCTION auth_store.vault_check IS
    'What the vault''s keys are needed for, and what would not open, without showing any of it: after a restore, and '
    'before an old master key is removed. One row for each master key, the newest first, with how many data keys, '
    'connections and rows of any table (sealed_rows: connections too, and passwords and former ones with a pepper of '
    'the key, see auth_store.password_pepper) need it; state seals (new values), needed, not needed (its line may go) '
    'or missing. '
    'Then, with readable = false, each data key that does not open, with what needs it, and each connection or '
    'second factor of which a value does not. '
    'Opens everything there is: on a large store, minutes. '
    'In a session pinned to a tenant, what that tenant needs. Read-only, also on a standby. '
    '55000 where the master keys are configured but can''t be read.';
ALTER FUNCTION auth_store.vault_check COST 100000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.vault_check TO auth_store_admin, auth_store_auditor;

COMMENT ON PROCEDURE auth_store.vault_rekey IS
    'Seals everything anew whose data key an older master key wraps: makes new data keys, moves batch rows at '
    'a time (1 to 10000) to them, committing each time, and deletes the data keys that nothing needs any more. '
    'Reports progress as notices. It can be stopped at any time and called again; the store is in use meanwhile. '
    'What does not open stays as it is, and is counted in a warning. CALL it outside of a transaction.';
GRANT EXECUTE ON PROCEDURE auth_store.vault_rekey TO auth_store_admin;

COMMENT ON FUNCTION auth_store.vault_rekey_batch IS
    'One batch of vault_rekey(), in the caller''s transaction: pass after_key and after of the batch before, until '
    'done. total: how many rows are to be moved, in the first batch that moves any; left_behind: how many of '
    'the data keys that the batch came to the end of could not be moved, for being locked or unreadable.';
ALTER FUNCTION auth_store.vault_rekey_batch COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.vault_rekey_batch TO auth_store_admin;

COMMENT ON FUNCTION auth_store.fernet_encrypt IS
    'A Fernet token (github.com/fernet/spec) of a text, of this moment and with a random iv. '
    'fernet_key: 32 bytes in base64url, with or without padding; or up to 100 of them separated by commas, as '
    'Python''s MultiFernet takes them, of which the first encrypts. plaintext: at most 16 MiB. '
    '22004 for NULL, 22023 for anything else. Writes nothing, so it works on a standby.';
ALTER FUNCTION auth_store.fernet_encrypt COST 100;
GRANT EXECUTE ON FUNCTION auth_store.fernet_encrypt TO auth_store_admin;

COMMENT ON FUNCTION auth_store.fernet_decrypt IS
    'The text in a Fernet token (github.com/fernet/spec) that one of the keys made. '
    'NULL for whatever does not open: NULL, malformed, changed, of another key, not a text in UTF-8; so that WHERE '
    'fernet_decrypt(…) IS NULL finds the rows of a table that do not. '
    'ttl: with one, NULL also for a token that is older, or more than 60 s in the future; without, its age does not '
    'matter. fernet_key: as of fernet_encrypt(); 22004 for NULL, 22023 for a malformed one or a negative ttl.';
ALTER FUNCTION auth_store.fernet_decrypt COST 100;
GRANT EXECUTE ON FUNCTION auth_store.fernet_decrypt TO auth_store_admin;
