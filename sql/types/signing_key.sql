CREATE TYPE auth_store.signing_key AS (
    kid          text,
    alg          text,
    state        text,
    published_at timestamptz,
    active_from  timestamptz,
    retired_at   timestamptz,
    removed_at   timestamptz,
    public_key   jsonb
);
COMMENT ON TYPE auth_store.signing_key IS 'A key that a tenant''s tokens are signed with, as its JWKS has it.';
