CREATE TYPE auth_store.http_response AS (
    status    integer,
    headers   jsonb,
    body      text,
    error     text,
    client_id text,
    user_id   uuid
);
COMMENT ON TYPE auth_store.http_response IS
    'The answer of an endpoint, to be sent as it is, and three columns for the log and the metrics of the front.';
