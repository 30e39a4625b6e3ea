\set ECHO none
-- Requests over http(), and their answers without what changes from run to run.

-- A text as a form encodes it.
CREATE FUNCTION pg_temp.encoded(value text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(CASE WHEN c ~ '^[A-Za-z0-9._-]$' THEN c
                           ELSE upper(regexp_replace(encode(convert_to(c, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) END,
                      '' ORDER BY i)
      FROM regexp_split_to_table(value, '') WITH ORDINALITY AS s (c, i)
$$;
-- A form of these members; of an array each element.
CREATE FUNCTION pg_temp.form(members jsonb) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(coalesce(string_agg(pg_temp.encoded(key) || '=' || coalesce(pg_temp.encoded(value), ''), '&'
                                          ORDER BY key), ''), 'UTF8')
      FROM (SELECT m.key, e.value
              FROM jsonb_each(members) AS m,
                   jsonb_array_elements_text(CASE jsonb_typeof(m.value) WHEN 'array' THEN m.value
                                                  ELSE jsonb_build_array(m.value) END) AS e (value)) AS f
$$;
-- The header of a client (RFC 6749 section 2.3.1), as form encoding has it, or raw.
CREATE FUNCTION pg_temp.basic(id text, secret text, raw boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
    SELECT 'Basic ' || translate(encode(convert_to(CASE WHEN raw THEN id || ':' || secret
        ELSE pg_temp.encoded(id) || ':' || coalesce(pg_temp.encoded(secret), '') END, 'UTF8'), 'base64'), E'\n', '')
$$;
-- The answer, with tokens and codes cut to their prefix, and without the headers that every JSON answer has.
CREATE FUNCTION pg_temp.shown(r auth_store.http_response, OUT status int, OUT headers jsonb, OUT body text)
LANGUAGE sql AS $$
    SELECT r.status,
           r.headers - CASE WHEN r.headers @> '{"content-type": "application/json", "cache-control": "no-store",
                                                "pragma": "no-cache"}'
                            THEN ARRAY['content-type', 'cache-control', 'pragma'] ELSE '{}' END,
           regexp_replace(regexp_replace(r.body, '(as[a-z]{2}_)[\w-]{20,}', '\1…', 'g'),
                          '("(?:user_code|jti)":)"[^"]+"', '\1"…"', 'g')
$$;
-- A POST of a form.
CREATE FUNCTION pg_temp.post(path text, form jsonb, authorization_header text DEFAULT NULL, more jsonb DEFAULT '{}',
    certificate bytea DEFAULT NULL, ip inet DEFAULT '192.0.2.1')
    RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT auth_store.http('POST', path, headers => jsonb_strip_nulls(jsonb_build_object(
               'content-type', 'application/x-www-form-urlencoded', 'authorization', authorization_header,
               'user-agent', 'test') || more),
           body => pg_temp.form(form), ip => ip, client_certificate => certificate)
$$;
-- The header (1) or the claims (2) of a JWT.
CREATE FUNCTION pg_temp.part(jwt text, n int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT convert_from(decode(rpad(translate(part, '-_', '+/'), (length(part) + 3) / 4 * 4, '='), 'base64'),
               'UTF8')::jsonb
      FROM split_part(jwt, '.', n) AS part
$$;
\set ECHO all
