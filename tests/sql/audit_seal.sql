-- The trail is sealed in segments, and what is not as it was sealed is found. tests/tap/audit_seal.pl changes whole
-- segments; here all is undone at the end.
\i tests/sql/include/helpers.sql
\pset null NULL
SET client_min_messages = warning;
BEGIN;
-- 1. Nothing was sealed yet, and a schedule does not begin.
SELECT count(*) AS by_schedule FROM auth_store.audit_seal(only_continue => true);
SELECT count(*) AS heads FROM auth_store.audit_heads;
SELECT count(*) AS findings FROM auth_store.audit_verify();

-- 2. Sealed; the rows that say so are not worth a segment.
CREATE TEMP TABLE step AS
SELECT n, auth_store.audit_write('seal.step' || n, flags => CASE WHEN n = 2 THEN '{own,flag}'::text[] END,
    details => jsonb_build_object('n', n), ip => '192.0.2.1', user_agent => 'agent', risk_score => n / 100.0) AS id
  FROM generate_series(1, 70) n;
SELECT count(*) > 0 AS sealed, max(number) = count(*) AS numbered, bool_and(rows > 0) AS with_rows,
       bool_and(head ~ '^[0-9a-f]{64}$' AND root ~ '^[0-9a-f]{64}$') AS hashes
  FROM auth_store.audit_seal();
SELECT count(*) AS again FROM auth_store.audit_seal();
SELECT count(*) AS findings FROM auth_store.audit_verify();
SELECT number AS last, head FROM auth_store.audit_heads ORDER BY number DESC LIMIT 1 \gset
SELECT details - 'rows' - 'segments' = jsonb_build_object('number', :last, 'head', :'head') AS told, tenant_id,
       resource_type, resource_id = :'last' AS named
  FROM auth_store.recent_activity WHERE event = 'audit.sealed' ORDER BY occurred_at DESC LIMIT 1;
SELECT auth_store.audit_write('seal.later') IS NOT NULL AS written;
SELECT number - :last AS next, rows FROM auth_store.audit_seal(only_continue => true);
SELECT count(*) AS findings FROM auth_store.audit_verify(number => :last, head => :'head');

-- 3. What is changed is found, and what is put back is not.
CREATE FUNCTION pg_temp.changes(what text, statement text)
RETURNS TABLE (change text, kind text, n integer, in_a_segment boolean) LANGUAGE plpgsql AS $$
DECLARE
    all_found jsonb := '[]';
BEGIN
    BEGIN
        EXECUTE changes.statement;
        SELECT coalesce(jsonb_agg(f), '[]') INTO all_found
          FROM (SELECT f.kind, s.n, f.segment IS NOT NULL AS in_a_segment
                  FROM auth_store.audit_verify() f LEFT JOIN step s ON s.id = f.id) f;
        RAISE EXCEPTION USING ERRCODE = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
        RETURN QUERY SELECT changes.what, r.kind, r.n, r.in_a_segment
                       FROM jsonb_to_recordset(all_found) AS r (kind text, n integer, in_a_segment boolean)
                      ORDER BY r.kind COLLATE "C", r.n;
    END;
END $$;
SELECT column_name, c.kind, c.n, c.in_a_segment
  FROM (VALUES (1, 'risk_score', '0.75'), (2, 'success', 'NOT success'), (3, 'grant_id', 'id'),
               (4, 'tenant_id', '''other'''), (5, 'event', '''seal.other'''), (6, 'client_id', '''other'''),
               (7, 'resource_type', '''other'''), (8, 'error', '''other'''), (9, 'flags', '''{own}'''),
               (10, 'called_by', '''other'''), (11, 'called_as', '''other'''), (12, 'from_application', 'NULL'),
               (13, 'user_id', 'id'), (14, 'session_id', 'id'), (15, 'actor_id', 'id'),
               (16, 'resource_id', '''other'''), (17, 'ip', '''192.0.2.2'''), (18, 'user_agent', 'NULL'),
               (19, 'details', '''{"n": 3}'''),
               (20, 'occurred_at', 'occurred_at + ''1 us'''), (21, 'id', 'actor_id')) AS v (at, column_name, value),
       LATERAL pg_temp.changes('', format('UPDATE auth_store.audit_log SET %I = %s WHERE id = (SELECT id FROM step
           WHERE n = 2)', column_name, CASE value WHEN 'actor_id' THEN '(SELECT id FROM step WHERE n = 70)'
           ELSE value END)) c
 -- Of two rows with one id the first in the table is compared, whichever it is.
 WHERE column_name <> 'id' OR c.kind <> 'edited'
 ORDER BY at, c.kind, c.n;
