\set ECHO none
-- A client and a browser in SQL, for the plans of OpenID's conformance suite: after helpers.sql.
SET client_min_messages = warning;

-- A text as it stands in a form or a query.
CREATE FUNCTION pg_temp.escaped(value text) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(pg_catalog.string_agg(
        CASE WHEN pg_catalog.chr(byte) ~ '[A-Za-z0-9._~-]' AND byte < 128 THEN pg_catalog.chr(byte)
             ELSE '%' || pg_catalog.upper(pg_catalog.lpad(pg_catalog.to_hex(byte), 2, '0')) END, '' ORDER BY n), '')
      FROM (SELECT n, pg_catalog.get_byte(pg_catalog.convert_to(value, 'UTF8'), n) AS byte
              FROM pg_catalog.generate_series(0, pg_catalog.octet_length(value) - 1) AS n) AS bytes
$$;

-- Parameters as a form; an array is a parameter that comes several times, null is one that is left out.
CREATE FUNCTION pg_temp.form(parameters jsonb) RETURNS bytea LANGUAGE sql AS $$
    SELECT pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(
               pg_temp.escaped(key) || '=' || pg_temp.escaped(one), '&' ORDER BY key, n), ''), 'UTF8')
      FROM pg_catalog.jsonb_each(parameters) AS p,
           LATERAL pg_catalog.jsonb_array_elements_text(CASE pg_catalog.jsonb_typeof(value) WHEN 'array' THEN value
               ELSE pg_catalog.jsonb_build_array(value) END) WITH ORDINALITY AS o (one, n)
     WHERE one IS NOT NULL
$$;

CREATE FUNCTION pg_temp.unescaped(value text) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(pg_catalog.convert_from(pg_catalog.decode(pg_catalog.string_agg(
        CASE WHEN part[1] ~ '^%..$' THEN pg_catalog.substr(part[1], 2) WHEN part[1] = '+' THEN '20'
             ELSE pg_catalog.encode(pg_catalog.convert_to(part[1], 'UTF8'), 'hex') END, '' ORDER BY n), 'hex'),
        'UTF8'), '')
      FROM pg_catalog.regexp_matches(value, '%[0-9A-Fa-f]{2}|.', 'g') WITH ORDINALITY AS m (part, n)
$$;

-- The parameters that a URL has.
CREATE FUNCTION pg_temp.sent_back(url text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT COALESCE(pg_catalog.jsonb_object_agg(pg_temp.unescaped(pg_catalog.split_part(pair, '=', 1)),
               pg_temp.unescaped(pg_catalog.split_part(pair, '=', 2))), '{}')
      FROM pg_catalog.regexp_split_to_table(pg_catalog.split_part(url, '?', 2), '&') AS pair WHERE pair <> ''
$$;

-- The claims of a JWT, and its header.
CREATE FUNCTION pg_temp.part(token text, n integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_catalog.convert_from(pg_catalog.decode(pg_catalog.rpad(text,
               (pg_catalog.length(text) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb
      FROM pg_catalog.translate(pg_catalog.split_part(token, '.', n), '-_', '+/') AS text
$$;
CREATE FUNCTION pg_temp.claims(token text) RETURNS jsonb LANGUAGE sql AS 'SELECT pg_temp.part(token, 2)';

-- Basic authentication of a client.
CREATE FUNCTION pg_temp.basic(id text, secret text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_catalog.jsonb_build_object('authorization', 'Basic ' || pg_catalog.translate(pg_catalog.encode(
        pg_catalog.convert_to(pg_temp.escaped(id) || ':' || pg_temp.escaped(secret), 'UTF8'), 'base64'), E'\n', ''))
$$;

-- A form that is posted to an endpoint, and a document that is got.
CREATE FUNCTION pg_temp.post(path text, parameters jsonb, headers jsonb DEFAULT '{}', certificate bytea DEFAULT NULL)
RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT h FROM auth_store.http('POST', path, headers =>
        '{"content-type": "application/x-www-form-urlencoded"}'::jsonb || headers,
        body => pg_temp.form(parameters), client_certificate => certificate) AS h
$$;
CREATE FUNCTION pg_temp.get(path text, headers jsonb DEFAULT '{}', certificate bytea DEFAULT NULL)
RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT h FROM auth_store.http('GET', path, headers => headers, client_certificate => certificate) AS h
$$;

-- A browser at the authorization endpoint of this tenant, with a session or without.
CREATE FUNCTION pg_temp.browse(parameters jsonb, session text DEFAULT NULL, method text DEFAULT 'GET')
RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT a FROM auth_store.http_authorize(method, query => CASE method WHEN 'GET' THEN pg_temp.form(parameters) END,
        body => CASE method WHEN 'POST' THEN pg_temp.form(parameters) END, session_token => session,
        tenant_id => pg_catalog.current_setting('conformance.tenant')) AS a
$$;

-- The same and the user agrees; what the client gets at its redirect URI.
CREATE FUNCTION pg_temp.redirected(parameters jsonb, session text, method text DEFAULT 'GET')
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    answer auth_store.authorize_response := pg_temp.browse(parameters, session, method);
BEGIN
    IF answer.next IN ('consent', 'accept') THEN
        answer := auth_store.interaction_accept(answer.interaction_id, session);
    END IF;
    RETURN CASE answer.next WHEN 'redirect' THEN pg_temp.sent_back(answer.headers->>'location')
           ELSE pg_catalog.jsonb_build_object('next', answer.next, 'error', answer.error) END;
END $$;

-- Whether a case of the plan passes; the tests print its name.
CREATE FUNCTION pg_temp.passes(name text, VARIADIC demands boolean[]) RETURNS TABLE ("case" text, passed boolean)
LANGUAGE sql AS 'SELECT name, NOT false = ANY (demands) AND pg_catalog.array_position(demands, NULL) IS NULL';
\set ECHO all
