-- The same flows on the classic schema as PL/pgSQL with pgcrypto: static statements (so their plans are kept), state
-- changed by one conditional UPDATE, outcomes as columns, tokens of 32 random bytes. What a careful author writes
-- without Rust.
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;

CREATE TYPE classic.token_response AS (access_token text, token_type text, expires_in integer,
    refresh_token text, scope text,
                                       claims jsonb, error text);

CREATE FUNCTION classic.mint() RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT translate(encode(gen_random_bytes(32), 'base64'), '+/=', '-_') $$;

CREATE FUNCTION classic.token_introspect(token text, OUT active boolean, OUT scope text, OUT client_id text,
    OUT user_id bigint,
                                         OUT token_type text, OUT issued_at timestamptz, OUT expires_at timestamptz,
                                         OUT claims jsonb)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT true, t.scope, c.client_id, t.user_id, 'Bearer', t.created_at, t.expires_at, t.claims
      INTO active, scope, client_id, user_id, token_type, issued_at, expires_at, claims
      FROM classic.access_tokens t JOIN classic.clients c ON c.id = t.client_id
     WHERE t.token_hash = digest(token, 'sha256') AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
       AND c.status = 'active';
    active := coalesce(active, false);
END $$;

-- Both token rows and the audit row of one issue or rotation.
CREATE FUNCTION classic.issue_pair(client classic.clients, user_id bigint, family_id uuid, scope text,
    claims jsonb, event text,
                                   ip inet, user_agent text, OUT response classic.token_response)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    made timestamptz := clock_timestamp();
BEGIN
    response.access_token := classic.mint();
    response.refresh_token := classic.mint();
    response.token_type := 'Bearer';
    response.expires_in := client.access_token_ttl;
    response.scope := scope;
    response.claims := claims;
    INSERT INTO classic.access_tokens (token_hash, client_id, user_id, family_id, scope, claims, created_at, expires_at)
    VALUES (digest(response.access_token, 'sha256'), client.id, user_id, family_id, scope, claims, made,
            made + client.access_token_ttl * interval '1 second');
    INSERT INTO classic.refresh_tokens (token_hash, client_id, user_id, family_id, scope, claims,
        created_at, expires_at)
    VALUES (digest(response.refresh_token, 'sha256'), client.id, user_id, family_id, scope, claims, made,
            made + client.refresh_idle_ttl * interval '1 second');
    INSERT INTO classic.audit_log (occurred_at, success, user_id, grant_id, tenant_id, event, client_id, ip, user_agent)
    VALUES (made, true, bench.user_id(user_id), family_id, 'default', event, client.client_id, ip, user_agent);
END $$;

CREATE FUNCTION classic.token_issue(client_id text, user_id bigint, scope text, ip inet, user_agent text)
RETURNS classic.token_response LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    client classic.clients;
    response classic.token_response;
BEGIN
    SELECT * INTO client FROM classic.clients c WHERE c.client_id = token_issue.client_id AND c.status = 'active';
    IF NOT FOUND OR NOT EXISTS (SELECT FROM classic.users u WHERE u.id = token_issue.user_id
        AND u.status = 'active') THEN
        response.error := 'invalid_client';
        RETURN response;
    END IF;
    RETURN classic.issue_pair(client, user_id, gen_random_uuid(), scope, NULL, 'token.issued', ip, user_agent);
END $$;

CREATE FUNCTION classic.token_refresh(refresh_token text, client_id text, ip inet, user_agent text)
RETURNS classic.token_response LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    client classic.clients;
    old classic.refresh_tokens;
    response classic.token_response;
