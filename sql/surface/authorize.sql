COMMENT ON FUNCTION auth_store.http_authorize IS
    E'The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core section 3.1.2): answers a '
    'browser''s request '
    'at once where the session and a consent are there, else lets it wait for its user for ten minutes. next says what '
    'the front does: redirect: send the answer; page: show error, which must not go to the client; login, consent: let '
    'the user log in, or ask, then call interaction_get() and interaction_accept() or interaction_deny(); fetch: fetch '
    'request''s url, call client_document_store() for its tenant_id and then this again, and send the answer, which is '
    'an error, if that fails. Where the issuer''s settings have a page of the '
    'application for it, the answer is the redirect there, with interaction=interaction_id.\n'
    'method: GET, HEAD or POST (22023). query, body: as they came, at most 64 kB; a POST has its '
    'parameters in the body. '
    'session_token: of the browser''s cookie; one that is not valid is none. tenant_id: whose endpoint '
    'it is; NULL: the '
    'client''s.\n'
    'response_type code; response_mode query or form_post; PKCE; scope, state, nonce, resource (RFC '
    '8707), dpop_jkt (RFC '
    '9449), authorization_details (RFC 9396), prompt (none, login, consent, select_account, and create where '
    'the issuer has create_url or login_url), max_age, '
    'acr_values, claims, id_token_hint, login_hint, ui_locales, display; request (RFC 9101) and '
    'request_uri of a pushed '
    'request (RFC 9126), which becomes the interaction, so that a reload finds it. Each answer to the client has iss '
    '(RFC 9207). An unknown parameter is ignored. Of claims those alone count whose scope token (OpenID Connect '
    'Core section 5.4) the client may have; the user is asked for them each time unless that token was agreed to. An '
    'unknown client_id that is a URL is fetched where the issuer''s metadata_documents is on. Over '
    'authorization_max_per_network the error is temporarily_unavailable. 55000 where the tenant has no issuer.';
ALTER FUNCTION auth_store.http_authorize COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_authorize TO auth_store_app;

COMMENT ON FUNCTION auth_store.interaction_get IS
    E'What an authorization request waits for, with this session: next is login, consent, or accept where nothing is '
    'left to ask (call interaction_accept() at once); page where it was answered before, or its ten minutes are over. '
    'request is what the page shows: tenant_id (where the user logs in), client_id, client_name, client_uri, '
    'logo_uri, policy_uri, tos_uri, contacts, redirect_uri, scope, missing_scope (not agreed to before), resource, '
    'authorization_details, prompt, max_age, acr_values, login_hint, ui_locales, display, claims, create_url '
    '(where an account is made), user_id (of the session); what there is nothing of is left out.\n'
    'A session that was there from the start is the one that is asked; another one counts if its user logged in after '
    'the request began. A log-in satisfies prompt=login, max_age and acr_values of the request if it came after that, '
    'unless claims has the acr as essential.';
ALTER FUNCTION auth_store.interaction_get COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.interaction_get TO auth_store_app;

COMMENT ON FUNCTION auth_store.interaction_accept IS
    E'The user agrees: records the consent where the user was asked, issues the code in the session, and returns the '
    'way back to the client, once. next is login or consent where something is still missing; page where it was '
    'answered before, its time is up, or scope is not part of the request''s.\n'
    'scope: what the user agreed to; NULL: all of the request. claims: a JSON object of at most 64 kB, kept with the '
    'grant and returned with its tokens. authorization_details: as the user agreed to them, of the types of the '
    'request (22023); NULL: as they were asked for.';
ALTER FUNCTION auth_store.interaction_accept COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.interaction_accept TO auth_store_app;

COMMENT ON FUNCTION auth_store.interaction_deny IS
    'The user refuses, or cannot be asked: returns the way back to the client with this error, once. '
    'error: access_denied, login_required, consent_required, interaction_required, account_selection_required, '
    'unmet_authentication_requirements, temporarily_unavailable or server_error (22023). '
    'next is page where it was answered before, or its time is up.';
ALTER FUNCTION auth_store.interaction_deny COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.interaction_deny TO auth_store_app;

COMMENT ON FUNCTION auth_store.http_device IS
    E'The page where a user enters the code of a device (RFC 8628 section 3.3). next says what the front does: login; '
    'enter: let the user enter a code, with error where one was wrong, 429 and retry-after over the cap on wrong ones; '
    'consent: ask, then call device_approve() or device_deny(). request is what the page shows and device_approve() '
    'takes: user_code, client_id, client_name, client_uri, logo_uri, policy_uri, tos_uri, contacts, scope, resource, '
    'user_id, session_id, auth_time, acr, amr.\n'
    'user_code: as it was entered, or of the URL; NULL: none yet. session_token: of the browser''s cookie. '
    'tenant_id: whose page it is. 55000 where the tenant has no issuer.';
ALTER FUNCTION auth_store.http_device COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_device TO auth_store_app;

COMMENT ON FUNCTION auth_store.http_end_session IS
    E'The log-out endpoint (OpenID Connect RP-Initiated Logout 1.0): ends the browser''s session and the grants that '
    'were made in it. next is redirect to a registered post_logout_redirect_uri; page: tell the user, with error where '
    'the request was wrong and nothing was ended; confirm: ask, then call this again with confirmed. Nobody is asked '
    'whose client shows an ID token of the session''s user as id_token_hint, which may have expired, and '
    'where there is '
    'no session. request, of confirm: client_id, client_name, post_logout_redirect_uri, user_id.\n'
    'query: of the URL, or the body of a POST, at most 64 kB. session_token: of the browser''s cookie, which the front '
    'deletes unless next is confirm. confirmed: true where the user has said so on a page that no other site can send. '
    'tenant_id: whose endpoint it is; NULL: the session''s or the client''s. 55000 where the tenant has no issuer.';
ALTER FUNCTION auth_store.http_end_session COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.http_end_session TO auth_store_app;
