COMMENT ON FUNCTION auth_store.http_token IS
    E'The token endpoint (RFC 6749 section 3.2) in one call: takes the request, returns the answer to be sent. '
    'A protocol error is an answer too; raised are 23503 for an unknown tenant, 55000 for one without an issuer, and '
    'what every call can raise that writes.\n'
    'body: the form as it came, at most 64 kB; NULL is an empty one. '
    'authorization, dpop: the headers, NULL where there was none. '
    'client_certificate: the DER certificate that the client proved in its TLS handshake (RFC 8705). '
    'tenant_id: whose endpoint it is, default ''default''; clients of other tenants are unknown at it.\n'
    'The grant types authorization_code, refresh_token, client_credentials, device_code (RFC 8628) and token-exchange '
    '(RFC 8693) are those of code_redeem(), token_refresh(), token_issue_client_credentials(), device_redeem() and '
    'token_exchange(). The client authenticates by a secret, in the header or the body, by an assertion (RFC 7523) or '
    'by its certificate (RFC 8705), as it is registered. A rate limit is 429 with retry-after, and 400 slow_down to a '
    'device. Under the profile fapi2 the client needs a key or certificate, and its tokens are bound to one.';
ALTER FUNCTION auth_store.http_token COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_token TO auth_store_app;

COMMENT ON FUNCTION auth_store.http_introspect IS
    E'The introspection endpoint (RFC 7662) in one call: takes the request, returns the answer to be sent. '
    'A protocol error is an answer too; raised are 23503 for an unknown tenant, 55000 for one without an issuer, and '
    'what every call can raise that writes.\n'
    'body: the form as it came, at most 64 kB; NULL is an empty one. '
    'authorization, dpop: the headers, NULL where there was none. '
    'client_certificate: the DER certificate that the client proved in its TLS handshake (RFC 8705). '
    'tenant_id: whose endpoint it is, default ''default''; clients of other tenants are unknown at it.\n'
    'accept: the header; with application/token-introspection+jwt the answer is signed (RFC 9701). '
    'The client that asks must be confidential. Tokens of other tenants are inactive. sub is what the token''s own '
    'client knows the user by; username is there where the scope has email. '
    'A right request writes nothing, so that a standby answers it too, unless auth_store.audit_introspection is on.';
ALTER FUNCTION auth_store.http_introspect COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_introspect TO auth_store_app;

COMMENT ON FUNCTION auth_store.http_revoke IS
    E'The revocation endpoint (RFC 7009) in one call: takes the request, returns the answer to be sent. '
    'A protocol error is an answer too; raised are 23503 for an unknown tenant, 55000 for one without an issuer, and '
    'what every call can raise that writes.\n'
    'body: the form as it came, at most 64 kB; NULL is an empty one. '
    'authorization, dpop: the headers, NULL where there was none. '
    'client_certificate: the DER certificate that the client proved in its TLS handshake (RFC 8705). '
    'tenant_id: whose endpoint it is, default ''default''; clients of other tenants are unknown at it.\n'
    'As token_revoke(): 200 also for a token that is none, 400 invalid_grant for another client''s.';
ALTER FUNCTION auth_store.http_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_revoke TO auth_store_app;

COMMENT ON FUNCTION auth_store.http_par IS
    E'The endpoint for pushed authorization requests (RFC 9126) in one call: takes the request, returns the answer to '
    'be sent. '
    'A protocol error is an answer too; raised are 23503 for an unknown tenant, 55000 for one without an issuer, and '
    'what every call can raise that writes.\n'
    'body: the form as it came, at most 64 kB; NULL is an empty one. '
    'authorization, dpop: the headers, NULL where there was none. '
    'client_certificate: the DER certificate that the client proved in its TLS handshake (RFC 8705). '
    'tenant_id: whose endpoint it is, default ''default''; clients of other tenants are unknown at it.\n'
    'As pushed_request_create(), with 201. A DPoP proof binds the code to its key (RFC 9449 section 10.1).';
ALTER FUNCTION auth_store.http_par COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_par TO auth_store_app;

COMMENT ON FUNCTION auth_store.http_device_authorization IS
    E'The device authorization endpoint (RFC 8628 section 3.1) in one call: takes the request, returns the answer to '
    'be sent. '
    'A protocol error is an answer too; raised are 23503 for an unknown tenant, 55000 for one without an issuer, and '
    'what every call can raise that writes.\n'
    'body: the form as it came, at most 64 kB; NULL is an empty one. '
    'authorization, dpop: the headers, NULL where there was none. '
    'client_certificate: the DER certificate that the client proved in its TLS handshake (RFC 8705). '
    'tenant_id: whose endpoint it is, default ''default''; clients of other tenants are unknown at it.\n'
    'As device_authorize(); verification_uri is the issuer''s setting device_url, else its path device_verification.';
