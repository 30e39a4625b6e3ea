-- Names that users of other shards have.
\i tests/sql/include/helpers.sql
SELECT FROM auth_store.tenant_create('shards');
SET auth_store.sharded = on;
SELECT auth_store.user_id_new('ann@shards.example', tenant_id => 'shards') AS ann,
       auth_store.user_id_new('ann@shards.example', tenant_id => 'shards') AS rival,
       auth_store.user_id_new('google 1', 'identity', 'shards') AS by_account \gset

--
-- An id in a name's bucket
--
SELECT :'ann' <> :'rival' AS new, auth_store.id_bucket(:'ann') = auth_store.user_bucket('shards', 'ann@shards.example')
       AS bucket, auth_store.id_bucket(:'by_account') = auth_store.user_bucket('shards', 'google 1', 'identity')
       AS account, :'ann' ~ '^.{14}8' AS version;
SELECT pg_temp.raised('SELECT auth_store.user_id_new(NULL)');
SELECT pg_temp.raised('SELECT auth_store.user_id_new(''a'', ''nickname'')');
SELECT pg_temp.raised('SELECT auth_store.user_id_new(''a'', ''email'')');
SELECT pg_temp.raised('SELECT auth_store.user_id_new(''google'', ''identity'')');

--
-- A claim keeps everybody else from the name
--
SELECT claimed, user_id = :'ann' AS ann, pending_until > now() + interval '4 minutes' AS pending, error
  FROM auth_store.user_name_claim(:'ann', 'username', 'Ann.Lee', tenant_id => 'shards');
-- Again: the same. In another spelling too.
SELECT claimed, user_id = :'ann' AS ann, pending_until < now() + interval '2 minutes' AS pending, error
  FROM auth_store.user_name_claim(:'ann', 'username', 'ANN.LEE', interval '1 minute', 'shards');
SELECT * FROM pg_temp.trail();
SELECT claimed, user_id = :'ann' AS ann, pending_until, error, error_description, retry_after BETWEEN 1 AND 60 AS retry
  FROM auth_store.user_name_claim(:'rival', 'username', 'ann.lee', tenant_id => 'shards');
SELECT auth_store.user_locate('ann.lee', tenant_id => 'shards') AS pending;
SELECT user_id AS bob FROM auth_store.user_create('bob@shards.example', tenant_id => 'shards') \gset
SELECT * FROM auth_store.user_name_add(:'bob', 'username', 'ann.lee');
SELECT claimed, user_id = :'ann' AS ann, pending_until, error
  FROM auth_store.user_name_confirm(:'ann', 'username', 'ann.lee', 'shards');
SELECT auth_store.user_locate('Ann.Lee', tenant_id => 'shards') = :'ann' AS ann,
       auth_store.user_locate('Ann.Lee') AS of_another_tenant,
       auth_store.user_locate('bob@shards.example', 'email', 'shards') = :'bob' AS here,
       auth_store.user_locate('no name', 'username', 'shards') AS none,
       auth_store.user_locate('google', 'identity', 'shards') AS no_account;
-- A claim that was confirmed stays so.
SELECT claimed, pending_until FROM auth_store.user_name_claim(:'ann', 'username', 'ann.lee', tenant_id => 'shards');
SELECT claimed, user_id = :'ann' AS ann, error, retry_after
  FROM auth_store.user_name_confirm(:'rival', 'username', 'ann.lee', 'shards');
SELECT * FROM pg_temp.trail();

--
-- What one of this shard has
--
SELECT claimed, user_id = :'bob' AS bob, error, retry_after
  FROM auth_store.user_name_claim(:'ann', 'email', 'BOB@shards.example', tenant_id => 'shards');
-- The user's own, as where the user was moved here.
SELECT claimed, error FROM auth_store.user_name_confirm(:'bob', 'email', 'bob@shards.example', 'shards');

--
-- Every way to a name
--
SELECT claimed FROM auth_store.user_name_confirm(:'ann', 'email', 'ann2@shards.example', 'shards');
SELECT claimed FROM auth_store.user_name_confirm(:'ann', 'external', 'Ann-7', 'shards');
SELECT claimed FROM auth_store.user_name_claim(:'ann', 'external', 'Ann-8', tenant_id => 'shards');
SELECT claimed FROM auth_store.user_name_confirm(:'ann', 'phone', '+49301234567', 'shards');
SELECT claimed FROM auth_store.user_name_confirm(:'ann', 'identity', 'google 42', 'shards');
SELECT * FROM auth_store.user_create('Ann2@shards.example', tenant_id => 'shards');
SELECT pg_temp.raised('SELECT auth_store.user_create(external_id => ''Ann-7'', tenant_id => ''shards'')');
SELECT * FROM auth_store.user_update(:'bob', '{"email": "ann2@shards.example"}');
SELECT * FROM auth_store.user_name_add(:'bob', 'phone', '+49 30 1234567');
SELECT * FROM auth_store.identity_link(:'bob', 'google', '42');
SELECT pg_temp.raised('SELECT auth_store.identity_login(''google'', ''42'', tenant_id => ''shards'')');
SELECT external_id, error FROM auth_store.users_import('[{"external_id": "Ann-7"}]', 'shards');
-- user_ensure() leads to the user, once that is certain.
SELECT auth_store.user_ensure('Ann-7', 'shards') = :'ann' AS ann;
SELECT pg_temp.raised('SELECT auth_store.user_ensure(''Ann-8'', ''shards'')');
SELECT count(*) FROM auth_store.users WHERE tenant_id = 'shards';

