COMMENT ON FUNCTION auth_store.http_token IS
    E'The token endpoint (RFC 6749 section 3.2) in one call: takes the request, returns the answer to be sent. '
    'A protocol error is an answer too; the call raises only 22023 (an unknown tenant_id) and what every call that '
    'writes can.\n'
    'body: the form as it came, at most 64 kB; NULL is an empty one. '
    'authorization, dpop: the headers, NULL where there was none. '
    'client_certificate: the DER certificate that the client proved in its TLS handshake (RFC 8705). '
    'tenant_id: whose endpoint it is; clients of other tenants are unknown at it.\n'
    'The grant types authorization_code, refresh_token, client_credentials, device_code (RFC 8628) and token-exchange '
    '(RFC 8693) are those of code_redeem(), token_refresh(), token_issue_client_credentials(), device_redeem() and '
    'token_exchange().';
ALTER FUNCTION auth_store.http_token COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_token TO auth_store_app;

