COMMENT ON FUNCTION auth_store.api_key_create IS
    E'Makes an API key and returns api_key_id and, this once, its text: the store keeps a digest. '
    'What does not fit is 22023 with the accepted values as hint.\n'
    'name: 1 to 200 characters. user_id or client_id: the owner, exactly one (22023); 23503 where unknown. '
    'The key works while its owner does. scope: space-separated tokens, default none; a token that ends with :* '
    'stands for all that begin so and go on (orders:* for orders:read), * for all. '
    'expires_at: a time to come, default never. prefix: what the text begins with, 1 to 32 letters, digits, _ and -, '
    'the last of them _, not that of another kind of token (asat_ …); default asak_. '
    'allowed_cidrs: at most 100 networks it works from, as inet[] or cidr[], default any; an inet with bits set '
    'behind its mask names a host of a network and is refused. '
    'rate_limit_per_hour: 1 or more, counted by api_key_touch(), default none. '
    'metadata: a JSON object of at most 64 kB. '
    'tenant_id: that of the owner, which it follows from; 23503 where it is another. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.api_key_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_create TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.api_key_verify IS
    'Whether an API key allows a request: valid, or error invalid_token (unknown, malformed, NULL, expired, revoked, '
    'replaced, its owner or tenant not active; nothing more is said), access_denied (ip is NULL or outside the '
    'networks the key is allowed from; an IPv4 address in IPv6 form is the IPv4 address) or insufficient_scope, in '
    'this order. required_scope: scope tokens that all must be covered, without an asterisk (22023); NULL for none. '
    'Counts and writes nothing, also on a standby.';
ALTER FUNCTION auth_store.api_key_verify COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_verify TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.api_key_verify_many IS
    E'api_key_verify() of many API keys at once: a row for each element of api_keys, in their order and with its '
    'number n, from 1 on; valid = false for an element that is NULL. At most 10,000 elements (22023); 22004 for NULL '
    'in place of the array. It counts no rate limit and notes no use, also on a standby.\n'
    'required_scope: what each of the keys must cover. '
    'ips: where the requests came from, one element for each key; NULL where it is not known, or for none at all; '
    '22023 for another number of elements.';
ALTER FUNCTION auth_store.api_key_verify_many COST 10000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.api_key_verify_many TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.api_key_touch IS
    'The same as api_key_verify(), and counts: where the key''s rate_limit_per_hour is used up, error '
    'temporarily_unavailable and retry_after in seconds. Notes last_used_at and last_used_ip at most once a minute, '
    'with an audit row api_key.used; a refusal has one each time, but by the rate limit once a minute. '
    'Never waits for a lock on the key; but where the library is not preloaded, a key with a rate limit waits for '
    'other uses of it that have not committed.';
ALTER FUNCTION auth_store.api_key_touch COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_touch TO auth_store_app, auth_store_verifier;

COMMENT ON FUNCTION auth_store.api_key_rotate IS
    E'Makes a new text of an API key and returns it, this once; the id, and whatever refers to it, stays. '
    'The text before it works for overlap: 0 (default, not at all) to 365 days; the one before that ends at once. '
    'An imported key becomes a native one, with the prefix given at its import. '
    '23503 for an unknown key, 55000 for one that is revoked or has expired.\n'
    'user_id, client_id: whose key it must be, for an id that a browser sent: another''s is answered as an unknown '
    'one, whatever its state. One of the two at most (22023). '
    'NULL, an explicit one too, is not compared, so the caller must see that it has one. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.api_key_rotate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_rotate TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.api_key_revoke IS
    'Ends an API key; false where it was revoked before. reason: 1 to 1000 characters; NULL is revoked. '
    '23503 for an unknown key. user_id, client_id: whose key it must be, as for api_key_rotate(). '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.api_key_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.api_key_list IS
    'The API keys of a user or a client (22023 for both), or of the tenant where neither is named, in the order they '
    'were made; ended ones too until cleanup removes them. '
    'start: the first characters of the text, to know the key by. '
    'previous_expires_at: the end of the overlap of the last rotation. No secret, no digest. '
    '23503 for an unknown user, client or tenant. Read-only, also on a standby.';
ALTER FUNCTION auth_store.api_key_list COST 5000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.api_key_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.api_key_import IS
    E'Takes over an API key of another store, of which only the digest is known, and returns its id: the holder''s '
    'text works as before. digest: SHA-256 of the text, as 64 hexadecimal digits (\\x before them or not) or as '
    'base64 or base64url; 23505 where one with this digest exists. '
    'start: its first characters for api_key_list(), at most 32. expires_at may be past. '
    'The other arguments are those of api_key_create(); prefix is for the text that a rotation makes.';
ALTER FUNCTION auth_store.api_key_import COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_import TO auth_store_admin;
