# Every function of the store with a call of it, for the tests that try them all.
package Functions;

use strict;
use warnings;

use feature 'state';
use Exporter 'import';
use File::Basename qw(dirname);
use AuthStore;
use ShardFunctions;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(functions call_of privileges);

# name => [does, call]: whether it reads or writes, holds what it read, draws random bytes only, passes on to another,
# is the superuser's, the install script's or the event trigger's; a call that succeeds. Who may call it is in
# tests/privileges.txt. In a call, {x} stands for the literal of what populate() made under that name.
my %FUNCTIONS = (%ShardFunctions::CALLS,
    # schema
    install        => [ superuser => 'SELECT auth_store.install()' ],
    migrate        => [ superuser => 'SELECT auth_store.migrate()' ],
    uninstall      => [ superuser => 'SELECT auth_store.uninstall(pg_catalog.current_database())' ],
    health         => [ reads => q{SELECT check_name FROM auth_store.health()} ],
    check          => [ reads => 'SELECT * FROM auth_store.check()' ],
    guard          => [ event => 'SELECT auth_store.guard()' ],
    guard_tables   => [ event => q{SELECT auth_store.guard_tables('DROP TABLE')} ],
    restoring      => [ script => 'SELECT auth_store.restoring()' ],
    tenant_visible => [ reads => 'SELECT auth_store.tenant_visible({tenant})' ],
    call           => [ passes => q{SELECT auth_store.call('id_time', pg_catalog.jsonb_build_object('id', {user}))} ],
    http_bucket    => [ reads => q{SELECT auth_store.http_bucket('code=a')} ],
    router_sql     => [ reads => q{SELECT auth_store.router_sql('auth', '{"a": "host=a"}')} ],
    id_time        => [ reads => 'SELECT auth_store.id_time({user})' ],
    # tenant
    tenant_create     => [ writes => q{SELECT auth_store.tenant_create('new')} ],
    tenant_update     => [ writes => q{SELECT auth_store.tenant_update({tenant}, 'another name')} ],
    tenant_set_status => [ writes => q{SELECT auth_store.tenant_set_status({tenant}, 'suspended')} ],
    tenant_policy     => [ reads => 'SELECT * FROM auth_store.tenant_policy({tenant})' ],
    tenant_policy_set => [ writes => q{SELECT auth_store.tenant_policy_set({tenant}, '{"mfa": "required"}')} ],
    password_breach_prefix => [ reads => q{SELECT * FROM auth_store.password_breach_prefix('password')} ],
    password_check    => [ reads => q{SELECT * FROM auth_store.password_check('correct horse', {user})} ],
    tenant_erase      => [ writes => q{SELECT auth_store.tenant_erase({tenant}, {tenant})} ],
    # issuer
    provider_set    => [ writes => q{SELECT auth_store.provider_set('https://new.example', tenant_id => {tenant})} ],
    provider_get    => [ reads => 'SELECT * FROM auth_store.provider_get({tenant})' ],
    issuer_list     => [ reads => 'SELECT * FROM auth_store.issuer_list()' ],
    resource_set    => [ writes => q{SELECT auth_store.resource_set('https://new.example/', tenant_id => {tenant})} ],
    resource_delete => [ writes =>
        q{SELECT auth_store.resource_delete('https://new.example/', tenant_id => {tenant})} ],
    jwt_verify      => [ reads => q{SELECT * FROM auth_store.jwt_verify({jwt}, 'https://api.example/acme')} ],
    http_metadata   => [ reads => 'SELECT * FROM auth_store.http_metadata(tenant_id => {tenant})' ],
    http_jwks       => [ reads => 'SELECT * FROM auth_store.http_jwks({tenant})' ],
    http_resource_metadata => [ reads =>
        q{SELECT * FROM auth_store.http_resource_metadata('https://api.example/acme', {tenant})} ],
    resource_list   => [ reads => 'SELECT * FROM auth_store.resource_list({tenant})' ],
    # client
    client_create        => [ writes => q{SELECT auth_store.client_create('new', ARRAY['https://new.example/cb'])} ],
    client_authenticate  => [ writes => 'SELECT auth_store.client_authenticate({client}, {secret})' ],
    client_secret_rotate => [ writes => q{SELECT auth_store.client_secret_rotate({client}, '1 day')} ],
    client_secret_import => [ writes => q{SELECT auth_store.client_secret_import({client},
        '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy')} ],
    client_update        => [ writes => q{SELECT auth_store.client_update({client}, '{"name": "n"}')} ],
    client_set_status    => [ writes => q{SELECT auth_store.client_set_status({client}, 'suspended')} ],
    client_document_store => [ writes => q{SELECT auth_store.client_document_store('https://new.example/jwks',
        '{"keys": []}', tenant_id => {tenant})} ],
    developer_client_create => [ writes => q{SELECT auth_store.developer_client_create(
        '{"redirect_uris": ["https://new.example/cb"]}', {user})} ],
    developer_client_update => [ writes => q{SELECT auth_store.developer_client_update({owned}, '{}', {user})} ],
    developer_client_secret_rotate => [ writes =>
        q{SELECT auth_store.developer_client_secret_rotate({owned}, '1 day', {user})} ],
    developer_client_delete => [ writes => q{SELECT auth_store.developer_client_delete({owned}, {user})} ],
    developer_client_list   => [ reads => q{SELECT client_id FROM auth_store.developer_client_list({user})} ],
    http_register           => [ writes => q{SELECT auth_store.http_register('POST', tenant_id => {tenant})} ],
    client_delete        => [ writes => q{SELECT auth_store.client_delete({client})} ],
    # user
    user_create => [ writes => q{SELECT auth_store.user_create('new@example.com')} ],
    password_hash   => [ holds => q{SELECT pg_catalog.left(auth_store.password_hash('quartz lantern 42'), 9)} ],
    password_set    => [ writes => q{SELECT auth_store.password_set({user}, 'quartz lantern 42')} ],
    password_change => [ writes =>
        q{SELECT auth_store.password_change({user}, 'quartz lantern 1', 'quartz lantern 42')} ],
    password_import => [ writes => q{SELECT auth_store.password_import({user},
        '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', 'bcrypt', pepper => 'quartz pepper')} ],
    users_import    => [ writes => q{SELECT * FROM auth_store.users_import('[{"external_id": "new"}]')} ],
    password_verify => [ holds => q{SELECT * FROM auth_store.password_verify({user}, 'quartz lantern 1')} ],
    user_create_anonymous => [ writes =>
        q{SELECT auth_store.user_create_anonymous(id => auth_store.user_id_new('x'), tenant_id => {tenant})} ],
    user_ensure => [ writes => q{SELECT auth_store.user_ensure('2', {tenant})} ],
    client_get  => [ reads => 'SELECT * FROM auth_store.client_get({client})' ],
    client_list => [ reads => q{SELECT * FROM auth_store.client_list({user}, 'active', tenant_id => {tenant})} ],
    client_allows_redirect_uri => [ reads => q{SELECT auth_store.client_allows_redirect_uri({client},
        'https://x.example/')} ],
    user_get    => [ reads => 'SELECT * FROM auth_store.user_get({user})' ],
    user_find   => [ reads => q{SELECT * FROM auth_store.user_find('1', 'external', {tenant})} ],
    user_name_add    => [ writes => q{SELECT auth_store.user_name_add({user}, 'username', 'ada.l')} ],
    user_name_remove => [ writes => q{SELECT auth_store.user_name_remove({user}, 'external', '1')} ],
    user_update      => [ writes => q{SELECT auth_store.user_update({user}, '{"email": "ada@new.example"}')} ],
    user_set_status  => [ writes => q{SELECT auth_store.user_set_status({user}, 'suspended', 'asked for')} ],
    user_end         => [ writes => q{SELECT auth_store.user_end({user}, reason => 'asked for')} ],
    user_export      => [ writes => 'SELECT auth_store.user_export({user})' ],
    user_erase       => [ writes => q{SELECT auth_store.user_erase({user}, 'asked for')} ],
    user_list        => [ reads => q{SELECT * FROM auth_store.user_list('active', tenant_id => {tenant})} ],
    user_name_list   => [ reads => 'SELECT * FROM auth_store.user_name_list({user})' ],
    # login
    user_login  => [ writes => q{SELECT auth_store.user_login('new@example.com', 'x', tenant_id => {tenant})} ],
    user_lock   => [ writes => q{SELECT auth_store.user_lock({user}, 'tomorrow', 'asked for')} ],
    user_unlock => [ writes => 'SELECT auth_store.user_unlock({user})' ],
    user_device_list   => [ reads => 'SELECT * FROM auth_store.user_device_list({user})' ],
    user_device_forget => [ writes => 'SELECT auth_store.user_device_forget({user}, {user})' ],
    # passkey
    passkey_challenge => [ writes => q{SELECT * FROM auth_store.passkey_challenge('registration', {user})} ],
    passkey_register  => [ writes => q{SELECT * FROM auth_store.passkey_register({user}, '{}')} ],
    passkey_authenticate => [ writes => q{SELECT * FROM auth_store.passkey_authenticate('{}', tenant_id => {tenant})} ],
    passkey_list      => [ reads => 'SELECT * FROM auth_store.passkey_list({user})' ],
    passkey_rename    => [ writes => q{SELECT auth_store.passkey_rename({user}, {passkey}, 'Phone')} ],
    passkey_remove    => [ writes => 'SELECT * FROM auth_store.passkey_remove({user}, {passkey})' ],
    # one_time
    one_time_show            => [ reads => 'SELECT * FROM auth_store.one_time_show({magic_link})' ],
    email_verification_start => [ writes => 'SELECT auth_store.email_verification_start({user})' ],
    email_verification_finish => [ writes => 'SELECT auth_store.email_verification_finish({verification})' ],
    otp_start                => [ writes => q{SELECT auth_store.otp_start({user}, 'transfer')} ],
    otp_verify               => [ writes => q{SELECT auth_store.otp_verify({user}, 'log in', {otp})} ],
    # mail_link
    magic_link_start     => [ writes => q{SELECT auth_store.magic_link_start('ada@example.com', {tenant})} ],
    magic_link_finish    => [ writes => 'SELECT auth_store.magic_link_finish({magic_link})' ],
    password_reset_start  => [ writes => q{SELECT auth_store.password_reset_start('ada@example.com', {tenant})} ],
    password_reset_finish => [ writes => q{SELECT auth_store.password_reset_finish({reset}, 'quartz lantern 77')} ],
    email_change_start   => [ writes => q{SELECT auth_store.email_change_start({user}, 'ada@changed.example')} ],
    email_change_confirm => [ writes => 'SELECT auth_store.email_change_confirm({change})' ],
    email_change_undo    => [ writes => 'SELECT auth_store.email_change_undo({undo})' ],
    # invitation
    invitation_create => [ writes => q{SELECT auth_store.invitation_create('new@example.com', 'user', {tenant})} ],
    invitation_show   => [ reads => 'SELECT * FROM auth_store.invitation_show({invitation})' ],
    invitation_accept => [ writes => 'SELECT auth_store.invitation_accept({invitation}, {user}, true)' ],
    invitation_list   => [ reads => 'SELECT * FROM auth_store.invitation_list(tenant_id => {tenant})' ],
    invitation_revoke => [ writes => 'SELECT auth_store.invitation_revoke({invitation_id})' ],
    # external identity
    identity_login  => [ writes => q{SELECT * FROM auth_store.identity_login('google', 'new', tenant_id => {tenant})} ],
    identity_link   => [ writes => q{SELECT * FROM auth_store.identity_link({user}, 'google', 'new')} ],
    identity_unlink => [ writes => q{SELECT * FROM auth_store.identity_unlink({user}, 'google', '1', true)} ],
    identity_find   => [ reads => q{SELECT * FROM auth_store.identity_find('google', '1', {tenant})} ],
    identity_list   => [ reads => 'SELECT * FROM auth_store.identity_list({user})' ],
    # pkce
    pkce_challenge => [ reads => 'SELECT auth_store.pkce_challenge({verifier})' ],
    pkce_verify    => [ reads => 'SELECT auth_store.pkce_verify({verifier}, {challenge})' ],
    # code
    code_issue  => [ writes => 'SELECT auth_store.code_issue({client}, {user}, code_challenge => {challenge})' ],
    code_redeem => [ writes =>
        'SELECT auth_store.code_redeem({code}, {client}, client_secret => {secret}, code_verifier => {verifier})' ],
    # pushed request
    pushed_request_create => [ writes => q{SELECT * FROM auth_store.pushed_request_create({client}, {secret},
        parameters => jsonb_build_object('response_type', 'code', 'code_challenge', {challenge},
        'code_challenge_method', 'S256'))} ],
    pushed_request_consume => [ writes => 'SELECT * FROM auth_store.pushed_request_consume({request_uri}, {client})' ],
    # authorization endpoint
    http_authorize => [ writes => q{SELECT * FROM auth_store.http_authorize('GET',
        pg_catalog.convert_to(pg_catalog.concat('response_type=code&code_challenge_method=S256&code_challenge=',
            {challenge}, '&client_id=', {client}), 'UTF8'))} ],
    interaction_get    => [ reads => 'SELECT * FROM auth_store.interaction_get({interaction}, {session})' ],
    interaction_accept => [ writes => 'SELECT * FROM auth_store.interaction_accept({interaction}, {session})' ],
    interaction_deny   => [ writes => 'SELECT * FROM auth_store.interaction_deny({interaction})' ],
    http_device      => [ writes =>
        'SELECT * FROM auth_store.http_device({user_code}, {session}, tenant_id => {tenant})' ],
    http_end_session => [ writes => q{SELECT * FROM auth_store.http_end_session('', {session}, true)} ],
    # endpoints
    http            => [ holds => q{SELECT * FROM auth_store.http('POST',
        pg_catalog.concat('/', {tenant}, '/introspect'),
        headers => '{"content-type": "application/x-www-form-urlencoded"}',
        body => pg_catalog.convert_to(pg_catalog.concat('token=', {access}, '&client_id=', {client},
            '&client_secret=', {secret}), 'UTF8'))} ],
    http_token      => [ writes => q{SELECT * FROM auth_store.http_token(pg_catalog.convert_to(pg_catalog.concat(
        'grant_type=client_credentials&client_id=', {client}, '&client_secret=', {secret}), 'UTF8'),
        tenant_id => {tenant})} ],
    http_introspect => [ holds => q{SELECT * FROM auth_store.http_introspect(pg_catalog.convert_to(pg_catalog.concat(
        'token=', {access}, '&client_id=', {client}, '&client_secret=', {secret}), 'UTF8'), tenant_id => {tenant})} ],
    http_revoke     => [ writes => q{SELECT * FROM auth_store.http_revoke(pg_catalog.convert_to(pg_catalog.concat(
        'token=', {access}, '&client_id=', {client}, '&client_secret=', {secret}), 'UTF8'), tenant_id => {tenant})} ],
    http_par        => [ writes => q{SELECT * FROM auth_store.http_par(pg_catalog.convert_to(pg_catalog.concat(
        'response_type=code&code_challenge_method=S256&code_challenge=', {challenge}, '&client_id=', {client},
        '&client_secret=', {secret}), 'UTF8'), tenant_id => {tenant})} ],
    http_userinfo   => [ holds => q{SELECT * FROM auth_store.http_userinfo(pg_catalog.concat('Bearer ', {access}),
        tenant_id => {tenant})} ],
    http_device_authorization => [ writes => q{SELECT * FROM auth_store.http_device_authorization(
        pg_catalog.convert_to(pg_catalog.concat('client_id=', {device_client}), 'UTF8'), tenant_id => {tenant})} ],
    # device
    device_authorize => [ writes => 'SELECT * FROM auth_store.device_authorize({device_client})' ],
    device_lookup    => [ writes => 'SELECT * FROM auth_store.device_lookup({user_code}, tenant_id => {tenant})' ],
    device_approve   => [ writes => 'SELECT * FROM auth_store.device_approve({user_code}, {user})' ],
    device_deny      => [ writes => 'SELECT * FROM auth_store.device_deny({user_code}, tenant_id => {tenant})' ],
    device_approve_elsewhere => [ writes =>
        'SELECT * FROM auth_store.device_approve_elsewhere({user_code}, {user}, tenant_id => {tenant})' ],
    device_hand_over => [ writes => 'SELECT * FROM auth_store.device_hand_over({device_code}, {device_client})' ],
    device_accept    => [ writes =>
        q{SELECT auth_store.device_accept(pg_catalog.jsonb_build_object('device_id', {user}, 'grant_id', {user},
            'tenant_id', {tenant}, 'client_id', {client}, 'user_id', {user}, 'scope', '',
            'expires_at', pg_catalog.trunc(pg_catalog.float8mul(1000000, pg_catalog.date_part('epoch',
                pg_catalog.timestamptz_mi(pg_catalog.clock_timestamp(),
                    '1999-12-31 23:50+00'::pg_catalog.timestamptz))))::pg_catalog.int8))} ],
    device_redeem    => [ writes => 'SELECT * FROM auth_store.device_redeem({device_code}, {device_client})' ],
    # token
    token_issue                    => [ writes => 'SELECT auth_store.token_issue({client}, {user})' ],
    token_issue_client_credentials => [ writes => 'SELECT auth_store.token_issue_client_credentials({client},
        {secret})' ],
    token_refresh => [ writes => 'SELECT auth_store.token_refresh({refresh}, {client}, client_secret => {secret})' ],
    token_exchange => [ writes =>
        'SELECT auth_store.token_exchange({access}, {machine_access}, {client}, {secret})' ],
    refresh_token_import => [ writes => q{SELECT auth_store.refresh_token_import(pg_catalog.repeat('0f', 32), {client},
        {user})} ],
    token_introspect    => [ reads => 'SELECT * FROM auth_store.token_introspect({access})' ],
    token_introspect_many => [ reads => 'SELECT * FROM auth_store.token_introspect_many(ARRAY[{access}, NULL])' ],
    token_introspection => [ reads => 'SELECT auth_store.token_introspection({access})' ],
    token_introspection_record => [ holds => 'SELECT auth_store.token_introspection_record({access})' ],
    token_authorize     => [ reads => q{SELECT * FROM auth_store.token_authorize({access}, 'orders')} ],
    token_authorize_many => [ reads =>
        q{SELECT * FROM auth_store.token_authorize_many(ARRAY[{access}, 'x'], 'orders')} ],
    token_use           => [ writes => q{SELECT * FROM auth_store.token_use({access}, 'orders')} ],
    token_revoke        => [ writes => 'SELECT auth_store.token_revoke({access}, {client}, {secret})' ],
    token_hash          => [ reads => q{SELECT pg_catalog.encode(auth_store.token_hash({access}), 'hex')} ],
    # shard
    user_id_new       => [ draws => q{SELECT auth_store.user_id_new('x', 'external', {tenant})} ],
    user_locate       => [ reads => q{SELECT auth_store.user_locate('x', 'external', {tenant})} ],
    user_name_claim   => [ writes =>
        q{SELECT auth_store.user_name_claim({user}, 'external', 'x', tenant_id => {tenant})} ],
    user_name_confirm => [ writes => q{SELECT auth_store.user_name_confirm({user}, 'external', 'x', {tenant})} ],
    user_name_release => [ writes => q{SELECT auth_store.user_name_release({user}, 'external', 'x', {tenant})} ],
    user_claims       => [ reads => 'SELECT * FROM auth_store.user_claims({user})' ],
    # jti
    jti_revoke     => [ writes => q{SELECT auth_store.jti_revoke('new',
        pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) '1 hour'::pg_catalog.interval)} ],
    jti_is_revoked => [ reads => 'SELECT auth_store.jti_is_revoked({revoked_jti}, {tenant})' ],
    jti_claim      => [ writes =>
        q{SELECT auth_store.jti_claim('issuer', 'new',
            pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) '5 min'::pg_catalog.interval)} ],
    recovered => [ writes =>
        q{SELECT auth_store.recovered(pg_catalog.now() OPERATOR(pg_catalog.-) '1 min'::pg_catalog.interval,
            pg_catalog.now() OPERATOR(pg_catalog.-) '1 min'::pg_catalog.interval)} ],
    jti_partitions_ensure => [ writes => 'SELECT auth_store.jti_partitions_ensure()' ],
    # dpop
    jwk_thumbprint => [ reads => q{SELECT auth_store.jwk_thumbprint('{"kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')} ],
    dpop_verify => [ writes => q{SELECT auth_store.dpop_verify('e30.e30.', 'POST', 'https://as.example/token')} ],
    # grant
    grant_revoke         => [ writes => 'SELECT auth_store.grant_revoke({grant})' ],
    user_grants_revoke   => [ writes => 'SELECT auth_store.user_grants_revoke({user})' ],
    client_grants_revoke => [ writes => 'SELECT auth_store.client_grants_revoke({client})' ],
    # second factors
    totp_enroll  => [ writes => 'SELECT factor_id, error FROM auth_store.totp_enroll({user})' ],
    totp_confirm => [ writes => q{SELECT * FROM auth_store.totp_confirm({user}, {factor}, '123456')} ],
    totp_verify  => [ writes => q{SELECT * FROM auth_store.totp_verify({user}, '123456')} ],
    totp_import  => [ writes => q{SELECT auth_store.totp_import({user}, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')} ],
    recovery_codes_generate => [ writes => 'SELECT auth_store.recovery_codes_generate({user})' ],
    recovery_code_use       => [ writes => 'SELECT * FROM auth_store.recovery_code_use({user}, {recovery_code})' ],
    factor_list   => [ reads => 'SELECT * FROM auth_store.factor_list({user})' ],
    factor_rename => [ writes => q{SELECT auth_store.factor_rename({user}, {factor}, 'new')} ],
    factor_remove => [ writes => 'SELECT * FROM auth_store.factor_remove({user}, {factor})' ],
    mfa_status    => [ reads => 'SELECT * FROM auth_store.mfa_status({user})' ],
    mfa_reset     => [ writes => 'SELECT auth_store.mfa_reset({user})' ],
    # API key
    api_key_create => [ writes => q{SELECT auth_store.api_key_create('new', {user})} ],
    api_key_verify => [ reads => q{SELECT * FROM auth_store.api_key_verify({api_key}, 'orders:read', '192.0.2.1')} ],
    api_key_verify_many => [ reads => q{SELECT * FROM auth_store.api_key_verify_many(ARRAY[{api_key}, 'x'],
        'orders:read', '{192.0.2.1,NULL}')} ],
    api_key_touch  => [ writes => q{SELECT auth_store.api_key_touch({api_key}, 'orders:read', '192.0.2.1')} ],
    api_key_rotate => [ writes => q{SELECT auth_store.api_key_rotate({api_key_id}, '1 hour')} ],
    api_key_revoke => [ writes => 'SELECT auth_store.api_key_revoke({api_key_id})' ],
    api_key_list   => [ reads => 'SELECT * FROM auth_store.api_key_list({user})' ],
    api_key_import => [ writes => q{SELECT auth_store.api_key_import({new_digest}, 'new', client_id => {client})} ],
    # session
    session_create       => [ writes => 'SELECT auth_store.session_create({user})' ],
    session_validate     => [ reads => 'SELECT * FROM auth_store.session_validate({session})' ],
    session_validate_many => [ reads => 'SELECT * FROM auth_store.session_validate_many(ARRAY[{session}, NULL])' ],
    session_touch        => [ writes => 'SELECT * FROM auth_store.session_touch({session})' ],
    session_rotate       => [ writes => 'SELECT * FROM auth_store.session_rotate({session})' ],
    session_elevate      => [ writes => 'SELECT * FROM auth_store.session_elevate({session})' ],
    session_revoke       => [ writes => 'SELECT auth_store.session_revoke({session_id})' ],
    user_sessions_revoke => [ writes => 'SELECT auth_store.user_sessions_revoke({user}, {session_id})' ],
    session_list         => [ reads => 'SELECT * FROM auth_store.session_list({user})' ],
    # consent
    consent_record    => [ writes => q{SELECT auth_store.consent_record({user}, {client}, 'orders')} ],
    consent_check     => [ reads => q{SELECT * FROM auth_store.consent_check({user}, {client}, 'openid')} ],
    consent_revoke    => [ writes => 'SELECT auth_store.consent_revoke({user}, {client})' ],
    user_applications => [ reads => 'SELECT * FROM auth_store.user_applications({user})' ],
    # role
    role_create   => [ writes => q{SELECT auth_store.role_create('new', ARRAY['orders:*'], tenant_id => {tenant})} ],
    role_update   => [ writes =>
        q{SELECT auth_store.role_update('clerk', ARRAY['orders:*'], tenant_id => {tenant})} ],
    role_delete   => [ writes => q{SELECT auth_store.role_delete('clerk', {tenant})} ],
    role_list     => [ reads => 'SELECT * FROM auth_store.role_list({tenant})' ],
    role_assign   => [ writes => q{SELECT auth_store.role_assign({user}, 'admin')} ],
    role_unassign => [ writes => q{SELECT auth_store.role_unassign({user}, 'clerk')} ],
    member_list         => [ reads => 'SELECT * FROM auth_store.member_list(tenant_id => {tenant})' ],
    member_remove       => [ writes => 'SELECT auth_store.member_remove({user}, {tenant})' ],
    user_tenants        => [ reads => 'SELECT * FROM auth_store.user_tenants({user})' ],
    user_roles          => [ reads => 'SELECT * FROM auth_store.user_roles({user})' ],
    user_permissions    => [ reads => 'SELECT auth_store.user_permissions({user})' ],
    user_has_permission => [ reads => q{SELECT auth_store.user_has_permission({user}, 'orders:read')} ],
    # principal
    authenticate           => [ holds => 'SELECT ok, user_id FROM auth_store.authenticate({session})' ],
    current_user_id        => [ reads => 'SELECT auth_store.current_user_id()' ],
    current_tenant_id      => [ reads => 'SELECT auth_store.current_tenant_id()' ],
    current_client_id      => [ reads => 'SELECT auth_store.current_client_id()' ],
    current_session_id     => [ reads => 'SELECT auth_store.current_session_id()' ],
    current_actor_id       => [ reads => 'SELECT auth_store.current_actor_id()' ],
    user_impersonate       => [ writes => 'SELECT auth_store.user_impersonate({user}, {support})' ],
    current_acr            => [ reads => 'SELECT auth_store.current_acr()' ],
    current_amr            => [ reads => 'SELECT auth_store.current_amr()' ],
    current_has_scope      => [ reads => q{SELECT auth_store.current_has_scope('orders')} ],
    current_has_permission => [ reads => q{SELECT auth_store.current_has_permission('orders:read')} ],
    principal_max_age      => [ reads => q{SELECT auth_store.principal_max_age('5 min')} ],
    principal_recheck      => [ reads => 'SELECT auth_store.principal_recheck()' ],
    # audit
    audit_write       => [ writes => q{SELECT auth_store.audit_write('report.exported')} ],
    user_activity     => [ reads => q{SELECT * FROM auth_store.user_activity({user}, '2020-01-01')} ],
    audit_trail       => [ reads => q{SELECT * FROM auth_store.audit_trail({user}, since => '2020-01-01')} ],
    partitions_ensure => [ writes => 'SELECT auth_store.partitions_ensure()' ],
    audit_seal        => [ writes => 'SELECT * FROM auth_store.audit_seal()' ],
    audit_verify      => [ reads => 'SELECT * FROM auth_store.audit_verify()' ],
    partitions_drop   => [ writes => 'SELECT auth_store.partitions_drop()' ],
    partitions_make   => [ writes => q{SELECT auth_store.partitions_make(ARRAY['audit_log_y2020m01'])} ],
    # webhook
    webhook_emit => [ writes => q{SELECT auth_store.webhook_emit('agent.created', '{"id": "1"}',
        tenant_id => {tenant}, user_id => {user})} ],
    webhook_own_events_set      => [ writes => 'SELECT auth_store.webhook_own_events_set({tenant}, true)' ],
    webhook_event_type_register => [ writes => q{SELECT auth_store.webhook_event_type_register('order.shipped')} ],
    webhook_event_type_list     => [ reads => 'SELECT * FROM auth_store.webhook_event_type_list()' ],
    # limit
    rate_limit_hit   => [ writes => q{SELECT auth_store.rate_limit_hit('door', 10, '1 min', tenant_id => {tenant})} ],
    rate_limit_reset => [ writes => q{SELECT auth_store.rate_limit_reset('door', {tenant})} ],
    client_rates     => [ reads => 'SELECT * FROM auth_store.client_rates()' ],
    rate_limit_stats => [ reads => 'SELECT * FROM auth_store.rate_limit_stats()' ],
    # vault
    fernet_encrypt => [ draws => q{SELECT auth_store.fernet_encrypt('hello',
        'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')} ],
    fernet_decrypt => [ reads => q{SELECT auth_store.fernet_decrypt(
        'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==',
        'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')} ],
    # webhook
    webhook_create => [ writes => q{SELECT webhook_id IS NULL FROM auth_store.webhook_create('https://new.example/',
        ARRAY['agent.*'], tenant_id => {tenant})} ],
    webhook_update     => [ writes => q{SELECT auth_store.webhook_update({webhook}, '{"max_attempts": 3}')} ],
    webhook_set_status => [ writes => q{SELECT auth_store.webhook_set_status({webhook}, 'suspended')} ],
    webhook_secret_rotate => [ writes => q{SELECT pg_catalog.left(auth_store.webhook_secret_rotate({webhook}), 6)} ],
    webhook_delete => [ writes => 'SELECT auth_store.webhook_delete({webhook})' ],
    webhook_get    => [ reads => 'SELECT * FROM auth_store.webhook_get({webhook})' ],
    webhook_list   => [ reads => 'SELECT * FROM auth_store.webhook_list({tenant})' ],
    webhook_claim    => [ writes => 'SELECT * FROM auth_store.webhook_claim()' ],
    webhook_complete => [ writes => 'SELECT auth_store.webhook_complete({delivery}, 1, 200)' ],
    webhook_complete_batch => [ writes => q{SELECT * FROM auth_store.webhook_complete_batch(
        pg_catalog.jsonb_build_array(
            pg_catalog.jsonb_build_object('delivery_id', {delivery}::pg_catalog.text, 'attempt', 1)))} ],
    webhook_redeliver    => [ writes => 'SELECT auth_store.webhook_redeliver({delivery})' ],
    webhooks_redrive     => [ writes => q{SELECT auth_store.webhooks_redrive('{}')} ],
    cleanup_webhook_logs => [ writes => 'SELECT auth_store.cleanup_webhook_logs()' ],
    webhook_test   => [ writes => q{SELECT auth_store.webhook_test({webhook}, 'agent.created')} ],
    # maintenance
    cleanup_expired_data => [ writes => 'SELECT auth_store.cleanup_expired_data()' ],
    cleanup_batch        => [ writes => q{SELECT auth_store.cleanup_batch('access_tokens')} ],
    cleanup_jtis         => [ writes => 'SELECT auth_store.cleanup_jtis()' ],
    cleanup_tasks        => [ reads => 'SELECT auth_store.cleanup_tasks()' ],
    cleanup_usage        => [ writes => 'SELECT auth_store.cleanup_usage()' ],
    cleanup_audit        => [ writes => 'SELECT auth_store.cleanup_audit()' ],
    connection_store => [ writes => q{SELECT auth_store.connection_store('github', '2', 'new', 'new',
        tenant_id => {tenant})} ],
    connection_get  => [ reads => q{SELECT * FROM auth_store.connection_get('github', '1', tenant_id => {tenant})} ],
    connection_list => [ reads => q{SELECT * FROM auth_store.connection_list('1', tenant_id => {tenant})} ],
    connection_status => [ reads => q{SELECT auth_store.connection_status('2000-01-01', '2000-01-01', NULL, 0, NULL)} ],
    connections_due => [ writes => 'SELECT * FROM auth_store.connections_due()' ],
    connection_lease => [ writes => 'SELECT auth_store.connection_lease({connection})' ],
    connection_complete => [ writes => q{SELECT auth_store.connection_complete({leased_connection}, {fence}, 'new')} ],
    connection_fail   => [ writes => q{SELECT auth_store.connection_fail({leased_connection}, {fence}, 'timeout')} ],
    connection_import_fernet => [ writes => q{SELECT auth_store.connection_import_fernet('github', '3',
        'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==',
        fernet_key => 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')} ],
    provider_register => [ writes => q{SELECT auth_store.provider_register('forge')} ],
    provider_list     => [ reads => 'SELECT * FROM auth_store.provider_list()' ],
    connection_revoke => [ writes => 'SELECT auth_store.connection_revoke({connection})' ],
    connection_delete => [ writes => 'SELECT auth_store.connection_delete({connection})' ],
    # signing keys
    signing_key_create => [ writes => q{SELECT auth_store.signing_key_create('EdDSA')} ],
    signing_key_import => [ writes => q{SELECT auth_store.signing_key_import(
        'MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC')} ],
    signing_key_rotate => [ writes => 'SELECT auth_store.signing_key_rotate()' ],
    signing_key_retire => [ writes => 'SELECT auth_store.signing_key_retire({signing_key}, tenant_id => {tenant})' ],
    signing_key_list   => [ reads => 'SELECT * FROM auth_store.signing_key_list({tenant})' ],
    signing_keys_export => [ reads => 'SELECT auth_store.signing_keys_export({tenant})' ],
    vault_key_generate => [ draws => 'SELECT auth_store.vault_key_generate()' ],
    vault_check       => [ reads => 'SELECT * FROM auth_store.vault_check()' ],
    vault_rekey_batch => [ writes => 'SELECT auth_store.vault_rekey_batch()' ],
    # report
    compliance_report => [ reads => q{SELECT pg_catalog.jsonb_extract_path_text(
        auth_store.compliance_report('2020-01-01', '2100-01-01'), 'from')} ],
    job_plan        => [ reads => 'SELECT * FROM auth_store.job_plan()' ],
    job_next_run    => [ reads => q{SELECT auth_store.job_next_run('*/5 * * * *', '2026-11-28')} ],
    job_list        => [ reads => 'SELECT * FROM auth_store.job_list()' ],
    progress_list   => [ reads => 'SELECT * FROM auth_store.progress_list()' ],
    progress_add    => [ passes => q{SELECT auth_store.progress_add(1, 'rows', 1, 2)} ],
    progress_begin  => [ passes => q{SELECT auth_store.progress_begin('cleanup')} ],
    progress_end    => [ passes => 'SELECT auth_store.progress_end()' ],
    jobs_schedule   => [ passes => 'SELECT * FROM auth_store.jobs_schedule()' ],
    jobs_unschedule => [ passes => 'SELECT * FROM auth_store.jobs_unschedule()' ],
    # These commit after each batch, so they can't be undone: each is called by itself.
    vault_rekey => [ commits => 'CALL auth_store.vault_rekey()' ],
    cleanup => [ commits => 'CALL auth_store.cleanup()' ],
);

# The functions' names in order; dies where the extension and the table above do not know the same ones.
sub functions
{
    my ($node, $database) = @_;
    my @there = split /\n/, value($node, $database, <<'SQL');
SELECT p.proname
  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_extension e ON e.oid = d.refobjid
 WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    AND e.extname = 'auth_store'
 ORDER BY p.proname COLLATE "C"
SQL
    # Without it some refuse to be called.
    value($node, $database, qq{ALTER DATABASE "$database" SET auth_store.sharded = on});
    is(join(' ', @there), join(' ', sort keys %FUNCTIONS),
        'the tests have a call of every function, and each exists once');
    return grep { exists $FUNCTIONS{$_} } @there;
}

# The lines of tests/privileges.txt: [kind, object (of a column: table.column), role, privilege].
sub privileges
{
    my @lines = grep { !/^#/ } split /\n/, slurp_file(dirname(__FILE__) . '/../privileges.txt');
    return map { /^(\w+) (\S+): (\w+) (\w+)$/ ? [ $1, $2, $3, $4 ] : die "tests/privileges.txt: $_" } @lines;
}

# call_of(NAME, what populate() made of a tenant): { does, sql, roles }, those of %LOGINS that may call it.
sub call_of
{
    my ($name, $made) = @_;
    my ($does, $sql) = @{ $FUNCTIONS{$name} };
    $sql =~ s/\{(\w+)\}/AuthStore::quote($made->{$1} \/\/ die "nothing named $1")/ge;
    state %roles;
    if (!%roles)
    {
        my %granted = map { ($_ => 1) } grep { defined } values %AuthStore::LOGINS;
        for (grep { $_->[3] eq 'EXECUTE' && $granted{ $_->[2] } } privileges())
        {
            push @{ $roles{ $_->[1] } }, $_->[2] =~ s/^auth_store_//r;
        }
    }
    return { does => $does, roles => $roles{$name} // [], sql => $sql };
}

1;
