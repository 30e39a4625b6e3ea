-- The vault's keys, and what is sealed: it opens in its place and nowhere else.
\i tests/sql/include/helpers.sql

-- A master key: comments, and a line for the file; another each time, and nothing of it in the database.
SELECT count(*) FILTER (WHERE line LIKE '# %') AS comments,
       count(*) FILTER (WHERE line ~ '^\d+-[0-9a-f]{8}: [A-Za-z0-9+/]{43}=$') AS keys, count(*) AS lines
  FROM string_to_table(auth_store.vault_key_generate(), E'\n') AS line;
SELECT auth_store.vault_key_generate() <> auth_store.vault_key_generate() AS another;
SELECT count(*) AS none FROM pg_temp.trail();

-- The first value of a tenant makes its data key.
SELECT auth_store.tenant_create('other');
SELECT auth_store.connection_store('github', 'a', 'access of a', 'refresh of a') AS a \gset
SELECT auth_store.connection_store('github', 'b', 'access of b', 'refresh of b') AS b \gset
SELECT auth_store.connection_store('github', 'c', 'access of c', 'refresh of c', tenant_id => 'other') AS c \gset
SELECT tenant_id, count(*) AS keys, count(retired_at) AS retired, min(octet_length(wrapped)) AS wrapped
  FROM auth_store.vault_keys GROUP BY 1 ORDER BY 1;
SELECT kind, state, readable, data_keys, connections FROM auth_store.vault_check();
SELECT count(DISTINCT substr(access_token, 1, 12)) AS nonces FROM auth_store.connections WHERE id IN (:'a', :'b', :'c');

-- What would show whether a token opens: the answers of connection_get(), or the error.
CREATE FUNCTION pg_temp.opened() RETURNS TABLE (actor text, answer text) LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT * FROM auth_store.connections ORDER BY actor_id LOOP
        actor := c.actor_id;
        BEGIN
            SELECT concat_ws(', ', g.access_token, g.refresh_token) INTO answer
              FROM auth_store.connection_get(c.provider, c.actor_id, tenant_id => c.tenant_id) AS g;
        EXCEPTION WHEN OTHERS THEN
            answer := SQLSTATE || ' ' || SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM pg_temp.opened();

-- Moved to another row, to another column, with its key to another tenant; cut, changed in any byte: it never opens,
-- and the check names it.
BEGIN;
UPDATE auth_store.connections SET access_token = (SELECT access_token FROM auth_store.connections WHERE id = :'a')
 WHERE id = :'b';
SELECT * FROM pg_temp.opened();
SELECT kind, state, readable, connections, id = :'b' AS b FROM auth_store.vault_check() WHERE NOT readable;
SELECT pg_temp.raised(format('SELECT auth_store.connection_get(''github'', ''b'')'));
ROLLBACK;
BEGIN;
UPDATE auth_store.connections SET access_token = refresh_token, refresh_token = access_token WHERE id = :'a';
SELECT * FROM pg_temp.opened();
SELECT kind, state, readable, connections, id = :'a' AS a FROM auth_store.vault_check() WHERE NOT readable;
ROLLBACK;
BEGIN;
UPDATE auth_store.connections
   SET access_token = (SELECT access_token FROM auth_store.connections WHERE id = :'a'),
       refresh_token = (SELECT refresh_token FROM auth_store.connections WHERE id = :'a') WHERE id = :'c';
SELECT * FROM pg_temp.opened();
SELECT kind, state, readable, tenant_id, id = :'c' AS c FROM auth_store.vault_check() WHERE NOT readable;
ROLLBACK;
BEGIN;
-- A tenant's whole data key under another tenant's name.
INSERT INTO auth_store.vault_keys SELECT id, created_at, clock_timestamp(), 'other', master_key_id, wrapped
  FROM auth_store.vault_keys WHERE tenant_id = 'default' AND retired_at IS NULL;
UPDATE auth_store.connections
   SET (key_id, access_token, refresh_token) = (SELECT key_id, access_token, refresh_token FROM auth_store.connections
                                                 WHERE id = :'a') WHERE id = :'c';
