-- The store as the front of the load: a client like those of the others, and a resource whose tokens are JWTs.
CREATE EXTENSION auth_store;
CREATE ROLE front LOGIN;
GRANT auth_store_app TO front;
SELECT auth_store.provider_set(:'issuer', '{"scope": "orders"}') \g /dev/null
SELECT auth_store.signing_key_create('ES256', clock_timestamp()) \g /dev/null
SELECT auth_store.resource_set('https://orders.example/', scope => 'orders', access_token_format => 'jwt')
    \g /dev/null
SELECT client_id || ':' || client_secret
  FROM auth_store.client_create('load', '{}', 'confidential', grant_types => ARRAY['client_credentials'],
                                scope => 'orders');
