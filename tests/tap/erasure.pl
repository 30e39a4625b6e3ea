# A deleted client leaves nothing, and neither does an erased user: the tables with a client_id are asked of the
# catalog, so that a new one is among them by itself, as tests/sql/tenant.sql does for tenants. populate() must have put
# a row into each, else a table that nobody empties would pass.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Authenticator;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('erasure');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
install_helpers($node, $db);
my $store = populate($node, $db);

# rows(CLIENT): table by table, how many rows the client has. A partition counts in its parent.
sub rows {
    my ($client) = @_;
    my $out = value($node, $db, <<~SQL);
        SELECT format('SELECT %L, count(*) FROM auth_store.%I WHERE client_id = %L', c.relname, c.relname, '$client')
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'client_id' AND NOT a.attisdropped
         WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         ORDER BY c.relname \\gexec
        SQL
    return { map { split /\|/ } split /\n/, $out };
}

# The tables that have rows, but for these.
sub with_rows {
    my ($rows, @but) = @_;
    my %but = map { $_ => 1 } @but;
    return join ' ', grep { $rows->{$_} > 0 && !$but{$_} } sort keys %$rows;
}

my ($client, $device_client) = @{ $store->{globex} }{qw(client device_client)};
my $before = rows($client);
cmp_ok(keys %$before, '>', 8, 'tables have a client_id: ' . keys %$before);
# Device codes are another client's.
my @tables = grep { $_ ne 'device_codes' } sort keys %$before;
is(with_rows($before, 'device_codes'), "@tables", 'and a row of the client each');
value($node, $db, "SELECT auth_store.client_delete('$client')");
is(with_rows(rows($client), qw(audit_log client_usage client_users)), '',
    'client_delete leaves none but the audit trail, and what was counted of it');
cmp_ok(rows($device_client)->{device_codes}, '>', 0, 'another client has device codes');
value($node, $db, "SELECT auth_store.client_delete('$device_client')");
is(with_rows(rows($device_client), qw(audit_log client_usage client_users)), '', 'and leaves none');

# --- a user -----------------------------------------------------------------------------------------------------------

# user_export() shows everything and no secret; user_erase() leaves nothing. Both go by the facts of the tables, and a
# unit test by the columns; here every table that holds something of a user must hold something of this one.
my $acme = $store->{acme};
my $user = $acme->{user};
my %facts = table_facts();
my @held = sort grep { $facts{$_}{user} ne 'none' } keys %facts;
my $needle = 'needle-of-the-user';
value($node, $db, <<~SQL);
    SELECT auth_store.user_update('$user', jsonb_build_object('email', '$needle\@acme.example',
        'external_id', '$needle-x', 'first_name', '$needle', 'last_name', '$needle',
        'metadata', jsonb_build_object('k', '$needle')));
    SELECT auth_store.user_name_add('$user', 'username', 'needle.of.the.user'),
           auth_store.user_set_status('$user', 'active', '$needle'),
           auth_store.session_create('$user', metadata => '{"k": "$needle"}', ip => '203.0.113.77',
               user_agent => '$needle'),
           auth_store.token_issue('$acme->{client}', '$user', claims => '{"k": "$needle"}', ip => '203.0.113.77'),
           auth_store.code_issue('$acme->{client}', '$user', claims => '{"k": "$needle"}',
               code_challenge => '$acme->{challenge}', user_agent => '$needle'),
           auth_store.api_key_create('$needle', '$user', metadata => '{"k": "$needle"}'),
           auth_store.connection_store('github', '$needle-x', '$needle', provider_account_id => '$needle',
               tenant_id => 'acme'),
           auth_store.connection_store('slack', '$user', '$needle', metadata => '{"k": "$needle"}',
               tenant_id => 'acme'),
           auth_store.role_assign('$store->{globex}{user}', 'user', assigned_by => '$user', tenant_id => 'globex'),
           auth_store.audit_write('order.shipped', '$user', resource_type => 'order', resource_id => '$needle',
               details => '{"k": "$needle"}', ip => '203.0.113.77', user_agent => '$needle'),
           auth_store.webhook_emit('agent.created', '{"k": "$needle"}', '$needle', 'acme', '$user');
    SQL
