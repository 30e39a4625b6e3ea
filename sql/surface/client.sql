COMMENT ON FUNCTION auth_store.client_create IS
    E'Registers an OAuth 2 client (RFC 6749 section 2, RFC 7591 section 2) and returns its client_id and, where it '
    'authenticates with one, its client_secret: this once, the store keeps a digest. '
    'What does not fit is 22023 with the accepted values as hint.\n'
    'name: 1 to 200 characters. redirect_uris: at most 50 of 2048 bytes, each https, http to 127.0.0.1, [::1] or '
    'localhost (whose port is free, RFC 8252 section 7.3), or of a private-use scheme, either with a dot (RFC 8252 '
    'section 7.1) or one of the tenant''s redirect_uri_schemes; no fragment, user name or wildcard. '
    'client_type: confidential or public. grant_types: of authorization_code, refresh_token, client_credentials '
    'and the URNs of device_code and token-exchange, the last for confidential clients only; default the first two '
    'where there are redirect_uris, else client_credentials. '
    'scope: space-separated tokens the client may be granted, default none.\n'
    'client_id: 1 to 128 letters, digits and . _ ~ : / @ + -, or an https URL of at most 2048 bytes without '
    'fragment, user name or password; default a new one; 23505 where it exists. '
    'token_endpoint_auth_method: none for a public client; client_secret_basic (default), client_secret_post, '
    'client_secret_jwt, private_key_jwt, tls_client_auth or self_signed_tls_client_auth. The last three have no '
    'secret; of client_secret_jwt the vault keeps a sealed copy of it. The plain functions verify neither assertions '
    'nor certificates: the application does and passes client_authenticated; http() verifies them itself. '
    'require_pkce: default true; a public client cannot do without (RFC 9700 section 2.1.1).\n'
    'access_token_ttl: 1 s to 24 h, default 1 h. refresh_token_ttl: 1 min to 3650 d, default 90 d. '
    'refresh_idle_ttl: 1 s to refresh_token_ttl, default 30 d. rate_limit_per_hour: how many requests it may '
    'authenticate in an hour (GCRA, see rate_limit_hit()), default any number; over it every function that takes its '
    'secret answers temporarily_unavailable with retry_after. '
    'resources: at most 50 indicators it may name (RFC 8707), and what a grant is for that names none; default any. '
    'metadata: a JSON object of at most 64 kB. tenant_id: default the session''s; 23503 where it is unknown. '
    'refresh_rotation: false keeps the refresh token at each use, confidential clients only (RFC 9700 '
    'section 4.14.2). refresh_grace: 0 to 300 s, default auth_store.refresh_grace.\n'
    'jwks: its public keys, a JWK set of at most 32 keys and 64 kB; or jwks_uri: the https URL where it publishes '
    'them. access_token_format: opaque or jwt (RFC 9068), where the resource does not say; default the issuer''s. '
    'profile: fapi2 binds it to FAPI 2.0: it authenticates by key or certificate, its tokens are bound, its refresh '
    'token is kept. post_logout_redirect_uris: at most 50, as redirect_uris. backchannel_logout_uri: an https URL '
    'that logout tokens are posted to; backchannel_logout_session_required: they name the session. require_par: '
    'whether it must push its authorization requests (RFC 9126). dpop_bound, certificate_bound: whether its tokens '
    'are bound to a key (RFC 9449) or to its certificate (RFC 8705). default_max_age: how many seconds ago a log-in '
    'may be, where a request does not say. subject_type: public (default), or pairwise (OpenID Connect Core section '
    '8). id_token_signed_response_alg, userinfo_signed_response_alg: ES256, EdDSA or RS256; default the issuer''s, '
    'and none. certificate_subject: of tls_client_auth, one of the members of RFC 8705 section 2.1.2. '
    'authorization_details_types: at most 50 that it may ask for (RFC 9396). owner_id: a user of the tenant (23503) '
    'who manages it, see developer_client_list().';
ALTER FUNCTION auth_store.client_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_create TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_get IS
    'The client with this client_id, without secrets; no row for an unknown one. Lifetimes are in seconds. '
    'Read-only, also on a standby. 22004 for NULL.';
ALTER FUNCTION auth_store.client_get COST 1000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.client_get TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin;

COMMENT ON FUNCTION auth_store.client_list IS
    'The clients of a tenant in the order of their ids, without secrets, max_rows at a time (1 to 1000), behind the '
    'client with the id after: NULL for the first page, then the last client_id of the page before. '
    'owner_id: only those of this user; status: only those of this status; origin: only those of administrator, '
    'developer, registration or document. tenant_id: default the session''s. 22023 for another word. Read-only, also '
    'on a standby.';
ALTER FUNCTION auth_store.client_list COST 10000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.client_list TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_allows_redirect_uri IS
    'Whether the authorization endpoint may send a browser to redirect_uri for this client, also with an error '
    '(RFC 6749 section 4.1.2.1): it is a registered one, exactly, but for the port of a loopback address (RFC 8252 '
    'section 7.3), and the client is active. false for NULL and for an unknown client. Read-only, also on a standby.';
