-- The end of the install script: nobody may call anything, then the API on one page - for every function what it does, and
-- who may call it - and the tables are made.

-- All before had to find the schema by this path; from here on everything is named in full.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Privileges are exactly those that this page grants: what default privileges gave to anybody else goes. Types keep
-- PostgreSQL's own, USAGE for PUBLIC: without a function a type is good for nothing.
DO $$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT p.oid::pg_catalog.regprocedure AS name, p.prosecdef,
               CASE WHEN p.prosecdef THEN 'auth_store_owner' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.proowner)::text) END AS owner,
               (SELECT pg_catalog.string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC'
                                                           ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::text) END, ', ')
                  FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                 WHERE a.grantee <> p.proowner) AS others
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_proc p ON p.oid = d.objid
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND d.deptype = 'e'
           AND e.extname = 'auth_store'
    LOOP
        -- No function of the store runs as a superuser.
        IF member.prosecdef THEN
            EXECUTE pg_catalog.format('ALTER ROUTINE %s OWNER TO auth_store_owner', member.name);
        END IF;
        IF member.others IS NOT NULL THEN
            EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM %s CASCADE', member.name, member.others);
        END IF;
        EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %s', member.name, member.owner);
    END LOOP;
    FOR member IN
        SELECT t.oid::pg_catalog.regtype AS name,
               pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(t.typowner)::text) AS owner,
               (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::text), ', ')
                  FROM pg_catalog.aclexplode(t.typacl) a
                 WHERE a.grantee <> t.typowner AND a.grantee <> 0) AS others
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_type t ON t.oid = d.objid AND t.typacl IS NOT NULL
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND d.deptype = 'e'
           AND e.extname = 'auth_store'
    LOOP
        IF member.others IS NOT NULL THEN
            EXECUTE pg_catalog.format('REVOKE ALL ON TYPE %s FROM %s CASCADE', member.name, member.others);
        END IF;
        EXECUTE pg_catalog.format('GRANT USAGE ON TYPE %s TO %s, PUBLIC', member.name, member.owner);
    END LOOP;
END
$$;

-- schema -------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.install IS
$$Creates the tables, views, policies and partitions of the store, or puts back what is missing of them; repairs ownership after a restore with --no-owner; says which version the tables are after a restore of the schema alone; makes the privileges on schema, tables, views, functions and types exactly the shipped ones: what anybody else was granted on them, by hand or by default privileges, is taken back. Idempotent; the caller's settings (search_path, quote_all_identifiers, default_tablespace, ...) change nothing. Tables of another version it leaves to migrate(), with a WARNING. Superusers only (42501). Refuses tables that belong to a role that is neither auth_store_owner nor a superuser (42501). Returns the version of the tables.$$;
ALTER FUNCTION auth_store.install COST 100000;

COMMENT ON FUNCTION auth_store.migrate IS
$$Brings the tables to a version: to_version, or the library's own where it is NULL; up or down, in one transaction. Superusers only (42501); 22023 for a version that is not known. Then it gives a key to each e-mail address that has none and is no other user's; where one is, a NOTICE says so and check() names both. Returns the version.$$;
ALTER FUNCTION auth_store.migrate COST 100000;

COMMENT ON FUNCTION auth_store.check IS
$$Lists what is missing, foreign or altered in this database: the object, the problem and what to do. severity is problem, or note for what an application added that the store can live with: a trigger, a column, an index, a constraint, a restrictive policy. No row with severity problem: all is well. Compared are definitions, not names: columns, constraints, indexes, policies, views, types, functions, owners, privileges, the store's roles.$$;
ALTER FUNCTION auth_store.check COST 100000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.check TO auth_store_admin, auth_store_auditor;

COMMENT ON FUNCTION auth_store.uninstall IS
$$Drops every table and view of the store with all rows, so that DROP EXTENSION succeeds. confirm must be the name of the current database (22023). Refused (2BP01) while something else refers to the tables. Superusers only (42501). Returns true: what can't be done is an error.$$;
ALTER FUNCTION auth_store.uninstall COST 100000;

COMMENT ON FUNCTION auth_store.restoring IS
$$Whether the session restores a dump: check_function_bodies is off and CREATE EXTENSION did not switch it off itself. The install script then makes no tables, because the dump brings them.$$;
ALTER FUNCTION auth_store.restoring COST 1;

COMMENT ON FUNCTION auth_store.guard IS
$$The function of the event trigger auth_store_guard: a command begins that may drop something. What would drop a table or view of auth_store, a column or a foreign key is then refused (55000), by whatever cascade and whoever says it, unless auth_store.allow_drop is on, in a restore (check_function_bodies = off, as pg_restore has it) and in the store's own functions.$$;
ALTER FUNCTION auth_store.guard COST 10000;

COMMENT ON FUNCTION auth_store.guard_tables IS
$$What guard() asks of the library: guards the tables while the command with this tag runs; true. Not after DROP EXTENSION, which drops no table.$$;
ALTER FUNCTION auth_store.guard_tables COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.guard_tables TO auth_store_owner;

COMMENT ON FUNCTION auth_store.tenant_visible IS
$$Whether the session may see rows of that tenant: true unless auth_store.tenant_id is set to another one. What the policies tenant_pin call.$$;
ALTER FUNCTION auth_store.tenant_visible COST 1;
GRANT EXECUTE ON FUNCTION auth_store.tenant_visible TO auth_store_owner, auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor, auth_store_verifier, auth_store_worker, auth_store_jobs;

COMMENT ON FUNCTION auth_store.id_time IS
$$When an id of the store was made, to the millisecond: the first 48 bits of a UUIDv8 (RFC 9562 section 5.8). NULL for NULL.$$;
ALTER FUNCTION auth_store.id_time COST 1;
GRANT EXECUTE ON FUNCTION auth_store.id_time TO auth_store_owner, auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor, auth_store_verifier, auth_store_worker, auth_store_jobs;

-- call ---------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.call IS
$$Calls a function of the store by name with its arguments in a JSON object, and returns what it returns as JSON: for a driver that can't say what type a value has. The function runs with the caller's rights, as if it was called directly, in the same transaction; only functions of the store can be called, not procedures, which commit.
function: its name, without the schema. arguments: a member for each argument by its name; one that is left out has its default, null is NULL. JSON strings stand for texts and for every type that has a text form: uuid, inet, timestamptz (2030-01-01T00:00:00Z), interval, bytea (hexadecimal, after \x); numbers for numbers, and as seconds for an interval; true and false for booleans; arrays for arrays; any JSON for jsonb.
Returns an object where the function returns a row, an array where it returns a set of rows, else the value as to_jsonb() writes it; null for NULL and for a function that returns nothing: never an SQL NULL. Secrets that it makes are in there and nowhere else.
22004 for a NULL function. 22023, with the accepted names in the HINT, for a name that is none of a function the caller may call or of an argument, for an argument that is missing, and for JSON of another kind than an argument takes; 22P02 or another code of class 22 for a text that its type does not take. The message names the argument, never the value. 42501 where the caller may not call the function. All other errors are the function's own.$$;
ALTER FUNCTION auth_store.call COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.call TO auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor, auth_store_verifier, auth_store_worker, auth_store_jobs;

-- pkce ---------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.pkce_challenge IS
$$The S256 challenge of a code verifier: base64url of its SHA-256 (RFC 7636 section 4.2). verifier: 43 to 128 unreserved characters, else 22023; 22004 for NULL.$$;
ALTER FUNCTION auth_store.pkce_challenge COST 100;
GRANT EXECUTE ON FUNCTION auth_store.pkce_challenge TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.pkce_verify IS
$$Whether a code verifier is the one of the challenge (RFC 7636 section 4.6). false for NULL, for a malformed verifier and for every method but S256.$$;
ALTER FUNCTION auth_store.pkce_verify COST 100;
GRANT EXECUTE ON FUNCTION auth_store.pkce_verify TO auth_store_app, auth_store_reader, auth_store_verifier;

