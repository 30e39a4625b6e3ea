-- What OpenID Connect, JWTs, bound tokens and log-outs brought to clients: members, keys, the profile fapi2, sealed
-- secrets.
\i tests/sql/include/helpers.sql
\set ECHO none
CREATE FUNCTION pg_temp.creating(arguments text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.raised('SELECT auth_store.client_create(''app'', ''{https://app.example/cb}'', '
                          'tenant_id => ''protocol'', ' || arguments || ')')
$$;
\set ECHO all
SELECT auth_store.tenant_create('protocol');
SELECT user_id FROM auth_store.user_create('ada@protocol.example', tenant_id => 'protocol') \gset
SELECT user_id IS NOT NULL AS elsewhere FROM auth_store.user_create('ada@protocol.example');

-- Every member arrives, and client_get() shows it.
SELECT client_id FROM auth_store.client_create('App', '{https://app.example/cb}', client_id => 'protocol-app',
    tenant_id => 'protocol', token_endpoint_auth_method => 'tls_client_auth', access_token_format => 'jwt',
    jwks => '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}',
    post_logout_redirect_uris => '{https://app.example/bye}', backchannel_logout_uri => 'https://app.example/logout',
    backchannel_logout_session_required => true, require_par => true, dpop_bound => true, certificate_bound => true,
    certificate_subject => '{"tls_client_auth_san_dns": "app.example"}', default_max_age => 60,
    subject_type => 'pairwise', id_token_signed_response_alg => 'EdDSA', userinfo_signed_response_alg => 'RS256',
    authorization_details_types => '{payment}', owner_id => :'user_id');
SELECT jwks, access_token_format AS format, post_logout_redirect_uris, backchannel_logout_uri,
       backchannel_logout_session_required AS sid, require_par, dpop_bound, certificate_bound, certificate_subject,
       default_max_age, subject_type, id_token_signed_response_alg AS id_alg, userinfo_signed_response_alg AS info_alg,
       authorization_details_types AS types, owner_id = :'user_id' AS owned, origin
  FROM auth_store.client_get('protocol-app');
-- null puts back the default of each.
SELECT auth_store.client_update('protocol-app', '{"jwks": null, "access_token_format": null, "require_par": null,
    "post_logout_redirect_uris": null, "backchannel_logout_uri": null, "backchannel_logout_session_required": null,
    "dpop_bound": null, "certificate_bound": null, "certificate_subject": null, "default_max_age": null,
    "subject_type": null, "id_token_signed_response_alg": null, "userinfo_signed_response_alg": null,
    "authorization_details_types": null, "owner_id": null, "jwks_uri": "https://app.example/jwks"}');
SELECT jwks, jwks_uri, access_token_format AS format, post_logout_redirect_uris, backchannel_logout_uri,
       backchannel_logout_session_required AS sid, require_par, dpop_bound, certificate_bound, certificate_subject,
       default_max_age, subject_type, id_token_signed_response_alg AS id_alg, userinfo_signed_response_alg AS info_alg,
       authorization_details_types AS types, owner_id
  FROM auth_store.client_get('protocol-app');

-- What does not fit.
SELECT a AS arguments, pg_temp.creating(a) FROM (VALUES
    ('jwks => ''[]'''), ('jwks => ''{"keys": [{"kty": "RSA", "p": "AA"}]}'''),
    ('jwks => jsonb_build_object(''keys'', array_fill(''{"kty": "EC"}''::jsonb, ''{33}''))'),
    ('jwks => jsonb_build_object(''keys'', jsonb_build_array(jsonb_build_object(''kty'', repeat(''x'', 65536))))'),
    ('jwks => ''{"keys": []}'', jwks_uri => ''https://a.example/jwks'''), ('jwks_uri => ''http://a.example/jwks'''),
    ('access_token_format => ''x'''), ('profile => ''x'''), ('subject_type => ''x'''),
    ('post_logout_redirect_uris => ''{http://a.example/}'''), ('post_logout_redirect_uris => ''{NULL}'''),
    ('post_logout_redirect_uris => array_fill(''https://a.example/''::text, ''{51}'')'),
    ('backchannel_logout_uri => ''http://a.example/'''), ('backchannel_logout_uri => ''https://a.example/#x'''),
    ('default_max_age => -1'), ('id_token_signed_response_alg => ''none'''),
    ('userinfo_signed_response_alg => ''HS256'''), ('certificate_subject => ''{"tls_client_auth_san_dns": "a"}'''),
    ('token_endpoint_auth_method => ''tls_client_auth'', certificate_subject => ''{}'''),
    ('token_endpoint_auth_method => ''tls_client_auth'', certificate_subject => ''{"tls_client_auth_san_dns": 1}'''),
    ('authorization_details_types => ''{""}'''), ('owner_id => gen_random_uuid()'),
    ('owner_id => (SELECT id FROM auth_store.users'
     ' WHERE email = ''ada@protocol.example'' AND tenant_id = ''default'')')) AS t (a);
SELECT c AS changes, pg_temp.raised(format('SELECT auth_store.client_update(''protocol-app'', %L)', c)) FROM (VALUES
    ('{"jwks": 1, "jwks_uri": null}'), ('{"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}, "jwks_uri": null}'),
    ('{"jwks": {"keys": []}}'), ('{"jwks_uri": 1}'), ('{"owner_id": "x"}'), ('{"owner_id": 1}'),
    ('{"require_par": 1}'), ('{"default_max_age": "1"}'), ('{"default_max_age": -1}'), ('{"profile": "x"}'),
    ('{"certificate_subject": []}'), ('{"profile": "fapi2"}')) AS t (c);

-- The profile fapi2 is a client that keeps all its rules.
SELECT a AS arguments, pg_temp.creating($$profile => 'fapi2', $$ || a) FROM (VALUES
    ('dpop_bound => true'), ('token_endpoint_auth_method => ''private_key_jwt'''),
    ('token_endpoint_auth_method => ''private_key_jwt'', dpop_bound => true, require_pkce => false'),
    ('token_endpoint_auth_method => ''private_key_jwt'', dpop_bound => true, refresh_rotation => true'),
    ('token_endpoint_auth_method => ''self_signed_tls_client_auth'', certificate_bound => true')) AS t (a);
SELECT FROM auth_store.client_create('fapi', '{https://app.example/cb}', client_id => 'protocol-fapi',
    tenant_id => 'protocol', profile => 'fapi2', token_endpoint_auth_method => 'private_key_jwt', dpop_bound => true);
SELECT profile, refresh_rotation, require_pkce FROM auth_store.client_get('protocol-fapi');
SELECT pg_temp.raised($$SELECT auth_store.client_update('protocol-fapi', '{"refresh_rotation": true}')$$);
SELECT pg_temp.raised($$SELECT auth_store.client_update('protocol-fapi',
    '{"redirect_uris": ["http://localhost/cb"]}')$$);

-- A client that signs with its secret: the vault keeps a sealed copy, and the secret itself does not authenticate.
SELECT client_secret AS signing FROM auth_store.client_create('hmac', client_id => 'protocol-hmac',
    tenant_id => 'protocol', token_endpoint_auth_method => 'client_secret_jwt') \gset
SELECT ok, error FROM auth_store.client_authenticate('protocol-hmac', :'signing');
SELECT digest = auth_store.token_hash(:'signing') AS digest, octet_length(sealed) - 28 = length(:'signing') AS sealed
  FROM auth_store.client_secrets WHERE client_id = 'protocol-hmac';
SELECT auth_store.client_secret_rotate('protocol-hmac', '1 hour') ~ '^ascs_' AS rotated;
SELECT count(*), count(sealed), count(expires_at) FROM auth_store.client_secrets WHERE client_id = 'protocol-hmac';
SELECT pg_temp.raised($$SELECT auth_store.client_secret_import('protocol-hmac',
    '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy')$$);
-- The others have none.
SELECT client_secret AS plain FROM auth_store.client_create('basic', client_id => 'protocol-basic',
    tenant_id => 'protocol') \gset
SELECT sealed, key_id FROM auth_store.client_secrets WHERE client_id = 'protocol-basic';

-- The list: by owner, status and origin, page by page.
SELECT auth_store.client_update('protocol-app', format('{"owner_id": "%s"}', :'user_id')::jsonb);
SELECT client_id FROM auth_store.client_list(tenant_id => 'protocol', after => 'protocol-app', max_rows => 2);
SELECT client_id FROM auth_store.client_list(:'user_id', tenant_id => 'protocol');
SELECT auth_store.client_set_status('protocol-basic', 'suspended');
SELECT client_id FROM auth_store.client_list(status => 'suspended', origin => 'administrator', tenant_id => 'protocol');
SELECT count(*) FROM auth_store.client_list(origin => 'document', tenant_id => 'protocol');
SELECT a AS arguments, pg_temp.raised('SELECT auth_store.client_list(' || a || ')')
  FROM (VALUES ('status => ''x'''), ('origin => ''x'''), ('max_rows => 0'), ('tenant_id => ''nowhere''')) AS t (a);
SELECT auth_store.tenant_erase('protocol', 'protocol') > 0 AS erased;