ALTER FUNCTION auth_store.client_allows_redirect_uri COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.client_allows_redirect_uri TO
    auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.client_authenticate IS
    'Checks a client''s secret (RFC 6749 section 2.3.1) and writes an audit row. '
    'ok = true with client_id and tenant_id, or ok = false with error temporarily_unavailable and retry_after where '
    'the client is over its rate_limit_per_hour, or invalid_client: unknown, wrong secret, not active; also for a '
    'public client that sends a secret, and for a secret of a client that authenticates by key or certificate. '
    'An empty secret is the same as none. '
    'A public client that sends none is ok: it is known, and nobody has proved to be it.';
ALTER FUNCTION auth_store.client_authenticate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_authenticate TO auth_store_app;

COMMENT ON FUNCTION auth_store.client_secret_rotate IS
    'Makes a new secret of a client and returns it, this once. '
    'The others, imported ones too, end after overlap: 0 (default, at once) to 365 days. '
    'At most 5 secrets live at a time (55000); 55000 also for a client that authenticates without one. '
    '23503 for an unknown client.';
ALTER FUNCTION auth_store.client_secret_rotate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_secret_rotate TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_secret_import IS
    'Adds a secret of which only the hash is known, from another store: argon2id in PHC form (v=19, m at most '
    '262144 KiB, t and p at most 16, m times t at most 1048576), bcrypt ($2a$, $2b$, $2y$; cost 4 to 15), or '
    'SHA-256 (64 hexadecimal digits, or base64 or base64url); else 22023. SHA-256 only of a secret that a program '
    'has drawn, of 256 random bits, as client_create() does: a guessable one would be guessed from it at once. The '
    'client''s other secrets stay; at most 5 live (55000). Each log-in with argon2id or bcrypt costs a hashing: '
    'rotate when the client can. 23503 for an unknown client. Returns true: what can''t be done is an error.';
ALTER FUNCTION auth_store.client_secret_import COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_secret_import TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_update IS
    'Changes a client. changes: a JSON object with any of name, redirect_uris, grant_types, scope, '
    'token_endpoint_auth_method, require_pkce, access_token_ttl, refresh_token_ttl, refresh_idle_ttl, '
    'rate_limit_per_hour, resources, metadata, refresh_rotation, refresh_grace, owner_id, jwks, jwks_uri, '
    'access_token_format, profile, require_par, dpop_bound, certificate_bound, certificate_subject, subject_type, '
    'id_token_signed_response_alg, userinfo_signed_response_alg, default_max_age, authorization_details_types, '
    'post_logout_redirect_uris, backchannel_logout_uri, backchannel_logout_session_required; another key is 22023. '
    'Times are numbers of seconds or texts of intervals; null puts back the default. '
    'The whole client must then be one that client_create() accepts. Type and tenant are for life. '
    'Tokens issued before keep their own scope and end. 23503 for an unknown client. '
    'Returns true: what can''t be done is an error.';
ALTER FUNCTION auth_store.client_update COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_update TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_set_status IS
    'Sets a client active, suspended, pending or revoked. '
    'Only an active client works: while it is not, its tokens are not active either. '
    'revoked also ends its grants, and is final (55000). reason: at most 1000 characters. '
    '23503 for an unknown client, 22023 for another status. Returns true: what can''t be done is an error.';
ALTER FUNCTION auth_store.client_set_status COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_set_status TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_delete IS
    'Deletes a client with its secrets, codes, grants, consents, device codes, pushed requests and API keys: every '
    'token of it is unknown at once. Its audit trail stays. In one transaction, so for many grants a long one; '
    'client_set_status(client_id, ''revoked'') ends them without deleting. 23503 for an unknown client. '
    'Returns true: what can''t be done is an error.';
ALTER FUNCTION auth_store.client_delete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_delete TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_rates IS
    'The active clients that have a rate_limit_per_hour, and how much of it each has used on this server. Counts '
    'nothing. It reads every client. Read-only, also on a standby.';
ALTER FUNCTION auth_store.client_rates COST 100000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.client_rates TO auth_store_admin, auth_store_auditor, auth_store_monitor;

COMMENT ON FUNCTION auth_store.client_document_store IS
    'Stores what was fetched where http_authorize() said next = fetch: the metadata document of a client whose '
    'client_id is a URL (draft-ietf-oauth-client-id-metadata-document), or the JWK set at a client''s jwks_uri. url: '
    'as it was fetched, by https, without following a redirect. body: what a 200 had, at most 5 kB of a document and '
    '64 kB of a set; NULL where there was none. max_age: how many seconds its server lets it be kept; it is used for '
    '30 s to a day, by default 5 minutes. The first document makes the client, which ends like an unused registration; '
    'later ones change it. client_id: whose document it is, or one of the clients with this jwks_uri. Or error: '
    'invalid_client_metadata or invalid_redirect_uri for what is no such document, as one with another client_id or '
    'with a secret; unauthorized_client where the tenant''s issuer does not take such clients, or no client has the '
    'jwks_uri; temporarily_unavailable where the tenant has as many as it takes. tenant_id: default the session''s; '
    '55000 where it has no issuer. 22023 for a url that is none.';
ALTER FUNCTION auth_store.client_document_store COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_document_store TO auth_store_app;
