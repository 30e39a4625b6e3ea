<?php
// An OAuth 2.1 and OpenID Connect provider: each request goes to auth_store in one call, whose answer goes back.
//
//     php -S 127.0.0.1:8000 front.php      or as the one script of PHP-FPM. PGHOST, PGPORT, PGDATABASE and PGUSER name
//                                          the server and a role that has auth_store_app.
//
// The application logs its users in on pages of its own, see docs/how-to/fronts.md, and keeps the session's token in
// the cookie "session".

// docs: begin
[$path, $query] = explode('?', $_SERVER['REQUEST_URI'], 2) + [1 => ''];
$body = (string) file_get_contents('php://input', length: 65537);
if (strlen($body) > 65536) {
    http_response_code(413);
    return;
}
$headers = json_encode(array_change_key_case(getallheaders()), JSON_INVALID_UTF8_SUBSTITUTE);
$dsn = sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'));
$db = new PDO($dsn, getenv('PGUSER'), null, [PDO::ATTR_EMULATE_PREPARES => false, PDO::ATTR_PERSISTENT => true]);
$call = $db->prepare('SELECT status, headers, body FROM auth_store.http(method => ?, path => ?, query => ?,
    headers => ?, body => ?, ip => ?, session_token => ?)');
$values = [$_SERVER['REQUEST_METHOD'], $path, $query, $headers, $body, $_SERVER['REMOTE_ADDR'],
    $_COOKIE['session'] ?? null];
foreach ($values as $number => $value) {        // the query and the body are bytes
    $call->bindValue($number + 1, $value, in_array($number, [2, 4]) ? PDO::PARAM_LOB : PDO::PARAM_STR);
}
$call->execute();
[$status, $sent, $answer] = $call->fetch(PDO::FETCH_NUM);
http_response_code($status);
foreach (json_decode($sent, true) as $name => $value) {
    header("$name: $value");
}
echo $answer;
// docs: end