# Of tables that populate() has no row of this user in.
value($node, $db, <<~SQL);
    INSERT INTO auth_store.login_failures (id, user_id, since, expires_at, failures, locks, max_failures, tenant_id,
        kind)
    VALUES (gen_random_uuid(), '$user', now(), now() + interval '1 day', 1, 0, 5, 'acme', 'password');
    INSERT INTO auth_store.devices (id, user_id, first_seen_at, last_seen_at, tenant_id, ip, user_agent)
    VALUES (gen_random_uuid(), '$user', now(), now(), 'acme', '203.0.113.77', '$needle');
    INSERT INTO auth_store.user_name_claims (id, user_id, claimed_at, tenant_id, kind)
    VALUES (gen_random_uuid(), '$user', now(), 'acme', 'email');
    SQL
my $export = "auth_store.user_export('$user')";
my $exported = value($node, $db, "SELECT $export");
is(value($node, $db, "SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_each($export) AS e (k, v)
    WHERE jsonb_typeof(v) = 'array' AND v <> '[]'"), "@held",
    'the user has rows in every table, and they are exported');
ok($exported =~ /\Q$needle\E/, 'the export says what was given');
ok($exported !~ /"(?:\w*digest|successor_sealed|access_token|refresh_token)":/, 'and no secret');
# A secret's text begins with its kind.
ok($exported !~ /\bas(?:at|rt|ac|st|ak|dc)_[\w-]{40}/, 'in whatever column');

# The rows in which a text occurs, by table.
sub found
{
    my ($text) = @_;
    return value($node, $db, <<~SQL) =~ s/\n/ /gr;
        SELECT format('SELECT %L, count(*) FROM auth_store.%I t WHERE t::text LIKE %L HAVING count(*) > 0', c.relname,
                c.relname, '%' || '$text' || '%')
          FROM pg_class c
         WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         ORDER BY c.relname \\gexec
        SQL
}
for my $text ($user, $needle, 'needle.of.the.user', '203.0.113.77')
{
    like(found($text), qr/audit_log\|/, "before: there is $text") if $text !~ /^needle[.]/;
    like(found($text), qr/user_names\|/, "before: there is $text") if $text =~ /^needle[.]/;
}
my $others = $store->{globex};
my $kept = value($node, $db, "SELECT auth_store.user_export('$others->{user}') - 'exported_at' - 'audit_log'");
my $trail = value($node, $db, 'SELECT count(*) FROM auth_store.audit_log');
my $certificate = value($node, $db, "SELECT auth_store.user_erase('$user', 'asked for', whole_trail => true)");
is(value($node, $db, "SELECT string_agg(k, ' ' ORDER BY k)
    FROM jsonb_each('$certificate'::jsonb->'tables') AS e (k, v)
    WHERE coalesce((v->>'removed')::int, (v->>'pseudonymised')::int) > 0"), "@held",
    'the certificate counts the rows of every table');
is(value($node, $db, "SELECT c->>'user_id', c->>'tenant_id', c->>'reason', (c->>'erased_at')::timestamptz > now()
    - interval '1 min' FROM CAST('$certificate' AS jsonb) c"), "$user|acme|asked for|t", 'and says whose they were');
like($certificate, qr/"mentions": 1\b/, 'one row of another user named the user');
is(found($_), '', "no table has $_ any more") for $user, $needle, 'needle.of.the.user', '203.0.113.77';
is(value($node, $db, 'SELECT count(*) FROM auth_store.audit_log'), $trail + 1, 'the trail has lost no row');
is(value($node, $db, "SELECT count(DISTINCT user_id), count(*) > 10 FROM auth_store.audit_log
    WHERE user_id = (SELECT user_id FROM auth_store.audit_log WHERE event = 'user.erased')"), '1|t',
    'and is that of one pseudonym');
is(value($node, $db, "SELECT strpos('$certificate', (SELECT user_id::text FROM auth_store.audit_log
    WHERE event = 'user.erased'))"), '0', 'which the certificate does not name');
is(value($node, $db, "SELECT auth_store.user_export('$others->{user}') - 'exported_at' - 'audit_log'"), $kept,
    'another user has lost nothing');
is(value($node, $db, "SELECT (auth_store.token_introspect('$acme->{access}')).active,
    (auth_store.session_validate('$acme->{session}')).valid, (auth_store.api_key_verify('$acme->{api_key}')).valid"),
    'f|f|f', 'nothing of the erased user works');
raises($node, $db, "SELECT auth_store.user_erase('$user')", '23503', 'the user is unknown then');
# What a step under way left behind.
value($node, $db, "INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, tenant_id, event, ip)
    VALUES (gen_random_uuid(), now(), true, '$user', 'acme', 'token.used', '203.0.113.77')");
is(value($node, $db, "SELECT auth_store.user_erase('$user')->'tables'"),
    '{"audit_log": {"pseudonymised": 1}, "client_users": {"removed": 0}, "device_codes": {"removed": 0}, '
    . '"webhook_events": {"removed": 0}, "user_name_claims": {"removed": 0}}',
    'but for a row that a step under way left');
is(found($user), '', 'which is nobody\'s then');

# --- a dump -----------------------------------------------------------------------------------------------------------

# What the functions take of a user is planted by them and then looked for in a dump of the database, so that no column
# is forgotten, whoever's row it is in. Not among it is what docs/how-to/privacy.md says that nobody can find: what was
# written about the user into things of others, what came before anybody knew who it was, and invitations to a former
# address.
my %needle = (
    mail => 'needle-mail@victim.example', other => 'needle-other@victim.example', new => 'needle-new@victim.example',
    elsewhere => 'needle-elsewhere@victim.example', name => 'Needlename', phone => '4930555019977',
    word => 'needleword', ip => '198.51.100.77');
my @mails = @needle{qw(mail other new elsewhere)};
my $support = $acme->{support};
my $browser = "ip => '$needle{ip}', user_agent => '$needle{word}'";
my $said = qq({"said": "$needle{word}"});
my $key = Authenticator->new('https://example.com', flags => [qw(up uv)]);
value($node, $db, "CREATE TABLE public.made (what text, answer jsonb)");

# call(WHAT, CALL): keeps the row that it returns. kept(WHAT, COLUMN): of that row.
sub call
{
    my ($what, $call) = @_;
    value($node, $db, "SET auth_store.mail_interval = 0; SET auth_store.mail_max_per_hour = 1000;
        INSERT INTO public.made SELECT '$what', to_jsonb(r) FROM auth_store.$call AS r");
    my $error = value($node, $db, "SELECT answer->>'error_description' FROM public.made WHERE what = '$what'");
    is($error, '', $what) if $what !~ /^wrong/;
    return;
}

sub kept
{
    my ($what, $column) = @_;
    return value($node, $db, "SELECT answer" . ($column ? "->>'$column'" : "#>>'{}'")
          . " FROM public.made WHERE what = '$what'");
}

# Before there is a user, the name is typed and the address invited.
call("wrong $_", "user_login('$_', 'x', tenant_id => 'acme')") for @needle{qw(mail name)}, "+$needle{phone}";
call("invitation to $_", "invitation_create('$_', 'user', 'acme')") for @needle{qw(mail other)};
call('rate limit', "rate_limit_hit('mail $needle{mail}', 5, '1 day')");
call('user', "user_create('$needle{mail}', 'violet lamp 7 quarry', external_id => '$needle{word}', first_name =>
    '$needle{name}', last_name => '$needle{name}', metadata => '$said', tenant_id => 'acme', $browser)");
my $victim = kept('user', 'user_id');
call("name $_->[0]", "user_name_add('$victim', '$_->[0]', '$_->[1]', $browser)")
    for [ email => $needle{other} ], [ username => $needle{name} ], [ phone => "+$needle{phone}" ];
# Addresses: proved, changed and invited again, also by another tenant.
for my $mail (@needle{qw(mail other)})
{
    call("proof of $mail", "email_verification_start('$victim', '$mail', $browser)");
    call("proved $mail", "email_verification_finish('" . kept("proof of $mail", 'token') . "', $browser)");
}
call('elsewhere', "invitation_create('$needle{other}', 'user', 'globex')");
call('by the victim', "invitation_create('guest\@victim.example', 'user', 'globex', invited_by => '$victim',
    $browser)");
call("$_ started", "$_('$needle{mail}', 'acme', $browser)") for qw(magic_link_start password_reset_start);
call('magic link', "magic_link_finish('" . kept('magic_link_start started', 'token') . "', NULL, $browser)");
call('change', "email_change_start('$victim', '$needle{new}', $browser)");
call("change $_", "email_change_confirm('" . kept('change', "${_}_token") . "', NULL, $browser)") for qw(old new);
call('back', "email_change_start('$victim', '$needle{mail}', $browser)");
call("back $_", "email_change_confirm('" . kept('back', "${_}_token") . "', NULL, $browser)") for qw(old new);
call('next', "email_change_start('$victim', '$needle{new}', $browser)");
call('code', "otp_start('$victim', '$needle{word}', 6, $browser)");
# Ways to log in, good and bad.
call('account', "identity_link('$victim', 'google', '$needle{word}', '$needle{elsewhere}', '$said', true, $browser)");
call('log-in by it', "identity_login('google', '$needle{word}', '$needle{elsewhere}', true, '$said', false, 'acme',
    NULL, $browser)");
call('log-in', "user_login('+$needle{phone}', 'violet lamp 7 quarry', NULL, true, 'phone', 'acme', $browser)");
call('wrong password', "user_login('$needle{name}', 'x', NULL, true, 'username', 'acme', $browser)");
call('wrong code', "otp_verify('$victim', '$needle{word}', '000000', NULL, $browser)");
call('app', "totp_enroll('$victim', '$needle{word}', '$needle{name}', $browser)");
call('passkey', "passkey_challenge('registration', '$victim', '$needle{name}', '$needle{name}', $browser)");
call('registered', "passkey_register('$victim', " . AuthStore::quote($key->create(kept('passkey', 'options')))
      . ", '$needle{word}', NULL, $browser)");
# What the user has, and what was done about it.
call('session', "session_create('$victim', metadata => '$said', amr => '{$needle{word}}', acr => '$needle{word}',
    $browser)");
call('acts', "session_create('$support')");
call('role', "role_assign('$victim', 'admin', tenant_id => 'acme')");
call('role away', "role_unassign('$support', 'admin')");
call('acting', "user_impersonate('$support', '$victim', 'ticket 7', NULL, $browser)");
call('role given', "role_assign('$support', 'admin', NULL, '$victim', 'acme', $browser)");
call('role gone', "role_unassign('$victim', 'admin')");
call('acted for', "user_impersonate('$victim', '$support', '$needle{word}', NULL, $browser)");
call('code of a log-in', "code_issue('$acme->{client}', '$victim', claims => '$said', code_challenge =>
    '$acme->{challenge}', nonce => '$needle{word}', state => '$needle{word}', $browser)");
call('token', "token_issue('$acme->{client}', '$victim', claims => '$said', $browser)");
call('exchanged', "token_exchange('" . kept('token', 'access_token') . "', '$acme->{machine_access}',
    '$acme->{client}', '$acme->{secret}', $browser)");
call('consent', "consent_record('$victim', '$acme->{client}', 'openid', $browser)");
call('device', "device_authorize('$acme->{device_client}')");
call('device approved', "device_approve('" . kept('device', 'user_code') . "', '$victim', $browser)");
call('key', "api_key_create('$needle{word}', '$victim', metadata => '$said')");
call('connection', "connection_store('github', '$needle{word}', '$needle{word}', provider_account_id => '$needle{mail}',
    metadata => '$said', tenant_id => 'acme')");
call('told', "audit_write('order.shipped', '$victim', NULL, 'order', '$needle{word}', details => '$said', $browser)");
call('locked', "user_lock('$victim', clock_timestamp() + interval '1 hour', '$needle{word}', $browser)");
call('suspended', "user_set_status('$victim', 'suspended', '$needle{word}', $browser)");
call('exported', "user_export('$victim', $browser)");

# dumped(TEXT...): the texts that a dump has, in letters or as bytes, each with the tables that have it.
sub dumped
{
    my @texts = @_;
    my $file = "${PostgreSQL::Test::Utils::tmp_check}/erasure.sql";
    $node->command_ok([ 'pg_dump', '--no-sync', '--data-only', '-n', 'auth_store', '-f', $file, $db ], 'a dump');
    my (%tables, $table);
    for my $line (split /\n/, slurp_file($file))
    {
        $table = $1 if $line =~ /^COPY auth_store[.](\w+)/;
        for my $text (@texts)
        {
            my $bytes = unpack 'H*', $text;
            $tables{$text}{$table} = $line if defined $table && $line =~ /\Q$text\E|$bytes/i;
        }
    }
    return \%tables;
}
my @texts = ($victim, @mails, @needle{qw(name phone word ip)});
my $dumped = dumped(@texts);
is(join(' ', grep { $dumped->{$_} } @texts), "@texts", 'a dump has every needle');
call('erased', "user_erase('$victim', 'asked for', true)");
$dumped = dumped(@texts, $victim =~ s/-//gr);
is_deeply($dumped, {}, 'and none when the user is erased') or diag(explain($dumped));
like(kept('erased', 'tables'), qr/"one_time_tokens": \{"removed": \d+, "mentions": 1\}|"mentions": 1, "removed": \d+/,
    'the certificate counts the invitation that the user had made');
is(value($node, $db, "SELECT email, invited_by FROM auth_store.invitation_list(tenant_id => 'globex')
    WHERE email = 'guest\@victim.example'"), 'guest@victim.example|', 'which stays, and says no more of whom');

done_testing();
