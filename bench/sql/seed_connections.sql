-- One connection for each user, through the call itself: only the vault can seal what it opens.
SELECT count(auth_store.connection_store('github', bench.user_id(n)::text, rpad(n::text, 200, 'aT4'),
    rpad(n::text, 120, 'rT4'),
                                         'repo user', clock_timestamp() + interval '8 hours',
                                         provider_account_id => '583231'))
FROM bench.seed s, generate_series(1, s.users) n;

-- Where a refresh begins: the next connection, far away from the last one.
CREATE UNLOGGED TABLE bench.connections (n bigint PRIMARY KEY, id uuid NOT NULL);
INSERT INTO bench.connections SELECT row_number() OVER (ORDER BY id), id FROM auth_store.connections;
CREATE SEQUENCE bench.connection_next;
CREATE FUNCTION bench.connection_start(OUT id uuid) LANGUAGE sql VOLATILE AS
$$ SELECT c.id FROM (SELECT 1 + nextval('bench.connection_next') * 618033 % s.users AS n FROM bench.seed s) k
     JOIN bench.connections c ON c.n = k.n $$;
