<?php
// An OAuth 2.1 and OpenID Connect provider: each request goes to auth_store in one call, whose answer goes back.
//
//     php -S 127.0.0.1:8000 front.php      or as the one script of PHP-FPM. PGHOST, PGPORT, PGDATABASE and PGUSER name
//                                          the server and a role that has auth_store_app.
//
// The application logs its users in on pages of its own and keeps the session's token in the cookie "session".

// docs: begin
[$path, $query] = explode('?', $_SERVER['REQUEST_URI'], 2) + [1 => ''];
$bytes = ['query' => $query, 'body' => (string) file_get_contents('php://input', length: 65537)];
if (strlen($bytes['body']) > 65536) {
    http_response_code(413);
    return;
}
$texts = ['method' => $_SERVER['REQUEST_METHOD'], 'path' => $path, 'ip' => $_SERVER['REMOTE_ADDR'],
    'headers' => json_encode(array_change_key_case(getallheaders()), JSON_INVALID_UTF8_SUBSTITUTE),
    'user_agent' => $_SERVER['HTTP_USER_AGENT'] ?? null, 'session_token' => $_COOKIE['session'] ?? null];
$calls = [      // the two endpoints that answer with more than a response, and all others
    '/authorize' => ['http_authorize', ['method', 'query', 'body', 'session_token', 'ip', 'user_agent']],
    '/logout' => ['http_end_session', ['query', 'session_token', 'ip']]];
if ($path === '/logout' && $texts['method'] === 'POST') {
    $bytes['query'] = $bytes['body'];
}
[$function, $arguments] = $calls[$path] ??
    ['http', ['method', 'path', 'query', 'headers', 'body', 'ip', 'session_token']];
$dsn = sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'));
$db = new PDO($dsn, getenv('PGUSER'), null, [PDO::ATTR_EMULATE_PREPARES => false, PDO::ATTR_PERSISTENT => true]);
$named = implode(', ', array_map(fn($name) => "$name => :$name", $arguments));
$call = $db->prepare("SELECT status, headers, body FROM auth_store.$function($named)");
foreach ($arguments as $name) {
    $type = isset($bytes[$name]) ? PDO::PARAM_LOB : PDO::PARAM_STR;
    $call->bindValue($name, $bytes[$name] ?? $texts[$name], $type);
}
$call->execute();
$row = $call->fetch(PDO::FETCH_ASSOC);
http_response_code($row['status']);
foreach (json_decode($row['headers'], true) as $name => $value) {
    header("$name: $value");
}
echo $row['body'];
// docs: end
