-- The functions of many: for every element of an array, in its order, the row that the function of one gives.
\i tests/sql/include/helpers.sql

-- Every element: of which kind, what it is, and what is beside it.
CREATE TEMP TABLE element (kind text, n int, what text, text text, jkt text, ip inet, PRIMARY KEY (kind, n));
CREATE FUNCTION pg_temp.add(kind text, what text, text text, jkt text DEFAULT NULL, ip inet DEFAULT NULL)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO element SELECT $1, count(*) + 1, $2, $3, $4, $5 FROM element e WHERE e.kind = $1
$$;
-- What is no text of a live thing; `good` is one.
CREATE FUNCTION pg_temp.add_garbage(kind text, good text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO element
    SELECT kind, (SELECT count(*) FROM element e WHERE e.kind = $1) + g.n, g.what, g.text
      FROM (VALUES (1, 'NULL', NULL), (2, 'empty', ''), (3, 'no token', 'Bearer x'), (4, 'cut', left(good, -1)),
                   (5, 'padded', good || '='), (6, 'wrong secret', pg_temp.altered(good)),
                   (7, 'unknown', left(good, 5) || repeat('A', length(good) - 5)),
                   (8, 'of 1 MB', repeat('x', 1000000))) AS g (n, what, text)
$$;
CREATE FUNCTION pg_temp.texts(of text) RETURNS text[] LANGUAGE sql AS
    'SELECT array_agg(text ORDER BY n) FROM element WHERE kind = of';

DO $$
DECLARE
    jkt CONSTANT text := '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I';
    exchange CONSTANT text := 'urn:ietf:params:oauth:grant-type:token-exchange';
    secret text := (auth_store.client_create('Many', client_id => 'many_web', scope => 'read write',
        grant_types => ARRAY['refresh_token', 'client_credentials', exchange])).client_secret;
    ann uuid := auth_store.user_ensure('many_ann');
    ben uuid := auth_store.user_ensure('many_ben');
    sam uuid := auth_store.user_ensure('many_sam');
    eve uuid;
    good text;
    made record;
BEGIN
    PERFORM auth_store.tenant_create('many_other');
    eve := auth_store.user_ensure('many_eve', 'many_other');
    PERFORM auth_store.client_create('Other', client_id => 'many_other', tenant_id => 'many_other', scope => 'read');
    PERFORM auth_store.client_create('Suspended', client_id => 'many_suspended', scope => 'read write');
    -- access tokens
    SELECT * INTO made FROM auth_store.token_issue('many_web', ann, resource => ARRAY['https://a.example/']);
    good := made.access_token;
    PERFORM pg_temp.add('token', 'live', good);
    PERFORM pg_temp.add_garbage('token', good);
    SELECT * INTO made FROM auth_store.token_issue('many_web', ann);
    PERFORM auth_store.token_revoke(made.access_token, 'many_web', secret);
    PERFORM pg_temp.add('token', 'revoked', made.access_token);
    SELECT * INTO made FROM auth_store.token_issue('many_web', ann);
    UPDATE auth_store.access_tokens SET expires_at = clock_timestamp() WHERE grant_id = made.grant_id;
    PERFORM pg_temp.add('token', 'expired', made.access_token);
    PERFORM pg_temp.add('token', 'a refresh token', made.refresh_token);
    SELECT * INTO made FROM auth_store.token_issue('many_web', ann);
    PERFORM auth_store.grant_revoke(made.grant_id);
    PERFORM pg_temp.add('token', 'of an ended grant', made.access_token);
    SELECT * INTO made FROM auth_store.token_issue('many_suspended', ben);
    PERFORM auth_store.client_set_status('many_suspended', 'suspended');
    PERFORM pg_temp.add('token', 'of a suspended client', made.access_token);
    PERFORM pg_temp.add('token', 'the first again', good);
    SELECT * INTO made FROM auth_store.token_issue('many_other', eve);
    PERFORM pg_temp.add('token', 'of another tenant', made.access_token);
    SELECT * INTO made FROM auth_store.token_issue_client_credentials('many_web', secret, scope => 'read');
    PERFORM pg_temp.add('token', 'of a client', made.access_token);
    SELECT * INTO made FROM auth_store.token_issue('many_web', ben, cnf => jsonb_build_object('jkt', jkt));
    PERFORM pg_temp.add('token', 'bound, with the proof', made.access_token, jkt);
    PERFORM pg_temp.add('token', 'bound, with another', made.access_token, reverse(jkt));
    PERFORM pg_temp.add('token', 'bound, without', made.access_token);
    SELECT * INTO made FROM auth_store.token_issue('many_web', ben);
    PERFORM pg_temp.add('token', 'exchanged', (auth_store.token_exchange(made.access_token, client_id => 'many_web',
        client_secret => secret)).access_token);
    SELECT * INTO made FROM auth_store.token_issue('many_web', ben);
    PERFORM pg_temp.add('token', 'exchanged for one that ended', (auth_store.token_exchange(made.access_token,
        client_id => 'many_web', client_secret => secret)).access_token);
    PERFORM auth_store.grant_revoke(made.grant_id);
    -- sessions
    SELECT * INTO made FROM auth_store.session_create(ann, acr => 'pwd', metadata => '{"a": 1}');
    good := made.session_token;
    PERFORM pg_temp.add('session', 'valid', good);
    PERFORM pg_temp.add_garbage('session', good);
    SELECT * INTO made FROM auth_store.session_create(ann);
    PERFORM auth_store.session_revoke(made.session_id);
    PERFORM pg_temp.add('session', 'ended', made.session_token);
    SELECT * INTO made FROM auth_store.session_create(ann);
    UPDATE auth_store.sessions SET idle_expires_at = clock_timestamp() WHERE id = made.session_id;
    PERFORM pg_temp.add('session', 'expired', made.session_token);
    SELECT * INTO made FROM auth_store.session_create(sam);
    PERFORM pg_temp.add('session', 'of a suspended user', made.session_token);
    PERFORM pg_temp.add('session', 'the first again', good);
    SELECT * INTO made FROM auth_store.session_create(eve);
    PERFORM pg_temp.add('session', 'of another tenant', made.session_token);
    -- API keys
    SELECT * INTO made FROM auth_store.api_key_create('Laptop', ann, scope => 'orders:*');
    good := made.api_key;
    PERFORM pg_temp.add('api key', 'valid', good);
    PERFORM pg_temp.add_garbage('api key', good);
    SELECT * INTO made FROM auth_store.api_key_create('Revoked', ann, scope => 'orders:*');
    PERFORM auth_store.api_key_revoke(made.api_key_id);
    PERFORM pg_temp.add('api key', 'revoked', made.api_key);
    SELECT * INTO made FROM auth_store.api_key_create('Expired', ann, scope => 'orders:*',
        expires_at => clock_timestamp() + '1 hour');
    UPDATE auth_store.api_keys SET expires_at = clock_timestamp() WHERE id = made.api_key_id;
    PERFORM pg_temp.add('api key', 'expired', made.api_key);
    SELECT * INTO made FROM auth_store.api_key_create('Rotated', ann, scope => 'orders:*');
    PERFORM pg_temp.add('api key', 'after its rotation',
        (auth_store.api_key_rotate(made.api_key_id, '1 hour')).api_key);
    PERFORM pg_temp.add('api key', 'before it', made.api_key);
    PERFORM pg_temp.add('api key', 'of a suspended client',
        (auth_store.api_key_create('Service', client_id => 'many_suspended')).api_key);
    PERFORM pg_temp.add('api key', 'of a client',
        (auth_store.api_key_create('Service', client_id => 'many_web', scope => 'orders:read')).api_key);
    PERFORM pg_temp.add('api key', 'of a suspended user', (auth_store.api_key_create('Phone', sam)).api_key);
    PERFORM pg_temp.add('api key', 'without the scope', (auth_store.api_key_create('Other', ann)).api_key);
    SELECT * INTO made FROM auth_store.api_key_create('Office', ann, scope => '*', allowed_cidrs => '{192.0.2.0/24}');
    PERFORM pg_temp.add('api key', 'from its network', made.api_key, NULL, '192.0.2.7');
    PERFORM pg_temp.add('api key', 'from elsewhere', made.api_key, NULL, '198.51.100.7');
    PERFORM pg_temp.add('api key', 'from nowhere', made.api_key);
    PERFORM auth_store.api_key_import(encode(sha256('sk_many_imported'), 'hex'), 'Imported', ann, scope => 'orders:*');
    PERFORM pg_temp.add('api key', 'imported', 'sk_many_imported');
    PERFORM pg_temp.add('api key', 'the first again', good);
    PERFORM pg_temp.add('api key', 'of another tenant',
        (auth_store.api_key_create('Other', eve, scope => 'orders:*')).api_key);
    -- As an application that has users of its own would write it: nothing of the user ends with it.
    UPDATE auth_store.users SET status = 'suspended' WHERE id = sam;
END
$$;

-- What the function of one says of each element, and what the function of many does.
CREATE FUNCTION pg_temp.compared(OUT function text, OUT n int, OUT what text, OUT one jsonb, OUT many jsonb)
RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT 'token_introspect', e.n, e.what, to_jsonb(s), to_jsonb(m) - 'n'
      FROM element e CROSS JOIN LATERAL auth_store.token_introspect(e.text) AS s
      FULL JOIN auth_store.token_introspect_many(pg_temp.texts('token')) AS m ON m.n = e.n AND e.kind = 'token'
     WHERE e.kind = 'token' OR e.kind IS NULL;
    RETURN QUERY SELECT 'token_authorize', e.n, e.what, to_jsonb(s), to_jsonb(m) - 'n'
      FROM element e CROSS JOIN LATERAL auth_store.token_authorize(e.text, 'write', 'https://a.example', e.jkt) AS s
      FULL JOIN auth_store.token_authorize_many(pg_temp.texts('token'), 'write', 'https://a.example',
                (SELECT array_agg(t.jkt ORDER BY t.n) FROM element t WHERE t.kind = 'token')) AS m
             ON m.n = e.n AND e.kind = 'token'
     WHERE e.kind = 'token' OR e.kind IS NULL;
    RETURN QUERY SELECT 'session_validate', e.n, e.what, to_jsonb(s), to_jsonb(m) - 'n'
      FROM element e CROSS JOIN LATERAL auth_store.session_validate(e.text) AS s
      FULL JOIN auth_store.session_validate_many(pg_temp.texts('session')) AS m ON m.n = e.n AND e.kind = 'session'
     WHERE e.kind = 'session' OR e.kind IS NULL;
    RETURN QUERY SELECT 'api_key_verify', e.n, e.what, to_jsonb(s), to_jsonb(m) - 'n'
      FROM element e CROSS JOIN LATERAL auth_store.api_key_verify(e.text, 'orders:read', e.ip) AS s
      FULL JOIN auth_store.api_key_verify_many(pg_temp.texts('api key'), 'orders:read',
                (SELECT array_agg(k.ip ORDER BY k.n) FROM element k WHERE k.kind = 'api key')) AS m
             ON m.n = e.n AND e.kind = 'api key'
     WHERE e.kind = 'api key' OR e.kind IS NULL;
END
$$;
CREATE TEMP TABLE compared AS SELECT * FROM pg_temp.compared();
SELECT n, what, coalesce(many -> 'active', many -> 'valid') AS live,
       concat_ws(': ', many ->> 'error', many ->> 'error_description') AS error, one = many AS same
  FROM compared WHERE function = 'token_authorize' ORDER BY n;
SELECT n, what, many -> 'active' AS live, one = many AS same
  FROM compared WHERE function = 'token_introspect' ORDER BY n;
SELECT n, what, many -> 'valid' AS valid, many ->> 'error_description' AS error, one = many AS same
  FROM compared WHERE function = 'session_validate' ORDER BY n;
SELECT n, what, many -> 'valid' AS valid, concat_ws(': ', many ->> 'error', many ->> 'error_description') AS error,
       one = many AS same
  FROM compared WHERE function = 'api_key_verify' ORDER BY n;
-- A session pinned to a tenant knows nothing of the others'.
CREATE TEMP TABLE pinned AS SELECT * FROM compared WHERE false;
SET auth_store.tenant_id = 'many_other';
INSERT INTO pinned SELECT * FROM pg_temp.compared();
RESET auth_store.tenant_id;
SELECT function, count(*) AS elements, bool_and(one = many) AS same,
       string_agg(what, ', ' ORDER BY n) FILTER (WHERE many -> 'active' = 'true' OR many -> 'valid' = 'true') AS live
  FROM pinned GROUP BY function ORDER BY function COLLATE "C";

-- Without what is beside the elements.
SELECT m.n, m.active, m.error FROM auth_store.token_authorize_many(pg_temp.texts('token')) AS m
  JOIN element e USING (n) WHERE e.kind = 'token' AND e.what ~ 'bound' ORDER BY 1;
SELECT m.n, m.valid, m.error FROM auth_store.api_key_verify_many(pg_temp.texts('api key')) AS m
  JOIN element e USING (n) WHERE e.kind = 'api key' AND e.what ~ '^from' ORDER BY 1;

-- Arrays of other forms. The elements count as they are stored, from 1 on.
SELECT n, active FROM auth_store.token_introspect_many('{}');
SELECT n, active FROM auth_store.token_introspect_many('[5:6]={a,NULL}');
SELECT n, valid FROM auth_store.session_validate_many('{{a,b},{c,d}}');
SELECT n, valid, error FROM auth_store.api_key_verify_many('{NULL,NULL}');
SELECT (auth_store.token_introspect_many(ARRAY[e.text, NULL])).active FROM element e WHERE e.kind = 'token' AND e.n = 1;
-- Ten thousand, and not one more. Half of them are one and the same.
SELECT count(*), count(DISTINCT n), count(*) FILTER (WHERE active) AS active
  FROM auth_store.token_introspect_many((SELECT array_agg(CASE g % 2 WHEN 0 THEN e.text END)
                                           FROM element e, generate_series(1, 10000) g
                                          WHERE e.kind = 'token' AND e.n = 1));
SELECT call, pg_temp.raised('SELECT FROM auth_store.' || call) AS raised FROM (VALUES
    (1, 'token_introspect_many(NULL)'), (2, 'token_authorize_many(NULL)'), (3, 'session_validate_many(NULL)'),
    (4, 'api_key_verify_many(NULL)'),
    (5, 'token_introspect_many(array_fill(''x''::text, ARRAY[10001]))'),
    (6, 'token_authorize_many(array_fill(''x''::text, ARRAY[10001]))'),
    (7, 'session_validate_many(array_fill(''x''::text, ARRAY[10001]))'),
    (8, 'api_key_verify_many(array_fill(''x''::text, ARRAY[10001]))'),
    (9, 'token_authorize_many(''{a,b}'', dpop_jkts => ''{a}'')'),
    (10, 'token_authorize_many(''{a,b}'', x5t_s256s => ''{a,b,c}'')'),
    (11, 'token_authorize_many(''{a,b}'', ''"'')'),
    (12, 'token_authorize_many(''{}'', ''"'')'),
    (13, 'api_key_verify_many(''{a,b}'', ips => ''{192.0.2.1}'')'),
    (14, 'api_key_verify_many(''{}'', ''orders:*'')')) AS c (n, call) ORDER BY n;
-- By the way in without types.
SELECT auth_store.call('session_validate_many', '{"session_tokens": ["x", null]}') #>> '{1,error}' AS second;

-- No rate limit is counted and no use is noted.
SELECT bool_and(last_used_at IS NULL) AS unused FROM auth_store.api_keys WHERE tenant_id = 'many_other';
