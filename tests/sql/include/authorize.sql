\set ECHO none
-- What the tests of the endpoints that a browser asks share.

CREATE FUNCTION pg_temp.encoded(value text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(CASE WHEN c.one ~ '[A-Za-z0-9._~-]' THEN c.one
               ELSE upper(regexp_replace(encode(convert_to(c.one, 'UTF8'), 'hex'), '..', '%\&', 'g')) END,
               '' ORDER BY c.n), '')
      FROM regexp_split_to_table(value, '') WITH ORDINALITY AS c (one, n)
$$;

-- A query of these parameters (RFC 6749 appendix B); an array is a parameter that comes several times.
CREATE FUNCTION pg_temp.query(parameters jsonb) RETURNS bytea LANGUAGE sql AS $$
    SELECT pg_catalog.convert_to(coalesce(string_agg(p.key || '=' || pg_temp.encoded(v.value), '&' ORDER BY p.key), ''),
               'UTF8')
      FROM jsonb_each(parameters) AS p,
           LATERAL (SELECT value FROM jsonb_array_elements_text(p.value) WHERE jsonb_typeof(p.value) = 'array'
                    UNION ALL SELECT parameters->>p.key WHERE jsonb_typeof(p.value) <> 'array') AS v
$$;

-- What differs from run to run, named.
CREATE FUNCTION pg_temp.named(said text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(said, 'asac_[A-Za-z0-9_-]{64}', 'CODE', 'g'),
        '[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', 'ID', 'g')
$$;
\set ECHO all
