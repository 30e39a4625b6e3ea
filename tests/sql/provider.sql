-- The registry of providers, and connections to those alone.
\i tests/sql/include/helpers.sql
\pset null NULL
SELECT name, display_name, token_endpoint, created_at FROM auth_store.provider_list();
SELECT count(*) AS rows FROM auth_store.providers;
SELECT auth_store.provider_register('forge', 'Our forge', 'https://forge.example/token',
    metadata => '{"owner": "ops"}');
SELECT auth_store.provider_register('github', token_endpoint => 'https://github.forge.example/token');
SELECT name, display_name, authorization_endpoint, token_endpoint, metadata, created_at = updated_at AS new
  FROM auth_store.provider_list() WHERE name IN ('forge', 'github');
SELECT auth_store.provider_register('forge');
SELECT display_name, token_endpoint, metadata, created_at < updated_at AS changed
  FROM auth_store.provider_list() WHERE name = 'forge';
SELECT count(*) AS told FROM auth_store.recent_activity WHERE event = 'provider.registered' AND resource_id = 'forge';
SELECT n, pg_temp.raised(format('SELECT auth_store.provider_register(%s)', arguments))
  FROM (VALUES (1, 'NULL'), (2, $$'Forge'$$), (3, $$''$$), (4, $$'f', ''$$), (5, $$'f', 'F', 'http://f.example/'$$),
               (6, $$'f', 'F', 'https://'$$), (7, $$'f', 'F', 'https://u:p@f.example/'$$),
               (8, $$'f', 'F', 'https://f.example/#x'$$), (9, $$'f', metadata => '[]'$$),
               (10, $$'f', revocation_endpoint => 'ftp://f.example/'$$)) v (n, arguments);

SELECT auth_store.tenant_create('provider', 'Provider') IS NOT NULL AS made;
-- An unknown provider is refused only where the setting says so.
SELECT auth_store.connection_store('unheard-of', 'p1', 'token', tenant_id => 'provider') IS NOT NULL AS stored;
SET auth_store.allow_unknown_providers = off;
SELECT pg_temp.raised($$SELECT auth_store.connection_store('unheard-of', 'p1', 'token', tenant_id => 'provider')$$);
SELECT auth_store.connection_store(provider, 'p1', 'token', tenant_id => 'provider') IS NOT NULL AS stored
  FROM unnest(ARRAY['forge', 'google']) provider;
-- what is there can still be read and deleted
SELECT access_token FROM auth_store.connection_get('unheard-of', 'p1', tenant_id => 'provider');
RESET auth_store.allow_unknown_providers;

SET auth_store.tenant_id = 'default';
SELECT pg_temp.raised($$SELECT auth_store.provider_register('pinned')$$);
SELECT count(*) FROM auth_store.provider_list() WHERE name = 'forge';
RESET auth_store.tenant_id;

SELECT auth_store.tenant_erase('provider', 'provider') IS NOT NULL AS erased;
DELETE FROM auth_store.providers;
