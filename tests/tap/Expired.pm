# A row of each table whose rows expire, for the test that cleanup deletes them.
package Expired;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(expired);

# expired(USER): table => the statement that adds a row to it, long past, of this user of populate()'s tenant 'default'.
sub expired
{
    my ($user) = @_;
    return (of_the_user($user), of_webhooks(), of_the_tenant(), in_partitions());
}

# The first values of a row: the id that ends so, and the end.
sub past
{
    my ($digit) = @_;
    return "'00000000-0000-8000-8000-00000000000$digit', clock_timestamp() - interval '400 days'";
}

sub of_the_user
{
    my ($user) = @_;
    return (
        consents => 'INSERT INTO auth_store.consents (id, expires_at, user_id, renewed_at, tenant_id, client_id,
            resource, scope)
            VALUES (' . past(5) . ", '$user', '2000-01-01', 'default', 'web-default', '', 'past')",
        mfa_factors => 'INSERT INTO auth_store.mfa_factors (id, expires_at, user_id, key_id, created_at, last_step,
            digits, period, tenant_id, algorithm, label, secret)
            VALUES (' . past(8) . ", '$user', (SELECT key_id FROM auth_store.mfa_factors
                    WHERE tenant_id = 'default' LIMIT 1), '2000-01-01', -1, 6, 30, 'default', 'SHA1', 'past', '')",
        sessions => 'INSERT INTO auth_store.sessions (id, expires_at, user_id, idle_expires_at, last_seen_at, idle_ttl,
            tenant_id, digest, metadata)
            VALUES (' . past(6)
                . ", '$user', 'infinity', '2000-01-01', 120, 'default', sha256(''), '{}')",
        user_roles => 'INSERT INTO auth_store.user_roles (id, expires_at, user_id, assigned_at, tenant_id, role)
            VALUES (' . past(8) . ", '$user', '2000-01-01', 'default', 'user')",
        devices => "INSERT INTO auth_store.devices (id, first_seen_at, last_seen_at, user_id, tenant_id)
            VALUES ('00000000-0000-8000-8000-000000000007', '2000-01-01', '2000-01-01', '$user',
            'default')");
}

sub of_webhooks
{
    return (
        webhooks => 'INSERT INTO auth_store.webhooks (id, expires_at, created_at, updated_at, status_changed_at,
            max_attempts, in_order, deleted_when_gone, tenant_id, status, target_url, event_types, metadata)
            VALUES (' . past(4) . ", '2000-01-01', '2000-01-01', '2000-01-01', 1, false, false, 'default', 'active',
            'https://past.example', '{*}', '{}')",
        webhook_secrets => 'INSERT INTO auth_store.webhook_secrets (id, expires_at, webhook_id, key_id, tenant_id,
            secret) SELECT ' . past(5) . ", webhook_id, key_id, tenant_id, '' FROM auth_store.webhook_secrets
            WHERE tenant_id = 'default' LIMIT 1",
        webhook_events => "INSERT INTO auth_store.webhook_events (id, tenant_id, event_type, body)
            VALUES ('00000000-0000-8000-8000-000000000006', 'default', 'agent.created', '')",
        webhook_queue => "INSERT INTO auth_store.webhook_queue (id, webhook_id, event_id, attempt, tenant_id)
            VALUES ('00000000-0000-8000-8000-00000000000b', gen_random_uuid(), gen_random_uuid(), 0, 'default')",
        webhook_retries => "INSERT INTO auth_store.webhook_retries (id, webhook_id, event_id, failed_at, attempt,
            tenant_id)
            VALUES ('00000000-0000-8000-8000-00000000000c', gen_random_uuid(), gen_random_uuid(), '2000-01-01', 1,
            'default')");
}

