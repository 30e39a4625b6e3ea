-- Tokens, sessions and keys that one statement checks, from all over the tables, in no order. It has one row for each
-- of :presented, or for each user where there are fewer.
CREATE TABLE bench.presented (access_token text NOT NULL, access_id uuid NOT NULL, session_token text NOT NULL,
    session_id uuid NOT NULL, api_key text NOT NULL, api_key_id uuid NOT NULL);
INSERT INTO bench.presented
SELECT bench.access_token(s, t.n), bench.access_id(s, t.n), bench.session_token(s, u.n), bench.session_id(s, u.n),
    bench.api_key(s, u.n), bench.api_key_id(s, u.n)
FROM bench.seed s, generate_series(1, least(:presented, s.users)) i,
    LATERAL (SELECT bench.known(s, 0, i * 618033) AS n) t, LATERAL (SELECT 1 + i * 618033 % s.users AS n) u
ORDER BY md5(i::text);
ANALYZE bench.presented;
