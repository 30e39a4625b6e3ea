COMMENT ON FUNCTION auth_store.call IS
    E'Calls a function of the store by name with its arguments in a JSON object, and returns what it returns as '
    'JSON: for a driver that can''t say what type a value has. The function runs with the caller''s rights, as if '
    'it was called directly, in the same transaction; only functions of the store can be called, not procedures, '
    'which commit.\n'
    'function: its name, without the schema. '
    'arguments: a member for each argument by its name; one that is left out has its default, null is NULL. '
    'JSON strings stand for texts and for every type that has a text form: uuid, inet, timestamptz '
    '(2030-01-01T00:00:00Z), interval, bytea (hexadecimal, after \\x); numbers for numbers, and as seconds for an '
    'interval; true and false for booleans; arrays for arrays; any JSON for jsonb.\n'
    'Returns an object where the function returns a row, an array where it returns a set of rows, else the value '
    'as to_jsonb() writes it; null for NULL and for a function that returns nothing: never an SQL NULL. '
    'Secrets that it makes are in there and nowhere else.\n'
    '22004 for a NULL function. 22023, with the accepted names in the HINT, for a name that is none of a function '
    'the caller may call or of an argument, for an argument that is missing, and for JSON of another kind than an '
    'argument takes; 22P02 or another code of class 22 for a text that its type does not take. '
    'The message names the argument, never the value. 42501 where the caller may not call the function. '
    'All other errors are the function''s own.';
ALTER FUNCTION auth_store.call COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.call TO
    auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor, auth_store_verifier, auth_store_worker,
    auth_store_jobs;
