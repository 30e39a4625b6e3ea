CREATE TYPE auth_store.shard_table AS (
    table_name text,
    moves      text,
    buckets    text[],
    whole_rows boolean
);
COMMENT ON TYPE auth_store.shard_table IS
    'What becomes of a table''s rows when buckets move to another database: a row of shard_tables().';