SELECT c.* FROM pg_temp.changes('deleted', $$DELETE FROM auth_store.audit_log WHERE id IN (SELECT id FROM step
    WHERE n IN (1, 31, 70))$$) c;
SELECT c.* FROM pg_temp.changes('all of a segment', $$DELETE FROM auth_store.audit_log a USING step s
    WHERE a.id = s.id AND s.n <= 3$$) c;
SELECT c.* FROM pg_temp.changes('a copy', $$INSERT INTO auth_store.audit_log
    SELECT * FROM auth_store.audit_log WHERE id = (SELECT id FROM step WHERE n = 5)$$) c;
-- Of a time that was sealed.
SELECT auth_store.partitions_make(ARRAY['audit_log_y' || to_char(now() AT TIME ZONE 'UTC' - '1 hour'::interval,
    'YYYY"m"MM')]) IS NOT NULL AS there;
SELECT c.* FROM pg_temp.changes('a forged row', $$INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id,
    event) VALUES (gen_random_uuid(), now() - '1 hour'::interval, true, 'default', 'seal.forged')$$) c;
SELECT c.* FROM pg_temp.changes('swapped', $$UPDATE auth_store.audit_log a SET event = b.event, details = b.details,
    risk_score = b.risk_score FROM auth_store.audit_log b
    WHERE a.id IN (SELECT id FROM step WHERE n IN (8, 9)) AND b.id IN (SELECT id FROM step WHERE n IN (8, 9))
    AND a.id <> b.id$$) c;
SELECT c.* FROM pg_temp.changes('ids swapped', $$UPDATE auth_store.audit_log a SET id = b.id FROM step s, step b
    WHERE a.id = s.id AND (s.n, b.n) IN ((8, 9), (9, 8))$$) c;
SELECT c.* FROM pg_temp.changes('a leaf', $$UPDATE auth_store.audit_leaves SET leaves = set_byte(leaves, 40, 255 -
    get_byte(leaves, 40)) WHERE last_id = (SELECT last_id FROM auth_store.audit_leaves
    WHERE segment = (SELECT max(number) FROM auth_store.audit_heads))$$) c;
SELECT c.* FROM pg_temp.changes('a head', $$UPDATE auth_store.audit_segments SET sealed_at = sealed_at + '1 s'
    WHERE number = 1$$) c;
SELECT c.* FROM pg_temp.changes('the chain', $$UPDATE auth_store.audit_segments SET head = sha256(head)
    WHERE number = 1$$) c;
SELECT c.* FROM pg_temp.changes('its seal', $$UPDATE auth_store.audit_segments
       SET sealed = set_byte(sealed, 19, 255 - get_byte(sealed, 19)) WHERE number = 1$$) c;
SELECT kind, segment - :last AS segment FROM auth_store.audit_verify(number => :last + 2, head => :'head');
SELECT kind, segment - :last AS segment FROM auth_store.audit_verify(number => :last, head => repeat('0', 64));
SELECT count(*) AS findings FROM auth_store.audit_verify();

