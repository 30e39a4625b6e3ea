-- The same for the classic schema: the text of code n is the number n.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SET session_replication_role = replica;
TRUNCATE classic.authorization_codes;
ALTER SEQUENCE bench.classic_code_next RESTART;
INSERT INTO classic.authorization_codes (code_hash, client_id, user_id, redirect_uri, scope, code_challenge, expires_at)
SELECT bench.digest(n::text), 100 + ((n - 1) / 50) % 100, 1 + (n * 7919) % s.users, 'https://app.example/callback',
       'openid profile', bench.challenge(), clock_timestamp() + interval '1 hour'
FROM bench.seed s, generate_series(1, :codes) n;
VACUUM ANALYZE classic.authorization_codes;