BEGIN
    SELECT * INTO client FROM classic.clients c WHERE c.client_id = token_refresh.client_id AND c.status = 'active';
    IF NOT FOUND THEN
        response.error := 'invalid_client';
        RETURN response;
    END IF;
    UPDATE classic.refresh_tokens r SET used_at = clock_timestamp()
     WHERE r.token_hash = digest(token_refresh.refresh_token, 'sha256') AND r.client_id = client.id
         AND r.used_at IS NULL
       AND r.revoked_at IS NULL AND r.expires_at > clock_timestamp()
    RETURNING * INTO old;
    IF NOT FOUND THEN
        -- Used before: the whole family goes.
        UPDATE classic.refresh_tokens r SET revoked_at = clock_timestamp()
         WHERE r.family_id = (SELECT u.family_id FROM classic.refresh_tokens u
                               WHERE u.token_hash = digest(token_refresh.refresh_token, 'sha256')
                                   AND u.used_at IS NOT NULL)
           AND r.revoked_at IS NULL;
        response.error := 'invalid_grant';
        RETURN response;
    END IF;
    RETURN classic.issue_pair(client, old.user_id, old.family_id, old.scope, old.claims, 'token.refreshed',
        ip, user_agent);
END $$;

CREATE FUNCTION classic.code_redeem(code text, client_id text, redirect_uri text, code_verifier text, ip inet,
    user_agent text)
RETURNS classic.token_response LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    client classic.clients;
    redeemed classic.authorization_codes;
    response classic.token_response;
BEGIN
    SELECT * INTO client FROM classic.clients c WHERE c.client_id = code_redeem.client_id AND c.status = 'active';
    IF NOT FOUND THEN
        response.error := 'invalid_client';
        RETURN response;
    END IF;
    UPDATE classic.authorization_codes a SET redeemed_at = clock_timestamp()
     WHERE a.code_hash = digest(code, 'sha256') AND a.client_id = client.id
         AND a.redirect_uri = code_redeem.redirect_uri
       AND a.code_challenge = translate(encode(digest(code_verifier, 'sha256'), 'base64'), '+/=', '-_')
       AND a.redeemed_at IS NULL AND a.expires_at > clock_timestamp()
    RETURNING * INTO redeemed;
    IF NOT FOUND THEN
        response.error := 'invalid_grant';
        RETURN response;
    END IF;
    RETURN classic.issue_pair(client, redeemed.user_id, gen_random_uuid(), redeemed.scope, redeemed.claims,
        'code.redeemed',
                              ip, user_agent);
END $$;

CREATE FUNCTION classic.token_issue_client_credentials(client_id text, client_secret text, scope text, ip inet,
    user_agent text)
RETURNS classic.token_response LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    client classic.clients;
    response classic.token_response;
    made timestamptz := clock_timestamp();
BEGIN
    SELECT * INTO client FROM classic.clients c
     WHERE c.client_id = token_issue_client_credentials.client_id AND c.status = 'active'
       AND c.secret_hash = digest(client_secret, 'sha256');
    IF NOT FOUND THEN
        response.error := 'invalid_client';
        RETURN response;
    END IF;
    response.access_token := classic.mint();
    response.token_type := 'Bearer';
    response.expires_in := client.access_token_ttl;
    response.scope := scope;
    INSERT INTO classic.access_tokens (token_hash, client_id, scope, created_at, expires_at)
    VALUES (digest(response.access_token, 'sha256'), client.id, scope, made,
        made + client.access_token_ttl * interval '1 second');
    INSERT INTO classic.audit_log (occurred_at, success, tenant_id, event, client_id, ip, user_agent)
    VALUES (made, true, 'default', 'token.issued', client.client_id, ip, user_agent);
    RETURN response;
END $$;

CREATE FUNCTION classic.audit_write(event text, user_id uuid, client_id text, resource_type text, resource_id text,
                                    details jsonb, ip inet, user_agent text)
RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    written uuid;
BEGIN
    INSERT INTO classic.audit_log AS a (occurred_at, success, user_id, tenant_id, event, client_id,
        resource_type, resource_id,
                                        ip, user_agent, details)
    VALUES (clock_timestamp(), true, user_id, 'default', event, client_id, resource_type, resource_id, ip,
        user_agent, details)
    RETURNING a.id INTO written;
    RETURN written;
END $$;
