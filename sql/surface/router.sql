COMMENT ON FUNCTION auth_store.router_sql IS
    E'The script that makes a database a router of several that have the store, its shards: it then has the same '
    'functions, and PL/Proxy (2.10 or later) passes each call on to the shard of its bucket. A superuser runs the '
    'script in a database of its own, whose server has PL/Proxy and the file of this library; the extension is not '
    'created there. Where each function goes is in docs/reference/roads.md, how to use a router in '
    'docs/how-to/shards_router.md.\n'
    'cluster: the name of the foreign server that stands for the shards, of a-z, 0-9 and _.\n'
    'shards: an object with the connection string of each shard, without user and password.\n'
    'map: which shard has each of the 4096 buckets, as an array of the first bucket of each range with its shard; '
    'NULL: equal parts, in the order of the names, shorter ones first.\n'
    'registry: the shard that publishes clients, tenants and what else all of them know; NULL: that of bucket 0.\n'
    'The script creates the roles that may log in and call the store here, without passwords, with the tenant pins '
    'that they have here, and maps each to itself on the shards. Read-only; 22023 and 22004 for an argument that is '
    'none of these.';
ALTER FUNCTION auth_store.router_sql COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.router_sql TO auth_store_admin;

COMMENT ON FUNCTION auth_store.http_bucket IS
    E'The bucket, 0 to 4095, of the shard that can answer a request over HTTP, as a front has it: of the code, refresh '
    'token, device code or token in its form, else of the access token in its header Authorization, else of the '
    'session, else of its client, by client_id, the header or the assertion. 0 for a request that has none of them, '
    'and for one that manages a client by its registration access token, because clients are the registry''s.\n'
    'Arguments are those of http() and http_token(): body and query are forms, authorization is one header and headers '
    'are all. Nothing is verified. Reads no table and no setting, and raises no error.';
ALTER FUNCTION auth_store.http_bucket COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.http_bucket TO auth_store_app;
