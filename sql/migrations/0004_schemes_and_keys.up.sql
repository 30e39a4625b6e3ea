-- A tenant allows private-use schemes without a dot for the redirect URIs of its clients.
ALTER TABLE auth_store.tenants ADD COLUMN redirect_uri_schemes text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN auth_store.tenants.redirect_uri_schemes IS 'Private-use schemes without a dot, as vscode, that redirect URIs of its clients may have.';
