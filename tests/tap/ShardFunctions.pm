# The functions of a store on several databases and servers, each with a call of it: a part of the table in
# Functions.pm.
package ShardFunctions;

use strict;
use warnings;

our %CALLS = (
    token_bucket     => [ reads => 'SELECT auth_store.token_bucket({access})' ],
    key_bucket       => [ reads => q{SELECT auth_store.key_bucket('x')} ],
    id_bucket        => [ reads => 'SELECT auth_store.id_bucket({user})' ],
    user_bucket      => [ reads => q{SELECT auth_store.user_bucket({tenant}, 'x')} ],
    client_bucket    => [ reads => 'SELECT auth_store.client_bucket({client})' ],
    actor_bucket     => [ reads => q{SELECT auth_store.actor_bucket({tenant}, 'x')} ],
    user_code_bucket => [ reads => q{SELECT auth_store.user_code_bucket('BBBW-DJBM-JHT')} ],
    claim_bucket     => [ reads => q{SELECT auth_store.claim_bucket('issuer', 'x')} ],
    dpop_bucket      => [ reads => q{SELECT auth_store.dpop_bucket('x')} ],
    text_bucket      => [ reads => q{SELECT auth_store.text_bucket('x')} ],
    replica_lag     => [ reads => 'SELECT auth_store.replica_lag()' ],
    imported_point  => [ writes => q{SELECT auth_store.imported_point({new_digest}, {user}, 'api_key')} ],
    imported_locate => [ reads => q{SELECT auth_store.imported_locate('of another store')} ],
    shard_tables    => [ reads => 'SELECT * FROM auth_store.shard_tables()' ],
    shard_range     => [ reads => 'SELECT auth_store.shard_range(0, 255)' ],
    shard_names_claim => [ superuser => q{SELECT auth_store.shard_names_claim('{[1,4096)}', '{[0,1)}')} ],
    shard_fenced    => [ reads => 'SELECT auth_store.shard_fenced()' ],
    shard_move_sql  => [ reads => q{SELECT auth_store.shard_move_sql(0, 255, 'service=one', 'service=two', '0-4095', '',
        'copy')} ],
    shard_fence     => [ superuser => 'CALL auth_store.shard_fence(4095, 4095)' ],
    shard_unfence   => [ superuser => 'CALL auth_store.shard_unfence(4095, 4095)' ],
    shard_fence_set => [ superuser => q{CALL auth_store.shard_fence_set('{}')} ],
    map({ ($_ => [ event => "SELECT auth_store.$_()" ]) } qw(shard_refuse shard_arrive)),
    shard_forget => [ commits => q{CALL auth_store.shard_fence(4095, 4095);
        CALL auth_store.shard_forget(4095, 4095, '{}'); CALL auth_store.shard_unfence(4095, 4095)} ],
);

1;