--
-- The user with the claims may have the names here
--
SELECT user_id = :'ann' AS ann, error
  FROM auth_store.user_create('ann@shards.example', id => :'ann', external_id => 'Ann-7', tenant_id => 'shards');
SELECT * FROM auth_store.user_name_add(:'ann', 'username', 'ann.lee');
SELECT * FROM auth_store.identity_link(:'ann', 'google', '42');
-- What is to be confirmed after, and released before the end: all but the name that the bucket is of.
SELECT kind, name, bucket = auth_store.user_bucket('shards', name, kind) AS bucket
  FROM auth_store.user_claims(:'ann');
SELECT count(*) FROM auth_store.user_claims('00000000-0000-8000-8000-000000000000');
SELECT pg_temp.raised('SELECT auth_store.user_claims(NULL)');

--
-- Releasing, and claims that lapse
--
SELECT auth_store.user_name_release(:'rival', 'phone', '+49301234567', 'shards') AS of_another,
       auth_store.user_name_release(:'ann', 'phone', '+49301234567', 'shards') AS released,
       auth_store.user_name_release(:'ann', 'phone', '+49301234567', 'shards') AS again;
SELECT * FROM auth_store.user_name_add(:'bob', 'phone', '+49301234567');
UPDATE auth_store.user_name_claims SET pending_until = '2000-01-01' WHERE pending_until IS NOT NULL;
SELECT claimed, user_id = :'rival' AS rival, error
  FROM auth_store.user_name_claim(:'rival', 'external', 'Ann-8', tenant_id => 'shards');
SELECT claimed, user_id = :'rival' AS rival, error
  FROM auth_store.user_name_confirm(:'ann', 'external', 'Ann-8', 'shards');
UPDATE auth_store.user_name_claims SET pending_until = '2000-01-01' WHERE pending_until IS NOT NULL;
SELECT auth_store.id_bucket(auth_store.user_ensure('Ann-8', 'shards'))
       = auth_store.user_bucket('shards', 'Ann-8', 'external') AS lapsed;
SELECT claimed, error FROM auth_store.user_name_confirm(:'rival', 'external', 'Ann-8', 'shards');
SELECT count(*) > 0 AS deleted FROM auth_store.cleanup_expired_data();
SELECT count(*) FROM auth_store.user_name_claims WHERE pending_until IS NOT NULL;
-- All of a user.
SELECT auth_store.user_name_release(:'ann', NULL, NULL, 'shards') AS released,
       auth_store.user_name_release(:'ann', NULL, NULL, 'shards') AS again;
SELECT kind, user_id = :'bob' AS bob FROM auth_store.user_name_claims WHERE tenant_id = 'shards';
SELECT auth_store.user_erase(:'bob') -> 'tables' -> 'user_name_claims' AS erased;

--
-- A user has an id of the bucket by which the call goes
--
CREATE FUNCTION pg_temp.login(subject text, email text = NULL, verified boolean = true, OUT who uuid,
    OUT created boolean, OUT linked boolean, OUT error text) LANGUAGE sql AS $$
    SELECT user_id, created, linked, error FROM auth_store.identity_login('login', subject, email, verified,
        link_by_email => true, tenant_id => 'shards') $$;
-- Without an address, and with one of the account's bucket.
SELECT created, auth_store.id_bucket(who) = auth_store.user_bucket('shards', 'login 1', 'identity') AS bucket
  FROM pg_temp.login('1');
SELECT 'n' || n || '@login.example' AS near FROM generate_series(1, 100000) n
 WHERE auth_store.user_bucket('shards', 'n' || n || '@login.example', 'email')
     = auth_store.user_bucket('shards', 'login 2', 'identity') LIMIT 1 \gset
SELECT who AS near_id, created FROM pg_temp.login('2', :'near') \gset
SELECT :'created' AS created, auth_store.user_locate('login 2', 'identity', 'shards') = :'near_id' AS by_account,
       auth_store.id_bucket(:'near_id') = auth_store.user_bucket('shards', 'login 2', 'identity') AS bucket,
       auth_store.user_locate(:'near', 'email', 'shards') = :'near_id' AS by_address, email_verified
  FROM auth_store.user_get(:'near_id');