SELECT regexp_replace(answer, '".*"', '"..."') AS answer FROM pg_temp.opened() WHERE actor = 'c';
SELECT kind, state, readable, tenant_id, connections FROM auth_store.vault_check() WHERE NOT readable;
ROLLBACK;
BEGIN;
-- The connection itself to another tenant, by id and all.
SET LOCAL auth_store.allow_drop = on;
ALTER TABLE auth_store.connections DROP CONSTRAINT connections_vault_key_fkey;
UPDATE auth_store.connections SET tenant_id = 'other' WHERE id = :'a';
SELECT * FROM pg_temp.opened() WHERE actor = 'a';
ROLLBACK;
BEGIN;
-- One row's tokens under the id of another.
DELETE FROM auth_store.connections WHERE id = :'b';
UPDATE auth_store.connections SET id = :'b', actor_id = 'b' WHERE id = :'a';
SELECT * FROM pg_temp.opened() WHERE actor = 'b';
ROLLBACK;
BEGIN;
UPDATE auth_store.connections SET access_token = substr(access_token, 1, octet_length(access_token) - 1)
 WHERE id = :'a';
UPDATE auth_store.connections SET refresh_token = '' WHERE id = :'b';
SELECT * FROM pg_temp.opened();
SELECT kind, state, readable, connections FROM auth_store.vault_check() WHERE NOT readable ORDER BY state;
ROLLBACK;
CREATE FUNCTION pg_temp.opens_with_a_byte_changed(connection uuid) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    sealed bytea := (SELECT access_token FROM auth_store.connections WHERE id = connection);
    opened bigint := 0;
BEGIN
    FOR n IN 0 .. octet_length(sealed) - 1 LOOP
        UPDATE auth_store.connections SET access_token = set_byte(sealed, n, get_byte(sealed, n) # (1 << (n % 8)))
         WHERE id = connection;
        BEGIN
            PERFORM auth_store.connection_get('github', 'a');
            opened := opened + 1;
        EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL;
        END;
    END LOOP;
    UPDATE auth_store.connections SET access_token = sealed WHERE id = connection;
    RETURN opened;
END $$;
SELECT pg_temp.opens_with_a_byte_changed(:'a');
BEGIN;
-- A data key that was changed, and one whose master key nobody has.
UPDATE auth_store.vault_keys SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)
 WHERE tenant_id = 'default' AND retired_at IS NULL;
UPDATE auth_store.vault_keys SET master_key_id = 'lost' WHERE tenant_id = 'other';
SELECT actor, regexp_replace(answer, 'with master key ".*"', 'with master key "..."') AS answer FROM pg_temp.opened();
SELECT kind, CASE WHEN kind = 'master key' AND state = 'seals' THEN 'the present one'
                  WHEN kind = 'master key' THEN id END AS id, tenant_id, state, readable, data_keys, connections
  FROM auth_store.vault_check();
-- What can't be refreshed backs off, so that a worker does not find it first for ever.
UPDATE auth_store.connections SET refresh_at = clock_timestamp();
SELECT actor_id, l.granted, l.refresh_token, l.fence, l.retry_after, l.error, l.error_description
  FROM auth_store.connections_due() AS d, LATERAL auth_store.connection_lease(d.connection_id) AS l ORDER BY actor_id;
SELECT count(*) AS still_due FROM auth_store.connections_due();
SELECT actor_id, status, failures, last_error FROM auth_store.provider_connections ORDER BY actor_id;
-- Nothing is sealed with what does not open.
SELECT regexp_replace(pg_temp.raised($$SELECT auth_store.connection_store('github', 'd', 'x')$$),
    'with master key ".*"', 'with master key "..."');
SELECT pg_temp.raised($$SELECT auth_store.connection_store('github', 'd', 'x', tenant_id => 'other')$$);
ROLLBACK;
SELECT * FROM pg_temp.opened();

-- Where nothing is older than the newest master key, a batch has nothing to do.
SELECT * FROM auth_store.vault_rekey_batch();
SELECT pg_temp.raised(statement)
  FROM unnest(ARRAY['SELECT auth_store.vault_rekey_batch(0)',
      'SELECT auth_store.vault_rekey_batch(10001)']) WITH ORDINALITY AS t (statement, n) ORDER BY n;
CALL auth_store.vault_rekey();
CALL auth_store.vault_rekey(0);
BEGIN;
CALL auth_store.vault_rekey();
ROLLBACK;

-- A key that nothing needs any more can't go while something does.
SELECT pg_temp.raised($$DELETE FROM auth_store.vault_keys WHERE tenant_id = 'other'$$) LIKE '23503 %' AS refused;
SELECT auth_store.tenant_erase('other', 'other') >= 3 AS erased;
SELECT * FROM pg_temp.tenant_rows('other') WHERE rows > 0;
DELETE FROM auth_store.connections;
