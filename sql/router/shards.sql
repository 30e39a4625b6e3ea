
-- The shards, and the buckets of each. The foreign server is made from these rows: PL/Proxy's partition n is the shard
-- of bucket n, and partition 4096 + n is shard n itself, also one that has no buckets.
CREATE TABLE IF NOT EXISTS auth_store_router.shards (
    number     integer PRIMARY KEY,
    shard      text NOT NULL UNIQUE,
    connection text NOT NULL,
    buckets    int4multirange NOT NULL
);
GRANT SELECT (number, shard, buckets) ON auth_store_router.shards TO PUBLIC;

CREATE FUNCTION auth_store_router.names() RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(s.shard ORDER BY s.number) FROM auth_store_router.shards s
$$;
CREATE FUNCTION auth_store_router.numbers() RETURNS integer[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(4096 + s.number ORDER BY s.number) FROM auth_store_router.shards s
$$;
-- PL/Proxy goes to the shards as the current role, whose pin holds there. So the role that has logged in must be that
-- one: a function of somebody else's, or SET ROLE, would be asked with another pin.
CREATE FUNCTION auth_store_router.refuse() RETURNS integer
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the store is called as %, but % has logged in', current_user, session_user
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'A router is called as the role that has logged in: not after SET ROLE, nor in a SECURITY DEFINER '
                     'function of another role.';
END
$$;
CREATE FUNCTION auth_store_router.at(partition integer) RETURNS integer
LANGUAGE sql STABLE
RETURN CASE WHEN current_user OPERATOR(pg_catalog.=) session_user THEN partition ELSE auth_store_router.refuse() END;
CREATE FUNCTION auth_store_router.one_or_all(bucket integer) RETURNS SETOF integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT auth_store_router.at(p.partition)
      FROM (SELECT $1 WHERE $1 IS NOT NULL
            UNION ALL
            SELECT 4096 + s.number FROM auth_store_router.shards s WHERE $1 IS NULL) p (partition)
$$;

CREATE FUNCTION auth_store_router.map() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_agg(jsonb_build_array(lower(r.range), s.shard) ORDER BY lower(r.range))
      FROM auth_store_router.shards s CROSS JOIN unnest(s.buckets) r (range)
$$;
COMMENT ON FUNCTION auth_store_router.map IS
    'The map as router_sql() and the clients take it: [[first bucket, shard], ...].';

CREATE FUNCTION auth_store_router.apply() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changes text;
BEGIN
    IF (SELECT range_agg(r.range) FROM auth_store_router.shards s CROSS JOIN unnest(s.buckets) r (range))
       IS DISTINCT FROM '{[0,4096)}' THEN
        RAISE EXCEPTION 'the shards do not have all 4096 buckets between them'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'SELECT * FROM auth_store_router.shards';
    END IF;
    -- Results come as text, so that a date has to be written there as it is read here. PL/Proxy wants partitions
    -- without a gap: where a shard is gone, the next one stands in, which nobody asks for by that number.
    CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
        WITH s AS (SELECT n.number, s.buckets,
                          s.connection || CASE WHEN s.connection ~ '(^|[[:space:]])options[[:space:]]*=' THEN ''
                                               ELSE ' options=-cDateStyle=ISO' END AS connection
                     FROM (SELECT generate_series(0, max(s.number)) FROM auth_store_router.shards s) n (number)
                          CROSS JOIN LATERAL (
                              SELECT CASE WHEN s.number = n.number THEN s.buckets ELSE '{}' END, s.connection
                                FROM auth_store_router.shards s WHERE s.number >= n.number
                               ORDER BY s.number LIMIT 1) s (buckets, connection))
        SELECT 'p' || b.n AS name, s.connection AS value
          FROM s CROSS JOIN unnest(s.buckets) r (range)
                 CROSS JOIN generate_series(lower(r.range), upper(r.range) - 1) b (n)
        UNION ALL
        SELECT 'p' || 4096 + s.number, s.connection FROM s
        UNION ALL
        SELECT 'modular_mapping', '1';
    IF NOT EXISTS (SELECT FROM pg_foreign_server f WHERE f.srvname = '{cluster}') THEN
        SELECT string_agg(format('%I %L', w.name, w.value), ', ') INTO changes FROM wanted w;
        EXECUTE format('CREATE SERVER "{cluster}" FOREIGN DATA WRAPPER plproxy OPTIONS (%s)', changes);
    ELSE
        SELECT string_agg(format('%s %I %L', CASE WHEN o.name IS NULL THEN 'ADD' ELSE 'SET' END, w.name, w.value), ', ')
          INTO changes
          FROM wanted w
          LEFT JOIN (SELECT o.option_name AS name, o.option_value AS value
                       FROM pg_foreign_server f CROSS JOIN pg_options_to_table(f.srvoptions) o
                      WHERE f.srvname = '{cluster}') o ON o.name = w.name
         WHERE o.value IS DISTINCT FROM w.value;
        IF changes IS NOT NULL THEN
            EXECUTE format('ALTER SERVER "{cluster}" OPTIONS (%s)', changes);
        END IF;
    END IF;
    DROP TABLE wanted;
END
$$;

CREATE FUNCTION auth_store_router.move(first_bucket integer, last_bucket integer, shard text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moved int4multirange;
BEGIN
    LOCK TABLE auth_store_router.shards IN EXCLUSIVE MODE;
    IF first_bucket NOT BETWEEN 0 AND 4095 OR last_bucket NOT BETWEEN first_bucket AND 4095 THEN
        RAISE EXCEPTION 'the buckets must be of 0 to 4095' USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT EXISTS (SELECT FROM auth_store_router.shards s WHERE s.shard = move.shard) THEN
        RAISE EXCEPTION 'there is no such shard'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Accepted: %s.', array_to_string(auth_store_router.names(), ', '));
    END IF;
    moved := int4multirange(int4range(first_bucket, last_bucket, '[]'));
    UPDATE auth_store_router.shards s
       SET buckets = CASE WHEN s.shard = move.shard THEN s.buckets + moved ELSE s.buckets - moved END;
    PERFORM auth_store_router.apply();
    RETURN last_bucket - first_bucket + 1;
END
$$;
COMMENT ON FUNCTION auth_store_router.move IS
    'From now on these buckets are on that shard, for every session of this router; their rows have to be there.';

CREATE FUNCTION auth_store_router.shard_set(shard text, connection text) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found integer;
BEGIN
    IF connection IS NULL OR connection ~ '://' OR connection !~ '^[[:space:]]*[a-z_]+[[:space:]]*='
       OR connection ~* '(^|[[:space:]])(user|(ssl)?password)[[:space:]]*=' THEN
        RAISE EXCEPTION 'a connection string of a shard must be of keywords, without user and password'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Accepted: host=10.0.0.4 dbname=auth, and what else libpq knows. Everybody can read the '
                         'options of a server: user and password are for user mappings.';
    END IF;
    LOCK TABLE auth_store_router.shards IN EXCLUSIVE MODE;
    UPDATE auth_store_router.shards s SET connection = shard_set.connection WHERE s.shard = shard_set.shard
    RETURNING s.number INTO found;
    IF found IS NULL THEN
        INSERT INTO auth_store_router.shards
        SELECT min(n.number), shard_set.shard, shard_set.connection, '{}'
          FROM (SELECT generate_series(0, max(s.number) + 1) FROM auth_store_router.shards s) n (number)
         WHERE NOT EXISTS (SELECT FROM auth_store_router.shards s WHERE s.number = n.number)
        RETURNING number INTO found;
    END IF;
    PERFORM auth_store_router.apply();
    RETURN found;
END
$$;
COMMENT ON FUNCTION auth_store_router.shard_set IS
    'Where a shard is: a new one, which has no buckets yet, or one that was moved. Returns its number.';

CREATE FUNCTION auth_store_router.shard_drop(shard text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    former auth_store_router.shards;
BEGIN
    LOCK TABLE auth_store_router.shards IN EXCLUSIVE MODE;
    SELECT * INTO former FROM auth_store_router.shards s WHERE s.shard = shard_drop.shard;
    IF former IS NULL THEN
        RAISE EXCEPTION 'there is no such shard'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Accepted: %s.', array_to_string(auth_store_router.names(), ', '));
    ELSIF former.buckets <> '{}' OR former.number = {registry} THEN
        RAISE EXCEPTION 'the shard has buckets, or the registry'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Move its buckets to others, then call auth_store_router.move(). Another registry takes '
                         'another script of router_sql().';
    END IF;
    DELETE FROM auth_store_router.shards s WHERE s.number = former.number;
    PERFORM auth_store_router.apply();
END
$$;
COMMENT ON FUNCTION auth_store_router.shard_drop IS
    'A shard without buckets leaves: nothing is asked of it any more.';