-- code ---------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.code_issue IS
$$Issues an authorization code (RFC 6749 section 4.1.2) after the user has logged in and agreed. Returns the code, its end, the granted scope and the state; or a row with error: unauthorized_client (unknown, inactive or not allowed), invalid_request (redirect_uri, PKCE, dpop_jkt, lengths), invalid_scope, invalid_target (RFC 8707), access_denied (user not active).
client_id, user_id: who; an unknown user, or one of another tenant than the client, is 23503; a NULL user_id is 22004, a NULL client_id an unknown one. redirect_uri: a registered one, exactly, but for the port of a loopback address (RFC 8252 section 7.3); NULL where only one is registered. scope: NULL for all of the client's. code_challenge: S256 (RFC 7636), required unless the client has require_pkce = false. state, nonce, acr: at most 2048 bytes. resource: RFC 8707. auth_time, acr, amr, claims (a JSON object), nonce and session_id come back at redemption. session_id: one of the application's own, or a session of the store: one that is over is access_denied, another user's 23503. dpop_jkt: binds the code to a key (RFC 9449 section 10). ttl: 1 s to 10 min (22023), default auth_store.code_ttl (60 s). amr: at most 20 texts of 255 bytes; claims: at most 64 kB (22023). An empty parameter counts as left out (RFC 6749 section 3.1).$$;
ALTER FUNCTION auth_store.code_issue COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.code_issue TO auth_store_app;

COMMENT ON FUNCTION auth_store.code_redeem IS
$$Redeems an authorization code, once, for an access token and, where the client may have one, a refresh token (RFC 6749 section 4.1.3). A row with error otherwise: invalid_client, invalid_grant (unknown, expired, another client's, wrong redirect_uri, verifier or key, user not active, session over), invalid_request (verifier without challenge, RFC 9700; malformed dpop_jkt or x5t_s256), invalid_scope or invalid_target (nothing of it that the client may still have; a resource that was not granted). Scope and resources are granted as far as the client has them now. What is refused by the client's present scope or resources, a wrong verifier, client or redirect_uri consumes nothing; the fifth wrong verifier ends the code.
A second presentation is a retry while the first runs or within auth_store.code_replay_grace (0.5 s) of its end: invalid_grant, nothing else. Later it is a replay: the grant of the first use and its tokens end, and the audit trail says code_replay at risk 1.
client_secret: of a confidential client, unless client_authenticated says that the application authenticated it. resource: fewer than granted. dpop_jkt: thumbprint of the key of a verified DPoP proof. x5t_s256: SHA-256 thumbprint of the certificate the client proved (RFC 8705). The grant with all its tokens is bound to whichever of them is given. An empty parameter counts as left out (RFC 6749 section 3.2).$$;
ALTER FUNCTION auth_store.code_redeem COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.code_redeem TO auth_store_app;

-- pushed request -----------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.pushed_request_create IS
$$Takes the parameters of an authorization request ahead of the browser (RFC 9126) and returns request_uri, a reference that the client's browser brings once, and expires_in in seconds: auth_store.pushed_request_ttl (60 s). A row with error otherwise: invalid_client; invalid_request (a parameter that code_issue() would not take, no response_type, a client_id that is not the client's, a request_uri among them, more than 64 kB); unsupported_response_type for another than code; request_not_supported for a request object; invalid_scope; invalid_target; unauthorized_client; temporarily_unavailable with retry_after over the client's rate limit.
client_secret: unless client_authenticated says that the application authenticated the client. parameters: a JSON object, 22004 for NULL and 22023 for anything else; each parameter of the request a string, resource also an array of strings. client_secret, client_assertion and client_assertion_type among them are never stored, nor is what is empty (RFC 6749 section 3.1); the rest is kept as it is, known or not, in the clear, until it is consumed or expires.$$;
ALTER FUNCTION auth_store.pushed_request_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.pushed_request_create TO auth_store_app;

COMMENT ON FUNCTION auth_store.pushed_request_consume IS
$$Returns the parameters behind a request_uri, once (RFC 9126 section 4), and its resource again as an array for code_issue(). A row with error otherwise: invalid_request_uri (unknown, used, expired, another client's; those of another client or of one that is not active are not used up) or unauthorized_client (client unknown or not active). Call it when the user has agreed, or keep what it returned: a reload of the page finds it used. scope and resource come back as far as the client may still have them; invalid_scope or invalid_target where that is nothing, which consumes nothing.$$;
ALTER FUNCTION auth_store.pushed_request_consume COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.pushed_request_consume TO auth_store_app;

-- device -------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.device_authorize IS
$$Begins the log-in of a device without a keyboard (RFC 8628 section 3.1). Returns device_code, with which the device polls; user_code, eight letters as XXXX-XXXX, which the user types elsewhere; expires_in, seconds both live: auth_store.device_code_ttl (15 min); interval, seconds between polls: auth_store.device_poll_interval (5 s); and the scope asked for. The verification_uri of section 3.2 is the application's. A row with error otherwise: invalid_client, unauthorized_client (the client may not use the grant type), invalid_scope, invalid_target, temporarily_unavailable with retry_after over the client's rate limit.
client_secret: of a confidential client, unless client_authenticated says that the application authenticated it. scope: NULL for all of the client's. resource: RFC 8707. An empty parameter counts as left out (RFC 6749 section 3.2).$$;
ALTER FUNCTION auth_store.device_authorize COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_authorize TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_lookup IS
$$The pending request that a user code leads to, for the page that asks the user: client_id, client_name, scope, resource, status pending, expires_at. A row with error otherwise: invalid_grant (a wrong code, or with status approved or denied one that was decided before), expired_token with status expired, temporarily_unavailable with retry_after.
user_code: in any case, with or without dashes, spaces and other marks. Wrong codes are counted (RFC 8628 section 5.1): auth_store.user_code_guesses_per_network (20) an hour from the /24 or /64 of ip, auth_store.user_code_guesses_per_tenant (3600) an hour in the tenant; who is over either learns nothing more, also not by device_approve() and device_deny(), until retry_after seconds have passed. Right codes, and texts that can be no code, do not count. So it writes: 25006 on a standby. tenant_id: default the session's; 23503 where it is unknown.$$;
ALTER FUNCTION auth_store.device_lookup COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_lookup TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_approve IS
$$The user agrees to the request with this code (RFC 8628 section 3.3). Both columns NULL on success, or a row with error: as device_lookup(), and unauthorized_client (the client is not active), access_denied (the user is not active), invalid_scope (more than was asked for), invalid_request (acr over 2048 bytes). A request is decided once: approving or denying it again is invalid_grant.
user_id: who agrees, and whose tenant's code it is; 22004 for NULL, 23503 for an unknown one. scope: less than was asked for; NULL for all. session_id, auth_time, acr, amr, claims: of the log-in, as in code_issue().$$;
ALTER FUNCTION auth_store.device_approve COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_approve TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_deny IS
$$The user refuses the request with this code: the device gets access_denied. Both columns NULL on success, or a row with error: as device_lookup(). A request is decided once. tenant_id: as in device_lookup().$$;
ALTER FUNCTION auth_store.device_deny COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_deny TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_redeem IS
$$A poll of the device (RFC 8628 section 3.4): tokens, once, when the user has agreed. A row with error otherwise: authorization_pending; slow_down where the poll came before nine tenths of its interval were over, which adds 5 s to the interval for this and all later polls, up to a minute and to half of what is left of the code's life; access_denied; expired_token; invalid_client, unauthorized_client, invalid_target; invalid_request (malformed thumbprint); invalid_grant (unknown, another client's, redeemed before, user not active). With the first two retry_after is the interval in seconds. An approved code is redeemed at once, however early the poll.
Of polls at the same time one gets the tokens, the others invalid_grant. A second presentation is a retry or a replay as in code_redeem(), with the same end. A poll that is answered authorization_pending writes no audit row.
resource: fewer than granted. dpop_jkt, x5t_s256: thumbprints of the key or certificate the device proved, to which the tokens are bound (RFC 9449, RFC 8705). An empty parameter counts as left out (RFC 6749 section 3.2). Scope and resources are granted as far as the client has them now; invalid_scope or invalid_target where that is nothing, which consumes nothing.$$;
ALTER FUNCTION auth_store.device_redeem COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_redeem TO auth_store_app;

-- token --------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.token_issue IS
$$Issues tokens for a user on the word of a trusted application, without a code. Returns a token response; a row with error where the client is not active or may not refresh (unauthorized_client), the user is not active or the session is over (access_denied), or for invalid_scope and invalid_target. 23503 for an unknown client or user; 22004 for NULL of either.
refresh: NULL, with a refresh token where the client may have one; true, required; false, without. scope: NULL for all of the client's. resource: RFC 8707. claims: a JSON object kept with the grant. cnf: the confirmation (RFC 7800) the tokens are bound to: jkt, x5t#S256, each a SHA-256 thumbprint in base64url, else 22023.$$;
ALTER FUNCTION auth_store.token_issue COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_issue TO auth_store_app;

