-- An introspection endpoint that leaves rows, where the setting says so.
\i tests/sql/include/helpers.sql
\pset null NULL
SELECT client_id
  FROM auth_store.client_create('Told', ARRAY['https://told.example/cb'], 'public', client_id => 'told',
      scope => 'read');
SELECT auth_store.user_ensure('told') AS told_user \gset
SELECT access_token AS access FROM auth_store.token_issue('told', :'told_user', 'read') \gset
CREATE VIEW pg_temp.rows AS
SELECT client_id, user_id IS NOT NULL AS "user", grant_id IS NOT NULL AS "grant", success, details, ip
  FROM auth_store.audit_log WHERE event = 'token.introspected';

-- Off, it only reads: in a read-only transaction too.
BEGIN READ ONLY;
SELECT auth_store.token_introspection_record(:'access', 'https://as.example')
    = auth_store.token_introspection(:'access', 'https://as.example') AS same;
COMMIT;
SELECT count(*) FROM pg_temp.rows;
SET auth_store.audit_introspection = on;
SELECT auth_store.token_introspection_record(:'access', 'https://as.example', 'api', '192.0.2.9', 'agent')
    = auth_store.token_introspection(:'access', 'https://as.example') AS same;
SELECT auth_store.token_introspection_record('nonsense', client_id => 'api');
SELECT auth_store.token_introspection_record(NULL);
SELECT auth_store.token_introspection(:'access') ->> 'active' AS active;
SELECT * FROM pg_temp.rows ORDER BY details ->> 'active' DESC, details ->> 'asked_by';
BEGIN READ ONLY;
SELECT auth_store.token_introspection_record(:'access');
ROLLBACK;
RESET auth_store.audit_introspection;
SELECT auth_store.client_delete('told');
