-- Redirect URIs that are registered stay so.
ALTER TABLE auth_store.tenants DROP COLUMN redirect_uri_schemes;