-- 4. Another time alone.
SAVEPOINT deleted;
DELETE FROM auth_store.audit_log WHERE id = (SELECT id FROM step WHERE n = 5);
SELECT count(*) AS of_today FROM auth_store.audit_verify(since => now() - '1 hour'::interval, until => 'infinity');
SELECT count(*) AS of_next_year FROM auth_store.audit_verify(since => '2999-01-01');
SELECT count(*) AS of_long_ago FROM auth_store.audit_verify(until => '2000-01-01');
ROLLBACK TO deleted;

-- 5. What is erased, and what calls itself erased.
SELECT auth_store.tenant_create('seal', 'Seal') IS NOT NULL AS made;
SELECT user_id FROM auth_store.user_create('seal@example.com', tenant_id => 'seal') \gset
SELECT user_id AS kept FROM auth_store.user_create('kept@example.com', tenant_id => 'seal') \gset
SELECT auth_store.audit_write('seal.of_user', user_id => :'user_id', ip => '198.51.100.7', user_agent => 'needle',
           details => '{"order": 1}') AS own,
       auth_store.audit_write('seal.mention', user_id => :'kept', resource_type => 'user', resource_id => :'user_id',
           ip => '198.51.100.8', details => jsonb_build_object('by', :'user_id')) AS mention,
       -- Of another tenant.
       auth_store.audit_write('seal.foreign', resource_type => 'user', resource_id => :'user_id') AS foreign,
       auth_store.audit_write('seal.other', resource_type => 'user', resource_id => 'other') AS other \gset
SELECT count(*) > 0 AS sealed FROM auth_store.audit_seal();
SELECT auth_store.user_erase(:'user_id', whole_trail => true, ip => '192.0.2.3') -> 'tables' -> 'audit_log'
           ->> 'mentions' AS mentions;
SELECT count(*) AS findings FROM auth_store.audit_verify();
SELECT count(*) AS erased FROM auth_store.audit_leaves WHERE erased IS NOT NULL;
SELECT count(*) > 0 AS sealed FROM auth_store.audit_seal();
SELECT kind FROM auth_store.audit_verify();
CREATE TEMP TABLE forged AS SELECT :'own'::uuid AS own, :'mention'::uuid AS mention, :'other'::uuid AS other,
    (SELECT user_id FROM auth_store.audit_log WHERE id = :'own') AS pseudonym;
