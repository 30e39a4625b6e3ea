-- A tenant allows private-use schemes without a dot for the redirect URIs of its clients.
ALTER TABLE auth_store.tenants ADD COLUMN redirect_uri_schemes text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN auth_store.tenants.redirect_uri_schemes IS
    'Private-use schemes without a dot, as vscode, that redirect URIs of its clients may have.';

-- A confidential client changes its DPoP key at a refresh: the tokens from then on are bound to
-- another one than the grant.
ALTER TABLE auth_store.access_tokens ADD COLUMN cnf jsonb;
COMMENT ON COLUMN auth_store.access_tokens.cnf IS
    'What the token is bound to (RFC 7800) where the client has changed its key since the log-in (RFC 9449 '
    'section 5); NULL: what the grant is bound to.';
