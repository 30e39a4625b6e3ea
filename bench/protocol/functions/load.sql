-- A provider with two resources of equal scope, one of which wants JWTs, and users with so many live grants.
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION auth_store;
SELECT auth_store.provider_set('https://id.example', '{"scope": "openid profile orders"}') \g /dev/null
SELECT auth_store.signing_key_create('ES256', clock_timestamp()) \g /dev/null
SELECT auth_store.resource_set(uri, scope => 'orders', access_token_format => format)
  FROM (VALUES ('https://opaque.example/', 'opaque'), ('https://jwt.example/', 'jwt')) r (uri, format) \g /dev/null
CREATE TABLE client AS
    SELECT client_id, client_secret,
           'Basic ' || translate(encode(convert_to(replace(replace(client_id || ':' || client_secret, '-', '%2D'), '_',
                                                           '%5F'), 'UTF8'), 'base64'), E'\n', '') AS basic
      FROM auth_store.client_create('App', '{https://app.example/cb}', 'confidential', scope => 'openid profile orders',
                                    grant_types => '{authorization_code,refresh_token,client_credentials}');
CREATE TABLE users AS
    SELECT n, auth_store.user_ensure('user' || n) AS user_id FROM generate_series(1, 1000) n;
SELECT count(t.access_token)
  FROM client c, users u, generate_series(1, :grants / 1000), auth_store.token_issue(c.client_id, u.user_id) t
    \g /dev/null
VACUUM ANALYZE;
