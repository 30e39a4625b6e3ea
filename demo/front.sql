-- Part of the demo: what a provider needs, after demo/demo.sql. origin is where the front will be.
\set ON_ERROR_STOP on
\set QUIET on
\pset pager off
\pset footer off
SET client_min_messages = warning;

\echo
\echo '=== 19. A provider: an issuer, a key, a client, and somebody with a password'
SELECT auth_store.provider_set(issuer => :'origin') AS issuer_set \gset
SELECT auth_store.signing_key_create() IS NOT NULL AS key_made \gset
SELECT auth_store.tenant_policy_set('default', jsonb_build_object('passkey_rp_id', 'localhost',
           'passkey_rp_name', 'Demo', 'passkey_origins', jsonb_build_array(:'origin'::text))) AS passkeys_allowed \gset
SELECT user_id FROM auth_store.user_create(email => 'grace@example.com', password => 'correct horse battery',
                                           first_name => 'Grace') \gset
SELECT client_id FROM auth_store.client_create(name => 'Demo application', client_type => 'public',
                                               redirect_uris => ARRAY[:'origin' || '/account'],
                                               scope => 'openid profile email') \gset
\echo '    client_id =' :client_id
CREATE ROLE demo_front LOGIN;
GRANT auth_store_app TO demo_front;
\o :client_file
\qecho :client_id
\o
