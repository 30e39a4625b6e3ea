-- Access tokens and audit rows go straight into the heap and its indexes once a session has written its first. What a
-- DBA hangs on their tables still sees every row, from the next one on.
SELECT client_id
  FROM auth_store.client_create('Append', ARRAY['https://append.example/cb'], 'public', client_id => 'append',
      scope => 'read') \gset
SELECT auth_store.user_ensure('append') AS u \gset
CREATE FUNCTION pg_temp.issue(n int) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(access_token)
      FROM generate_series(1, $1) AS n,
           LATERAL auth_store.token_issue('append', auth_store.user_ensure('append'),
               claims => jsonb_build_object('n', n))
$$;
CREATE FUNCTION pg_temp.tokens() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM auth_store.access_tokens t JOIN auth_store.grants g ON g.id = t.grant_id
     WHERE g.client_id = 'append'
$$;
CREATE FUNCTION pg_temp.trail() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM auth_store.audit_log WHERE client_id = 'append' AND event = 'token.issued'
$$;
SELECT pg_temp.issue(1), pg_temp.tokens(), pg_temp.trail();
SELECT pg_temp.issue(3), pg_temp.tokens(), pg_temp.trail();

-- each by its index
SET enable_seqscan = off;
SELECT count(*) AS by_key FROM auth_store.access_tokens
 WHERE id > '00000000-0000-0000-0000-000000000000'
   AND grant_id IN (SELECT id FROM auth_store.grants WHERE client_id = 'append');
SELECT count(*) AS by_brin
  FROM auth_store.grants g,
       LATERAL (SELECT FROM auth_store.audit_log a
                 WHERE a.grant_id = g.id AND a.occurred_at > now() - interval '1 day') a
 WHERE g.client_id = 'append';
RESET enable_seqscan;

-- A trigger on a table and on the partitioned parent.
CREATE TABLE seen (relation text, id uuid);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen VALUES (regexp_replace(TG_TABLE_NAME, '\d+m\d+$', ''), NEW.id);
    RETURN NEW;
END $$;
ALTER FUNCTION see() SECURITY DEFINER;
CREATE TRIGGER see BEFORE INSERT ON auth_store.access_tokens FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER see AFTER INSERT ON auth_store.audit_log FOR EACH ROW EXECUTE FUNCTION see();
SELECT pg_temp.issue(2), pg_temp.tokens(), pg_temp.trail();
SELECT relation, count(*) FROM seen GROUP BY 1 ORDER BY 1;
DROP TRIGGER see ON auth_store.access_tokens;
DROP TRIGGER see ON auth_store.audit_log;
SELECT pg_temp.issue(2), pg_temp.tokens(), pg_temp.trail();
SELECT relation, count(*) FROM seen GROUP BY 1 ORDER BY 1;

-- A CHECK.
ALTER TABLE auth_store.access_tokens ADD CONSTRAINT not_today CHECK (expires_at > 'infinity') NOT VALID;
SELECT pg_temp.issue(1);
ALTER TABLE auth_store.access_tokens DROP CONSTRAINT not_today;

-- A partial index, and one on an expression.
CREATE INDEX partial ON auth_store.access_tokens (grant_id) WHERE revoked_at IS NULL;
CREATE INDEX expression ON auth_store.access_tokens ((digest || digest));
SELECT pg_temp.issue(2), pg_temp.tokens();
SET enable_seqscan = off;
SELECT count(*) AS by_partial FROM auth_store.access_tokens
 WHERE revoked_at IS NULL AND grant_id IN (SELECT id FROM auth_store.grants WHERE client_id = 'append');
RESET enable_seqscan;
DROP INDEX auth_store.partial, auth_store.expression;

-- A partial index of the rows in which a column is not NULL: the others go past it.
CREATE INDEX filled ON auth_store.audit_log (client_id) WHERE resource_type IS NOT NULL;
SELECT count(auth_store.audit_write('append.filled', client_id => 'append',
    resource_type => CASE n % 2 WHEN 0 THEN 'thing' END)) AS written
  FROM generate_series(1, 6) AS n;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) AS by_filled FROM auth_store.audit_log WHERE resource_type IS NOT NULL AND client_id = 'append';
RESET enable_bitmapscan;
RESET enable_seqscan;
DROP INDEX auth_store.filled;

-- A column with a default, and one that is gone.
ALTER TABLE auth_store.access_tokens ADD COLUMN note text DEFAULT 'by default';
SELECT pg_temp.issue(2), pg_temp.tokens();
SELECT count(*) FROM auth_store.access_tokens t JOIN auth_store.grants g ON g.id = t.grant_id
 WHERE g.client_id = 'append' AND note = 'by default';
ALTER TABLE auth_store.access_tokens DROP COLUMN note;
SELECT pg_temp.issue(2), pg_temp.tokens();

-- A row that does not fit in a page.
SELECT auth_store.audit_write('append.long', client_id => 'append',
    details => jsonb_build_object('text',
        (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 1500) n))) IS NOT NULL AS written;
SELECT length(details ->> 'text'),
       md5(details ->> 'text') = md5((SELECT string_agg(md5(n::text), '') FROM generate_series(1, 1500) n)) AS same
  FROM auth_store.audit_log WHERE client_id = 'append' AND event = 'append.long';

-- What is rolled back is gone, the rest stays.
BEGIN;
SELECT pg_temp.issue(1), pg_temp.tokens();
SAVEPOINT s;
SELECT pg_temp.issue(1), pg_temp.tokens();
ROLLBACK TO s;
SELECT pg_temp.tokens();
COMMIT;
SELECT pg_temp.tokens();

-- A row that the same transaction wrote can be found by the next call.
BEGIN;
SELECT access_token FROM auth_store.token_issue('append', :'u') \gset
SELECT active FROM auth_store.token_introspect(:'access_token');
SELECT error FROM auth_store.token_revoke(:'access_token', 'append');
SELECT active FROM auth_store.token_introspect(:'access_token');
COMMIT;

-- A trigger that keeps a row out is told, where the row is what the answer is about.
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE INSERT ON auth_store.sessions FOR EACH ROW EXECUTE FUNCTION swallow();
SELECT auth_store.session_create(:'u');
\echo :LAST_ERROR_SQLSTATE
DROP TRIGGER swallow ON auth_store.sessions;
DROP FUNCTION swallow();

DROP TABLE seen;
DROP FUNCTION see();
SELECT auth_store.client_delete('append');
