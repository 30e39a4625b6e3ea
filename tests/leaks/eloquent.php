<?php
require '/usr/share/php/Illuminate/Database/autoload.php';
$manager = new Illuminate\Database\Capsule\Manager();
$manager->addConnection(['driver' => 'pgsql', 'host' => getenv('PGHOST'), 'port' => getenv('PGPORT'), 'database' => getenv('PGDATABASE'),
    'username' => getenv('PGUSER'), 'password' => '', 'charset' => 'utf8']);
try {
    $manager->getConnection()->select('SELECT * FROM auth_store.client_create(name => ?, client_type => ?)', [getenv('SECRET'), 'mobile']);
} catch (Illuminate\Database\QueryException $error) {
    echo (in_array('cured', $argv) ? $error->getPrevious() : $error)->getMessage(), "\n";
}