SELECT count(*) FROM auth_store.user_claims(:'near_id');
-- An address of another bucket is decided elsewhere, or here: then it is taken, or its owner is linked.
SELECT pg_temp.raised('SELECT pg_temp.login(''3'', ''far@login.example'')');
SELECT pg_temp.raised('SELECT pg_temp.login(''3'', ''far@login.example'', false)');
SELECT count(*) FROM auth_store.users WHERE tenant_id = 'shards' AND email = 'far@login.example';
SELECT user_id AS far FROM auth_store.user_create('far@login.example', tenant_id => 'shards') \gset
SELECT error FROM pg_temp.login('3', 'far@login.example');
-- Claimed for its owner: the same, and nobody else is linked.
SELECT claimed FROM auth_store.user_name_claim(:'far', 'identity', 'login 3', tenant_id => 'shards');
SELECT error FROM pg_temp.login('3', 'far@login.example');
SELECT pg_temp.raised('SELECT pg_temp.login(''3'', ''other@login.example'')');
SELECT FROM auth_store.user_update(:'far', '{"email_verified": true}');
SELECT who = :'far' AS owner, created, linked, error FROM pg_temp.login('3', 'far@login.example');
SELECT claimed FROM auth_store.user_name_confirm(:'far', 'identity', 'login 3', 'shards');
SELECT who = :'far' AS owner, created, linked FROM pg_temp.login('3', 'far@login.example');
-- Moved in with a name that makes no user by itself.
SELECT error, auth_store.id_bucket(user_id) = auth_store.user_bucket('shards', name) AS bucket
  FROM (VALUES ('moved.in'), ('+49 30 7654321')) n (name), LATERAL auth_store.users_import(jsonb_build_array(
      jsonb_build_object(CASE WHEN name ~ '^[+]' THEN 'phone' ELSE 'username' END, name)), 'shards');
-- Without a name.
SELECT pg_temp.raised('SELECT auth_store.user_create_anonymous(tenant_id => ''shards'')');
SELECT auth_store.user_id_new('drawn', 'external', 'shards') AS drawn \gset
SELECT auth_store.user_create_anonymous(id => :'drawn', tenant_id => 'shards') = :'drawn' AS given;
SELECT pg_temp.raised(format('SELECT auth_store.user_create_anonymous(id => %L, tenant_id => ''shards'')', :'drawn'));

--
-- Mistakes
--
SELECT pg_temp.raised(format('SELECT auth_store.user_name_claim(%L, NULL, ''a'')', :'ann'));
SELECT pg_temp.raised(format('SELECT auth_store.user_name_claim(%L, ''username'', NULL)', :'ann'));
SELECT pg_temp.raised('SELECT auth_store.user_name_claim(NULL, ''username'', ''a'')');
SELECT pg_temp.raised(format('SELECT auth_store.user_name_claim(%L, ''nickname'', ''a'')', :'ann'));
SELECT pg_temp.raised(format('SELECT auth_store.user_name_claim(%L, ''username'', ''a b'')', :'ann'));
SELECT pg_temp.raised(format('SELECT auth_store.user_name_claim(%L, ''username'', ''a'', ''0'')', :'ann'));
SELECT pg_temp.raised(format('SELECT auth_store.user_name_claim(%L, ''username'', ''a'', tenant_id => ''none'')',
    :'ann'));
SELECT pg_temp.raised(format('SELECT auth_store.user_name_release(%L, ''username'', NULL)', :'ann'));
-- A user who is here is of the tenant, or unknown.
SELECT user_id AS stranger FROM auth_store.user_create('stranger@shards.example') \gset
SET auth_store.tenant_id = 'shards';
SELECT pg_temp.raised(format('SELECT auth_store.user_name_claim(%L, ''username'', ''a'')', :'stranger'));
RESET auth_store.tenant_id;
SELECT pg_temp.raised(format('SELECT auth_store.user_name_confirm(%L, ''username'', ''a'', ''shards'')', :'stranger'));
SELECT pg_temp.raised('SELECT auth_store.user_locate(NULL)');
SELECT pg_temp.raised('SELECT auth_store.user_locate(''a'', ''nickname'')');

--
-- Where the store is not spread, nobody heeds a claim, and none is made
--
SELECT claimed FROM auth_store.user_name_claim(:'rival', 'username', 'unheeded', tenant_id => 'shards');
RESET auth_store.sharded;
SELECT pg_temp.raised(format('SELECT auth_store.user_name_claim(%L, ''username'', ''a'', tenant_id => ''shards'')',
    :'rival'));
SELECT pg_temp.raised(format('SELECT auth_store.user_name_confirm(%L, ''username'', ''unheeded'', ''shards'')',
    :'rival'));
SELECT error FROM auth_store.user_name_add(:'ann', 'username', 'unheeded');
SELECT auth_store.user_locate('unheeded', tenant_id => 'shards') = :'ann' AS ann;
-- check() says so.
SELECT object, problem, severity FROM auth_store.check() WHERE object = 'table user_name_claims';
SET auth_store.sharded = on;
SELECT count(*) FROM auth_store.check() WHERE object = 'table user_name_claims';
DELETE FROM auth_store.user_name_claims;
