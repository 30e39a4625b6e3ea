COMMENT ON FUNCTION auth_store.signing_keys_export IS
    'The issuer of a tenant and the public keys of its tokens, a JSON object of one line: the content of the file that '
    'auth_store.oauth_keys_file names, for a server of PostgreSQL 18 that takes the store''s tokens for log-ins, see '
    'docs/how-to/psql.md. Written again within auth_store.jwks_max_age of each change of the keys, the file always has '
    'the key that signs. Read-only, also on a standby. 55000 where the tenant has no issuer or no key.';
ALTER FUNCTION auth_store.signing_keys_export COST 100;
GRANT EXECUTE ON FUNCTION auth_store.signing_keys_export TO auth_store_admin, auth_store_reader, auth_store_verifier;
