-- What the cheapest read is made on: everything that introspection answers in one row, by its primary key; it names the
-- next token like the claims do.
BEGIN;
CREATE TABLE bench.key_rows (jti uuid PRIMARY KEY, digest bytea NOT NULL, scope text, client_id text, user_id uuid,
    username text,
                             token_type text, issued_at timestamptz, expires_at timestamptz, audience text[],
                             grant_id uuid,
                             session_id uuid, tenant_id text, cnf jsonb, claims jsonb, next uuid NOT NULL);
INSERT INTO bench.key_rows
SELECT t.id, t.digest, g.scope, g.client_id, g.user_id, u.email, 'Bearer', clock_timestamp(), t.expires_at,
    g.resources, g.id,
       g.session_id, g.tenant_id, g.cnf, g.claims, (g.claims->>'id')::uuid
FROM bench.seed s, auth_store.access_tokens t JOIN auth_store.grants g ON g.id = t.grant_id
    AND g.tenant_id = t.tenant_id
     JOIN auth_store.users u ON u.id = g.user_id
WHERE s.every = 1;
COMMIT;