sub of_the_tenant
{
    return (
        access_tokens => 'INSERT INTO auth_store.access_tokens (id, expires_at, grant_id, tenant_id, digest)
            VALUES (' . past(1) . ", gen_random_uuid(), 'default', sha256(''))",
        api_keys => 'INSERT INTO auth_store.api_keys (id, expires_at, tenant_id, client_id, digest, scope, name, prefix)
            VALUES (' . past(5) . ", 'default', 'web-default', sha256(''), '', 'old', 'asak_')",
        authorization_codes => 'INSERT INTO auth_store.authorization_codes (id, expires_at, user_id, tenant_id,
            client_id, digest, scope)
            VALUES (' . past(2) . ", gen_random_uuid(), 'default', 'web-default', sha256(''), '')",
        device_codes => 'INSERT INTO auth_store.device_codes (id, expires_at, poll_interval, tenant_id, client_id,
            digest, user_code_digest, scope)
            VALUES (' . past(6) . ", 5, 'default', 'web-default', sha256(''), sha256(''), '')",
        interactions => 'INSERT INTO auth_store.interactions (id, expires_at, tenant_id, client_id, parameters)
            VALUES (' . past(9) . ", 'default', 'web-default', '{}')",
        passkey_challenges => 'INSERT INTO auth_store.passkey_challenges (id, expires_at, tenant_id, ceremony, digest)
            VALUES (' . past(9) . ", 'default', 'login', sha256(''))",
        pushed_requests => 'INSERT INTO auth_store.pushed_requests (id, expires_at, tenant_id, client_id, digest,
            parameters)
            VALUES (' . past(7) . ", 'default', 'web-default', sha256(''), '{}')",
        client_secrets => 'INSERT INTO auth_store.client_secrets (id, expires_at, created_at, tenant_id, client_id,
            digest)
            VALUES (' . past(3) . ", '2000-01-01', 'default', 'web-default', sha256(''))",
        grants => 'INSERT INTO auth_store.grants (id, expires_at, tenant_id, client_id, scope)
            VALUES (' . past(4) . ", 'default', 'web-default', '')",
        imported_refresh_tokens => 'INSERT INTO auth_store.imported_refresh_tokens (grant_id, expires_at, tenant_id,
            client_id, digest)
            VALUES (' . past(5) . ", 'default', 'web-default', sha256(''))",
        imported_pointers => 'INSERT INTO auth_store.imported_pointers (id, expires_at, tenant_id, kind, digest)
            VALUES (' . past(5) . ", 'default', 'refresh_token', sha256(''))",
        signing_keys => "INSERT INTO auth_store.signing_keys (id, key_id, published_at, active_from, retired_at,
            longest_life, tenant_id, alg, kid, public_key, private_key)
            SELECT '00000000-0000-8000-8000-00000000000b', key_id, '2000-01-01', '2000-01-01', '2000-01-01', 0,
            tenant_id, 'EdDSA', repeat('A', 43), '{}', '' FROM auth_store.signing_keys
            WHERE tenant_id = 'default' LIMIT 1",
        login_failures => 'INSERT INTO auth_store.login_failures (id, expires_at, since, failures, locks, max_failures,
            tenant_id, kind)
            VALUES (' . past(9) . ", '2000-01-01', 1, 0, 5, 'default', 'password')",
        user_name_claims => "INSERT INTO auth_store.user_name_claims (id, user_id, claimed_at, pending_until, tenant_id,
            kind)
            VALUES (gen_random_uuid(), gen_random_uuid(), '2000-01-01', '2000-01-01', 'default', 'email')",
        one_time_tokens => 'INSERT INTO auth_store.one_time_tokens (id, expires_at, created_at, tenant_id, purpose,
            subject, digest)
            VALUES (' . past(8) . ", '2000-01-01', 'default', 'invitation', '', sha256(''))",
        rate_limits => 'INSERT INTO auth_store.rate_limits (id, expires_at, allowed, tenant_id)
            VALUES (' . past(5) . ", true, 'default')",
        clients => "INSERT INTO auth_store.clients (id, client_type, token_endpoint_auth_method, require_pkce,
            grant_types, name, created_at, updated_at, origin, registration_expires_at)
            VALUES ('unused', 'public', 'none', true, '{authorization_code}', 'unused', '2000-01-01', '2000-01-01',
            'registration', '2000-01-01')");
}

# What goes with its partition: that of 2020.
sub in_partitions
{
    my %expired;
    for (['claimed_jtis', 'y2020m01d01h00', '2020-01-01 01:00Z', ''],
        ['revoked_jtis', 'y2020m01d01', '2020-01-02 00:00Z', ', revoked_at'])
    {
        my ($table, $period, $until, $more) = @$_;
        my $partition = "auth_store.${table}_$period";
        $expired{$table} = "CREATE TABLE $partition (LIKE auth_store.$table);
            ALTER TABLE $partition OWNER TO auth_store_owner;
            ALTER TABLE auth_store.$table ATTACH PARTITION $partition FOR VALUES
            FROM ('2020-01-01 00:00Z') TO ('$until');
            INSERT INTO $partition (jti_hash, expires_at, tenant_id$more)
            VALUES (gen_random_uuid(), '2020-01-01 00:00Z', 'default'" . ($more && ", '2020-01-01'") . ')';
    }
    return %expired;
}

1;
