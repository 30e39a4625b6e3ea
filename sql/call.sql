-- One way in without types, for a driver that can't say what type a value has. It runs as the caller: the server checks
-- the called function as if it were called directly.
--
-- Names are looked up in the catalog and quoted. A value is neither in the text of a statement nor a parameter, because
-- auto_explain and pgaudit would write both where they log nested statements: the statements below read the values from
-- settings of the transaction. An expression with `wanted`, `given` or `value` in it is a simple one, which PL/pgSQL
-- evaluates without a statement.
CREATE FUNCTION auth_store.call(function text, arguments jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted   ALIAS FOR $1;
    given    ALIAS FOR $2;
    held     CONSTANT text := 'current_setting(''auth_store_call.arguments'')::jsonb';
    target   record;              -- the function
    argument record;
    named    text;                -- the argument that is being read, for the message
    accepted text;                -- what of it, for the hint
    value    jsonb;
    kind     text;                -- of JSON
    element  text;                -- of JSON, of an array
    written  text;                -- the value as an expression
    -- those that the input function of their type may refuse, whose they are, and what it takes
    checks   text[] := '{}';
    checked  text[] := '{}';
    hints    text[] := '{}';
    list     text[] := '{}';
    called   text;
    state    text;
    answer   jsonb;
BEGIN
    IF wanted IS NULL THEN
        RAISE EXCEPTION 'argument "function" must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    given := COALESCE(given, '{}');
    state := set_config('auth_store_call.function', wanted, true);
    state := set_config('auth_store_call.arguments', given::text, true);
    state := NULL;
    -- As a name, for the index: a text that is too long for one is cut, and then still the name of none.
    SELECT p.oid, p.proname, p.prokind, p.proretset, p.pronargs - p.pronargdefaults AS required,
           p.proargtypes AS types, COALESCE(p.proargnames[1:p.pronargs], '{}') AS names
      INTO target
      FROM pg_proc p
     WHERE p.proname = current_setting('auth_store_call.function')::name AND p.proname <> 'call'
       AND p.prorettype <> 'event_trigger'::regtype
       AND p.pronamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = 'auth_store')
       AND EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store'
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                      AND d.refclassid = 'pg_extension'::regclass
                      AND d.deptype = 'e');
    IF target.prokind = 'p' THEN
        RAISE EXCEPTION 'invalid value for argument "function"'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('%s is a procedure, which commits: CALL auth_store.%1$s() outside of a transaction.',
                                target.proname);
    ELSIF target.oid IS NULL THEN
        SELECT string_agg(p.proname::text, ', ' ORDER BY p.proname) INTO accepted
          FROM pg_depend d
          JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store'
          JOIN pg_proc p ON p.oid = d.objid
         WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
           AND p.prokind = 'f' AND p.proname <> 'call' AND p.prorettype <> 'event_trigger'::regtype
           AND has_function_privilege(p.oid, 'EXECUTE');
        RAISE EXCEPTION 'invalid value for argument "function"'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Accepted: the name of a function that you may call, of '
                         || COALESCE(accepted, 'which there is none') || '.';
    ELSIF NOT has_function_privilege(target.oid, 'EXECUTE') THEN
        RAISE EXCEPTION 'permission denied for function %', target.proname USING ERRCODE = 'insufficient_privilege';
    END IF;

    kind := jsonb_typeof(given);
    IF kind <> 'object'
       OR EXISTS (SELECT FROM jsonb_object_keys(current_setting('auth_store_call.arguments')::jsonb) k (name)
                   WHERE k.name <> ALL (target.names)) THEN
        RAISE EXCEPTION 'invalid value for argument "arguments"'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = CASE WHEN target.names = '{}'
                                   THEN format('Accepted: an empty object: %s takes no argument.', target.proname)
                              ELSE format('Accepted: an object whose members are arguments of %s: %s.',
                                          target.proname, array_to_string(target.names, ', ')) END;
    END IF;
    FOR argument IN
        -- An argument of any type, which is a document in whatever type a driver has for it, is given as one.
        SELECT a.name, CASE t.typtype WHEN 'p' THEN 'jsonb' ELSE format_type(t.oid, NULL) END AS type,
               t.typcategory AS category, t.typelem AS element,
               (SELECT et.typcategory FROM pg_type et WHERE et.oid = t.typelem) AS element_category,
               a.n <= target.required AS required
          FROM unnest(target.types::oid[], target.names) WITH ORDINALITY a (type, name, n)
          JOIN pg_type t ON t.oid = a.type
         ORDER BY a.n
    LOOP
        named := argument.name;
        value := given -> named;
        IF value IS NULL THEN
            IF argument.required THEN
                RAISE EXCEPTION 'argument "%" is missing', named
                    USING ERRCODE = 'invalid_parameter_value',
                          HINT = format('Required of %s: %s.', target.proname,
                                        array_to_string(target.names[1:target.required], ', '));
            END IF;
            CONTINUE;
        END IF;
        kind := jsonb_typeof(value);
        written := format('CAST(%s ->> %L AS %s)', held, named, argument.type);
        accepted := NULL;
        IF kind = 'null' THEN
            written := format('CAST(NULL AS %s)', argument.type);
        ELSIF argument.type IN ('jsonb', 'json') THEN
            written := format('CAST(%s -> %L AS %s)', held, named, argument.type);
        ELSIF argument.category = 'A' THEN
            element := CASE argument.element_category WHEN 'N' THEN 'number' WHEN 'B' THEN 'boolean' ELSE 'string' END;
            accepted := format('a JSON array of %ss', element);
            IF kind <> 'array'
               OR EXISTS (SELECT
                            FROM jsonb_array_elements(current_setting('auth_store_call.arguments')::jsonb -> named)
                                 v (value)
                           WHERE jsonb_typeof(v.value) NOT IN ('null', element)) THEN
                RAISE EXCEPTION 'invalid value for argument "%"', named
                    USING ERRCODE = 'invalid_parameter_value', HINT = format('Accepted: %s.', accepted);
            END IF;
            written := format('CAST(ARRAY(SELECT v.value FROM jsonb_array_elements_text(%s -> %L)'
                              ' WITH ORDINALITY v (value, n) ORDER BY v.n) AS %s)', held, named, argument.type);
            IF argument.type = 'text[]' THEN
                accepted := NULL;
            ELSE
                accepted := format('%s, each of type %s', accepted, format_type(argument.element, NULL));
            END IF;
        ELSE
            accepted := CASE
                WHEN argument.category = 'B' THEN 'true or false'
                WHEN argument.category = 'N'
                    THEN format('a JSON number of type %s, or the same as a string', argument.type)
                WHEN argument.type = 'interval' THEN 'a number of seconds, or the text of an interval'
                WHEN argument.type = 'bytea' THEN E'a JSON string of hexadecimal digits, two a byte, after \\x'
                WHEN argument.type = 'timestamp with time zone'
                    THEN 'a JSON string with a time, as 2030-01-01T00:00:00Z'
                WHEN argument.type = 'text' THEN 'a JSON string'
                ELSE format('a JSON string of type %s', argument.type) END;
            IF NOT (kind = 'string' AND argument.category <> 'B'
                        AND (argument.type <> 'bytea' OR value #>> '{}' ~ E'^\\\\x([0-9a-fA-F]{2})*$')
                    OR kind = 'boolean' AND argument.category = 'B'
                    OR kind = 'number' AND (argument.category = 'N' OR argument.type = 'interval')) THEN
                RAISE EXCEPTION 'invalid value for argument "%"', named
                    USING ERRCODE = 'invalid_parameter_value', HINT = format('Accepted: %s.', accepted);
            END IF;
            IF argument.type = 'interval' AND kind = 'number' THEN
                written := format('make_interval(secs => CAST(%s ->> %L AS double precision))', held, named);
            ELSIF argument.type IN ('text', 'boolean', 'bytea') THEN
                accepted := NULL;
            END IF;
        END IF;
        list := list || format('%I => %s', named, written);
        IF accepted IS NOT NULL THEN
            checks := checks || written;
            checked := checked || named;
            hints := hints || accepted;
        END IF;
    END LOOP;

    -- What a type's input refuses is told by the argument's name, without the value.
    IF checks <> '{}' THEN
        BEGIN
            FOR n IN 1 .. cardinality(checks) LOOP
                named := checked[n];
                accepted := hints[n];
                EXECUTE 'SELECT ' || checks[n];
            END LOOP;
        EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
            state := CASE WHEN SQLSTATE LIKE '22%' THEN SQLSTATE ELSE '22023' END;
        END;
        IF state IS NOT NULL THEN
            RAISE EXCEPTION 'invalid value for argument "%"', named
                USING ERRCODE = state, HINT = format('Accepted: %s.', accepted);
        END IF;
    END IF;

    called := format('auth_store.%I(%s)', target.proname, array_to_string(list, ', '));
    IF target.proretset THEN
        EXECUTE format('SELECT COALESCE(jsonb_agg(to_jsonb(row_of_call)), ''[]'') FROM %s AS row_of_call', called)
            INTO answer;
    ELSE
        EXECUTE format('SELECT to_jsonb(row_of_call) FROM %s AS row_of_call', called) INTO answer;
    END IF;
    state := set_config('auth_store_call.function', '', true);
    state := set_config('auth_store_call.arguments', '', true);
    RETURN COALESCE(answer, 'null');
END
$$;
