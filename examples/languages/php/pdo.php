<?php
// PDO (pdo_pgsql). It sends text without a type, so the server reads it as whatever the argument is; lists, objects and times are
// written as PostgreSQL reads them.

// docs: begin
$dsn = sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'));
// ATTR_EMULATE_PREPARES is off in this driver; on, it would write the values, so the secrets, into the statement's text.
$db = new PDO($dsn, getenv('PGUSER'), null, [PDO::ATTR_EMULATE_PREPARES => false, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC]);

function text(mixed $value): ?string
{
    return match (true) {
        $value === null => null,
        is_bool($value) => $value ? 'true' : 'false',
        $value instanceof DateTimeInterface => $value->format(DATE_RFC3339_EXTENDED),
        is_array($value) && array_is_list($value) =>
            '{' . implode(',', array_map(fn($one) => '"' . addcslashes($one, '"\\') . '"', $value)) . '}',
        is_array($value) => json_encode($value, JSON_THROW_ON_ERROR),
        default => (string) $value,
    };
}

/** The row of auth_store.function(). The names are the program's own, never input; the values are bind parameters. */
function call(PDO $db, string $function, array $arguments): array
{
    $names = implode(', ', array_map(fn($name) => "\"$name\" => :$name", array_keys($arguments)));
    $statement = $db->prepare("SELECT * FROM auth_store.$function($names)");
    $statement->execute(array_map('text', $arguments));
    return $statement->fetch();
}

$client = call($db, 'client_create', ['name' => 'Phone', 'client_type' => 'public', 'redirect_uris' => ['https://app.example/cb'],
    'scope' => 'orders profile', 'access_token_ttl' => '10 minutes', 'metadata' => ['team' => 'shop']]);
// docs: end
function must(bool $true): void
{
    if (!$true) {
        throw new Exception('not as it should be');
    }
}

echo "registered: a client\n";
$user_id = call($db, 'user_ensure', ['external_id' => bin2hex(random_bytes(8))])['user_ensure'];
$base64url = fn($bytes) => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
$verifier = $base64url(random_bytes(32));
$code = call($db, 'code_issue', ['client_id' => $client['client_id'], 'user_id' => $user_id, 'redirect_uri' => 'https://app.example/cb',
    'scope' => 'orders', 'code_challenge' => $base64url(hash('sha256', $verifier, true)), 'auth_time' => new DateTimeImmutable(),
    'amr' => ['pwd', 'otp'], 'claims' => ['shop' => 7], 'ip' => '203.0.113.9', 'user_agent' => null])['code'];
$redeem = ['code' => $code, 'client_id' => $client['client_id'], 'redirect_uri' => 'https://app.example/cb', 'code_verifier' => $verifier];
$first = call($db, 'code_redeem', $redeem);
echo "redeemed: $first[token_type] $first[expires_in] $first[scope]\n";
$state = call($db, 'token_introspect', ['token' => $first['access_token']]);
must($state['active'] && $state['user_id'] === $user_id && new DateTime($state['expires_at']) > new DateTime($state['issued_at']));
// docs: begin
// jsonb, timestamps and arrays come back as text.
echo 'introspected: ', json_decode($state['claims'])->shop, "\n";
// docs: end
$second = call($db, 'token_refresh', ['refresh_token' => $first['refresh_token'], 'client_id' => $client['client_id']]);
must($second['error'] === null && $second['refresh_token'] !== $first['refresh_token']);
echo "refreshed: another refresh token\n";
$key = call($db, 'api_key_create', ['name' => 'ci', 'user_id' => $user_id, 'scope' => 'deploy', 'allowed_cidrs' => ['10.0.0.0/8'],
    'expires_at' => new DateTimeImmutable('+30 days')])['api_key'];
must(call($db, 'api_key_verify', ['api_key' => $key, 'required_scope' => 'deploy', 'ip' => '10.1.2.3'])['valid']);
echo "API key: valid\n";
call($db, 'token_revoke', ['token' => $second['refresh_token'], 'client_id' => $client['client_id'], 'client_authenticated' => false]);
must(!call($db, 'token_introspect', ['token' => $second['access_token']])['active']);
echo "revoked: not active\n";

// docs: begin
echo 'refused: ', call($db, 'code_redeem', $redeem)['error'], "\n";
try {
    call($db, 'client_create', ['name' => 'x', 'client_type' => 'mobile']);
} catch (PDOException $error) {     // it has no field for the HINT, which is in the text
    preg_match('/^HINT:  (.*)$/m', $error->getMessage(), $hint);
    echo "mistake: {$error->getCode()} $hint[1]\n";
}
try {
    $db->beginTransaction();
    $db->prepare('INSERT INTO orders (user_id) VALUES (?)')->execute([$user_id]);
    $token = call($db, 'token_issue', ['client_id' => $client['client_id'], 'user_id' => $user_id])['access_token'];
    throw new RuntimeException('the order failed');
} catch (RuntimeException) {
    $db->rollBack();
}
// docs: end
must(!call($db, 'token_introspect', ['token' => $token])['active']);
$orders = $db->prepare('SELECT count(*) FROM orders WHERE user_id = ?');
$orders->execute([$user_id]);
echo 'rolled back: orders ', $orders->fetchColumn(), "\n";
