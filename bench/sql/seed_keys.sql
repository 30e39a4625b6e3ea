BEGIN;
-- One row by primary key, for comparison: as wide as an access token, and it names the next like the claims do.
CREATE TABLE bench.key_rows (id uuid PRIMARY KEY, grant_id uuid NOT NULL, expires_at timestamptz NOT NULL, revoked_at timestamptz,
                             tenant_id text NOT NULL, digest bytea NOT NULL, scope text, resources text[], next uuid NOT NULL);
INSERT INTO bench.key_rows
SELECT t.id, t.grant_id, t.expires_at, t.revoked_at, t.tenant_id, t.digest, t.scope, t.resources, (g.claims->>'id')::uuid
FROM auth_store.access_tokens t JOIN auth_store.grants g ON g.id = t.grant_id AND g.tenant_id = t.tenant_id;
COMMIT;
