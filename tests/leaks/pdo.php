<?php
$db = new PDO(sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE')), getenv('PGUSER'), null,
    [PDO::ATTR_EMULATE_PREPARES => !in_array('cured', $argv)]);
try {
    $db->prepare('SELECT * FROM auth_store.client_create(name => ?, client_type => ?)')->execute([getenv('SECRET'), 'mobile']);
} catch (PDOException $error) {
    echo $error->getMessage(), "\n";
}
