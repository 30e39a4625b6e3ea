COMMENT ON FUNCTION auth_store.signing_key_create IS
    'Makes a key that JWTs of a tenant are signed with, and returns its kid. The private key is sealed by the vault, '
    'and leaves the server in no way. alg: ES256, which every library knows, or EdDSA. activate_at: when it begins to '
    'sign; NULL is now for the first key of its algorithm, and for each further one as soon as everybody knows it: a '
    'key is published as long before it signs as auth_store.jwks_max_age lets a JWKS be cached. The key before it '
    'ceases to sign then, and stays in the JWKS until the last token that it signed has ended. A tenant has 16 keys at '
    'most. 22023 for another alg or an activate_at that is too early, 23503 for an unknown tenant, 55000 without a '
    'master key (see vault_key_generate()) or where a next key waits already.';
ALTER FUNCTION auth_store.signing_key_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.signing_key_create TO auth_store_admin;

COMMENT ON FUNCTION auth_store.signing_key_import IS
    'Takes a key that JWTs of a tenant are signed with, and returns its kid: RSA of 2048 to 4096 bits for RS256, which '
    'OpenID Connect has every provider offer, P-256 for ES256 or Ed25519 for EdDSA. pem: PEM, or DER in base64, of '
    'PKCS #8 or, for RSA, PKCS #1; not encrypted. It begins to sign as one of signing_key_create() does. '
    '22004 for NULL, 22023 for what is no such key, 23505 for one that the tenant has. '
    'The key is in the statement: see docs/how-to/secrets_in_logs.md.';
ALTER FUNCTION auth_store.signing_key_import COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.signing_key_import TO auth_store_admin;

COMMENT ON FUNCTION auth_store.signing_key_rotate IS
    'Makes the key that follows the one that signs, and returns its kid; where one follows already, that one''s, so '
    'that a job may call it again. overlap: how long it is published before it signs, from auth_store.jwks_max_age to '
    '90 days. The key before it signs until then, and stays in the JWKS until the last token that it signed has ended: '
    'no token is refused for a rotation. alg: ES256 or EdDSA; RS256 rotates by another signing_key_import(). '
    '22023 for another alg or overlap, 23503 for an unknown tenant, 55000 where the tenant has no key of the '
    'algorithm.';
ALTER FUNCTION auth_store.signing_key_rotate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.signing_key_rotate TO auth_store_admin;

COMMENT ON FUNCTION auth_store.signing_key_retire IS
    'Ends a key, and returns the kid of the one that signs in its stead, now or as soon as everybody knows it; NULL: '
    'there is none, as no RS256 key is made. reason: at most 1000 characters, for the trail; the key signs on until '
    'the other one takes over, and is published until the last token that it signed has ended. But the one word '
    'compromised is of a key that others may know: it is deleted, what it signed is refused from now on by whoever '
    'fetches the JWKS, and the other one signs at once. '
    'A next key is deleted either way, since it has signed nothing. '
    '22004 for a NULL kid, 22023 for a reason that is too long, 23503 for an unknown key or tenant.';
ALTER FUNCTION auth_store.signing_key_retire COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.signing_key_retire TO auth_store_admin;

COMMENT ON FUNCTION auth_store.signing_key_list IS
    'The keys in a tenant''s JWKS: state is next (it will sign), active (it signs) or retired (tokens that it signed '
    'may still be presented). Read-only, also on a standby. 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.signing_key_list COST 100 ROWS 3;
GRANT EXECUTE ON FUNCTION auth_store.signing_key_list TO auth_store_admin, auth_store_auditor;