ALTER FUNCTION auth_store.http_device_authorization COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_device_authorization TO auth_store_app;

COMMENT ON FUNCTION auth_store.http IS
    E'Every endpoint of a provider in one call: takes an HTTP request, returns the answer to be sent. '
    'A protocol error is an answer too, and so is a path that is no endpoint (404) or a method that it has not (405). '
    'Raised is 55000 where no issuer is set, and what every call can raise that writes.\n'
    'method: as it came. path: with the path of the issuer, if that has one, at most 2048 bytes. '
    'query, body: the bytes as they came, without the question mark; the body at most 64 kB. '
    'headers: an object of texts, or of arrays of texts where one came several times; the names in any case. Read are '
    'accept, authorization, content-type, dpop, if-none-match, origin and user-agent. '
    'ip: the client''s address. '
    'client_certificate: the DER certificate that the client proved in its TLS handshake (RFC 8705). '
    'session_token: the session of the browser, from the front''s cookie.\n'
    'The authorization and the log-out endpoint are there if the issuer has login_url and consent_url, or logout_url: '
    'the browser is sent to these pages of the application. A front with pages calls http_authorize(), '
    'http_end_session() and http_device() itself: it adds a header auth-store-pages, and has a 404 with the headers '
    'auth-store-endpoint (authorization, end_session or device_verification) and auth-store-tenant in return.\n'
    'Pages of the origins of a client''s redirect URIs may read the answers to that client, and any page what is '
    'public (CORS). HEAD is answered as GET without the body. A header auth-store-fetch is for the front: it fetches '
    'that URL, gives what it got to client_document_store() for the tenant of auth-store-tenant, and asks once again.';
ALTER FUNCTION auth_store.http COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http TO auth_store_app;

COMMENT ON FUNCTION auth_store.http_userinfo IS
    E'The userinfo endpoint (OpenID Connect Core section 5.3) in one call: takes the request, returns the answer to be '
    'sent. A protocol error is an answer too; raised are 23503 for an unknown tenant and 55000 for one without an '
    'issuer. Without a proof it reads alone, so that a standby answers it; a proof is claimed, 25006 there.\n'
    'authorization: the header, with a token by the scheme Bearer or DPoP. dpop: the proof, for the method and the URL '
    'of the endpoint. method: of the request, default GET. body: the form of a POST, which may have access_token '
    '(RFC 6750 section 2.2); NULL is an empty one. client_certificate: the DER certificate of the connection, for a '
    'token that is bound to it. tenant_id: whose endpoint it is, default ''default''.\n'
    'The token needs the scope openid and must be for the issuer, or for any resource. What is said of the user is '
    'what the scope stands for, and what the parameter claims asked for by name. The answer is signed where the client '
    'has userinfo_signed_response_alg. Errors are those of RFC 6750 section 3.1 and RFC 9449 section 7.1, with '
    'WWW-Authenticate.';
ALTER FUNCTION auth_store.http_userinfo COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_userinfo TO auth_store_app;

COMMENT ON FUNCTION auth_store.http_register IS
    'The client registration endpoint (RFC 7591): POST with client_id NULL; and the configuration endpoint of a client '
    '(RFC 7592): GET, PUT and DELETE with its client_id, which registration_client_uri ends in. method: of the '
    'request. body: its JSON object, at most 64 kB and 16 levels deep. authorization: the header, an initial access '
    'token (an access token with the scope client:register) for POST where the issuer''s setting registration is '
    'token, otherwise the registration access token. A client that a user''s token registers is the user''s. Without '
    'an initial access token the grant types are those of users. 201 or 200 with what is registered; 204 after DELETE, '
    'when nothing of the client works any more; 400 invalid_client_metadata or invalid_redirect_uri; 401 without a '
    'token that is needed; 404 where the issuer takes no registrations; 405; 429 over the issuer''s '
    'registration_max_per_network, registration_max_per_hour or registration_max_clients. A registration '
    'ends that no user has consented to within registration_unused_ttl. tenant_id: default the session''s; 55000 '
    'where it has no issuer.';
ALTER FUNCTION auth_store.http_register COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_register TO auth_store_app;