COMMENT ON FUNCTION auth_store.token_issue_client_credentials IS
$$Issues an access token to a confidential client in its own name (RFC 6749 section 4.4); no refresh token. A row with error otherwise: invalid_client, unauthorized_client, invalid_scope, invalid_target.
client_secret: unless client_authenticated says that the application authenticated the client. scope: NULL for all of the client's. resource: RFC 8707. cnf: as for token_issue(). An empty parameter counts as left out (RFC 6749 section 3.2).$$;
ALTER FUNCTION auth_store.token_issue_client_credentials COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_issue_client_credentials TO auth_store_app;

COMMENT ON FUNCTION auth_store.token_refresh IS
$$Exchanges a refresh token for a new one and an access token (RFC 6749 section 6). The previous token gives the same successor again within the client's grace (auth_store.refresh_grace, 10 s), and one replaced before it, also within the grace, is invalid_grant and nothing else (flag refresh_retry): of two tabs one was faster. Every other use of a replaced token, and any of a time that the clock has not come to, is reuse: the family ends with its access tokens, and the audit trail says refresh_reuse at risk 1 (RFC 9700 section 4.14.2). A client with refresh_rotation = false keeps its token.
A row with error otherwise: invalid_client, invalid_grant (unknown, expired, revoked, another client's, wrong key), invalid_scope and invalid_target (wider than granted, or nothing of it that the client may still have), unauthorized_client.
scope, resource: narrower for this access token only; NULL for all of the grant's. Either way as far as the client has them now: what client_update() takes from it is not issued again, and the grant keeps it for when it is given back. dpop_jkt, x5t_s256: thumbprints of the key or certificate the sender proved (RFC 9449, RFC 8705). What is bound to a key needs one: a public client's the same, a confidential client, which has authenticated, may have changed its key, and the new access token is bound to the new one, those before it to theirs. An empty parameter counts as left out (RFC 6749 section 3.2).$$;
ALTER FUNCTION auth_store.token_refresh COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_refresh TO auth_store_app;

COMMENT ON FUNCTION auth_store.token_exchange IS
$$Gives a client an access token of its own for the access token of somebody else that it holds (RFC 8693), no wider and no longer-lived; no refresh token. Returns a token response with issued_token_type. The new token is active only while the subject token is, with its grant and client, and so is what it is exchanged for in turn, at most five times. A row with error otherwise: invalid_client, unauthorized_client (the client is public or lacks the grant type urn:ietf:params:oauth:grant-type:token-exchange), invalid_request (a token that is not active, of another tenant, of another type or bound to a key that was not proved; an actor token of another client; an actor that the subject's claim may_act does not name; malformed thumbprints), invalid_scope and invalid_target (wider than the subject's or the client's own, or nothing in common).
subject_token: the access token of the party on whose behalf the request is made. actor_token: an access token of the calling client: its user, or the client itself, becomes the claim act, with the subject's own act nested in it (section 4.1). NULL: impersonation, act stays as it is. scope: NULL for all of the subject's that the client is registered for. resource, audience: the services the token is for, by URI or by name, out of the subject's; NULL for all of those that the client may name. The three token types: urn:ietf:params:oauth:token-type:access_token or NULL. dpop_jkt, x5t_s256: thumbprints the sender proved; the new token is bound to them, and a bound subject or actor token needs its own (RFC 9449, RFC 8705). An empty parameter that is no token counts as left out (RFC 6749 section 3.2).$$;
ALTER FUNCTION auth_store.token_exchange COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_exchange TO auth_store_app;

COMMENT ON FUNCTION auth_store.refresh_token_import IS
$$Takes over a refresh token of another store, of which only the digest is known, and returns the id of its grant; NULL, and nothing done, where expires_at is past. The holder's text is accepted by token_refresh() as the first token of that grant, and its first use replaces it by one of this store's own: from then on it is a replaced refresh token like any other, with the same grace and the same end by reuse. token_revoke() takes it too. Imported again for the same client, nothing changes and the same id comes back; 23505 for another client.
digest: SHA-256 of the text, as 64 hexadecimal digits (\x before them or not) or as base64 or base64url. client_id: a client with the grant type refresh_token (22023). user_id: of the same tenant; 23503 for an unknown client or user. scope: NULL for all that the client is registered for; more is 22023. expires_at: the absolute end, at most 3650 days away; NULL for the client's refresh_token_ttl from now on. Unused it ends after the client's refresh_idle_ttl from now on. session_id, resource, auth_time, claims, cnf: as code_issue() and token_issue() take them; they are kept with the grant.$$;
ALTER FUNCTION auth_store.refresh_token_import COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.refresh_token_import TO auth_store_admin;

COMMENT ON FUNCTION auth_store.token_introspect IS
$$The state of an access token (RFC 7662 section 2.2), read-only, also on a standby. Always one row; active = false with all else NULL for a text that is NULL, malformed, unknown, expired or revoked, and while its grant or client is not active: it is not told which.$$;
ALTER FUNCTION auth_store.token_introspect COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.token_introspect TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_introspection IS
$$token_introspect() as the JSON of RFC 7662 section 2.2; issuer becomes the member iss. exp and iat are seconds since 1970. The claims that were given with the log-in stand beside the store's members, with every digit and level they had; none takes the place of active, scope, client_id, username, token_type, exp, iat, sub, aud, iss, jti, sid, tenant_id or cnf, also where the store has none of these.$$;
ALTER FUNCTION auth_store.token_introspection COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.token_introspection TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_authorize IS
$$Whether an access token allows a request to a resource: token_introspect() with error invalid_token (not active, bound to a key that was not proved, or for another resource) or insufficient_scope (RFC 6750 section 3.1); active is true only without an error. Read-only, also on a standby.
required_scope: tokens that must all be granted, 22023 where malformed. resource: must be in the token's audience where it has one (RFC 8707). dpop_jkt, x5t_s256: thumbprints the sender proved; a bound token without its proof is refused, a DPoP proof with an unbound token too (RFC 9449 section 7.1).$$;
ALTER FUNCTION auth_store.token_authorize COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.token_authorize TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_use IS
$$token_authorize() with an audit row token.used, by what is committed at the call and what its transaction did before, at every isolation level. Writes, so 25006 in a read-only transaction or on a standby.$$;
ALTER FUNCTION auth_store.token_use COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_use TO auth_store_app, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_revoke IS
$$Ends a token at the wish of its client (RFC 7009): an access token alone, a refresh token with its whole grant. Success (error NULL) also for a text that is no live token. invalid_client where the client is not authenticated; temporarily_unavailable with retry_after over its rate limit; invalid_grant for a token of another client. token_type_hint changes nothing: a token's text names its kind. reason: 1 to 1000 characters, else 22023; NULL is revoked.$$;
ALTER FUNCTION auth_store.token_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_revoke TO auth_store_app;

COMMENT ON FUNCTION auth_store.token_hash IS
$$SHA-256 of a token's text: what the store keeps as digest. For correlating a leaked token with a row. NULL for NULL.$$;
ALTER FUNCTION auth_store.token_hash COST 100;
GRANT EXECUTE ON FUNCTION auth_store.token_hash TO auth_store_app, auth_store_admin, auth_store_auditor;

COMMENT ON FUNCTION auth_store.token_bucket IS
$$The 12-bit bucket, 0 to 4095, in a token of any kind: where its rows live once the store is spread over several databases. NULL for a text that is no token.$$;
ALTER FUNCTION auth_store.token_bucket COST 100;
GRANT EXECUTE ON FUNCTION auth_store.token_bucket TO auth_store_app, auth_store_reader, auth_store_verifier;

-- jti ----------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.jti_revoke IS
$$Puts a JWT's jti (RFC 7519 section 4.1.7) on the list of revoked ones until the token's end; true, or false where it was on it before, or where expires_at has come: such a token needs no revocation. jti: any text; where several issuers are in use, issuer and jti in one text. expires_at: the token's exp and the leeway of whoever checks it, at most 366 days from now (22023). reason: at most 1000 characters. tenant_id: default the session's; 23503 where it is unknown. 22004 for a NULL jti or expires_at. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.jti_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.jti_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.jti_is_revoked IS
$$Whether a jti was revoked by jti_revoke(). Read-only, also on a standby. After the end named there it becomes false, at the latest when a month has passed. tenant_id: default the session's; 23503 where it is unknown. 22004 for a NULL jti, never an answer that could be taken for "not revoked".$$;
ALTER FUNCTION auth_store.jti_is_revoked COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.jti_is_revoked TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.jti_claim IS
$$Claims a JWT's jti: true for one call and false for every other with the same tenant, issuer and jti, under any concurrency and isolation level, whatever ends they name. Against the replay of client assertions (RFC 7523 section 3). A concurrent call waits for the transaction of the first: it is false where that commits, and may be true where it rolls back.
issuer: who vouches for the jti, as the iss of the assertion. expires_at: the end of the JWT and the leeway of whoever checks it, at most 24 hours from now (22023); false where it has come: such a JWT must be refused anyway. After that end, and at the latest a day later, the same jti can be claimed anew. tenant_id: default the session's; 23503 where it is unknown. 22004 for any other NULL. A claim that is refused leaves an audit row; one that is granted leaves that to the step it serves. ip, user_agent: where the request came from, for that row.
Each claim holds an entry of the server's lock table to the end of its transaction: claim one at a time, not thousands (max_locks_per_transaction).$$;
ALTER FUNCTION auth_store.jti_claim COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.jti_claim TO auth_store_app;

COMMENT ON FUNCTION auth_store.jti_partitions_ensure IS
$$Makes every partition of claimed_jtis and revoked_jtis that a row written within the next hours_ahead (0 to 168) can belong into, where it is missing; returns how many it made. The store makes each by itself when it is first needed: this is for a subscriber, whose rows come from elsewhere. Each partition adds to what a look-up of a JWT id costs.$$;
ALTER FUNCTION auth_store.jti_partitions_ensure COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.jti_partitions_ensure TO auth_store_admin, auth_store_jobs;

-- dpop ---------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.jwk_thumbprint IS
$$The SHA-256 thumbprint of a public key as a JWK (RFC 7638), base64url: the jkt of RFC 9449. Types EC, OKP and RSA, whatever else the JWK holds; 22023 for another, a symmetric key among them, or a missing or malformed member; 22004 for NULL.$$;
ALTER FUNCTION auth_store.jwk_thumbprint COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.jwk_thumbprint TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.dpop_verify IS
$$Checks a DPoP proof as RFC 9449 section 4.3 says: its form, type, algorithm (ES256, ES384, PS256 or RS256 with 2048 to 4096 bits, and for an Ed25519 key both Ed25519, RFC 9864, and EdDSA), public key, signature, htm, htu, iat, ath and jti; and claims it, so that it is accepted once for its key and URI. Returns jkt, the thumbprint of the key, and jti; or error invalid_dpop_proof (use_dpop_nonce for the nonce), what failed in error_description, and neither.
proof: the header DPoP; NULL is a missing one. htm, htu: method and URI of the request, 22004 for NULL; htu http or https (22023), compared without query and fragment in the normal form of RFC 3986. access_token: the token that came with it, which ath must be the hash of; whether the token is bound to the key is token_authorize()'s to say, with jkt. max_age: how long after its iat a proof lives, 1 s to 1 day (22023), default 5 minutes; a client's clock may be a minute ahead. nonce: the one the proof must have, where the application provides nonces (RFC 9449 section 8). tenant_id: default the session's; 23503 where it is unknown. A proof that is refused leaves an audit row; one that is accepted leaves that to the step it serves. ip, user_agent: where the request came from, for that row.$$;
ALTER FUNCTION auth_store.dpop_verify COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.dpop_verify TO auth_store_app;

-- grant --------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.grant_revoke IS
$$Ends a grant with every token of it; true, or false where it had ended before. 23503 for an unknown grant, 22004 for NULL. reason: 1 to 1000 characters; NULL is revoked.
user_id: whose grant it must be, for an id that a browser sent: another user's, or one of a client in its own name, is answered as an unknown one. NULL, an explicit one too, is not compared, so the caller must see that it has one. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.grant_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.grant_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_grants_revoke IS
$$Ends the live grants of a user, of one client or, with client_id NULL, of all; returns how many. Those of a log-in that is under way are waited for and ended too, and codes not yet redeemed are withdrawn. 23503 for an unknown user or client, 22004 for a NULL user_id. reason: 1 to 1000 characters, else 22023; NULL is revoked. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.user_grants_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_grants_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.client_grants_revoke IS
$$Ends the live grants of a client; returns how many. 23503 for an unknown client, 22004 for NULL. reason: 1 to 1000 characters, else 22023; NULL is revoked. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.client_grants_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_grants_revoke TO auth_store_app, auth_store_admin;

-- API key ------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.api_key_create IS
$$Makes an API key and returns api_key_id and, this once, its text: the store keeps a digest. What does not fit is 22023 with the accepted values as hint.
name: 1 to 200 characters. user_id or client_id: the owner, exactly one (22023); 23503 where unknown. The key works while its owner does. scope: space-separated tokens, default none; a token that ends with :* stands for all that begin so and go on (orders:* for orders:read), * for all. expires_at: a time to come, default never. prefix: what the text begins with, 1 to 32 letters, digits, _ and -, the last of them _, not that of another kind of token (asat_ …); default asak_. allowed_cidrs: at most 100 networks it works from, as inet[] or cidr[], default any; an inet with bits set behind its mask names a host of a network and is refused. rate_limit_per_hour: 1 or more, counted by api_key_touch(), default none. metadata: a JSON object of at most 64 kB. tenant_id: that of the owner, which it follows from; 23503 where it is another. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.api_key_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_create TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.api_key_verify IS
$$Whether an API key allows a request: valid, or error invalid_token (unknown, malformed, NULL, expired, revoked, replaced, its owner or tenant not active; nothing more is said), access_denied (ip is NULL or outside the networks the key is allowed from; an IPv4 address in IPv6 form is the IPv4 address) or insufficient_scope, in this order. required_scope: scope tokens that all must be covered, without an asterisk (22023); NULL for none. Counts and writes nothing, also on a standby.$$;
ALTER FUNCTION auth_store.api_key_verify COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_verify TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.api_key_touch IS
$$The same as api_key_verify(), and counts: where the key's rate_limit_per_hour is used up, error temporarily_unavailable and retry_after in seconds. Notes last_used_at and last_used_ip at most once a minute, with an audit row api_key.used; a refusal has one each time, but by the rate limit once a minute. Never waits for a lock on the key; but where the library is not preloaded, a key with a rate limit waits for other uses of it that have not committed.$$;
ALTER FUNCTION auth_store.api_key_touch COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_touch TO auth_store_app, auth_store_verifier;

COMMENT ON FUNCTION auth_store.api_key_rotate IS
$$Makes a new text of an API key and returns it, this once; the id, and whatever refers to it, stays. The text before it works for overlap: 0 (default, not at all) to 365 days; the one before that ends at once. An imported key becomes a native one, with the prefix given at its import. 23503 for an unknown key, 55000 for one that is revoked or has expired.
user_id, client_id: whose key it must be, for an id that a browser sent: another's is answered as an unknown one, whatever its state. One of the two at most (22023). NULL, an explicit one too, is not compared, so the caller must see that it has one. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.api_key_rotate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_rotate TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.api_key_revoke IS
$$Ends an API key; false where it was revoked before. reason: 1 to 1000 characters; NULL is revoked. 23503 for an unknown key. user_id, client_id: whose key it must be, as for api_key_rotate(). ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.api_key_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.api_key_list IS
$$The API keys of a user or a client (22023 for both), or of the tenant where neither is named, in the order they were made; ended ones too until cleanup removes them. start: the first characters of the text, to know the key by. previous_expires_at: the end of the overlap of the last rotation. No secret, no digest. 23503 for an unknown user, client or tenant. Read-only, also on a standby.$$;
ALTER FUNCTION auth_store.api_key_list COST 5000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.api_key_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.api_key_import IS
$$Takes over an API key of another store, of which only the digest is known, and returns its id: the holder's text works as before. digest: SHA-256 of the text, as 64 hexadecimal digits (\x before them or not) or as base64 or base64url; 23505 where one with this digest exists. start: its first characters for api_key_list(), at most 32. expires_at may be past. The other arguments are those of api_key_create(); prefix is for the text that a rotation makes.$$;
ALTER FUNCTION auth_store.api_key_import COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.api_key_import TO auth_store_admin;

-- session ------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.session_create IS
$$Makes a session of a user who has just logged in, and returns its token, this once: the store keeps a digest. expires_at is its absolute end. A row with error access_denied where the user or the tenant is not active; 23503 for an unknown user, 22004 for NULL. Where the user has auth_store.max_sessions_per_user live sessions the oldest end, with their grants.
ttl: 1 s to 3650 d, default auth_store.session_ttl (30 d). idle_ttl: how long it lives unused, 2 min to 3650 d, default auth_store.session_idle_ttl (24 h). acr: at most 200 characters; amr: at most 20 texts of 255 bytes; metadata: a JSON object of at most 64 kB; all come back with session_validate(). ip and user_agent (cut after 512 characters) are for session_list().$$;
ALTER FUNCTION auth_store.session_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.session_create TO auth_store_app;

COMMENT ON FUNCTION auth_store.session_validate IS
$$Whether a session token is valid: its session has neither expired nor ended, and its user and tenant are active. Otherwise valid = false with error invalid_token, and everything else NULL; error_description says more to who holds the right token. expires_at is the absolute end, idle_expires_at where it ends unless it is touched. Read-only, also on a standby; it does not count as a use.$$;
ALTER FUNCTION auth_store.session_validate COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.session_validate TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.session_touch IS
$$session_validate() that counts as a use: at most once a minute it writes last_seen_at and moves the idle end ahead. So a session may end up to a minute before it has been unused for its idle_ttl. ip, user_agent: where the user is now; NULL keeps what is known. An audit row, session.touched, only where the network has changed.$$;
ALTER FUNCTION auth_store.session_touch COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.session_touch TO auth_store_app;

COMMENT ON FUNCTION auth_store.session_rotate IS
$$Replaces the token of a session, and with it what the user has proved: after a log-in, a second factor, a change of privileges. The old token is invalid from the commit on, session_id and the absolute end stay, and the idle end moves ahead. acr, amr: NULL keeps them. Of two rotations of one token one succeeds. A row with error invalid_token otherwise.$$;
ALTER FUNCTION auth_store.session_rotate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.session_rotate TO auth_store_app;

COMMENT ON FUNCTION auth_store.session_revoke IS
$$Ends a session with every grant that was made in it; true, or false where it had ended before. A log-in to a client that is under way in it is waited for and ended too. 23503 for an unknown session (one that ended more than a day ago may be), 22004 for NULL. reason: 1 to 1000 characters; NULL is revoked.
user_id: whose session it must be, for an id that a browser sent: another user's is answered as an unknown one, at once. NULL, an explicit one too, is not compared, so the caller must see that it has one. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.session_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.session_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_sessions_revoke IS
$$Ends the sessions of a user with every grant that was made in them, all or all but except_session_id; returns how many sessions. 23503 for an unknown user, and where except_session_id is no session of the user; 22004 for a NULL user_id. reason: 1 to 1000 characters; NULL is revoked. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.user_sessions_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_sessions_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.session_list IS
$$The sessions of a user, the newest first, with device and network of the last touch. status: active, expired (by itself) or ended (by somebody: ended_at, ended_reason); the latter two are kept for a day. No row for an unknown user. Read-only, also on a standby. 22004 for NULL.$$;
ALTER FUNCTION auth_store.session_list COST 5000 ROWS 50;
GRANT EXECUTE ON FUNCTION auth_store.session_list TO auth_store_app, auth_store_admin;

-- consent ------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.consent_record IS
$$Remembers that a user has agreed to a scope of a client. It adds to what the user agreed to before; a scope token that is there already gets the new end. Returns the scope that was recorded, or a row with error: invalid_scope, invalid_target (more than the client may have), unauthorized_client, access_denied (client or user not active).
scope: NULL for all of the client's. resource: the resource indicators (RFC 8707) it is for; NULL for all. Empty ones count as NULL, as in code_issue(). expires_at: a time to come (22023), NULL: until revoked. 23503 for an unknown user or client, or where they are not of one tenant; 22004 for NULL.$$;
ALTER FUNCTION auth_store.consent_record COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.consent_record TO auth_store_app;

COMMENT ON FUNCTION auth_store.consent_check IS
$$Whether a user has agreed to all of a scope of a client, so that the authorization endpoint need not ask; missing_scope is what to ask for. A consent without a resource is for all resources, one with a resource for that one. scope: NULL for all of the client's, and so an empty one, as in code_issue(). A row with error invalid_scope or invalid_target where the client may not have it. 23503 for an unknown user or client, 22004 for NULL. Read-only, also on a standby.$$;
ALTER FUNCTION auth_store.consent_check COST 5000;
GRANT EXECUTE ON FUNCTION auth_store.consent_check TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.consent_revoke IS
$$Forgets what a user has agreed to with a client, and ends the user's grants of that client with every token of them: also those of a log-in that is under way, and codes not yet redeemed. Returns the number of grants. 23503 for an unknown user or client, 22004 for NULL. reason: 1 to 1000 characters; NULL is consent_revoked. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.consent_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.consent_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_applications IS
$$The clients that a user has agreed to, or that have live grants of the user: one row a client. scope: what was agreed to and what the grants have, together. consented: whether any consent is remembered. first_granted_at, last_granted_at: of consents and live grants. last_used_at: the last log-in or refresh of a live grant. No row for an unknown user. Read-only, also on a standby. 22004 for NULL.$$;
ALTER FUNCTION auth_store.user_applications COST 5000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.user_applications TO auth_store_app, auth_store_admin;

-- audit --------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.audit_write IS
$$Writes an event of the application's own into the audit trail, in the caller's transaction; returns its id. The row is marked from_application, and has who called. event: its name, as order.shipped; none of the names of the store's own events (22023, with the names in the HINT). success: NULL is whether error is NULL. risk_score: 0 to 1, kept to six digits; NULL is the highest risk among those flags that the store knows, else 0. flags: at most 32 names of at most 64 bytes. details: a JSON object of at most 64 kB. user_agent is cut after 512 characters. tenant_id: NULL is the tenant of the user or client named, else the session's, else default. 22004 for a NULL event or flag, 22023 for a shape or length, 23503 for an unknown tenant or one that is not the user's or client's.$$;
ALTER FUNCTION auth_store.audit_write COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.audit_write TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.partitions_ensure IS
$$Makes the audit trail's partitions for this month and the next months_ahead (0 to 120) where they are missing; returns how many it made. Months are those of UTC. It lets every reader and writer pass. The first step of a month makes the next one's by itself. An error here is the server's own: 42501 where an event trigger may not do what it does as auth_store_owner.$$;
ALTER FUNCTION auth_store.partitions_ensure COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.partitions_ensure TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.partitions_drop IS
$$Drops the months of the audit trail that ended longer ago than older_than (NULL: auth_store.audit_retention), never the current one; returns how many. Each leaves a row audit.month_dropped. Less than auth_store.audit_retention is for superusers only (42501). Waits at most five times a fifth of a second for a month in use, and leaves it to the next run with a NOTICE. 42501 in a session pinned to one tenant: a month belongs to all.$$;
ALTER FUNCTION auth_store.partitions_drop COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.partitions_drop TO auth_store_admin, auth_store_jobs;

-- limit --------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.rate_limit_hit IS
$$Counts a hit on a key and says whether it is within the limit: at most max_hits in period, exactly, however many sessions hit at once (GCRA). max_hits may come at once; then there is room for one each period / max_hits, and after an unused period for all again. A hit that is not allowed costs nothing. Returns allowed; remaining: hits left at once; retry_after: seconds until the same hit is allowed, 0 where it was; reset_at: when all are there again.
key: any text of 1 to 1024 bytes, kept as a hash; one key for each limit. max_hits: 1 or more, at most a million for each second of period; period / max_hits is rounded up to a microsecond. period: whole seconds, 1 s to 30 d; "window" is the same by its old name, a word that SQL wants quoted: one of the two (22023 for both, 22004 for none). cost: how many hits it counts as, 1 to max_hits. tenant_id: whose key it is, default the session's; 23503 where it is unknown. 22023 for anything else, 22004 for a NULL key or max_hits.
With the library in shared_preload_libraries the state is in shared memory (auth_store.rate_limit_slots): no row lock, no WAL, nothing is taken back by a rollback, and it works in read-only transactions and on a standby, for each server by itself; a key is one of its database and tenant, and where the memory is full a new key takes the place of one of the same tenant. Otherwise it is in an unlogged table: the key's row is locked until the transaction ends, a rollback takes the hit back, 25006 where nothing can be written, and 40001 at REPEATABLE READ and above. A restart of the server forgets the first, a crash both.$$;
ALTER FUNCTION auth_store.rate_limit_hit COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.rate_limit_hit TO auth_store_app, auth_store_verifier;

COMMENT ON FUNCTION auth_store.rate_limit_reset IS
$$Forgets what was hit on a key, in this database and tenant, so that all hits are there again; true where some were missing. For a client over its rate_limit_per_hour the key is client: and the client_id, in the client's tenant. Arguments as of rate_limit_hit().$$;
ALTER FUNCTION auth_store.rate_limit_reset COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.rate_limit_reset TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.rate_limit_stats IS
$$How full the shared memory of rate limits is on this server: slots there are, slots used by keys that have hits to pay back, and evicted, how many such keys had to give way since the server's start, each of which then had all its hits again; of all databases of the server together. All 0 where there is none.$$;
ALTER FUNCTION auth_store.rate_limit_stats COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.rate_limit_stats TO auth_store_admin, auth_store_auditor;

-- maintenance --------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.cleanup_expired_data IS
$$Deletes what has expired, in the caller's transaction: grants auth_store.grant_retention after their end, imported refresh tokens that long after their grant's absolute end, authorization codes at their expiry (redeemed ones a day later), pushed requests at theirs, device codes an hour after (redeemed ones a day), access tokens and consents at their expiry, sessions a day after their end, client secrets a day after theirs, API keys auth_store.grant_retention after theirs, rate limits that are paid back; and drops the partitions of JWT ids that have ended and the audit trail's months past auth_store.audit_retention. It walks each table in the order of its ids, batch_size rows at a time (1 to 100000), at most max_batches a table (1 to 1000000), and goes on from there at the next call. It waits for nobody, and a task that another run is at is left to that run. Returns the number of rows deleted, those of dropped partitions not counted. In a session pinned to one tenant it cleans that tenant's rows.$$;
ALTER FUNCTION auth_store.cleanup_expired_data COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_expired_data TO auth_store_admin, auth_store_jobs;

COMMENT ON PROCEDURE auth_store.cleanup IS
$$The same as cleanup_expired_data(), with a COMMIT after each batch and a NOTICE for each table: for large tables and for a scheduler. Not within a transaction (2D000).$$;
GRANT EXECUTE ON PROCEDURE auth_store.cleanup TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.cleanup_batch IS
$$One batch of cleanup(): task names the table. Pass back pass_start and wrapped of the batch before (NULL: a new pass) until done.$$;
ALTER FUNCTION auth_store.cleanup_batch COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_batch TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.cleanup_jtis IS
$$A step of cleanup(): drops the partitions of claimed_jtis and revoked_jtis that ended more than five minutes ago; returns how many. One that can't be dropped stays until the next run, with a WARNING. Does nothing in a session pinned to one tenant.$$;
ALTER FUNCTION auth_store.cleanup_jtis COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_jtis TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.cleanup_audit IS
$$The last step of cleanup(): makes the audit trail's months ahead, drops those past the retention, each with a row audit.month_dropped; returns how many it dropped. What can't be made or dropped now is left to the next run, with a WARNING. Does nothing in a session pinned to one tenant.$$;
ALTER FUNCTION auth_store.cleanup_audit COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.cleanup_audit TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.partitions_make IS
$$Makes those of the named partitions of audit_log, claimed_jtis and revoked_jtis that are missing, as audit_log_y2026m11; returns how many: before the rows of a dump are restored into a fresh install, or those of a publisher arrive. 22004 for NULL, 22023 for a NULL element, another name, more than 10000.$$;
ALTER FUNCTION auth_store.partitions_make COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.partitions_make TO auth_store_admin, auth_store_jobs;

-- vault --------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.connection_store IS
$$Stores the tokens that another provider gave an actor, sealed (AES-256-GCM), in place of those that are there, and returns the connection's id. One connection for each tenant, provider, actor_type and actor_id; a lease of it ends, an error and a revocation are forgotten.
provider: a short name, 1 to 63 of a-z 0-9 . _ -, the first a letter or digit (github, google, microsoft; docs/vault.md lists them). actor_id: 1 to 255 bytes, as the application knows the actor. actor_type: user (default) or api_key. access_token, refresh_token: 1 to 65536 bytes; a NULL refresh_token keeps the one that is there (RFC 6749 section 6), unless provider_account_id says that it is another account. scope: as the provider spells it. access_token_expires_at: NULL where it does not end or nobody knows; then it is never due. provider_account_id, team_id, provider_tenant_id: 1 to 255 bytes. metadata: a JSON object of at most 64 kB, which is not sealed. NULL of any of these keeps what is there of the same account. tenant_id: default the session's.
22004 for a NULL provider, actor_id or access_token; 22023 for what does not fit; 23503 for an unknown tenant; 55000 for a suspended one, and where the vault has no usable master key. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.connection_store COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_store TO auth_store_app;

COMMENT ON FUNCTION auth_store.connection_get IS
$$The connection of an actor to a provider with its tokens; no row where there is none. status: valid; expiring, in the last day of the access token or, where that is shorter, the last tenth of its life; expired; error, where the last refresh failed (the access token may still be good); revoked, then without tokens. access_denied in error, without tokens, where the tenant is suspended. Read-only, also on a standby that has the master keys.
Arguments as in connection_store(). 55000 where the tokens do not open: the message says which master key is missing.$$;
ALTER FUNCTION auth_store.connection_get COST 1000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.connection_get TO auth_store_app;

COMMENT ON FUNCTION auth_store.connection_list IS
$$The connections of an actor, without their tokens, one row for each provider; status as in connection_get(). Read-only, also on a standby. 22004 for a NULL actor_id.$$;
ALTER FUNCTION auth_store.connection_list COST 5000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.connection_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.connection_status IS
$$What connection_get() calls status, of a connection whose access token was given at refreshed_at and ends at access_token_expires_at (NULL: never), at the time at. NULL where at, refreshed_at or failures is. For the view provider_connections.$$;
ALTER FUNCTION auth_store.connection_status COST 100;
GRANT EXECUTE ON FUNCTION auth_store.connection_status TO auth_store_owner, auth_store_app, auth_store_admin, auth_store_auditor;

COMMENT ON FUNCTION auth_store.connections_due IS
$$Connections whose access token is in its last day or last tenth of life, whichever is shorter, or whose failed refresh is to be tried again, the longest due first; at most max_connections (1 to 10000). Not those without a refresh token, those that somebody has leased, nor those of a suspended tenant; what another transaction has locked is passed over (SKIP LOCKED). It leases nothing: connection_lease(connection_id, if_due => true) does. 25006 on a standby.$$;
ALTER FUNCTION auth_store.connections_due COST 10000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.connections_due TO auth_store_app, auth_store_worker;

COMMENT ON FUNCTION auth_store.connection_lease IS
$$Gives the refresh token to exactly one caller until leased_until, with a number that is never given twice, fence. Commit before the provider is asked, then call connection_complete() or connection_fail() with that fence. granted = false otherwise, with error: temporarily_unavailable and in retry_after the seconds until to look again (somebody else has it, or, with if_due, its refresh is not due), invalid_grant (unknown, revoked, without a refresh token or, with if_due, with one that the provider has refused), access_denied (tenant suspended), server_error (the refresh token does not open, see vault_check(); it backs off as after connection_fail()).
lease: 1 s to 1 h, default 1 min; longer than the provider may take, because after it another caller gets the token. if_due: only where connections_due() would name it, so that nobody refreshes what somebody has just refreshed. 22004 for a NULL connection_id. actor_id, actor_type, tenant_id: whose connection it must be, as for connection_revoke(); another's is invalid_grant as an unknown one.$$;
ALTER FUNCTION auth_store.connection_lease COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_lease TO auth_store_app, auth_store_worker;

COMMENT ON FUNCTION auth_store.connection_complete IS
$$Ends the lease with this fence with what the provider gave, and returns ok = true. refresh_token, scope: NULL keeps the present one (RFC 6749 section 6). expires_at: end of the access token; NULL where it has none. While nobody else has leased it, also after leased_until. ok = false with error lease_lost where the lease is over, by another, a completion, a failure, connection_store() or connection_revoke(): nothing is changed then, and the caller's tokens are to be thrown away.
22004 for a NULL connection_id, fence or access_token; 22023 for a token that is empty or over 65536 bytes.$$;
ALTER FUNCTION auth_store.connection_complete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_complete TO auth_store_app, auth_store_worker;

COMMENT ON FUNCTION auth_store.connection_fail IS
$$Ends the lease with this fence without new tokens, and returns ok = true; retry_after: seconds until it is due again, 30 the first time, doubling to an hour. With reason invalid_grant the refresh token is dead (RFC 6749 section 5.2): retry_after is NULL, and it is not due again before connection_store(). reason: the provider's error code or a short text of at most 1000 characters, which everybody sees who may read the view provider_connections. ok = false with error lease_lost as in connection_complete(). 22004 for NULL.$$;
ALTER FUNCTION auth_store.connection_fail COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_fail TO auth_store_app, auth_store_worker;

COMMENT ON FUNCTION auth_store.connection_revoke IS
$$Ends a connection: its tokens are deleted, its row stays, with status revoked; true, or false where it was revoked before. Telling the provider (RFC 7009) is the application's. reason: at most 1000 characters. 23503 for an unknown connection, 22004 for NULL.
actor_id, actor_type (user where NULL), tenant_id (the session's where NULL): whose connection it must be, for an id that a browser sent: another's is answered as an unknown one. Where all three are NULL nobody is compared; actor_type or tenant_id without actor_id is 22004, so that a missing actor_id is noticed where one of them is always passed. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.connection_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.connection_delete IS
$$Deletes a connection with its tokens. 23503 for an unknown one, 22004 for NULL. actor_id, actor_type, tenant_id: whose it must be, as for connection_revoke(). Returns true: what can't be done is an error. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.connection_delete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_delete TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.vault_key_generate IS
$$Makes a master key and returns the lines to append to the file that auth_store.master_key_file names, with instructions as comments. Nothing of it is kept in the database.$$;
ALTER FUNCTION auth_store.vault_key_generate COST 100;
GRANT EXECUTE ON FUNCTION auth_store.vault_key_generate TO auth_store_admin;

COMMENT ON FUNCTION auth_store.vault_check IS
$$What the vault's keys are needed for, and what would not open, without showing any of it: after a restore, and before an old master key is removed. One row for each master key, the newest first, with how many data keys and connections need it; state seals (new values), needed, not needed (its line may go) or missing. Then, with readable = false, each data key that does not open, with how many connections need it, and each connection of which a token does not. Opens everything there is: on a large store, minutes. In a session pinned to a tenant, what that tenant needs. Read-only, also on a standby. 55000 where the master keys are configured but can't be read.$$;
ALTER FUNCTION auth_store.vault_check COST 100000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.vault_check TO auth_store_admin, auth_store_auditor;

COMMENT ON PROCEDURE auth_store.vault_rekey IS
$$Seals everything anew whose data key an older master key wraps: makes new data keys, moves batch connections at a time (1 to 10000) to them, committing each time, and deletes the data keys that nothing needs any more. Reports progress as notices. It can be stopped at any time and called again; the store is in use meanwhile. What does not open stays as it is, and is counted in a warning. CALL it outside of a transaction.$$;
GRANT EXECUTE ON PROCEDURE auth_store.vault_rekey TO auth_store_admin;

COMMENT ON FUNCTION auth_store.vault_rekey_batch IS
$$One batch of vault_rekey(), in the caller's transaction: pass after_key and after of the batch before, until done. total: how many connections are to be moved, in the first batch that moves any; left_behind: how many of the data keys that the batch came to the end of could not be moved, for being locked or unreadable.$$;
ALTER FUNCTION auth_store.vault_rekey_batch COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.vault_rekey_batch TO auth_store_admin;

COMMENT ON FUNCTION auth_store.connection_import_fernet IS
$$As connection_store(), with an access_token and a refresh_token that are Fernet tokens (github.com/fernet/spec): they are decrypted and sealed, and were given, for the connection's status, when they were encrypted. fernet_key: one key, or up to 100 separated by commas (MultiFernet); 22004 for NULL. 22023 for a token that none of them opens.$$;
ALTER FUNCTION auth_store.connection_import_fernet COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_import_fernet TO auth_store_admin;

COMMENT ON FUNCTION auth_store.fernet_encrypt IS
$$A Fernet token (github.com/fernet/spec) of a text, of this moment and with a random iv. fernet_key: 32 bytes in base64url, with or without padding; or up to 100 of them separated by commas, as Python's MultiFernet takes them, of which the first encrypts. plaintext: at most 16 MiB. 22004 for NULL, 22023 for anything else. Writes nothing, so it works on a standby.$$;
ALTER FUNCTION auth_store.fernet_encrypt COST 100;
GRANT EXECUTE ON FUNCTION auth_store.fernet_encrypt TO auth_store_admin;

COMMENT ON FUNCTION auth_store.fernet_decrypt IS
$$The text in a Fernet token (github.com/fernet/spec) that one of the keys made. NULL for whatever does not open: NULL, malformed, changed, of another key, not a text in UTF-8; so that WHERE fernet_decrypt(…) IS NULL finds the rows of a table that do not. ttl: with one, NULL also for a token that is older, or more than 60 s in the future; without, its age does not matter. fernet_key: as of fernet_encrypt(); 22004 for NULL, 22023 for a malformed one or a negative ttl.$$;
ALTER FUNCTION auth_store.fernet_decrypt COST 100;
GRANT EXECUTE ON FUNCTION auth_store.fernet_decrypt TO auth_store_admin;

-- tenant -------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.tenant_create IS
$$Makes a tenant and returns its id. id: 1 to 63 letters, digits and . _ -, the first a letter or digit. display_name: at most 200 characters, default the id. settings: a JSON object of at most 64 kB that the application keeps with the tenant. redirect_uri_schemes: at most 50 private-use schemes without a dot, in lower case and without the colon (vscode), that redirect URIs of its clients may have; none that a browser opens itself, as http, javascript, data, file, blob, vbscript or about (22023). 23505 where it exists; 42501 in a session pinned to another tenant.$$;
ALTER FUNCTION auth_store.tenant_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.tenant_create TO auth_store_admin;

COMMENT ON FUNCTION auth_store.tenant_update IS
$$Changes display_name, settings and redirect_uri_schemes of a tenant; NULL leaves them. settings replaces the whole object, redirect_uri_schemes the whole list, as in tenant_create(); a redirect URI that is registered stays so. 23503 for an unknown tenant. Returns true: what can't be done is an error.$$;
ALTER FUNCTION auth_store.tenant_update COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.tenant_update TO auth_store_admin;

COMMENT ON FUNCTION auth_store.tenant_set_status IS
$$Sets a tenant active or suspended. While it is suspended no client of it works and no token or API key of it is active, from the commit on; active brings back what has not ended meanwhile. reason: at most 1000 characters. 23503 for an unknown tenant, 22023 for another status. Returns true: what can't be done is an error.$$;
ALTER FUNCTION auth_store.tenant_set_status COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.tenant_set_status TO auth_store_admin;

COMMENT ON FUNCTION auth_store.tenant_erase IS
$$Deletes a tenant with all it has: codes, device codes, pushed requests, sessions, consents, grants, tokens, API keys, JWT ids, connections to providers, users, clients, secrets, rate limits, audit trail; leaves one audit row, tenant.erased. confirm must be the id once more (22023). The tenant default cannot be erased (55000); 23503 for an unknown one. Returns the number of rows deleted. One transaction, so for a large tenant a long one.$$;
ALTER FUNCTION auth_store.tenant_erase COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.tenant_erase TO auth_store_admin;

-- client -------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.client_create IS
$$Registers an OAuth 2 client (RFC 6749 section 2, RFC 7591 section 2) and returns its client_id and, where it authenticates with one, its client_secret: this once, the store keeps a digest. What does not fit is 22023 with the accepted values as hint.
name: 1 to 200 characters. redirect_uris: at most 50 of 2048 bytes, each https, http to 127.0.0.1, [::1] or localhost (whose port is free, RFC 8252 section 7.3), or of a private-use scheme, either with a dot (RFC 8252 section 7.1) or one of the tenant's redirect_uri_schemes; no fragment, user name or wildcard. client_type: confidential or public. grant_types: of authorization_code, refresh_token, client_credentials and the URNs of device_code and token-exchange, the last for confidential clients only; default the first two where there are redirect_uris, else client_credentials. scope: space-separated tokens the client may be granted, default none.
client_id: 1 to 128 letters, digits and . _ ~ : / @ + -, or an https URL of at most 2048 bytes without fragment, user name or password; default a new one; 23505 where it exists. token_endpoint_auth_method: none for a public client; client_secret_basic (default), client_secret_post, private_key_jwt, tls_client_auth or self_signed_tls_client_auth; the last three have no secret: the application verifies and passes client_authenticated. require_pkce: default true; a public client cannot do without (RFC 9700 section 2.1.1).
access_token_ttl: 1 s to 24 h, default 1 h. refresh_token_ttl: 1 min to 3650 d, default 90 d. refresh_idle_ttl: 1 s to refresh_token_ttl, default 30 d. rate_limit_per_hour: how many requests it may authenticate in an hour (GCRA, see rate_limit_hit()), default any number; over it every function that takes its secret answers temporarily_unavailable with retry_after. resources: at most 50 indicators it may name (RFC 8707), and what a grant is for that names none; default any. metadata: a JSON object of at most 64 kB. tenant_id: default the session's; 23503 where it is unknown. refresh_rotation: false keeps the refresh token at each use, confidential clients only (RFC 9700 section 4.14.2). refresh_grace: 0 to 300 s, default auth_store.refresh_grace.$$;
ALTER FUNCTION auth_store.client_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_create TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_authenticate IS
$$Checks a client's secret (RFC 6749 section 2.3.1) and writes an audit row. ok = true with client_id and tenant_id, or ok = false with error temporarily_unavailable and retry_after where the client is over its rate_limit_per_hour, or invalid_client: unknown, wrong secret, not active; also for a public client that sends a secret, and for a secret of a client that authenticates by key or certificate. An empty secret is the same as none. A public client that sends none is ok: it is known, and nobody has proved to be it.$$;
ALTER FUNCTION auth_store.client_authenticate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_authenticate TO auth_store_app;

COMMENT ON FUNCTION auth_store.client_secret_rotate IS
$$Makes a new secret of a client and returns it, this once. The others, imported ones too, end after overlap: 0 (default, at once) to 365 days. At most 5 secrets live at a time (55000); 55000 also for a client that authenticates without one. 23503 for an unknown client.$$;
ALTER FUNCTION auth_store.client_secret_rotate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_secret_rotate TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_secret_import IS
$$Adds a secret of which only the hash is known, from another store: argon2id in PHC form (v=19, m at most 262144 KiB, t and p at most 16, m times t at most 1048576) or bcrypt ($2a$, $2b$, $2y$; cost 4 to 15); else 22023. The client's other secrets stay; at most 5 live (55000). Each log-in with it costs a hashing: rotate when the client can. 23503 for an unknown client. Returns true: what can't be done is an error.$$;
ALTER FUNCTION auth_store.client_secret_import COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_secret_import TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_update IS
$$Changes a client. changes: a JSON object with any of name, redirect_uris, grant_types, scope, token_endpoint_auth_method, require_pkce, access_token_ttl, refresh_token_ttl, refresh_idle_ttl, rate_limit_per_hour, resources, metadata, refresh_rotation, refresh_grace; another key is 22023. Times are numbers of seconds or texts of intervals; null puts back the default. The whole client must then be one that client_create() accepts. Type and tenant are for life. Tokens issued before keep their own scope and end. 23503 for an unknown client. Returns true: what can't be done is an error.$$;
ALTER FUNCTION auth_store.client_update COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_update TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_set_status IS
$$Sets a client active, suspended, pending or revoked. Only an active client works: while it is not, its tokens are not active either. revoked also ends its grants, and is final (55000). reason: at most 1000 characters. 23503 for an unknown client, 22023 for another status. Returns true: what can't be done is an error.$$;
ALTER FUNCTION auth_store.client_set_status COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_set_status TO auth_store_admin;

COMMENT ON FUNCTION auth_store.client_delete IS
$$Deletes a client with its secrets, codes, grants, consents, device codes, pushed requests and API keys: every token of it is unknown at once. Its audit trail stays. In one transaction, so for many grants a long one; client_set_status(client_id, 'revoked') ends them without deleting. 23503 for an unknown client. Returns true: what can't be done is an error.$$;
ALTER FUNCTION auth_store.client_delete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_delete TO auth_store_admin;

-- user ---------------------------------------------------------------------------------------------

COMMENT ON FUNCTION auth_store.user_create IS
$$Registers an end user. Returns user_id, or a row with error: email_taken where another user of the tenant has the address (its local part compared in NFC and lower case of Unicode, its domain in ASCII by UTS 46, whatever the collation of the database), invalid_request where it is no address. id: any uuid, default a new one; external_id: the user's key in the application's own table, 1 to 255 bytes; 23505 where either exists. first_name, last_name: at most 200 characters. metadata: a JSON object of at most 64 kB, as jsonb, json or text (22P02 for a text that is no JSON); 22023 for a value of another type. password: not supported by this version (0A000). tenant_id: default the session's; 23503 where it is unknown. Everything may be NULL. ip, user_agent: where the request came from, for the audit row.$$;
ALTER FUNCTION auth_store.user_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_create TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_ensure IS
$$The id of the user with this external_id, who is made where there is none: for applications with their own table of users. Any number of sessions may call it at once; all get the same id. Says nothing of the user's status. external_id: 1 to 255 bytes (22023), 22004 for NULL. 23503 for an unknown tenant. ip, user_agent: where the request came from, for the audit row of one who is made.$$;
ALTER FUNCTION auth_store.user_ensure COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_ensure TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.client_get IS
$$The client with this client_id, without secrets; no row for an unknown one. Lifetimes are in seconds. Read-only, also on a standby. 22004 for NULL.$$;
ALTER FUNCTION auth_store.client_get COST 1000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.client_get TO auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin;

COMMENT ON FUNCTION auth_store.client_allows_redirect_uri IS
$$Whether the authorization endpoint may send a browser to redirect_uri for this client, also with an error (RFC 6749 section 4.1.2.1): it is a registered one, exactly, but for the port of a loopback address (RFC 8252 section 7.3), and the client is active. false for NULL and for an unknown client. Read-only, also on a standby.$$;
ALTER FUNCTION auth_store.client_allows_redirect_uri COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.client_allows_redirect_uri TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.user_get IS
$$The user with this id, without credentials; no row for an unknown id. Read-only, also on a standby. 22004 for NULL.$$;
ALTER FUNCTION auth_store.user_get COST 1000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.user_get TO auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin;

-- tables -------------------------------------------------------------------------------------------

-- Make the tables, then let go of them: a table that belonged to the extension would lose its rows
-- with it, and in a dump. Those that are there already, from before a DROP EXTENSION CASCADE, are taken in
-- meanwhile: in the script of an extension, CREATE … IF NOT EXISTS passes over its own objects only.
DO $$
DECLARE
    item record;
BEGIN
    IF auth_store.restoring() THEN
        -- The dump brings the tables. CREATE EXTENSION silences notices while its script runs.
        PERFORM pg_catalog.set_config('client_min_messages', 'notice', true);
        RAISE NOTICE 'auth_store: check_function_bodies is off, as in a restore; no tables made'
            USING HINT = 'If this is no restore: SELECT auth_store.install()';
        RETURN;
    END IF;
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name,
               CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'auth_store'::pg_catalog.regnamespace
           AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE pg_catalog.format('ALTER EXTENSION auth_store ADD %s %s', item.kind, item.name);
    END LOOP;
    PERFORM auth_store.install(); -- refuses those that belong to somebody else
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS name,
               CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_class c ON c.oid = d.objid
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
           AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND d.deptype = 'e'
           AND e.extname = 'auth_store'
           AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE pg_catalog.format('ALTER EXTENSION auth_store DROP %s %s', item.kind, item.name);
    END LOOP;
END
$$;
