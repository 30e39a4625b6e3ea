COMMENT ON FUNCTION auth_store.rate_limit_hit IS
    E'Counts a hit on a key and says whether it is within the limit: at most max_hits in period, exactly, however '
    'many sessions hit at once (GCRA). max_hits may come at once; then there is room for one each period / '
    'max_hits, and after an unused period for all again. A hit that is not allowed costs nothing. '
    'Returns allowed; remaining: hits left at once; retry_after: seconds until the same hit is allowed, 0 where it '
    'was; reset_at: when all are there again.\n'
    'key: any text of 1 to 1024 bytes, kept as a hash; one key for each limit. '
    'max_hits: 1 or more, at most a million for each second of period; period / max_hits is rounded up to a '
    'microsecond. period: whole seconds, 1 s to 30 d; "window" is the same by its old name, a word that SQL wants '
    'quoted: one of the two (22023 for both, 22004 for none). cost: how many hits it counts as, 1 to max_hits. '
    'tenant_id: whose key it is, default the session''s; 23503 where it is unknown. '
    '22023 for anything else, 22004 for a NULL key or max_hits.\n'
    'With the library in shared_preload_libraries the state is in shared memory (auth_store.rate_limit_slots): no '
    'row lock, no WAL, nothing is taken back by a rollback, and it works in read-only transactions and on a standby, '
    'for each server by itself; a key is one of its database and tenant, and where the memory is full a new key '
    'takes the place of one of the same tenant. Otherwise it is in an unlogged table: the key''s row is locked until '
    'the transaction ends, a rollback takes the hit back, 25006 where nothing can be written, and 40001 at '
    'REPEATABLE READ and above. A restart of the server forgets the first, a crash both.';
ALTER FUNCTION auth_store.rate_limit_hit COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.rate_limit_hit TO auth_store_app, auth_store_verifier;

COMMENT ON FUNCTION auth_store.rate_limit_reset IS
    'Forgets what was hit on a key, in this database and tenant, so that all hits are there again; true where some '
    'were missing. '
    'For a client over its rate_limit_per_hour the key is client: and the client_id, in the client''s tenant. '
    'Arguments as of rate_limit_hit().';
ALTER FUNCTION auth_store.rate_limit_reset COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.rate_limit_reset TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.rate_limit_stats IS
    'How full the shared memory of rate limits is on this server: slots there are, slots used by keys that have hits '
    'to pay back, and evicted, how many such keys had to give way since the server''s start, each of which then had '
    'all its hits again; of all databases of the server together. All 0 where there is none.';
ALTER FUNCTION auth_store.rate_limit_stats COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.rate_limit_stats TO auth_store_admin, auth_store_auditor, auth_store_monitor;
