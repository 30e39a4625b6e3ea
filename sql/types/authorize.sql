CREATE TYPE auth_store.authorize_response AS (
    status         integer,
    headers        jsonb,
    body           text,
    error          text,
    client_id      text,
    user_id        uuid,
    next           text,
    interaction_id uuid,
    request        jsonb
);
COMMENT ON TYPE auth_store.authorize_response IS
    'The answer of an endpoint that a browser asks, and what the front does next: send it, or show a page first.';
