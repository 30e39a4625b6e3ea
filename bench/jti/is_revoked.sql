\set n random(0, 2 * :rows)
SELECT auth_store.jti_is_revoked('jti' || :n) AS revoked;
