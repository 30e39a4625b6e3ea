-- What grants refer to: 100 public clients '100'...'199', 100 confidential ones '200'...'299', one user for every ten
-- grants. All of the store's rows are loaded without foreign key triggers: the references hold by construction.
SELECT auth_store.tenant_update('default');
SET session_replication_role = replica;

INSERT INTO bench.seed
SELECT :tokens, greatest(1000, :tokens / 10), (date_part('epoch', clock_timestamp()) * 1000)::bigint - 20 * 3600000,
    19 * 3600000,
       greatest(1, :tokens / 1000000);

-- A table emptied in the transaction that fills it is loaded without WAL.
BEGIN;
SET LOCAL auth_store.allow_drop = on;
TRUNCATE auth_store.users CASCADE;
INSERT INTO auth_store.clients (id, client_type, token_endpoint_auth_method, require_pkce, scope, grant_types,
    redirect_uris,
                                name, created_at, updated_at)
SELECT n::text, CASE WHEN n < 200 THEN 'public' ELSE 'confidential' END,
       CASE WHEN n < 200 THEN 'none' ELSE 'client_secret_basic' END, n < 200, 'openid profile email',
       CASE WHEN n < 200 THEN '{authorization_code,refresh_token,urn:ietf:params:oauth:grant-type:device_code}' ELSE '{client_credentials}' END::text[],
       CASE WHEN n < 200 THEN '{https://app.example/callback}' ELSE '{}' END::text[],
       'Client ' || n, clock_timestamp(), clock_timestamp()
FROM generate_series(100, 299) n;

CREATE UNLOGGED TABLE bench.client_secrets (n integer PRIMARY KEY, client_id text NOT NULL, id uuid NOT NULL,
                                             secret text NOT NULL);
INSERT INTO bench.client_secrets
SELECT n, n::text, bench.id(s.base_ms, n, 'secret' || n),
       bench.text('ascs_', uuid_send(bench.id(s.base_ms, n, 'secret' || n)) || bench.digest('secret' || n))
FROM bench.seed s, generate_series(200, 299) n;
INSERT INTO auth_store.client_secrets (id, created_at, tenant_id, client_id, digest)
SELECT id, clock_timestamp(), 'default', client_id, bench.digest(secret) FROM bench.client_secrets;

SELECT bench.indexes_take('auth_store.users'), bench.indexes_take('auth_store.user_names');
INSERT INTO auth_store.users (id, email, email_verified, created_at, updated_at)
SELECT bench.user_id(n), 'user' || n || '@example.test', true, clock_timestamp(), clock_timestamp()
FROM bench.seed s, generate_series(1, s.users) n;
INSERT INTO auth_store.user_names (user_id, created_at, bucket, tenant_id, kind, name_key, name)
SELECT id, created_at, 0, tenant_id, 'email', email, email FROM auth_store.users;
SELECT bench.indexes_give('auth_store.users'), bench.indexes_give('auth_store.user_names');
COMMIT;
