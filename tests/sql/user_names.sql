-- Names: what a user is found by.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('user-names');
SELECT user_id AS ann FROM auth_store.user_create('Ann@Names.example', external_id => 'n-1') \gset
SELECT auth_store.user_ensure('n-2') AS bob \gset
SELECT auth_store.user_ensure('n-1') = :'ann' AS same_user;
SELECT kind, name FROM auth_store.user_name_list(:'ann');

-- Found in every spelling; an external key by its kind alone, since nobody types one.
SELECT name, kind, (SELECT user_id = :'ann' FROM auth_store.user_find(name, kind)) AS ann FROM (VALUES
    (1, 'ann@names.EXAMPLE', NULL), (2, 'ANN@names.example', 'email'), (3, 'n-1', 'external'), (4, 'n-1', NULL),
    (5, 'N-1', 'external'), (6, 'ann@names.example', 'username'), (7, 'nobody@names.example', NULL), (8, '', NULL),
    (9, 'ann@names.example', 'external')) t (n, name, kind) ORDER BY n;
SELECT count(*) FROM auth_store.user_find('ann@names.example', tenant_id => 'user-names');
SELECT pg_temp.raised(call) FROM (VALUES
    ('SELECT auth_store.user_find(NULL)'), ('SELECT auth_store.user_find(''x'', ''mail'')'),
    ('SELECT auth_store.user_find(''x'', tenant_id => '''')'), ('SELECT auth_store.user_name_list(NULL)')) t (call);

-- Several of a kind, each compared in its own way.
SELECT clock_timestamp() AS before \gset
SELECT n, kind, left(name, 30) AS name, a.error, a.error_description
  FROM (VALUES (1, 'username', 'Ann.Lee'), (2, 'username', U&'Stra\00dfe'), (3, 'phone', '+49 (30) 123-4567'),
               (4, 'email', 'second@names.example'), (5, 'external', 'n-1b'),
               (6, 'username', 'ANN.LEE'), (7, 'phone', '+49301234567'), (8, 'email', 'ann@NAMES.example'),
               (9, 'username', 'ann lee'), (10, 'username', 'a@b'), (11, 'phone', '030 1234567'), (12, 'email', 'ann'),
               (13, 'username', ''), (14, 'username', repeat('x', 1000000))) t (n, kind, name),
       LATERAL auth_store.user_name_add(:'ann', kind, name) a ORDER BY n;
SELECT kind, name FROM auth_store.user_name_list(:'ann');
SELECT name, (SELECT user_id = :'ann' FROM auth_store.user_find(name)) AS ann FROM (VALUES
    (1, 'ann.LEE'), (2, 'STRASSE'), (3, '+49.30.1234567'), (4, '49301234567'), (5, 'SECOND@names.example'))
    t (n, name) ORDER BY n;
SELECT email, external_id FROM auth_store.user_get(:'ann');
-- The trail has neither the names nor what was the user's already.
SELECT event, error, details, count(*) FROM auth_store.audit_log WHERE occurred_at > :'before' AND user_id = :'ann'
 GROUP BY event, error, details ORDER BY error NULLS FIRST, details::text COLLATE "C";

-- Nobody else gets them.
SELECT kind, name, a.error FROM (VALUES (1, 'username', 'ann.lee'), (2, 'phone', '+49301234567'),
    (3, 'email', 'second@names.example'), (4, 'external', 'n-1b'), (5, 'external', 'N-1B')) t (n, kind, name),
  LATERAL auth_store.user_name_add(:'bob', kind, name) a ORDER BY n;
SELECT (auth_store.user_create('SECOND@names.example')).error;
SELECT pg_temp.raised($$SELECT auth_store.user_create(external_id => 'n-1b')$$);
SELECT auth_store.user_ensure('n-1b') = :'ann' AS same_user;
SELECT user_id IS NOT NULL AS another_tenants
  FROM auth_store.user_create('second@names.example', tenant_id => 'user-names');
-- A user who could not be made has left no name.
SELECT pg_temp.raised($$SELECT auth_store.user_create('third@names.example', external_id => 'n-1')$$);
SELECT pg_temp.raised(format($$SELECT auth_store.user_create('third@names.example', id => %L)$$, :'ann'));
SELECT count(*) FROM auth_store.user_names WHERE name_key = 'third@names.example';

-- The first of its kind is shown; where it goes, the oldest that is left is.
SELECT auth_store.user_name_add(:'bob', 'email', 'Bob@names.example');
SELECT email, external_id, updated_at > created_at AS updated FROM auth_store.user_get(:'bob');
UPDATE auth_store.users SET email_verified = true WHERE id IN (:'ann', :'bob');
SELECT auth_store.user_name_remove(:'ann', 'email', 'second@names.example') AS removed;
SELECT email, email_verified FROM auth_store.user_get(:'ann');
SELECT auth_store.user_name_add(:'ann', 'email', 'second@names.example');
SELECT auth_store.user_name_remove(:'ann', 'email', 'ANN@names.example') AS removed;
SELECT email, email_verified, external_id FROM auth_store.user_get(:'ann');
SELECT count(*) FROM auth_store.user_find('ann@names.example');
SELECT (auth_store.user_name_add(:'bob', 'email', 'ann@names.example')).error;
SELECT auth_store.user_name_remove(:'ann', 'external', 'n-1') AS removed;
SELECT external_id FROM auth_store.user_get(:'ann');
SELECT auth_store.user_ensure('n-1') <> :'ann' AS another_user;
SELECT email, email_verified, external_id FROM auth_store.user_get(:'bob');
-- Not another's, nor what is no name.
SELECT kind, name, auth_store.user_name_remove(:'ann', kind, name) AS removed FROM (VALUES
    ('email', 'bob@names.example'), ('email', 'x'), ('username', 'bob'), ('external', '')) t (kind, name);

SELECT n, pg_temp.raised(call) FROM (VALUES
    (1, 'SELECT auth_store.user_name_add(NULL, ''email'', ''a@b'')'),
    (2, format('SELECT auth_store.user_name_add(%L, NULL, ''a@b'')', :'ann')),
    (3, format('SELECT auth_store.user_name_add(%L, ''email'', NULL)', :'ann')),
    (4, format('SELECT auth_store.user_name_add(%L, ''mail'', ''a@b'')', :'ann')),
    (5, format('SELECT auth_store.user_name_add(%L, ''external'', '''')', :'ann')),
    (6, 'SELECT auth_store.user_name_add(gen_random_uuid(), ''email'', ''a@b'')'),
    (7, 'SELECT auth_store.user_name_remove(gen_random_uuid(), ''email'', ''a@b'')'),
    (8, format('SELECT auth_store.user_name_remove(%L, ''email'', NULL)', :'ann'))) t (n, call) ORDER BY n;
BEGIN READ ONLY;
SELECT count(*) FROM auth_store.user_find('bob@names.example');
SELECT pg_temp.raised(format('SELECT auth_store.user_name_add(%L, ''username'', ''x'')', :'ann'));
COMMIT;
SELECT auth_store.tenant_erase('user-names', 'user-names') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('user-names') WHERE rows > 0;