-- As an erasure changes a leaf; who has the row's salt can hash its personal columns, of which one has a value.
CREATE FUNCTION pg_temp.mark(id uuid, state integer, mark bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    leaf record;
BEGIN
    SELECT c.segment, c.last_id, c.leaves, n, substr(c.leaves, n * 65 + 18, 16) AS salt INTO leaf
      FROM auth_store.audit_leaves c, generate_series(0, octet_length(c.leaves) / 65 - 1) n
     WHERE substr(c.leaves, n * 65 + 2, 16) = uuid_send(mark.id);
    UPDATE auth_store.audit_leaves c
       SET leaves = overlay(overlay(c.leaves PLACING mark.mark FROM leaf.n * 65 + 18)
                            PLACING set_byte('\x00', 0, mark.state) FROM leaf.n * 65 + 1),
           erased = COALESCE(c.erased, '') || set_byte('\x00', 0, leaf.n) || sha256(leaf.salt || '\x000000' || '\x01'
                        || int4send(5) || 'other' || '\x000000')
     WHERE c.segment = leaf.segment AND c.last_id = leaf.last_id;
END $$;
SELECT c.change, c.kind FROM pg_temp.changes('one more row of a pseudonym', $$
    SELECT pg_temp.mark(other, 1, uuid_send(pseudonym)) FROM forged;
    UPDATE auth_store.audit_log SET resource_id = 'else' WHERE id = (SELECT other FROM forged)$$) c;
SELECT c.change, c.kind FROM pg_temp.changes('details of one', $$UPDATE auth_store.audit_log SET details = '{}'
    WHERE id = (SELECT own FROM forged)$$) c;
SELECT auth_store.user_erase(pseudonym, ip => '192.0.2.3') IS NOT NULL AS again FROM forged;
SELECT count(*) AS findings FROM auth_store.audit_verify();
SELECT c.change, c.kind FROM pg_temp.changes('more of an erased row', $$UPDATE auth_store.audit_log
    SET event = 'seal.else' WHERE id = (SELECT own FROM forged)$$) c;
SELECT c.change, c.kind FROM pg_temp.changes('an address of one', $$UPDATE auth_store.audit_log SET ip = '192.0.2.9'
    WHERE id = (SELECT mention FROM forged)$$) c;
SELECT c.change, c.kind FROM pg_temp.changes('no step of it', $$DELETE FROM auth_store.audit_log
    WHERE event = 'user.erased'$$) c ORDER BY c.kind;
SELECT auth_store.tenant_erase('seal', 'seal') > 0 AS erased;
SELECT count(*) AS findings FROM auth_store.audit_verify();
SELECT c.change, c.kind FROM pg_temp.changes('a row deleted as that of an erased tenant', $$
    SELECT pg_temp.mark(other, 2, substr(sha256('seal'), 1, 16)) FROM forged;
    DELETE FROM auth_store.audit_log WHERE id = (SELECT other FROM forged)$$) c;
SELECT c.change, c.kind FROM pg_temp.changes('one of a pseudonym of its user', $$
    SELECT pg_temp.mark(other, 1, uuid_send(pseudonym)) FROM forged;
    UPDATE auth_store.audit_log SET resource_id = 'else' WHERE id = (SELECT other FROM forged)$$) c;
SELECT c.change, c.kind FROM pg_temp.changes('one of an invented one', $$
    SELECT pg_temp.mark(other, 1, uuid_send(own)) FROM forged;
    UPDATE auth_store.audit_log SET resource_id = 'else' WHERE id = (SELECT other FROM forged)$$) c;
SELECT c.change, c.kind FROM pg_temp.changes('no step of it', $$DELETE FROM auth_store.audit_log
    WHERE event = 'tenant.erased' AND tenant_id = 'seal'$$) c;

-- 6. Erased by a session that is pinned to its tenant; which does not seal.
SELECT auth_store.tenant_create('seal_b', 'Seal B') IS NOT NULL AS made;
SELECT user_id FROM auth_store.user_create('seal@example.com', tenant_id => 'seal_b') \gset
SELECT count(*) > 0 AS sealed FROM auth_store.audit_seal();
SET LOCAL auth_store.tenant_id = 'seal_b';
SELECT pg_temp.raised('SELECT auth_store.audit_seal()'), pg_temp.raised('SELECT auth_store.audit_verify()');
SELECT count(*) AS heads FROM auth_store.audit_heads;
SELECT auth_store.user_erase(:'user_id') IS NOT NULL AS erased;
SET LOCAL auth_store.tenant_id = '';
SELECT count(*) AS findings FROM auth_store.audit_verify();

-- 7. Arguments, and what needs to be there.
SELECT a AS arguments, pg_temp.raised(format('SELECT auth_store.audit_verify(%s)', a))
  FROM unnest(ARRAY['number => 1', 'head => ''ab''', 'number => 0, head => repeat(''0'', 64)',
      'number => 1, head => ''ab''', 'number => 1, head => repeat(''x'', 64)']) a;
SELECT check_name, status FROM auth_store.health() WHERE check_name = 'audit_seal';
ROLLBACK;
SELECT count(*) AS heads FROM auth_store.audit_heads;
SELECT r AS role, has_function_privilege(r, 'auth_store.audit_seal(boolean)', 'EXECUTE') AS seals,
       has_function_privilege(r, 'auth_store.audit_verify(timestamptz, timestamptz, bigint, text)', 'EXECUTE')
           AS verifies,
       has_table_privilege(r, 'auth_store.audit_heads', 'SELECT') AS reads
  FROM unnest(ARRAY['auth_store_admin', 'auth_store_app', 'auth_store_auditor', 'auth_store_jobs',
      'auth_store_monitor', 'auth_store_reader']) r;
