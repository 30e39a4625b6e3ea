-- Addresses that are two by their keys may be one to lower(). Said here without the addresses, which the error of the
-- index would show.
DO $$
DECLARE
    twins text;
BEGIN
    SELECT pg_catalog.string_agg(ids, '; ') INTO twins
      FROM (SELECT pg_catalog.string_agg(u.id::text, ', ' ORDER BY u.id) AS ids
              FROM auth_store.users u
             WHERE u.email IS NOT NULL
             GROUP BY u.tenant_id, pg_catalog.lower(u.email)
            HAVING pg_catalog.count(*) > 1
             LIMIT 10) t;
    IF twins IS NOT NULL THEN
        RAISE EXCEPTION 'auth_store: users have the same e-mail address as version 0.1.0 compares them: %', twins
            USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Give all but one of them another address, or none';
    END IF;
END
$$;
DROP INDEX IF EXISTS auth_store.users_email_unkeyed_idx;
DROP INDEX IF EXISTS auth_store.users_email_key;
ALTER TABLE auth_store.users DROP COLUMN email_key; -- and with it the constraint
CREATE UNIQUE INDEX users_email_key ON auth_store.users (tenant_id, pg_catalog.lower(email)) WHERE email IS NOT NULL;
COMMENT ON COLUMN auth_store.users.email IS NULL;
