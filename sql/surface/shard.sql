COMMENT ON FUNCTION auth_store.token_bucket IS
    E'The bucket, 0 to 4095, where the rows of a token are once the store is spread over several databases: of a token '
    'of the store, of any kind, the 12 bits of the id in it; of any other text, such as a refresh token that another '
    'store issued, the first 12 bits of its SHA-256. 0 for NULL, an empty text and one over 16384 bytes.\n'
    'A token of the store has a prefix of 1 to 32 letters, digits, _ and -, the last of them _, and 64 characters of '
    'base64url (86 after asrt_), whose first 16 bytes are an id of the store: a UUID of version 8. A JWT is one if its '
    'claim jti is such a UUID. Reads no table and no setting, and raises no error.';
ALTER FUNCTION auth_store.token_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.token_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.key_bucket IS
    'The bucket, 0 to 4095, of an API key, by the rule of token_bucket(): a key that was imported from another store '
    'is found by its SHA-256.';
ALTER FUNCTION auth_store.key_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.key_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.id_bucket IS
    'The bucket, 0 to 4095, in an id of the store, of a user, session, grant, API key or anything else: the 12 bits '
    'after the version of any uuid, ((id[6] & 15) << 8) | id[7] of its bytes. 0 for NULL.';
ALTER FUNCTION auth_store.id_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.id_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.user_bucket IS
    E'The bucket, 0 to 4095, where a name of a user is looked for: the first 12 bits of SHA-256 of the tenant, a zero '
    'byte and the name as it is compared (user_names.name_key). A new user with this as the first name has the bucket '
    'in the id; a user''s other names lead there from their own buckets, see user_locate().\n'
    'tenant_id: NULL for the tenant default; this function does not know to which tenant a session is pinned. '
    'kind: email, external, phone, username, or identity: an account at a provider, name being the provider, a space '
    'and the subject there, and the SHA-256 that of the three with zero bytes between them. NULL, for what a person '
    'typed, as in user_find(). '
    '0 for a text that is no name of its kind. Reads no table and no setting, and raises no error.';
ALTER FUNCTION auth_store.user_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.user_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.client_bucket IS
    'The bucket, 0 to 4095, of what belongs to a client and to no user: the first 12 bits of SHA-256 of client_id. '
    'Its device codes, pushed requests and tokens of its own are there. 0 for NULL and an empty text.';
ALTER FUNCTION auth_store.client_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.client_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.actor_bucket IS
    'The bucket, 0 to 4095, of the connections of an actor: of a user''s id that the store has made, as 36 characters, '
    'the bucket in it; of any other text the first 12 bits of SHA-256 of the tenant, a zero byte and the text, so that '
    'the connections of an external id are where user_ensure() has the user. '
    'tenant_id: NULL for the tenant default. 0 for an actor_id that is NULL or empty.';
ALTER FUNCTION auth_store.actor_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.actor_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.user_code_bucket IS
    'The bucket, 0 to 4095, that a user code carries in the first three of its eleven letters, as digits of base 20 '
    '(BCDFGHJKLMNPQRSTVWXZ), in any case, with or without dashes, spaces and other marks: that of its device code. '
    '0 for one of eight letters, made where auth_store.sharded is off, and for any other text.';
ALTER FUNCTION auth_store.user_code_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.user_code_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.claim_bucket IS
    'The bucket, 0 to 4095, where jti_claim() is called for this issuer and jti, so that two calls meet: the first 12 '
    'bits of SHA-256 of both with a zero byte between them. 0 where one is NULL or empty.';
ALTER FUNCTION auth_store.claim_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.claim_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.dpop_bucket IS
    'The bucket, 0 to 4095, where dpop_verify() is called for this proof, so that two presentations meet: the first 12 '
    'bits of SHA-256 of the jti in it. No signature is looked at. 0 for a text that is no proof or has no jti.';
ALTER FUNCTION auth_store.dpop_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.dpop_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;

COMMENT ON FUNCTION auth_store.text_bucket IS
    'The bucket, 0 to 4095, of a text that has no other meaning to the store, as the key of rate_limit_hit(): the '
    'first 12 bits of its SHA-256. 0 for NULL, an empty text and one over 16384 bytes.';
ALTER FUNCTION auth_store.text_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.text_bucket TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin, auth_store_worker;
