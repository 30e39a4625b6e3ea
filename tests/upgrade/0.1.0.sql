--
-- PostgreSQL database dump
--


-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: auth_store; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA auth_store;


ALTER SCHEMA auth_store OWNER TO postgres;

--
-- Name: auth_store; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS auth_store WITH SCHEMA auth_store;


--
-- Name: EXTENSION auth_store; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION auth_store IS 'auth store: OAuth 2 clients, PKCE codes, hashed tokens, refresh rotation with reuse detection, audit trail';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: access_tokens; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.access_tokens (
    id uuid NOT NULL,
    grant_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    scope text,
    resources text[]
)
WITH (fillfactor='95');

ALTER TABLE ONLY auth_store.access_tokens FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.access_tokens OWNER TO auth_store_owner;

--
-- Name: TABLE access_tokens; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.access_tokens IS 'Opaque access tokens (RFC 6749 section 1.4) as SHA-256 digests; the grant holds what they share.';


--
-- Name: COLUMN access_tokens.id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.access_tokens.id IS 'The first 16 bytes of the token text; time-ordered, see id_time().';


--
-- Name: COLUMN access_tokens.digest; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.access_tokens.digest IS 'SHA-256 of the whole token text.';


--
-- Name: COLUMN access_tokens.scope; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.access_tokens.scope IS 'The scope where it is narrower than the grant''s; NULL: the grant''s.';


--
-- Name: COLUMN access_tokens.resources; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.access_tokens.resources IS 'The resources where they are fewer than the grant''s (RFC 8707); NULL: the grant''s.';


--
-- Name: api_keys; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.api_keys (
    id uuid NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    previous_expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    rotated_at timestamp with time zone,
    user_id uuid,
    rate_limit_per_hour integer,
    tenant_suspended boolean DEFAULT false NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    client_id text COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    previous_digest bytea,
    scope text NOT NULL,
    name text NOT NULL,
    allowed_cidrs cidr[],
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    prefix text NOT NULL,
    start text,
    revoked_reason text,
    last_used_ip inet,
    CONSTRAINT api_keys_digest_length CHECK ((octet_length(digest) = 32)),
    CONSTRAINT api_keys_metadata_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT api_keys_one_owner CHECK (((user_id IS NULL) <> (client_id IS NULL))),
    CONSTRAINT api_keys_rate_limit_positive CHECK ((rate_limit_per_hour > 0))
)
WITH (fillfactor='90');

ALTER TABLE ONLY auth_store.api_keys FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.api_keys OWNER TO auth_store_owner;

--
-- Name: TABLE api_keys; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.api_keys IS 'API keys as SHA-256 digests: long-lived secrets of a user or a client.';


--
-- Name: COLUMN api_keys.id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.api_keys.id IS 'Time-ordered, see id_time(). The 16 bytes behind the prefix of the key''s text.';


--
-- Name: COLUMN api_keys.last_used_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.api_keys.last_used_at IS 'Written by api_key_touch(), at most once a minute.';


--
-- Name: COLUMN api_keys.tenant_suspended; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.api_keys.tenant_suspended IS 'Copy of the tenant''s suspension, so that verifying a key reads no tenant.';


--
-- Name: COLUMN api_keys.digest; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.api_keys.digest IS 'SHA-256 of the whole text.';


--
-- Name: COLUMN api_keys.previous_digest; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.api_keys.previous_digest IS 'SHA-256 of the text before the last rotation; it works until previous_expires_at.';


--
-- Name: COLUMN api_keys.scope; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.api_keys.scope IS 'Space-separated scope tokens; orders:* stands for all that begin with orders: and * for all.';


--
-- Name: COLUMN api_keys.allowed_cidrs; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.api_keys.allowed_cidrs IS 'The networks it works from; NULL: any.';


--
-- Name: COLUMN api_keys.start; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.api_keys.start IS 'The first characters of its text, to know it by; nothing of the secret is in them.';


--
-- Name: audit_log; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.audit_log (
    id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    risk_score real DEFAULT 0 NOT NULL,
    success boolean NOT NULL,
    user_id uuid,
    grant_id uuid,
    session_id uuid,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    event text NOT NULL COLLATE pg_catalog."C",
    client_id text COLLATE pg_catalog."C",
    resource_type text COLLATE pg_catalog."C",
    resource_id text COLLATE pg_catalog."C",
    error text COLLATE pg_catalog."C",
    flags text[],
    ip inet,
    user_agent text,
    details jsonb
)
PARTITION BY RANGE (occurred_at);

ALTER TABLE ONLY auth_store.audit_log FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.audit_log OWNER TO auth_store_owner;

--
-- Name: TABLE audit_log; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.audit_log IS 'The audit trail: one row per step, written in the step''s own transaction; monthly partitions, bounds in UTC.';


--
-- Name: COLUMN audit_log.id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.audit_log.id IS 'Time-ordered, see id_time().';


--
-- Name: COLUMN audit_log.risk_score; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.audit_log.risk_score IS '0.00 to 1.00 by the rules of docs/audit.md.';


--
-- Name: COLUMN audit_log.flags; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.audit_log.flags IS 'Why the risk is what it is: code_replay, refresh_reuse, wrong_secret, unknown_client, new_network, scope_widening …';


--
-- Name: audit_log_y2026m11; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.audit_log_y2026m11 (
    id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    risk_score real DEFAULT 0 NOT NULL,
    success boolean NOT NULL,
    user_id uuid,
    grant_id uuid,
    session_id uuid,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    event text NOT NULL COLLATE pg_catalog."C",
    client_id text COLLATE pg_catalog."C",
    resource_type text COLLATE pg_catalog."C",
    resource_id text COLLATE pg_catalog."C",
    error text COLLATE pg_catalog."C",
    flags text[],
    ip inet,
    user_agent text,
    details jsonb
);

ALTER TABLE ONLY auth_store.audit_log_y2026m11 FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.audit_log_y2026m11 OWNER TO auth_store_owner;

--
-- Name: audit_log_y2026m12; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.audit_log_y2026m12 (
    id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    risk_score real DEFAULT 0 NOT NULL,
    success boolean NOT NULL,
    user_id uuid,
    grant_id uuid,
    session_id uuid,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    event text NOT NULL COLLATE pg_catalog."C",
    client_id text COLLATE pg_catalog."C",
    resource_type text COLLATE pg_catalog."C",
    resource_id text COLLATE pg_catalog."C",
    error text COLLATE pg_catalog."C",
    flags text[],
    ip inet,
    user_agent text,
    details jsonb
);

ALTER TABLE ONLY auth_store.audit_log_y2026m12 FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.audit_log_y2026m12 OWNER TO auth_store_owner;

--
-- Name: audit_log_y2027m01; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.audit_log_y2027m01 (
    id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    risk_score real DEFAULT 0 NOT NULL,
    success boolean NOT NULL,
    user_id uuid,
    grant_id uuid,
    session_id uuid,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    event text NOT NULL COLLATE pg_catalog."C",
    client_id text COLLATE pg_catalog."C",
    resource_type text COLLATE pg_catalog."C",
    resource_id text COLLATE pg_catalog."C",
    error text COLLATE pg_catalog."C",
    flags text[],
    ip inet,
    user_agent text,
    details jsonb
);

ALTER TABLE ONLY auth_store.audit_log_y2027m01 FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.audit_log_y2027m01 OWNER TO auth_store_owner;

--
-- Name: authorization_codes; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.authorization_codes (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    failed_verifiers integer DEFAULT 0 NOT NULL,
    redeemed_at timestamp with time zone,
    grant_id uuid,
    session_id uuid,
    auth_time timestamp with time zone,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    scope text NOT NULL,
    redirect_uri text,
    code_challenge text,
    code_challenge_method text,
    nonce text,
    dpop_jkt text,
    resources text[],
    acr text,
    amr text[],
    claims jsonb
)
WITH (fillfactor='80');

ALTER TABLE ONLY auth_store.authorization_codes FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.authorization_codes OWNER TO auth_store_owner;

--
-- Name: TABLE authorization_codes; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.authorization_codes IS 'Authorization codes (RFC 6749 section 4.1) with their PKCE challenge (RFC 7636), as SHA-256 digests.';


--
-- Name: COLUMN authorization_codes.failed_verifiers; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.authorization_codes.failed_verifiers IS 'Wrong code verifiers presented; at five the code is dead.';


--
-- Name: COLUMN authorization_codes.redeemed_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.authorization_codes.redeemed_at IS 'When the transaction that redeemed the code ended: it happens once, by one conditional UPDATE.';


--
-- Name: COLUMN authorization_codes.grant_id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.authorization_codes.grant_id IS 'The grant of the redemption; a replay of the code ends it.';


--
-- Name: claimed_jtis; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.claimed_jtis (
    jti_hash uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C"
)
PARTITION BY RANGE (expires_at);

ALTER TABLE ONLY auth_store.claimed_jtis FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.claimed_jtis OWNER TO auth_store_owner;

--
-- Name: TABLE claimed_jtis; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.claimed_jtis IS 'JWT ids that were claimed, once each: of client assertions (RFC 7523) and DPoP proofs (RFC 9449); hourly partitions, bounds in UTC.';


--
-- Name: COLUMN claimed_jtis.jti_hash; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.claimed_jtis.jti_hash IS 'The first half of the SHA-256 of the tenant, the issuer (or key and URI of a proof) and the jti.';


--
-- Name: COLUMN claimed_jtis.expires_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.claimed_jtis.expires_at IS 'The end of the claim, rounded up to the end of its day where it was more than two hours away.';


--
-- Name: claimed_jtis_y2026m11d28h07; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.claimed_jtis_y2026m11d28h07 (
    jti_hash uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE ONLY auth_store.claimed_jtis_y2026m11d28h07 FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.claimed_jtis_y2026m11d28h07 OWNER TO auth_store_owner;

--
-- Name: claimed_jtis_y2026m11d28h08; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.claimed_jtis_y2026m11d28h08 (
    jti_hash uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C"
);

ALTER TABLE ONLY auth_store.claimed_jtis_y2026m11d28h08 FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.claimed_jtis_y2026m11d28h08 OWNER TO auth_store_owner;

--
-- Name: cleanup_cursors; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.cleanup_cursors (
    task text NOT NULL COLLATE pg_catalog."C",
    "position" uuid,
    updated_at timestamp with time zone NOT NULL
);


ALTER TABLE auth_store.cleanup_cursors OWNER TO auth_store_owner;

--
-- Name: TABLE cleanup_cursors; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.cleanup_cursors IS 'How far each task of cleanup_expired_data() has walked its table; NULL: it begins again at the oldest row.';


--
-- Name: client_secrets; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.client_secrets (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    digest bytea,
    secret_hash text,
    CONSTRAINT client_secrets_digest_length CHECK ((octet_length(digest) = 32)),
    CONSTRAINT client_secrets_one_form CHECK (((digest IS NULL) <> (secret_hash IS NULL)))
);

ALTER TABLE ONLY auth_store.client_secrets FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.client_secrets OWNER TO auth_store_owner;

--
-- Name: TABLE client_secrets; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.client_secrets IS 'Client secrets: SHA-256 of a generated secret, or an imported argon2id or bcrypt hash.';


--
-- Name: COLUMN client_secrets.expires_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.client_secrets.expires_at IS 'End of the overlap after a rotation; NULL: until rotated.';


--
-- Name: clients; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.clients (
    id text NOT NULL COLLATE pg_catalog."C",
    tenant_id text DEFAULT 'default'::text NOT NULL COLLATE pg_catalog."C",
    status text DEFAULT 'active'::text NOT NULL,
    tenant_suspended boolean DEFAULT false NOT NULL,
    client_type text NOT NULL,
    token_endpoint_auth_method text NOT NULL,
    require_pkce boolean NOT NULL,
    refresh_rotation boolean DEFAULT true NOT NULL,
    access_token_ttl integer DEFAULT 3600 NOT NULL,
    refresh_token_ttl integer DEFAULT 7776000 NOT NULL,
    refresh_idle_ttl integer DEFAULT 2592000 NOT NULL,
    refresh_grace integer,
    rate_limit_per_hour integer,
    scope text DEFAULT ''::text NOT NULL,
    grant_types text[] NOT NULL,
    redirect_uris text[] DEFAULT '{}'::text[] NOT NULL,
    resources text[] DEFAULT '{}'::text[] NOT NULL,
    name text NOT NULL,
    status_reason text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT clients_access_token_ttl_range CHECK (((access_token_ttl >= 1) AND (access_token_ttl <= 86400))),
    CONSTRAINT clients_metadata_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT clients_rate_limit_positive CHECK ((rate_limit_per_hour > 0)),
    CONSTRAINT clients_refresh_grace_range CHECK (((refresh_grace >= 0) AND (refresh_grace <= 300))),
    CONSTRAINT clients_refresh_idle_ttl_positive CHECK ((refresh_idle_ttl > 0)),
    CONSTRAINT clients_refresh_token_ttl_positive CHECK ((refresh_token_ttl > 0)),
    CONSTRAINT clients_status_known CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text, 'revoked'::text, 'pending'::text]))),
    CONSTRAINT clients_type_known CHECK ((client_type = ANY (ARRAY['confidential'::text, 'public'::text])))
);

ALTER TABLE ONLY auth_store.clients FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.clients OWNER TO auth_store_owner;

--
-- Name: TABLE clients; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.clients IS 'OAuth 2 clients (RFC 6749 section 2). Their secrets are in client_secrets, as digests.';


--
-- Name: COLUMN clients.id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.clients.id IS 'The client_id of RFC 6749 section 2.2, unique over all tenants.';


--
-- Name: COLUMN clients.tenant_suspended; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.clients.tenant_suspended IS 'Copy of the tenant''s suspension, so that validating a token reads no tenant.';


--
-- Name: COLUMN clients.refresh_rotation; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.clients.refresh_rotation IS 'false keeps the refresh token at each use; confidential or sender-constrained clients only (RFC 9700 section 4.14.2).';


--
-- Name: COLUMN clients.access_token_ttl; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.clients.access_token_ttl IS 'Seconds an access token lives, at most 86400.';


--
-- Name: COLUMN clients.refresh_token_ttl; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.clients.refresh_token_ttl IS 'Seconds from the login to the absolute end of a refresh token family.';


--
-- Name: COLUMN clients.refresh_idle_ttl; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.clients.refresh_idle_ttl IS 'Seconds an unused refresh token family lives.';


--
-- Name: COLUMN clients.refresh_grace; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.clients.refresh_grace IS 'Seconds in which the previous refresh token is answered with the same successor; NULL: auth_store.refresh_grace.';


--
-- Name: COLUMN clients.scope; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.clients.scope IS 'Space-separated scope tokens the client may be granted; empty means none.';


--
-- Name: COLUMN clients.resources; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.clients.resources IS 'Resource indicators (RFC 8707) the client may name; empty means any.';


--
-- Name: connections; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.connections (
    id uuid NOT NULL,
    key_id uuid NOT NULL,
    fence bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    refreshed_at timestamp with time zone NOT NULL,
    access_token_expires_at timestamp with time zone,
    refresh_at timestamp with time zone,
    leased_until timestamp with time zone,
    last_error_at timestamp with time zone,
    revoked_at timestamp with time zone,
    failures integer NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    actor_type text NOT NULL COLLATE pg_catalog."C",
    actor_id text NOT NULL COLLATE pg_catalog."C",
    provider text NOT NULL COLLATE pg_catalog."C",
    provider_account_id text,
    team_id text,
    provider_tenant_id text,
    scope text,
    last_error text,
    revoked_reason text,
    access_token bytea,
    refresh_token bytea,
    metadata jsonb NOT NULL,
    CONSTRAINT connections_actor_type_known CHECK ((actor_type = ANY (ARRAY['user'::text, 'api_key'::text]))),
    CONSTRAINT connections_metadata_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT connections_tokens_unless_revoked CHECK (
CASE
    WHEN (revoked_at IS NULL) THEN (access_token IS NOT NULL)
    ELSE ((access_token IS NULL) AND (refresh_token IS NULL) AND (refresh_at IS NULL))
END)
)
WITH (fillfactor='85');
ALTER TABLE ONLY auth_store.connections ALTER COLUMN access_token SET STORAGE EXTERNAL;
ALTER TABLE ONLY auth_store.connections ALTER COLUMN refresh_token SET STORAGE EXTERNAL;

ALTER TABLE ONLY auth_store.connections FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.connections OWNER TO auth_store_owner;

--
-- Name: TABLE connections; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.connections IS 'Tokens of other providers, one row for each provider an actor of a tenant is connected to. Whoever reads the table has no token; the view provider_connections shows the rest.';


--
-- Name: COLUMN connections.key_id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.connections.key_id IS 'The data key that opens both tokens.';


--
-- Name: COLUMN connections.fence; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.connections.fence IS 'The number of the last lease. Who comes with an older one has been overtaken.';


--
-- Name: COLUMN connections.refreshed_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.connections.refreshed_at IS 'When the provider gave the present access token.';


--
-- Name: COLUMN connections.refresh_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.connections.refresh_at IS 'From when on connections_due() names it; NULL: never.';


--
-- Name: COLUMN connections.leased_until; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.connections.leased_until IS 'Until when whoever leased it last has the refresh token for himself; NULL or past: nobody has.';


--
-- Name: COLUMN connections.failures; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.connections.failures IS 'How many refreshes have failed since the last that did not.';


--
-- Name: COLUMN connections.access_token; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.connections.access_token IS 'nonce(12) ‖ ciphertext ‖ tag(16); AES-256-GCM under a key derived from the data key for tenant, row and column. NULL once revoked.';


--
-- Name: COLUMN connections.refresh_token; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.connections.refresh_token IS 'As access_token; NULL where the provider gave none, and once revoked.';


--
-- Name: COLUMN connections.metadata; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.connections.metadata IS 'What the application keeps with the connection. It is not sealed: no secret belongs here.';


--
-- Name: consents; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.consents (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    renewed_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    resource text NOT NULL COLLATE pg_catalog."C",
    scope text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT consents_scope_length CHECK ((octet_length(scope) <= 255))
);

ALTER TABLE ONLY auth_store.consents FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.consents OWNER TO auth_store_owner;

--
-- Name: TABLE consents; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.consents IS 'Consents: which user has agreed to which scope of which client, for which resource.';


--
-- Name: COLUMN consents.id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.consents.id IS 'Time-ordered: when the user first agreed, see id_time().';


--
-- Name: COLUMN consents.renewed_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.consents.renewed_at IS 'When the user last agreed.';


--
-- Name: COLUMN consents.expires_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.consents.expires_at IS 'End of the consent; NULL: until revoked.';


--
-- Name: COLUMN consents.resource; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.consents.resource IS 'Resource indicator (RFC 8707) it was given for; empty: for all.';


--
-- Name: COLUMN consents.scope; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.consents.scope IS 'One scope token (RFC 6749 section 3.3); empty: the client asked for none.';


--
-- Name: device_codes; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.device_codes (
    id uuid NOT NULL,
    last_polled_at timestamp with time zone,
    slowed_at timestamp with time zone,
    poll_interval integer NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    approved_at timestamp with time zone,
    denied_at timestamp with time zone,
    redeemed_at timestamp with time zone,
    grant_id uuid,
    user_id uuid,
    session_id uuid,
    auth_time timestamp with time zone,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    user_code_digest bytea NOT NULL,
    scope text NOT NULL,
    resources text[],
    acr text,
    amr text[],
    claims jsonb
)
WITH (fillfactor='60');

ALTER TABLE ONLY auth_store.device_codes FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.device_codes OWNER TO auth_store_owner;

--
-- Name: TABLE device_codes; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.device_codes IS 'Device authorization requests (RFC 8628): the device code and the user code as SHA-256 digests.';


--
-- Name: COLUMN device_codes.last_polled_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.device_codes.last_polled_at IS 'The last poll while the request was pending.';


--
-- Name: COLUMN device_codes.slowed_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.device_codes.slowed_at IS 'The last poll that came too early and was answered with slow_down.';


--
-- Name: COLUMN device_codes.poll_interval; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.device_codes.poll_interval IS 'Seconds between polls; each slow_down adds 5 (RFC 8628 section 3.5).';


--
-- Name: COLUMN device_codes.approved_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.device_codes.approved_at IS 'When the user agreed. A request is approved or denied once, by one conditional UPDATE.';


--
-- Name: COLUMN device_codes.redeemed_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.device_codes.redeemed_at IS 'When the transaction that redeemed the device code ended: it happens once, by one conditional UPDATE.';


--
-- Name: COLUMN device_codes.grant_id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.device_codes.grant_id IS 'The grant of the redemption; a replay of the device code ends it.';


--
-- Name: COLUMN device_codes.user_code_digest; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.device_codes.user_code_digest IS 'SHA-256 of the tenant, 0x00 and the eight letters of the user code.';


--
-- Name: COLUMN device_codes.scope; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.device_codes.scope IS 'The scope asked for; from the approval on the scope granted.';


--
-- Name: failed_actions; Type: VIEW; Schema: auth_store; Owner: auth_store_owner
--

CREATE VIEW auth_store.failed_actions AS
 SELECT a.occurred_at,
    a.event,
    a.error,
    a.risk_score,
    a.flags,
    a.tenant_id,
    a.client_id,
    a.user_id,
    a.grant_id,
    a.session_id,
    a.resource_type,
    a.resource_id,
    a.ip,
    a.user_agent,
    a.details,
    a.id
   FROM auth_store.audit_log a
  WHERE (NOT a.success);


ALTER TABLE auth_store.failed_actions OWNER TO auth_store_owner;

--
-- Name: VIEW failed_actions; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON VIEW auth_store.failed_actions IS 'Every step that was refused, as far back as the audit trail goes. Narrow occurred_at to read fewer months.';


--
-- Name: COLUMN failed_actions.error; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.failed_actions.error IS 'The RFC''s code of the refusal; NULL where an application reported a failure without one.';


--
-- Name: COLUMN failed_actions.client_id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.failed_actions.client_id IS 'The client as it was named in the request, also where no such client exists.';


--
-- Name: grants; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.grants (
    id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    rotation_count integer DEFAULT 0 NOT NULL,
    revoked_at timestamp with time zone,
    idle_expires_at timestamp with time zone,
    rotated_at timestamp with time zone,
    user_id uuid,
    session_id uuid,
    subject_token_id uuid,
    auth_time timestamp with time zone,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    scope text NOT NULL,
    revoked_reason text,
    family_digest bytea,
    current_digest bytea,
    previous_digest bytea,
    successor_sealed bytea,
    network inet,
    resources text[],
    acr text,
    amr text[],
    claims jsonb,
    cnf jsonb
)
WITH (fillfactor='80');

ALTER TABLE ONLY auth_store.grants FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.grants OWNER TO auth_store_owner;

--
-- Name: TABLE grants; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.grants IS 'Grants: one row per login or consent, with the state of its refresh token family (RFC 6749 section 1.5, RFC 9700 section 4.14).';


--
-- Name: COLUMN grants.id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.grants.id IS 'Time-ordered: its first 48 bits are the milliseconds at which the grant was made, see id_time().';


--
-- Name: COLUMN grants.expires_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.grants.expires_at IS 'Absolute end of the grant and of every token of it.';


--
-- Name: COLUMN grants.idle_expires_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.grants.idle_expires_at IS 'The family ends here unless it is refreshed; NULL: the grant has no refresh token.';


--
-- Name: COLUMN grants.subject_token_id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.grants.subject_token_id IS 'The access token that was exchanged for this grant (RFC 8693): the grant is live only while that token is.';


--
-- Name: COLUMN grants.family_digest; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.grants.family_digest IS 'SHA-256 of the family secret, the part of the refresh token that rotation keeps.';


--
-- Name: COLUMN grants.current_digest; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.grants.current_digest IS 'SHA-256 of the refresh token that is current.';


--
-- Name: COLUMN grants.previous_digest; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.grants.previous_digest IS 'SHA-256 of the refresh token before it.';


--
-- Name: COLUMN grants.successor_sealed; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.grants.successor_sealed IS 'The current rotation secret, AES-256-GCM under a key derived from the previous refresh token: only its holder can open it.';


--
-- Name: COLUMN grants.network; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.grants.network IS 'Address of the last use, for the flag new_network.';


--
-- Name: COLUMN grants.cnf; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.grants.cnf IS 'Confirmation (RFC 7800): jkt (RFC 9449) or x5t#S256 (RFC 8705) of a sender-constrained grant.';


--
-- Name: imported_api_keys; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.imported_api_keys (
    api_key_id uuid NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL
);

ALTER TABLE ONLY auth_store.imported_api_keys FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.imported_api_keys OWNER TO auth_store_owner;

--
-- Name: TABLE imported_api_keys; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.imported_api_keys IS 'By which digest an API key of another store is found; the key itself is in api_keys.';


--
-- Name: imported_refresh_tokens; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.imported_refresh_tokens (
    grant_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    CONSTRAINT imported_refresh_tokens_digest_length CHECK ((octet_length(digest) = 32))
);

ALTER TABLE ONLY auth_store.imported_refresh_tokens FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.imported_refresh_tokens OWNER TO auth_store_owner;

--
-- Name: TABLE imported_refresh_tokens; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.imported_refresh_tokens IS 'By which digest a refresh token of another store is found; the state of its family is the grant''s.';


--
-- Name: COLUMN imported_refresh_tokens.grant_id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.imported_refresh_tokens.grant_id IS 'The grant that was made for it.';


--
-- Name: COLUMN imported_refresh_tokens.expires_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.imported_refresh_tokens.expires_at IS 'Absolute end of that grant.';


--
-- Name: COLUMN imported_refresh_tokens.digest; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.imported_refresh_tokens.digest IS 'SHA-256 of the text that its holder presents. The row stays after the first use: a later presentation is a reuse.';


--
-- Name: provider_connections; Type: VIEW; Schema: auth_store; Owner: auth_store_owner
--

CREATE VIEW auth_store.provider_connections AS
 SELECT c.id AS connection_id,
    c.tenant_id,
    c.provider,
    c.actor_type,
    c.actor_id,
    auth_store.connection_status(statement_timestamp(), c.refreshed_at, c.access_token_expires_at, c.failures, c.revoked_at) AS status,
    c.access_token_expires_at,
    (c.refresh_token IS NOT NULL) AS has_refresh_token,
    c.refresh_at,
    c.leased_until,
    c.failures,
    c.last_error,
    c.last_error_at,
    c.scope,
    c.provider_account_id,
    c.team_id,
    c.provider_tenant_id,
    c.created_at,
    c.refreshed_at,
    c.revoked_at,
    c.revoked_reason,
    c.metadata
   FROM auth_store.connections c;


ALTER TABLE auth_store.provider_connections OWNER TO auth_store_owner;

--
-- Name: VIEW provider_connections; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON VIEW auth_store.provider_connections IS 'Every connection to another provider, without its tokens.';


--
-- Name: COLUMN provider_connections.status; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.provider_connections.status IS 'valid; expiring, in the last day of the access token or, where that is shorter, the last tenth of its life; expired; error, where the last refresh failed; revoked.';


--
-- Name: COLUMN provider_connections.refresh_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.provider_connections.refresh_at IS 'From when on connections_due() names it; NULL: never, for lack of a refresh token or an end, or because the provider said invalid_grant.';


--
-- Name: COLUMN provider_connections.leased_until; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.provider_connections.leased_until IS 'Until when whoever leased it last has the refresh token for himself.';


--
-- Name: COLUMN provider_connections.failures; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.provider_connections.failures IS 'How many refreshes have failed since the last that did not.';


--
-- Name: COLUMN provider_connections.refreshed_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.provider_connections.refreshed_at IS 'When the provider gave the present access token.';


--
-- Name: pushed_requests; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.pushed_requests (
    id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    client_id text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    parameters jsonb NOT NULL
);

ALTER TABLE ONLY auth_store.pushed_requests FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.pushed_requests OWNER TO auth_store_owner;

--
-- Name: TABLE pushed_requests; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.pushed_requests IS 'Pushed authorization requests (RFC 9126); the request_uri''s secret as SHA-256 digest.';


--
-- Name: COLUMN pushed_requests.parameters; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.pushed_requests.parameters IS 'The parameters of the authorization request, those that authenticate the client left out.';


--
-- Name: rate_limits; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE UNLOGGED TABLE auth_store.rate_limits (
    id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    allowed boolean NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C"
)
WITH (fillfactor='50');

ALTER TABLE ONLY auth_store.rate_limits FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.rate_limits OWNER TO auth_store_owner;

--
-- Name: TABLE rate_limits; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.rate_limits IS 'The state of rate limits, where the library is not in shared_preload_libraries. Unlogged: a crash empties it.';


--
-- Name: COLUMN rate_limits.id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.rate_limits.id IS 'The first 16 bytes of SHA-256(tenant_id, 0x00, key); the key itself is not stored.';


--
-- Name: COLUMN rate_limits.expires_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.rate_limits.expires_at IS 'When all hits will have been paid back: the theoretical arrival time of GCRA. After it the row says nothing.';


--
-- Name: COLUMN rate_limits.allowed; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.rate_limits.allowed IS 'What the last hit was told.';


--
-- Name: recent_activity; Type: VIEW; Schema: auth_store; Owner: auth_store_owner
--

CREATE VIEW auth_store.recent_activity AS
 SELECT a.occurred_at,
    a.event,
    a.success,
    a.error,
    a.risk_score,
    a.flags,
    a.tenant_id,
    a.client_id,
    a.user_id,
    a.grant_id,
    a.session_id,
    a.resource_type,
    a.resource_id,
    a.ip,
    a.user_agent,
    a.details,
    a.id
   FROM auth_store.audit_log a
  WHERE (a.occurred_at >= (statement_timestamp() - '30 days'::interval));


ALTER TABLE auth_store.recent_activity OWNER TO auth_store_owner;

--
-- Name: VIEW recent_activity; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON VIEW auth_store.recent_activity IS 'The audit trail of the last 30 days, a row a step. Narrow occurred_at, user_id or grant_id: those are indexed.';


--
-- Name: COLUMN recent_activity.event; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.recent_activity.event IS 'What happened: code.redeemed, token.refreshed …; docs/audit.md lists them.';


--
-- Name: COLUMN recent_activity.error; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.recent_activity.error IS 'The RFC''s code of a refusal; NULL on success.';


--
-- Name: COLUMN recent_activity.client_id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.recent_activity.client_id IS 'The client as it was named in the request, also where no such client exists.';


--
-- Name: COLUMN recent_activity.id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.recent_activity.id IS 'Time-ordered, see id_time().';


--
-- Name: revoked_jtis; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.revoked_jtis (
    jti_hash uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    reason text
)
PARTITION BY RANGE (expires_at);

ALTER TABLE ONLY auth_store.revoked_jtis FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.revoked_jtis OWNER TO auth_store_owner;

--
-- Name: TABLE revoked_jtis; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.revoked_jtis IS 'JWT ids that were revoked before the end of their token; daily partitions, bounds in UTC.';


--
-- Name: COLUMN revoked_jtis.jti_hash; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.revoked_jtis.jti_hash IS 'The first half of the SHA-256 of the tenant and the jti.';


--
-- Name: COLUMN revoked_jtis.expires_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.revoked_jtis.expires_at IS 'The end of the token, rounded up to the end of its month where it was more than two days away.';


--
-- Name: revoked_jtis_y2026m11d28; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.revoked_jtis_y2026m11d28 (
    jti_hash uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    reason text
);

ALTER TABLE ONLY auth_store.revoked_jtis_y2026m11d28 FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.revoked_jtis_y2026m11d28 OWNER TO auth_store_owner;

--
-- Name: revoked_jtis_y2026m11d29; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.revoked_jtis_y2026m11d29 (
    jti_hash uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone NOT NULL,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    reason text
);

ALTER TABLE ONLY auth_store.revoked_jtis_y2026m11d29 FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.revoked_jtis_y2026m11d29 OWNER TO auth_store_owner;

--
-- Name: schema_version; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.schema_version (
    version integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


ALTER TABLE auth_store.schema_version OWNER TO auth_store_owner;

--
-- Name: TABLE schema_version; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.schema_version IS 'Versions of the tables that install() and migrate() applied; the highest is current.';


--
-- Name: security_events; Type: VIEW; Schema: auth_store; Owner: auth_store_owner
--

CREATE VIEW auth_store.security_events AS
 SELECT a.occurred_at,
        CASE
            WHEN (a.risk_score >= (0.9)::real) THEN 'critical'::text
            WHEN (a.risk_score >= (0.6)::real) THEN 'high'::text
            WHEN (a.risk_score >= (0.3)::real) THEN 'medium'::text
            ELSE 'low'::text
        END AS severity,
    a.risk_score,
    a.flags,
    a.event,
    a.success,
    a.error,
    a.tenant_id,
    a.client_id,
    a.user_id,
    a.grant_id,
    a.session_id,
    a.resource_type,
    a.resource_id,
    a.ip,
    a.user_agent,
    a.details,
    a.id
   FROM auth_store.audit_log a
  WHERE (a.risk_score > (0)::double precision);


ALTER TABLE auth_store.security_events OWNER TO auth_store_owner;

--
-- Name: VIEW security_events; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON VIEW auth_store.security_events IS 'Every step with a risk: replays, reuse, wrong secrets, another network, also where it succeeded. Narrow occurred_at to read fewer months.';


--
-- Name: COLUMN security_events.severity; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.security_events.severity IS 'critical from risk 0.90 on, high from 0.60, medium from 0.30, else low.';


--
-- Name: COLUMN security_events.flags; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.security_events.flags IS 'Why; the risk is that of the riskiest flag, docs/audit.md has the table.';


--
-- Name: sessions; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    idle_expires_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    idle_ttl integer NOT NULL,
    revoked_at timestamp with time zone,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    acr text,
    amr text[],
    metadata jsonb NOT NULL,
    revoked_reason text,
    ip inet,
    user_agent text
)
WITH (fillfactor='80');

ALTER TABLE ONLY auth_store.sessions FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.sessions OWNER TO auth_store_owner;

--
-- Name: TABLE sessions; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.sessions IS 'Login sessions: one row per log-in of a user in the application, the token in its cookie as a SHA-256 digest.';


--
-- Name: COLUMN sessions.id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.sessions.id IS 'The first 16 bytes of the token text, also after a rotation; time-ordered, see id_time().';


--
-- Name: COLUMN sessions.expires_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.sessions.expires_at IS 'Absolute end.';


--
-- Name: COLUMN sessions.idle_expires_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.sessions.idle_expires_at IS 'The session ends here unless it is touched.';


--
-- Name: COLUMN sessions.idle_ttl; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.sessions.idle_ttl IS 'Seconds by which a touch moves idle_expires_at ahead.';


--
-- Name: COLUMN sessions.revoked_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.sessions.revoked_at IS 'When somebody ended it; NULL also where it expired by itself.';


--
-- Name: COLUMN sessions.digest; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.sessions.digest IS 'SHA-256 of the token text that is valid now.';


--
-- Name: COLUMN sessions.ip; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.sessions.ip IS 'Address of the last touch that brought one.';


--
-- Name: tenants; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.tenants (
    id text NOT NULL COLLATE pg_catalog."C",
    status text DEFAULT 'active'::text NOT NULL,
    status_reason text,
    display_name text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT tenants_id_shape CHECK ((id ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'::text)),
    CONSTRAINT tenants_settings_object CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT tenants_status_known CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])))
);

ALTER TABLE ONLY auth_store.tenants FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.tenants OWNER TO auth_store_owner;

--
-- Name: TABLE tenants; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.tenants IS 'Tenants. A store with one tenant uses the seeded ''default'' and never names it.';


--
-- Name: COLUMN tenants.status; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.tenants.status IS 'active or suspended; while suspended no client of the tenant works and no token of it is active.';


--
-- Name: token_activity; Type: VIEW; Schema: auth_store; Owner: auth_store_owner
--

CREATE VIEW auth_store.token_activity AS
 SELECT ((a.occurred_at AT TIME ZONE 'UTC'::text))::date AS day,
    a.tenant_id,
    a.client_id,
    count(*) FILTER (WHERE ((a.event = 'code.issued'::text) AND a.success)) AS codes_issued,
    count(*) FILTER (WHERE ((a.event = 'code.redeemed'::text) AND a.success)) AS codes_redeemed,
    count(*) FILTER (WHERE ((a.event = 'token.issued'::text) AND a.success)) AS tokens_issued,
    count(*) FILTER (WHERE ((a.event = 'token.refreshed'::text) AND a.success)) AS tokens_refreshed,
    count(*) FILTER (WHERE ((a.event = 'token.used'::text) AND a.success)) AS tokens_used,
    count(*) FILTER (WHERE ((a.event = ANY (ARRAY['token.revoked'::text, 'grant.revoked'::text])) AND a.success)) AS revoked,
    count(*) FILTER (WHERE (NOT a.success)) AS refused,
    count(DISTINCT a.user_id) AS users,
    count(*) FILTER (WHERE ((a.event = 'device.redeemed'::text) AND a.success)) AS devices_redeemed,
    count(*) FILTER (WHERE ((a.event = 'token.exchanged'::text) AND a.success)) AS tokens_exchanged
   FROM auth_store.audit_log a
  WHERE ((a.occurred_at >= (statement_timestamp() - '30 days'::interval)) AND (a.event ~ '^((code|token|grant|device)[.]|code_replay$|refresh_reuse$)'::text))
  GROUP BY (((a.occurred_at AT TIME ZONE 'UTC'::text))::date), a.tenant_id, a.client_id;


ALTER TABLE auth_store.token_activity OWNER TO auth_store_owner;

--
-- Name: VIEW token_activity; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON VIEW auth_store.token_activity IS 'What each client did with codes and tokens on each of the last 30 days.';


--
-- Name: COLUMN token_activity.day; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.token_activity.day IS 'The day in UTC.';


--
-- Name: COLUMN token_activity.codes_redeemed; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.token_activity.codes_redeemed IS 'Each made a grant with its first tokens.';


--
-- Name: COLUMN token_activity.tokens_issued; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.token_activity.tokens_issued IS 'By token_issue() and by client credentials.';


--
-- Name: COLUMN token_activity.tokens_used; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.token_activity.tokens_used IS 'Uses of access tokens that were recorded: token_use(). Introspection records nothing.';


--
-- Name: COLUMN token_activity.revoked; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.token_activity.revoked IS 'Tokens and grants revoked one by one.';


--
-- Name: COLUMN token_activity.refused; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.token_activity.refused IS 'Steps of any of these kinds that were refused.';


--
-- Name: COLUMN token_activity.users; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.token_activity.users IS 'How many different users.';


--
-- Name: COLUMN token_activity.devices_redeemed; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.token_activity.devices_redeemed IS 'Log-ins of devices; each made a grant with its first tokens.';


--
-- Name: COLUMN token_activity.tokens_exchanged; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.token_activity.tokens_exchanged IS 'Tokens given for another (RFC 8693).';


--
-- Name: users; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.users (
    id uuid NOT NULL,
    email_verified boolean DEFAULT false NOT NULL,
    tenant_id text DEFAULT 'default'::text NOT NULL COLLATE pg_catalog."C",
    status text DEFAULT 'active'::text NOT NULL,
    email text,
    external_id text COLLATE pg_catalog."C",
    first_name text,
    last_name text,
    status_reason text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT users_metadata_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
    CONSTRAINT users_status_known CHECK ((status = ANY (ARRAY['active'::text, 'inactive'::text, 'suspended'::text, 'deleted'::text])))
);

ALTER TABLE ONLY auth_store.users FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.users OWNER TO auth_store_owner;

--
-- Name: TABLE users; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.users IS 'End users: resource owners (RFC 6749 section 1.1).';


--
-- Name: COLUMN users.external_id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.users.external_id IS 'The user''s key in the application''s own users table, see user_ensure().';


--
-- Name: vault_keys; Type: TABLE; Schema: auth_store; Owner: auth_store_owner
--

CREATE TABLE auth_store.vault_keys (
    id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    retired_at timestamp with time zone,
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    master_key_id text NOT NULL COLLATE pg_catalog."C",
    wrapped bytea NOT NULL,
    CONSTRAINT vault_keys_wrapped_length CHECK ((octet_length(wrapped) = 60))
);

ALTER TABLE ONLY auth_store.vault_keys FORCE ROW LEVEL SECURITY;


ALTER TABLE auth_store.vault_keys OWNER TO auth_store_owner;

--
-- Name: TABLE vault_keys; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON TABLE auth_store.vault_keys IS 'Data keys of the vault, one that seals for each tenant and those that older values need, each wrapped by a master key (AES-256-GCM).';


--
-- Name: COLUMN vault_keys.retired_at; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.vault_keys.retired_at IS 'Since when it seals nothing any more; NULL: it is the one of its tenant that does.';


--
-- Name: COLUMN vault_keys.master_key_id; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.vault_keys.master_key_id IS 'The key_id of the line that opens it in what auth_store.master_key_file or auth_store.master_key_command give.';


--
-- Name: COLUMN vault_keys.wrapped; Type: COMMENT; Schema: auth_store; Owner: auth_store_owner
--

COMMENT ON COLUMN auth_store.vault_keys.wrapped IS 'nonce(12) ‖ ciphertext(32) ‖ tag(16), under a key derived from the master key for tenant, row and column.';


--
-- Name: audit_log_y2026m11; Type: TABLE ATTACH; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.audit_log ATTACH PARTITION auth_store.audit_log_y2026m11 FOR VALUES FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00');


--
-- Name: audit_log_y2026m12; Type: TABLE ATTACH; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.audit_log ATTACH PARTITION auth_store.audit_log_y2026m12 FOR VALUES FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');


--
-- Name: audit_log_y2027m01; Type: TABLE ATTACH; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.audit_log ATTACH PARTITION auth_store.audit_log_y2027m01 FOR VALUES FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00');


--
-- Name: claimed_jtis_y2026m11d28h07; Type: TABLE ATTACH; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.claimed_jtis ATTACH PARTITION auth_store.claimed_jtis_y2026m11d28h07 FOR VALUES FROM ('2026-11-28 07:00:00+00') TO ('2026-11-28 08:00:00+00');


--
-- Name: claimed_jtis_y2026m11d28h08; Type: TABLE ATTACH; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.claimed_jtis ATTACH PARTITION auth_store.claimed_jtis_y2026m11d28h08 FOR VALUES FROM ('2026-11-28 08:00:00+00') TO ('2026-11-28 09:00:00+00');


--
-- Name: revoked_jtis_y2026m11d28; Type: TABLE ATTACH; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.revoked_jtis ATTACH PARTITION auth_store.revoked_jtis_y2026m11d28 FOR VALUES FROM ('2026-11-28 00:00:00+00') TO ('2026-11-29 00:00:00+00');


--
-- Name: revoked_jtis_y2026m11d29; Type: TABLE ATTACH; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.revoked_jtis ATTACH PARTITION auth_store.revoked_jtis_y2026m11d29 FOR VALUES FROM ('2026-11-29 00:00:00+00') TO ('2026-11-30 00:00:00+00');


--
-- Data for Name: access_tokens; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.access_tokens (id, grant_id, expires_at, revoked_at, tenant_id, digest, scope, resources) FROM stdin;
01a220c1-8f9f-8c80-972e-1a698810b17c	01a220c1-8f9f-8c80-94f1-3d0206f47415	2100-01-01 00:00:00+00	\N	default	\\x59de89ddf06a754aad5f22f782135de564d42ef2235c780453a38f365ab7be21	\N	\N
01a220c1-8fa5-8c80-8672-84bcbb229f97	01a220c1-8f9f-8c80-94f1-3d0206f47415	2100-01-01 00:00:00+00	\N	default	\\xeb890ec47a3cb4a208e372dbb93a3c79f5c8289679e8665f987594525ac21a6b	\N	\N
01a220c1-8fa7-8c80-a97f-165f0a79616f	01a220c1-8fa7-8c80-9d01-08298c98d13c	2100-01-01 00:00:00+00	\N	default	\\xc9eb541b93a432338a373fcd74e7b6f7132ca247b97c1db90a3ba0723091c028	\N	\N
01a220c1-8fa7-8049-87ad-63234f2d82b5	01a220c1-8fa7-8049-b4be-27234b105cd5	2100-01-01 00:00:00+00	\N	default	\\x9a2c2185c2541ea0d6bd6e7d1957753ab1553df7b0889dabcc1b5b243d18a7b0	\N	\N
01a220c1-8fa8-8049-b997-d23e64754f42	01a220c1-8fa8-8049-aa42-538b28ba321c	2100-01-01 00:00:00+00	2026-11-28 06:04:45.864847+00	default	\\x6981d71b18156b0c191b3d7bbad836d81eb7bbf054630253abe3d1ba48e49675	\N	\N
01a220c1-8fc7-8c80-8122-767d1288c391	01a220c1-8fc7-8c80-9092-bee5229c6ace	2100-01-01 00:00:00+00	\N	default	\\x9c3b8a69baf9c7974e59a78c23479a73609351936c4c7d1f6ff430e8babd286f	\N	\N
01a220c1-8fca-8c80-ab71-698c274299ea	01a220c1-8fc9-8c80-85ba-a8cbc68103fa	2100-01-01 00:00:00+00	\N	default	\\x445aa81547773bfa93164338937cf1a5d2f80512c8b709a686d2aa1b0930fbb9	\N	\N
01a220c1-8fed-835b-b899-a6d817487246	01a220c1-8fed-835b-a96f-9aa0bc8784fe	2100-01-01 00:00:00+00	\N	acme	\\xdd575c6dfb5a155df717e1d3a3380ed7640f49241adb68b3e781e3862766ea2f	\N	\N
01a220c1-8ff3-835b-aba1-59e47b1b8903	01a220c1-8fed-835b-a96f-9aa0bc8784fe	2100-01-01 00:00:00+00	\N	acme	\\x4696137279ba1933daf87e99b70c3c39bdbbfba34951a928f2686ac4fe746d72	\N	\N
01a220c1-8ff5-835b-ad38-e5c5f88bcab0	01a220c1-8ff5-835b-8829-4030f81446d4	2100-01-01 00:00:00+00	\N	acme	\\xbc5bb3c7f425e48eb02719ee4233b0211e242a569e139476b69c0751932ad029	\N	\N
01a220c1-8ff6-8549-97ad-c1ef5a43372c	01a220c1-8ff6-8549-a909-2083d3e93239	2100-01-01 00:00:00+00	\N	acme	\\x289dce5335cc9ca8fc490cc2d3a73086e9229415263643e7863bfb643f0debe5	\N	\N
01a220c1-8ff6-8549-b6e4-3fc348718f41	01a220c1-8ff6-8549-a9f9-f2a0fc6c8e09	2100-01-01 00:00:00+00	2026-11-28 06:04:45.943425+00	acme	\\x55bb10dca9a94e44e06235c0d33f029dba43b8b257be17594cc2354c75fedf7e	\N	\N
01a220c1-9005-835b-99fb-a4016522fd82	01a220c1-9005-835b-8c2a-1d7bb7e8eaf5	2100-01-01 00:00:00+00	\N	acme	\\x1d8c0b869f53a74ef19f29bb8f9914ca0bc7d54b903edf8929ddc99e5d7c9121	\N	\N
01a220c1-9008-835b-ba80-b1239b34af4e	01a220c1-9007-835b-b873-c9a352ba7111	2100-01-01 00:00:00+00	\N	acme	\\x691b845e76fcbaec45223d5620a5011b4a123badd342f96912fb9699fc91db1b	\N	\N
01a220c1-902c-82df-bb38-921df78e7774	01a220c1-902c-82df-b42f-9d7a266be576	2100-01-01 00:00:00+00	\N	globex	\\xeedb04a4c9f9867c4c46bb5d2141a985d5aa0a0822087dc9c6f9e1ed8547eb88	\N	\N
01a220c1-9032-82df-9e5e-b1a51fca64ec	01a220c1-902c-82df-b42f-9d7a266be576	2100-01-01 00:00:00+00	\N	globex	\\xbf490a5250b733c2a77f00f152ca09cecfd09d9506d45ec4b533b4e16be26172	\N	\N
01a220c1-9034-82df-b850-0c48954bcd0f	01a220c1-9034-82df-b958-71efff7a03d8	2100-01-01 00:00:00+00	\N	globex	\\xf6cd8a30cc263c8930dd481f218d09f793fdc2eb7fe8225cba0c5dd01484b73d	\N	\N
01a220c1-9034-8c39-8347-feb40754c075	01a220c1-9034-8c39-94c6-3f80466df606	2100-01-01 00:00:00+00	\N	globex	\\x714d718552da983424bc4bf190b8a922a0dcf6aeeacc5a832aba8220517740a5	\N	\N
01a220c1-9035-8c39-b50b-f3679e12bdef	01a220c1-9035-8c39-af70-c361919eafb2	2100-01-01 00:00:00+00	2026-11-28 06:04:46.00562+00	globex	\\x4bb973128cef08ce128f3c4cc291a3353c030e8568d35ba10b69c9f9e99585aa	\N	\N
01a220c1-9044-82df-8860-e84da4df41e5	01a220c1-9044-82df-8b18-9a41d0c812e9	2100-01-01 00:00:00+00	\N	globex	\\x1ecac7ed6d5206b783aa4ad7b7ebdeb396d82d5c37b7c05c0b11cd9583b0a6c9	\N	\N
01a220c1-9046-82df-90d6-94888579bd4d	01a220c1-9046-82df-a50b-fb36e2fae337	2100-01-01 00:00:00+00	\N	globex	\\x100f337d635ff9a4f54e04bf613e71632cba76eaa0e924d22585feb7ce557330	\N	\N
\.


--
-- Data for Name: api_keys; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.api_keys (id, expires_at, revoked_at, previous_expires_at, last_used_at, rotated_at, user_id, rate_limit_per_hour, tenant_suspended, tenant_id, client_id, digest, previous_digest, scope, name, allowed_cidrs, metadata, prefix, start, revoked_reason, last_used_ip) FROM stdin;
01a220c1-8fb0-8c80-bf8b-8784a1bfd912	\N	\N	2026-11-29 06:04:45.874578+00	2026-11-28 06:04:45.873478+00	2026-11-28 06:04:45.874578+00	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	f	default	\N	\\xa029a2fc66bcd0f6c57952a0a29981f8ec750cae74df187758a68026e21d3dca	\\xb1ae6ec6955a2c419d223eded396846c75cb06c6d915c313ebdbd0954d0cbbec	orders:*	Key of default	{192.0.2.0/24,2001:db8::/32}	{"n": 1.10}	sk_live_	sk_live_AaIgwY-wjIC_	\N	192.0.2.7
01a220c1-8fb3-8049-8228-774a29a3ca52	infinity	\N	\N	\N	\N	\N	\N	f	default	web-default	\\xd059f9d60c82400c71c8ff4f52d5beee169e401f6a99fef700ee37f4172bafdb	\N		Machine	\N	{}	asak_	asak_AaIgwY-zgEmC	\N	\N
01a220c1-8fb5-8049-b2f4-5b8b1f6cb8e4	\N	\N	\N	\N	\N	\N	\N	f	default	web-default	\\xe4c3fd6a5efacfd9d040a11b34fdd77e8d84d0706e2243f1ec5fefc963c0089a	\N		Foreign	\N	{}	asak_	foreign-	\N	\N
01a220c1-8ffe-835b-ac9d-cd0b62db7d42	\N	\N	2026-11-29 06:04:45.952977+00	2026-11-28 06:04:45.951858+00	2026-11-28 06:04:45.952977+00	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	f	acme	\N	\\x760a73bda90d1f69ada2214390a6d2c71cef59fff24e2ead3481c90ea433ebca	\\xd83782aecd90e829e3ddf58e4866aad60d255724946ef2d102c32b8d16a0996c	orders:*	Key of acme	{192.0.2.0/24,2001:db8::/32}	{"n": 1.10}	sk_live_	sk_live_AaIgwY_-g1us	\N	192.0.2.7
01a220c1-9001-8549-b379-f4069b53ac91	infinity	\N	\N	\N	\N	\N	\N	f	acme	web-acme	\\x9e5034e0343ea67f0b24ca495ecafc2cd020226d3fb8199bf06bd6e8e7cfbae3	\N		Machine	\N	{}	asak_	asak_AaIgwZABhUmz	\N	\N
01a220c1-9003-8549-a5b0-e8c784902856	\N	\N	\N	\N	\N	\N	\N	f	acme	web-acme	\\x1ec53f0c11e016838cc20b378c14662ab84c81e75474992bc398c9466dd5062e	\N		Foreign	\N	{}	asak_	foreign-	\N	\N
01a220c1-903c-82df-8f8f-115819213424	\N	\N	2026-11-29 06:04:46.0154+00	2026-11-28 06:04:46.014242+00	2026-11-28 06:04:46.0154+00	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	f	globex	\N	\\xed8fa13530bf770794a2f96bba8d0129535b4199c50b2b6fdf17e982df33f598	\\x916daae23093731e657595e16374f2790c41cb9b99f34b1777ae627b9da99d2f	orders:*	Key of globex	{192.0.2.0/24,2001:db8::/32}	{"n": 1.10}	sk_live_	sk_live_AaIgwZA8gt-P	\N	192.0.2.7
01a220c1-9040-8c39-b002-af9048dd2c9a	infinity	\N	\N	\N	\N	\N	\N	f	globex	web-globex	\\x9f71017dd5e72f04a181fae7462bc888e75983ab830c2c5da202ab1e5008cfeb	\N		Machine	\N	{}	asak_	asak_AaIgwZBAjDmw	\N	\N
01a220c1-9041-8c39-b653-d8cd9798d924	\N	\N	\N	\N	\N	\N	\N	f	globex	web-globex	\\xbabfbe23ffa4241b4d8a51c276c3d0b7bc6c9ec5c37068c01ebfd6f40e5e2cd1	\N		Foreign	\N	{}	asak_	foreign-	\N	\N
\.


--
-- Data for Name: audit_log_y2026m11; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.audit_log_y2026m11 (id, occurred_at, risk_score, success, user_id, grant_id, session_id, tenant_id, event, client_id, resource_type, resource_id, error, flags, ip, user_agent, details) FROM stdin;
01a220c1-8f7d-8822-8a63-fb82908d0ddd	2026-11-28 06:04:45.821818+00	0	t	\N	\N	\N	acme	tenant.created	\N	tenant	acme	\N	\N	\N	\N	\N
01a220c1-8f80-85bc-bc03-526c7fd14bf0	2026-11-28 06:04:45.824892+00	0	t	\N	\N	\N	globex	tenant.created	\N	tenant	globex	\N	\N	\N	\N	\N
01a220c1-8f98-8049-99ba-1daff464e220	2026-11-28 06:04:45.848655+00	0	t	\N	\N	\N	default	client.created	web-default	\N	\N	\N	\N	\N	\N	{"name": "Web of default", "client_type": "confidential"}
01a220c1-8f9d-8c80-b190-edaf74f90b57	2026-11-28 06:04:45.853091+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	default	user.created	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-8f9e-8c80-bf05-b543a84e0545	2026-11-28 06:04:45.854673+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	default	code.issued	web-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8f9f-8c80-b449-53efc18dcced	2026-11-28 06:04:45.855709+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	01a220c1-8f9f-8c80-94f1-3d0206f47415	\N	default	code.redeemed	web-default	\N	\N	\N	\N	192.0.2.1	a b	\N
01a220c1-8fa1-8c80-9e28-6d8ec280f22c	2026-11-28 06:04:45.857747+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	default	code.issued	web-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fa2-8154-b794-8155103780b3	2026-11-28 06:04:45.858532+00	0	t	\N	\N	\N	default	client.created	tv-default	\N	\N	\N	\N	\N	\N	{"name": "TV of default", "client_type": "public"}
01a220c1-8fa3-8154-a1ed-212918382703	2026-11-28 06:04:45.85917+00	0	t	\N	\N	\N	default	device.requested	tv-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fa3-8154-a039-7234f6f610d9	2026-11-28 06:04:45.859906+00	0	t	\N	\N	\N	default	device.requested	tv-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fa4-8c80-81e2-101fd55ba65b	2026-11-28 06:04:45.860316+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	default	device.approved	tv-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fa5-8049-8e88-4129f37e8ade	2026-11-28 06:04:45.861282+00	0	t	\N	\N	\N	default	pushed_request.created	web-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fa5-8c80-9480-2bfccae40a61	2026-11-28 06:04:45.861983+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	01a220c1-8f9f-8c80-94f1-3d0206f47415	\N	default	token.refreshed	web-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fa7-8c80-b731-cfad0ea57009	2026-11-28 06:04:45.863102+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	01a220c1-8fa7-8c80-9d01-08298c98d13c	\N	default	token.issued	web-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fa7-8049-8c71-05c8479708d2	2026-11-28 06:04:45.863874+00	0	t	\N	01a220c1-8fa7-8049-b4be-27234b105cd5	\N	default	token.issued	web-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fa8-8049-b18f-e027535e146b	2026-11-28 06:04:45.864352+00	0	t	\N	01a220c1-8fa8-8049-aa42-538b28ba321c	\N	default	token.issued	web-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fa8-8049-bebb-0f53c6c1330d	2026-11-28 06:04:45.864847+00	0	t	\N	01a220c1-8fa8-8049-aa42-538b28ba321c	\N	default	token.revoked	web-default	access_token	01a220c1-8fa8-8049-b997-d23e64754f42	\N	\N	\N	\N	{"reason": "revoked"}
01a220c1-8fa9-8c80-b5d0-d0e58f863631	2026-11-28 06:04:45.865476+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	01a220c1-8fa9-8c80-8922-1a44b3bda0ad	default	session.created	\N	\N	\N	\N	\N	192.0.2.1	\N	\N
01a220c1-8faa-8c80-bc75-2faa6be30418	2026-11-28 06:04:45.866765+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	01a220c1-8fa9-8c80-8922-1a44b3bda0ad	default	session.rotated	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fab-8c80-b7ef-6c77a92172ce	2026-11-28 06:04:45.867396+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	01a220c1-8fab-8c80-80c4-3ee2dd51bbbe	default	session.created	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fac-8c80-bd03-2d55fca102f8	2026-11-28 06:04:45.868085+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	01a220c1-8fab-8c80-80c4-3ee2dd51bbbe	default	session.revoked	\N	\N	\N	\N	\N	\N	\N	{"grants": 0, "reason": "revoked"}
01a220c1-8fad-8c80-bd94-61c632de1ed8	2026-11-28 06:04:45.869554+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	default	consent.recorded	web-default	\N	\N	\N	\N	\N	\N	{"scope": "openid", "resource": []}
01a220c1-8faf-8049-84a2-67b2fa2862db	2026-11-28 06:04:45.871551+00	0.6	f	\N	\N	\N	default	client.authenticated	web-default	\N	\N	invalid_client	{wrong_secret}	\N	\N	\N
01a220c1-8fb0-8c80-9482-de2f2bc851aa	2026-11-28 06:04:45.872164+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	default	api_key.created	\N	api_key	01a220c1-8fb0-8c80-bf8b-8784a1bfd912	\N	\N	\N	\N	{"name": "Key of default", "scope": "orders:*"}
01a220c1-8fb1-8c80-a1a2-cc310c6a1dde	2026-11-28 06:04:45.873478+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	default	api_key.used	\N	api_key	01a220c1-8fb0-8c80-bf8b-8784a1bfd912	\N	\N	192.0.2.7	\N	\N
01a220c1-8fb2-8c80-9c19-ddfaf578caab	2026-11-28 06:04:45.874578+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	default	api_key.rotated	\N	api_key	01a220c1-8fb0-8c80-bf8b-8784a1bfd912	\N	\N	\N	\N	{"overlap_seconds": 86400}
01a220c1-8fb3-8049-9bfa-2031b566d1c8	2026-11-28 06:04:45.875448+00	0	t	\N	\N	\N	default	api_key.created	web-default	api_key	01a220c1-8fb3-8049-8228-774a29a3ca52	\N	\N	\N	\N	{"name": "Machine", "scope": ""}
01a220c1-8fb5-8049-beb0-e1ad29b0924c	2026-11-28 06:04:45.877321+00	0	t	\N	\N	\N	default	api_key.imported	web-default	api_key	01a220c1-8fb5-8049-b2f4-5b8b1f6cb8e4	\N	\N	\N	\N	{"name": "Foreign", "scope": ""}
01a220c1-8fb6-837a-bb7f-7569252a5ea9	2026-11-28 06:04:45.878547+00	0	t	\N	\N	\N	default	jti.revoked	\N	jti	jti-of-default	\N	\N	\N	\N	{"reason": "stolen"}
01a220c1-8fc7-8c80-af12-e6ae958ce224	2026-11-28 06:04:45.895607+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	01a220c1-8fc7-8c80-9092-bee5229c6ace	\N	default	token.exchanged	web-default	access_token	01a220c1-8f9f-8c80-972e-1a698810b17c	\N	\N	\N	\N	{"subject_grant_id": "01a220c1-8f9f-8c80-94f1-3d0206f47415", "subject_client_id": "web-default"}
01a220c1-8fc8-8c80-9c59-00ff78826179	2026-11-28 06:04:45.896917+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	01a220c1-8fc8-8c80-aa03-85f9ec2cfa8f	\N	default	refresh_token.imported	web-default	\N	\N	\N	\N	\N	\N	{"scope": "openid orders"}
01a220c1-8fc9-8c80-ab0b-5fcad8fe75db	2026-11-28 06:04:45.897669+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	01a220c1-8fc9-8c80-85ba-a8cbc68103fa	\N	default	refresh_token.imported	web-default	\N	\N	\N	\N	\N	\N	{"scope": "openid orders"}
01a220c1-8fca-8c80-bf9a-d4c8b9ece75c	2026-11-28 06:04:45.89838+00	0	t	01a220c1-8f9d-8c80-aa39-04197b5910f0	01a220c1-8fc9-8c80-85ba-a8cbc68103fa	\N	default	token.refreshed	web-default	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fcb-837a-93dd-c6a70cbdd174	2026-11-28 06:04:45.899718+00	0	t	\N	\N	\N	default	vault.key_created	\N	vault_key	01a220c1-8fcb-837a-9c26-e8aee4fe76ef	\N	\N	\N	\N	{"master_key_id": "first"}
01a220c1-8fcb-837a-a5fe-b019fbe9e0dc	2026-11-28 06:04:45.899718+00	0	t	\N	\N	\N	default	connection.stored	\N	connection	01a220c1-8fcb-837a-8681-e0fde0b4c94e	\N	\N	\N	\N	{"actor_id": "1", "provider": "github", "actor_type": "user"}
01a220c1-8fcd-837a-bf6b-ab9c482c39a4	2026-11-28 06:04:45.901689+00	0	t	\N	\N	\N	default	connection.stored	\N	connection	01a220c1-8fcd-837a-95eb-c0758b5cd2f4	\N	\N	\N	\N	{"actor_id": "1", "provider": "azure", "actor_type": "user"}
01a220c1-8fce-837a-afdf-c7ddf08278ea	2026-11-28 06:04:45.902242+00	0	t	\N	\N	\N	default	connection.stored	\N	connection	01a220c1-8fce-837a-a2ea-20e301b03469	\N	\N	\N	\N	{"actor_id": "1", "provider": "google", "actor_type": "user"}
01a220c1-8fce-837a-bb9c-b700b97cb185	2026-11-28 06:04:45.902827+00	0	t	\N	\N	\N	default	connection.leased	\N	connection	01a220c1-8fce-837a-a2ea-20e301b03469	\N	\N	\N	\N	{"fence": 1, "actor_id": "1", "provider": "google", "actor_type": "user"}
01a220c1-8fcf-837a-9f71-58a46d482581	2026-11-28 06:04:45.90345+00	0	t	\N	\N	\N	default	connection.refresh_failed	\N	connection	01a220c1-8fce-837a-a2ea-20e301b03469	\N	\N	\N	\N	{"fence": 1, "reason": "timeout", "actor_id": "1", "failures": 1, "provider": "google", "actor_type": "user"}
01a220c1-8fd0-837a-89f1-67bcf23a999e	2026-11-28 06:04:45.904014+00	0	t	\N	\N	\N	default	connection.leased	\N	connection	01a220c1-8fce-837a-a2ea-20e301b03469	\N	\N	\N	\N	{"fence": 2, "actor_id": "1", "provider": "google", "actor_type": "user"}
01a220c1-8fd0-837a-994f-2a1bf93b7346	2026-11-28 06:04:45.904443+00	0	t	\N	\N	\N	default	connection.stored	\N	connection	01a220c1-8fd0-837a-a691-00c15834e085	\N	\N	\N	\N	{"actor_id": "01a220c1-8fb0-8c80-bf8b-8784a1bfd912", "provider": "vercel", "actor_type": "api_key"}
01a220c1-8fd1-837a-8031-2cac752ab823	2026-11-28 06:04:45.905005+00	0	t	\N	\N	\N	default	connection.revoked	\N	connection	01a220c1-8fd0-837a-a691-00c15834e085	\N	\N	\N	\N	{"reason": "asked for", "actor_id": "01a220c1-8fb0-8c80-bf8b-8784a1bfd912", "provider": "vercel", "actor_type": "api_key"}
01a220c1-8fe5-8549-a621-e6fc472ea269	2026-11-28 06:04:45.925766+00	0	t	\N	\N	\N	acme	client.created	web-acme	\N	\N	\N	\N	\N	\N	{"name": "Web of acme", "client_type": "confidential"}
01a220c1-8fea-835b-87bc-11f553b11acf	2026-11-28 06:04:45.930657+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	acme	user.created	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fec-835b-a852-90419bb10be6	2026-11-28 06:04:45.932323+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	acme	code.issued	web-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fed-835b-b219-5b31f4e74524	2026-11-28 06:04:45.933254+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	01a220c1-8fed-835b-a96f-9aa0bc8784fe	\N	acme	code.redeemed	web-acme	\N	\N	\N	\N	192.0.2.1	a b	\N
01a220c1-8fef-835b-b114-066763f674a3	2026-11-28 06:04:45.935619+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	acme	code.issued	web-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ff0-8643-bfce-0e1a6ad4e52e	2026-11-28 06:04:45.936103+00	0	t	\N	\N	\N	acme	client.created	tv-acme	\N	\N	\N	\N	\N	\N	{"name": "TV of acme", "client_type": "public"}
01a220c1-8ff0-8643-978f-4538a73fe1e0	2026-11-28 06:04:45.93687+00	0	t	\N	\N	\N	acme	device.requested	tv-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ff1-8643-b83e-4ba708ad1a60	2026-11-28 06:04:45.937488+00	0	t	\N	\N	\N	acme	device.requested	tv-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ff2-835b-b677-9bdd435d01d1	2026-11-28 06:04:45.938076+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	acme	device.approved	tv-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ff3-8549-af77-cc095eb46c3a	2026-11-28 06:04:45.939085+00	0	t	\N	\N	\N	acme	pushed_request.created	web-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ff3-835b-a70d-5f4db2efcd92	2026-11-28 06:04:45.939733+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	01a220c1-8fed-835b-a96f-9aa0bc8784fe	\N	acme	token.refreshed	web-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ff5-835b-b789-1f6b06823bf8	2026-11-28 06:04:45.941638+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	01a220c1-8ff5-835b-8829-4030f81446d4	\N	acme	token.issued	web-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ff6-8549-a932-cb0b03eafb46	2026-11-28 06:04:45.942343+00	0	t	\N	01a220c1-8ff6-8549-a909-2083d3e93239	\N	acme	token.issued	web-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ff6-8549-ab61-5f9104f5330b	2026-11-28 06:04:45.942855+00	0	t	\N	01a220c1-8ff6-8549-a9f9-f2a0fc6c8e09	\N	acme	token.issued	web-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ff7-8549-a4e3-4bdce4e4f3ad	2026-11-28 06:04:45.943425+00	0	t	\N	01a220c1-8ff6-8549-a9f9-f2a0fc6c8e09	\N	acme	token.revoked	web-acme	access_token	01a220c1-8ff6-8549-b6e4-3fc348718f41	\N	\N	\N	\N	{"reason": "revoked"}
01a220c1-8ff8-835b-879d-a7b9c9d770d9	2026-11-28 06:04:45.944218+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	01a220c1-8ff8-835b-9900-265065c0b8c7	acme	session.created	\N	\N	\N	\N	\N	192.0.2.1	\N	\N
01a220c1-8ff9-835b-b8c6-977e60562565	2026-11-28 06:04:45.945572+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	01a220c1-8ff8-835b-9900-265065c0b8c7	acme	session.rotated	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ffa-835b-8945-7ea422e6b6cc	2026-11-28 06:04:45.946105+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	01a220c1-8ffa-835b-a290-f9a32be65a54	acme	session.created	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ffa-835b-b354-0dd1ed2ab8d2	2026-11-28 06:04:45.946635+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	01a220c1-8ffa-835b-a290-f9a32be65a54	acme	session.revoked	\N	\N	\N	\N	\N	\N	\N	{"grants": 0, "reason": "revoked"}
01a220c1-8ffc-835b-bf1c-127e46d57a3b	2026-11-28 06:04:45.948326+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	acme	consent.recorded	web-acme	\N	\N	\N	\N	\N	\N	{"scope": "openid", "resource": []}
01a220c1-8ffe-8549-8a8a-539615272614	2026-11-28 06:04:45.950075+00	0.6	f	\N	\N	\N	acme	client.authenticated	web-acme	\N	\N	invalid_client	{wrong_secret}	\N	\N	\N
01a220c1-8ffe-835b-abb3-eba0c347ec69	2026-11-28 06:04:45.950645+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	acme	api_key.created	\N	api_key	01a220c1-8ffe-835b-ac9d-cd0b62db7d42	\N	\N	\N	\N	{"name": "Key of acme", "scope": "orders:*"}
01a220c1-8fff-835b-ad24-232bc2e01626	2026-11-28 06:04:45.951858+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	acme	api_key.used	\N	api_key	01a220c1-8ffe-835b-ac9d-cd0b62db7d42	\N	\N	192.0.2.7	\N	\N
01a220c1-9000-835b-9645-cc8288a73338	2026-11-28 06:04:45.952977+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	acme	api_key.rotated	\N	api_key	01a220c1-8ffe-835b-ac9d-cd0b62db7d42	\N	\N	\N	\N	{"overlap_seconds": 86400}
01a220c1-9001-8549-ba32-754a421b8889	2026-11-28 06:04:45.953858+00	0	t	\N	\N	\N	acme	api_key.created	web-acme	api_key	01a220c1-9001-8549-b379-f4069b53ac91	\N	\N	\N	\N	{"name": "Machine", "scope": ""}
01a220c1-9003-8549-8436-c33274c967d4	2026-11-28 06:04:45.955256+00	0	t	\N	\N	\N	acme	api_key.imported	web-acme	api_key	01a220c1-9003-8549-a5b0-e8c784902856	\N	\N	\N	\N	{"name": "Foreign", "scope": ""}
01a220c1-9004-8822-abae-335a6f427fe8	2026-11-28 06:04:45.956441+00	0	t	\N	\N	\N	acme	jti.revoked	\N	jti	jti-of-acme	\N	\N	\N	\N	{"reason": "stolen"}
01a220c1-9005-835b-b5af-6d78548ac3c9	2026-11-28 06:04:45.957755+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	01a220c1-9005-835b-8c2a-1d7bb7e8eaf5	\N	acme	token.exchanged	web-acme	access_token	01a220c1-8fed-835b-b899-a6d817487246	\N	\N	\N	\N	{"subject_grant_id": "01a220c1-8fed-835b-a96f-9aa0bc8784fe", "subject_client_id": "web-acme"}
01a220c1-9006-835b-bc03-f71125614280	2026-11-28 06:04:45.958976+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	01a220c1-9006-835b-98aa-2d9d367c4d4c	\N	acme	refresh_token.imported	web-acme	\N	\N	\N	\N	\N	\N	{"scope": "openid orders"}
01a220c1-9007-835b-92c2-b4d9ea5fb9fa	2026-11-28 06:04:45.959632+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	01a220c1-9007-835b-b873-c9a352ba7111	\N	acme	refresh_token.imported	web-acme	\N	\N	\N	\N	\N	\N	{"scope": "openid orders"}
01a220c1-9008-835b-b2f2-c9ae1fbe59c7	2026-11-28 06:04:45.960408+00	0	t	01a220c1-8fea-835b-a5b2-e398fa3fcac5	01a220c1-9007-835b-b873-c9a352ba7111	\N	acme	token.refreshed	web-acme	\N	\N	\N	\N	\N	\N	\N
01a220c1-9009-8822-b942-3bb082e42967	2026-11-28 06:04:45.961713+00	0	t	\N	\N	\N	acme	vault.key_created	\N	vault_key	01a220c1-9009-8822-af1f-d51f0604d9e3	\N	\N	\N	\N	{"master_key_id": "first"}
01a220c1-9009-8822-9f1b-85f3e709a13a	2026-11-28 06:04:45.961713+00	0	t	\N	\N	\N	acme	connection.stored	\N	connection	01a220c1-9009-8822-9d01-a1a526f1a8b3	\N	\N	\N	\N	{"actor_id": "1", "provider": "github", "actor_type": "user"}
01a220c1-900c-8822-917e-1e5da0ea0835	2026-11-28 06:04:45.964135+00	0	t	\N	\N	\N	acme	connection.stored	\N	connection	01a220c1-900c-8822-8eb1-dd38adb76cd2	\N	\N	\N	\N	{"actor_id": "1", "provider": "azure", "actor_type": "user"}
01a220c1-900c-8822-8f10-f1815524ff9c	2026-11-28 06:04:45.964821+00	0	t	\N	\N	\N	acme	connection.stored	\N	connection	01a220c1-900c-8822-8bac-2f95fb47a443	\N	\N	\N	\N	{"actor_id": "1", "provider": "google", "actor_type": "user"}
01a220c1-900d-8822-8dbe-663598a1cba0	2026-11-28 06:04:45.965492+00	0	t	\N	\N	\N	acme	connection.leased	\N	connection	01a220c1-900c-8822-8bac-2f95fb47a443	\N	\N	\N	\N	{"fence": 1, "actor_id": "1", "provider": "google", "actor_type": "user"}
01a220c1-900e-8822-a834-b123a0b4dd4b	2026-11-28 06:04:45.966169+00	0	t	\N	\N	\N	acme	connection.refresh_failed	\N	connection	01a220c1-900c-8822-8bac-2f95fb47a443	\N	\N	\N	\N	{"fence": 1, "reason": "timeout", "actor_id": "1", "failures": 1, "provider": "google", "actor_type": "user"}
01a220c1-900e-8822-a9f7-f3221ff73709	2026-11-28 06:04:45.966772+00	0	t	\N	\N	\N	acme	connection.leased	\N	connection	01a220c1-900c-8822-8bac-2f95fb47a443	\N	\N	\N	\N	{"fence": 2, "actor_id": "1", "provider": "google", "actor_type": "user"}
01a220c1-900f-8822-a148-b1b114242831	2026-11-28 06:04:45.967235+00	0	t	\N	\N	\N	acme	connection.stored	\N	connection	01a220c1-900f-8822-8036-9d15406ea430	\N	\N	\N	\N	{"actor_id": "01a220c1-8ffe-835b-ac9d-cd0b62db7d42", "provider": "vercel", "actor_type": "api_key"}
01a220c1-900f-8822-a2f5-30657d643e56	2026-11-28 06:04:45.967979+00	0	t	\N	\N	\N	acme	connection.revoked	\N	connection	01a220c1-900f-8822-8036-9d15406ea430	\N	\N	\N	\N	{"reason": "asked for", "actor_id": "01a220c1-8ffe-835b-ac9d-cd0b62db7d42", "provider": "vercel", "actor_type": "api_key"}
01a220c1-9026-8c39-b7d7-cd8dac6def01	2026-11-28 06:04:45.990261+00	0	t	\N	\N	\N	globex	client.created	web-globex	\N	\N	\N	\N	\N	\N	{"name": "Web of globex", "client_type": "confidential"}
01a220c1-902a-82df-9b40-c96b94ad52d0	2026-11-28 06:04:45.994492+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	globex	user.created	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-902c-82df-b1d9-73804142cd5f	2026-11-28 06:04:45.996061+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	globex	code.issued	web-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-902c-82df-bfea-b2e51b667b4a	2026-11-28 06:04:45.996903+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	01a220c1-902c-82df-b42f-9d7a266be576	\N	globex	code.redeemed	web-globex	\N	\N	\N	\N	192.0.2.1	a b	\N
01a220c1-902f-82df-abe2-13051676cce4	2026-11-28 06:04:45.999084+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	globex	code.issued	web-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-902f-890f-a360-bae6551aade4	2026-11-28 06:04:45.999571+00	0	t	\N	\N	\N	globex	client.created	tv-globex	\N	\N	\N	\N	\N	\N	{"name": "TV of globex", "client_type": "public"}
01a220c1-9030-890f-bb96-58a6120202a7	2026-11-28 06:04:46.000259+00	0	t	\N	\N	\N	globex	device.requested	tv-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-9030-890f-8ca8-07f156a53a7a	2026-11-28 06:04:46.000842+00	0	t	\N	\N	\N	globex	device.requested	tv-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-9031-82df-bf5d-42f640ba00a7	2026-11-28 06:04:46.001246+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	globex	device.approved	tv-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-9032-8c39-a465-533d2b1b7396	2026-11-28 06:04:46.002261+00	0	t	\N	\N	\N	globex	pushed_request.created	web-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-9032-82df-85ae-b05f15529cae	2026-11-28 06:04:46.002847+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	01a220c1-902c-82df-b42f-9d7a266be576	\N	globex	token.refreshed	web-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-9034-82df-88d6-bdae495a75c5	2026-11-28 06:04:46.00406+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	01a220c1-9034-82df-b958-71efff7a03d8	\N	globex	token.issued	web-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-9034-8c39-a926-a7b9e79f2114	2026-11-28 06:04:46.004697+00	0	t	\N	01a220c1-9034-8c39-94c6-3f80466df606	\N	globex	token.issued	web-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-9035-8c39-8ef4-4f684eb52c94	2026-11-28 06:04:46.005144+00	0	t	\N	01a220c1-9035-8c39-af70-c361919eafb2	\N	globex	token.issued	web-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-9035-8c39-b22a-0ed38cc0941a	2026-11-28 06:04:46.00562+00	0	t	\N	01a220c1-9035-8c39-af70-c361919eafb2	\N	globex	token.revoked	web-globex	access_token	01a220c1-9035-8c39-b50b-f3679e12bdef	\N	\N	\N	\N	{"reason": "revoked"}
01a220c1-9036-82df-bee2-fa521cf5a0d8	2026-11-28 06:04:46.00623+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	01a220c1-9036-82df-ba8c-d4cb898a7cdc	globex	session.created	\N	\N	\N	\N	\N	192.0.2.1	\N	\N
01a220c1-9037-82df-a80e-18abab8eed21	2026-11-28 06:04:46.007555+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	01a220c1-9036-82df-ba8c-d4cb898a7cdc	globex	session.rotated	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-9038-82df-bb91-7b6cbc12f35a	2026-11-28 06:04:46.008321+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	01a220c1-9038-82df-9d7f-5d7d4b2442f9	globex	session.created	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-9038-82df-8157-b4e5d6df0d16	2026-11-28 06:04:46.008944+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	01a220c1-9038-82df-9d7f-5d7d4b2442f9	globex	session.revoked	\N	\N	\N	\N	\N	\N	\N	{"grants": 0, "reason": "revoked"}
01a220c1-903a-82df-86ca-8ac2a43c0fab	2026-11-28 06:04:46.010481+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	globex	consent.recorded	web-globex	\N	\N	\N	\N	\N	\N	{"scope": "openid", "resource": []}
01a220c1-903c-8c39-a1e9-fb57d3aacb92	2026-11-28 06:04:46.012366+00	0.6	f	\N	\N	\N	globex	client.authenticated	web-globex	\N	\N	invalid_client	{wrong_secret}	\N	\N	\N
01a220c1-903c-82df-8817-8c0a2bfe4346	2026-11-28 06:04:46.012987+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	globex	api_key.created	\N	api_key	01a220c1-903c-82df-8f8f-115819213424	\N	\N	\N	\N	{"name": "Key of globex", "scope": "orders:*"}
01a220c1-903e-82df-91c9-a56f3e7e92a5	2026-11-28 06:04:46.014242+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	globex	api_key.used	\N	api_key	01a220c1-903c-82df-8f8f-115819213424	\N	\N	192.0.2.7	\N	\N
01a220c1-903f-82df-8dae-1067b76e11a4	2026-11-28 06:04:46.0154+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	globex	api_key.rotated	\N	api_key	01a220c1-903c-82df-8f8f-115819213424	\N	\N	\N	\N	{"overlap_seconds": 86400}
01a220c1-9040-8c39-b3a7-b4c691398236	2026-11-28 06:04:46.016407+00	0	t	\N	\N	\N	globex	api_key.created	web-globex	api_key	01a220c1-9040-8c39-b002-af9048dd2c9a	\N	\N	\N	\N	{"name": "Machine", "scope": ""}
01a220c1-9041-8c39-b1e8-c7fe44792d84	2026-11-28 06:04:46.017796+00	0	t	\N	\N	\N	globex	api_key.imported	web-globex	api_key	01a220c1-9041-8c39-b653-d8cd9798d924	\N	\N	\N	\N	{"name": "Foreign", "scope": ""}
01a220c1-9043-85bc-8989-2b67e3620f12	2026-11-28 06:04:46.019012+00	0	t	\N	\N	\N	globex	jti.revoked	\N	jti	jti-of-globex	\N	\N	\N	\N	{"reason": "stolen"}
01a220c1-9044-82df-aa96-d243170b64e9	2026-11-28 06:04:46.020288+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	01a220c1-9044-82df-8b18-9a41d0c812e9	\N	globex	token.exchanged	web-globex	access_token	01a220c1-902c-82df-bb38-921df78e7774	\N	\N	\N	\N	{"subject_grant_id": "01a220c1-902c-82df-b42f-9d7a266be576", "subject_client_id": "web-globex"}
01a220c1-9045-82df-a338-f918ccc4719f	2026-11-28 06:04:46.021412+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	01a220c1-9045-82df-b036-5bf36e0f5d16	\N	globex	refresh_token.imported	web-globex	\N	\N	\N	\N	\N	\N	{"scope": "openid orders"}
01a220c1-9046-82df-8141-9381f6707f7b	2026-11-28 06:04:46.022047+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	01a220c1-9046-82df-a50b-fb36e2fae337	\N	globex	refresh_token.imported	web-globex	\N	\N	\N	\N	\N	\N	{"scope": "openid orders"}
01a220c1-9046-82df-91e9-b84ca0f84586	2026-11-28 06:04:46.022605+00	0	t	01a220c1-902a-82df-a0d0-9a21df3fcae2	01a220c1-9046-82df-a50b-fb36e2fae337	\N	globex	token.refreshed	web-globex	\N	\N	\N	\N	\N	\N	\N
01a220c1-9048-85bc-9a77-59e1bb331d72	2026-11-28 06:04:46.024052+00	0	t	\N	\N	\N	globex	vault.key_created	\N	vault_key	01a220c1-9048-85bc-9fad-c02d3d0f1b5b	\N	\N	\N	\N	{"master_key_id": "first"}
01a220c1-9048-85bc-8804-39268047c1a2	2026-11-28 06:04:46.024052+00	0	t	\N	\N	\N	globex	connection.stored	\N	connection	01a220c1-9048-85bc-bd46-25af5760f9ef	\N	\N	\N	\N	{"actor_id": "1", "provider": "github", "actor_type": "user"}
01a220c1-904a-85bc-be5d-f1fa889c4d22	2026-11-28 06:04:46.026484+00	0	t	\N	\N	\N	globex	connection.stored	\N	connection	01a220c1-904a-85bc-9b22-2478624498d1	\N	\N	\N	\N	{"actor_id": "1", "provider": "azure", "actor_type": "user"}
01a220c1-904b-85bc-a385-4efec865b69b	2026-11-28 06:04:46.027188+00	0	t	\N	\N	\N	globex	connection.stored	\N	connection	01a220c1-904b-85bc-b5aa-f890874508e1	\N	\N	\N	\N	{"actor_id": "1", "provider": "google", "actor_type": "user"}
01a220c1-904c-85bc-b24c-9921f4b86757	2026-11-28 06:04:46.028091+00	0	t	\N	\N	\N	globex	connection.leased	\N	connection	01a220c1-904b-85bc-b5aa-f890874508e1	\N	\N	\N	\N	{"fence": 1, "actor_id": "1", "provider": "google", "actor_type": "user"}
01a220c1-904c-85bc-b248-fcf8ede87cd4	2026-11-28 06:04:46.02897+00	0	t	\N	\N	\N	globex	connection.refresh_failed	\N	connection	01a220c1-904b-85bc-b5aa-f890874508e1	\N	\N	\N	\N	{"fence": 1, "reason": "timeout", "actor_id": "1", "failures": 1, "provider": "google", "actor_type": "user"}
01a220c1-904d-85bc-b91e-f8ca506dbc06	2026-11-28 06:04:46.029635+00	0	t	\N	\N	\N	globex	connection.leased	\N	connection	01a220c1-904b-85bc-b5aa-f890874508e1	\N	\N	\N	\N	{"fence": 2, "actor_id": "1", "provider": "google", "actor_type": "user"}
01a220c1-904e-85bc-b2ae-dd245fa8b774	2026-11-28 06:04:46.030138+00	0	t	\N	\N	\N	globex	connection.stored	\N	connection	01a220c1-904e-85bc-88d9-8676fd6a520d	\N	\N	\N	\N	{"actor_id": "01a220c1-903c-82df-8f8f-115819213424", "provider": "vercel", "actor_type": "api_key"}
01a220c1-904e-85bc-a1d2-8fd10c01e632	2026-11-28 06:04:46.030783+00	0	t	\N	\N	\N	globex	connection.revoked	\N	connection	01a220c1-904e-85bc-88d9-8676fd6a520d	\N	\N	\N	\N	{"reason": "asked for", "actor_id": "01a220c1-903c-82df-8f8f-115819213424", "provider": "vercel", "actor_type": "api_key"}
\.


--
-- Data for Name: audit_log_y2026m12; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.audit_log_y2026m12 (id, occurred_at, risk_score, success, user_id, grant_id, session_id, tenant_id, event, client_id, resource_type, resource_id, error, flags, ip, user_agent, details) FROM stdin;
\.


--
-- Data for Name: audit_log_y2027m01; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.audit_log_y2027m01 (id, occurred_at, risk_score, success, user_id, grant_id, session_id, tenant_id, event, client_id, resource_type, resource_id, error, flags, ip, user_agent, details) FROM stdin;
\.


--
-- Data for Name: authorization_codes; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.authorization_codes (id, user_id, expires_at, failed_verifiers, redeemed_at, grant_id, session_id, auth_time, tenant_id, client_id, digest, scope, redirect_uri, code_challenge, code_challenge_method, nonce, dpop_jkt, resources, acr, amr, claims) FROM stdin;
01a220c1-8f9e-8c80-8a67-3a73dbf8c6df	01a220c1-8f9d-8c80-aa39-04197b5910f0	2026-11-28 06:14:45.854673+00	0	2026-11-28 06:04:45.855709+00	01a220c1-8f9f-8c80-94f1-3d0206f47415	\N	\N	default	web-default	\\x7013e3eb3d75f2ca8d5b7ba4a43d25486f8279ad3ad0ef2295fe0005ed947cf5	openid orders	\N	E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM	S256	n-0S6	\N	\N	\N	{pwd,otp}	{"k": 10000000000}
01a220c1-8fec-835b-82e3-3310dd516fb7	01a220c1-8fea-835b-a5b2-e398fa3fcac5	2026-11-28 06:14:45.932323+00	0	2026-11-28 06:04:45.933254+00	01a220c1-8fed-835b-a96f-9aa0bc8784fe	\N	\N	acme	web-acme	\\x51171b39633adce9d2c5d32ed05ece593f2255865036f00267672fbfba95e2f9	openid orders	\N	E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM	S256	n-0S6	\N	\N	\N	{pwd,otp}	{"k": 10000000000}
01a220c1-902c-82df-bdc9-8a1180756bb1	01a220c1-902a-82df-a0d0-9a21df3fcae2	2026-11-28 06:14:45.996061+00	0	2026-11-28 06:04:45.996903+00	01a220c1-902c-82df-b42f-9d7a266be576	\N	\N	globex	web-globex	\\x7f2b624efe312beda865be5df97ad1ac326726c0ae126c3b3f9a862d7012472f	openid orders	\N	E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM	S256	n-0S6	\N	\N	\N	{pwd,otp}	{"k": 10000000000}
01a220c1-8fa1-8c80-90bc-ad0a30f6a98f	01a220c1-8f9d-8c80-aa39-04197b5910f0	2100-01-01 00:00:00+00	0	\N	\N	\N	\N	default	web-default	\\x6a4ec819f9d46e3c608c59e847ab43f8aa18a12206d5219dab09912423b7502d	openid orders	\N	E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM	S256	\N	\N	\N	\N	\N	\N
01a220c1-8fef-835b-9fbd-caa5f7a21fb6	01a220c1-8fea-835b-a5b2-e398fa3fcac5	2100-01-01 00:00:00+00	0	\N	\N	\N	\N	acme	web-acme	\\xbc96a93a877d4413557b35b9c226ceddb7ceeb1f8f3c715060b5cfde722e8635	openid orders	\N	E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM	S256	\N	\N	\N	\N	\N	\N
01a220c1-902f-82df-8f57-c57fd248924b	01a220c1-902a-82df-a0d0-9a21df3fcae2	2100-01-01 00:00:00+00	0	\N	\N	\N	\N	globex	web-globex	\\x416ba1c3e988a8fb08e1a82da331ac958a311cbd6045d4e66ee4be00410b8594	openid orders	\N	E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM	S256	\N	\N	\N	\N	\N	\N
\.


--
-- Data for Name: claimed_jtis_y2026m11d28h07; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.claimed_jtis_y2026m11d28h07 (jti_hash, expires_at, tenant_id) FROM stdin;
2bab807a-0a15-af99-136b-87468ed0d847	2026-11-28 07:04:45.887955+00	default
74e5103e-341a-c1ba-5bec-0600614078ff	2026-11-28 07:04:45.95708+00	acme
0fd431b7-87db-ac42-26ec-3737c6abb66a	2026-11-28 07:04:46.019659+00	globex
\.


--
-- Data for Name: claimed_jtis_y2026m11d28h08; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.claimed_jtis_y2026m11d28h08 (jti_hash, expires_at, tenant_id) FROM stdin;
\.


--
-- Data for Name: cleanup_cursors; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.cleanup_cursors (task, "position", updated_at) FROM stdin;
grants	\N	2026-11-28 06:04:45.727434+00
imported_refresh_tokens	\N	2026-11-28 06:04:45.727584+00
authorization_codes	\N	2026-11-28 06:04:45.727591+00
access_tokens	\N	2026-11-28 06:04:45.727594+00
sessions	\N	2026-11-28 06:04:45.727597+00
consents	\N	2026-11-28 06:04:45.727599+00
client_secrets	\N	2026-11-28 06:04:45.727602+00
api_keys	\N	2026-11-28 06:04:45.727604+00
rate_limits	\N	2026-11-28 06:04:45.727607+00
\.


--
-- Data for Name: client_secrets; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.client_secrets (id, created_at, expires_at, tenant_id, client_id, digest, secret_hash) FROM stdin;
01a220c1-8f98-8049-8273-d419c67b9acf	2026-11-28 06:04:45.848655+00	\N	default	web-default	\\xf873f77293ee58990b480224eb662ecf9cc7e075cafa120cd7e018b9531191c5	\N
01a220c1-8fe5-8549-b604-af82c093dbca	2026-11-28 06:04:45.925766+00	\N	acme	web-acme	\\x4d4b72d413314ed99451bf974364bd88285008fd44c30d39bda74ba3fdcf99e4	\N
01a220c1-9026-8c39-b3d5-ada5949ddc54	2026-11-28 06:04:45.990261+00	\N	globex	web-globex	\\x8b20b6017f05d783671a26a3324dd03c788a0f9218c6c2fd248d980b57376ab0	\N
\.


--
-- Data for Name: clients; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.clients (id, tenant_id, status, tenant_suspended, client_type, token_endpoint_auth_method, require_pkce, refresh_rotation, access_token_ttl, refresh_token_ttl, refresh_idle_ttl, refresh_grace, rate_limit_per_hour, scope, grant_types, redirect_uris, resources, name, status_reason, metadata, created_at, updated_at) FROM stdin;
web-default	default	active	f	confidential	client_secret_basic	t	t	3600	7776000	2592000	\N	\N	openid orders	{authorization_code,refresh_token,client_credentials,urn:ietf:params:oauth:grant-type:token-exchange}	{https://default.example/cb}	{}	Web of default	\N	{"a": "\\\\ü\\n"}	2026-11-28 06:04:45.848655+00	2026-11-28 06:04:45.848655+00
tv-default	default	active	f	public	none	t	t	3600	7776000	2592000	\N	\N	orders	{urn:ietf:params:oauth:grant-type:device_code,refresh_token}	{}	{}	TV of default	\N	{}	2026-11-28 06:04:45.858532+00	2026-11-28 06:04:45.858532+00
web-acme	acme	active	f	confidential	client_secret_basic	t	t	3600	7776000	2592000	\N	\N	openid orders	{authorization_code,refresh_token,client_credentials,urn:ietf:params:oauth:grant-type:token-exchange}	{https://acme.example/cb}	{}	Web of acme	\N	{"a": "\\\\ü\\n"}	2026-11-28 06:04:45.925766+00	2026-11-28 06:04:45.925766+00
tv-acme	acme	active	f	public	none	t	t	3600	7776000	2592000	\N	\N	orders	{urn:ietf:params:oauth:grant-type:device_code,refresh_token}	{}	{}	TV of acme	\N	{}	2026-11-28 06:04:45.936103+00	2026-11-28 06:04:45.936103+00
web-globex	globex	active	f	confidential	client_secret_basic	t	t	3600	7776000	2592000	\N	\N	openid orders	{authorization_code,refresh_token,client_credentials,urn:ietf:params:oauth:grant-type:token-exchange}	{https://globex.example/cb}	{}	Web of globex	\N	{"a": "\\\\ü\\n"}	2026-11-28 06:04:45.990261+00	2026-11-28 06:04:45.990261+00
tv-globex	globex	active	f	public	none	t	t	3600	7776000	2592000	\N	\N	orders	{urn:ietf:params:oauth:grant-type:device_code,refresh_token}	{}	{}	TV of globex	\N	{}	2026-11-28 06:04:45.999571+00	2026-11-28 06:04:45.999571+00
\.


--
-- Data for Name: connections; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.connections (id, key_id, fence, created_at, refreshed_at, access_token_expires_at, refresh_at, leased_until, last_error_at, revoked_at, failures, tenant_id, actor_type, actor_id, provider, provider_account_id, team_id, provider_tenant_id, scope, last_error, revoked_reason, access_token, refresh_token, metadata) FROM stdin;
01a220c1-8fcb-837a-8681-e0fde0b4c94e	01a220c1-8fcb-837a-9c26-e8aee4fe76ef	0	2026-11-28 06:04:45.899718+00	2026-11-28 06:04:45.899718+00	2100-01-01 00:00:00+00	2099-12-31 00:00:00+00	\N	\N	\N	0	default	user	1	github	octocat	\N	\N	repo	\N	\N	\\xaf6b0ac07619fea18cd40b93c8dbf61105bb29688ef89a4101ef18369cebe180f1fd6aec09ea9fa1919c0118aad848e0db	\\x32c22f7d8ed877a655d16b45f08163b032cdfbc767cb68102b25c29134adc25352952bb50f9def050077fedebe921a9505a1	{"a": "ü"}
01a220c1-8fcd-837a-95eb-c0758b5cd2f4	01a220c1-8fcb-837a-9c26-e8aee4fe76ef	0	2026-11-28 06:04:45.901689+00	2026-11-28 06:04:45.901689+00	2020-01-01 00:00:00+00	2020-01-01 00:00:00+00	\N	\N	\N	0	default	user	1	azure	\N	\N	\N	\N	\N	\N	\\x39c6f425390cce8560553e883d75b6faf43e1ef89b6ade5d155fcffb46914681b5a10f9def0fdd992ba25193e0	\\xbf309a50dcfdf30accf37cf53b8928ec6fdb18d17ef3432f70b0db56e8993b28ac788f3b9a4c2b05190b719badf0	{}
01a220c1-8fce-837a-a2ea-20e301b03469	01a220c1-8fcb-837a-9c26-e8aee4fe76ef	2	2026-11-28 06:04:45.902242+00	2026-11-28 06:04:45.902242+00	2020-01-01 00:00:00+00	2026-11-28 06:05:15.90345+00	2026-11-28 07:04:45.904014+00	2026-11-28 06:04:45.90345+00	\N	1	default	user	1	google	\N	\N	\N	\N	timeout	\N	\\x89c5e7f67171cca1e354c48367a0925a11f4a522b68eaad23bd74e6ef4ce6cced4b879ddcadd4b756fd86fa2ff58b1d553e7	\\xb508e904ca8700c2b60e5e90c047463ce80e9f7494cb1502b495281e5be56e5c219196807f60fefaa8e887af617cb9594f	{}
01a220c1-8fd0-837a-a691-00c15834e085	01a220c1-8fcb-837a-9c26-e8aee4fe76ef	0	2026-11-28 06:04:45.904443+00	2026-11-28 06:04:45.904443+00	\N	\N	\N	\N	2026-11-28 06:04:45.905005+00	0	default	api_key	01a220c1-8fb0-8c80-bf8b-8784a1bfd912	vercel	\N	\N	\N	\N	\N	asked for	\N	\N	{}
01a220c1-9009-8822-9d01-a1a526f1a8b3	01a220c1-9009-8822-af1f-d51f0604d9e3	0	2026-11-28 06:04:45.961713+00	2026-11-28 06:04:45.961713+00	2100-01-01 00:00:00+00	2099-12-31 00:00:00+00	\N	\N	\N	0	acme	user	1	github	octocat	\N	\N	repo	\N	\N	\\xaa4a7223285890ae198d1f134fb40fea67f3b94c7ca85f383b1e2b11a65ddfcb632ad79eefd301c1c25db5180c57	\\x1f82fc95a606601740efbd12f35969edcafc8172687041ba94fc56b841a74708a898d1efbfb86e391fb70e82353de6	{"a": "ü"}
01a220c1-900c-8822-8eb1-dd38adb76cd2	01a220c1-9009-8822-af1f-d51f0604d9e3	0	2026-11-28 06:04:45.964135+00	2026-11-28 06:04:45.964135+00	2020-01-01 00:00:00+00	2020-01-01 00:00:00+00	\N	\N	\N	0	acme	user	1	azure	\N	\N	\N	\N	\N	\N	\\x8eb47fc4b45523226319ddff1e844b96f1d8c8e7415d5deacef09eebcb54fc1fddf1b4a6610e2a0050fd	\\xeb7da1f49dad44a9cf2d53f6355d9ce44f97df55c9003c137d33eda79399775d221baf00582ca741a3ac85	{}
01a220c1-900c-8822-8bac-2f95fb47a443	01a220c1-9009-8822-af1f-d51f0604d9e3	2	2026-11-28 06:04:45.964821+00	2026-11-28 06:04:45.964821+00	2020-01-01 00:00:00+00	2026-11-28 06:05:15.966169+00	2026-11-28 07:04:45.966772+00	2026-11-28 06:04:45.966169+00	\N	1	acme	user	1	google	\N	\N	\N	\N	timeout	\N	\\x5a6d956c2de4b7daf5dba891778d0df94a61d9d1c1c6321ce59d79398f2cc7870e1df450858daf431fca4fb947a6ce	\\x66322274c9097aee60515d582c6253956a5f078609fd7d91d0707d35db6043cdaf0806d58d892d592bb3fdbf8c6d	{}
01a220c1-900f-8822-8036-9d15406ea430	01a220c1-9009-8822-af1f-d51f0604d9e3	0	2026-11-28 06:04:45.967235+00	2026-11-28 06:04:45.967235+00	\N	\N	\N	\N	2026-11-28 06:04:45.967979+00	0	acme	api_key	01a220c1-8ffe-835b-ac9d-cd0b62db7d42	vercel	\N	\N	\N	\N	\N	asked for	\N	\N	{}
01a220c1-9048-85bc-bd46-25af5760f9ef	01a220c1-9048-85bc-9fad-c02d3d0f1b5b	0	2026-11-28 06:04:46.024052+00	2026-11-28 06:04:46.024052+00	2100-01-01 00:00:00+00	2099-12-31 00:00:00+00	\N	\N	\N	0	globex	user	1	github	octocat	\N	\N	repo	\N	\N	\\x16cf547bbaba9df3b6dc9da3821cf97380676dfe4528e9721456881f3ff0eb83e5d3ade724d6fd73c36b9cbea4a6ad9a	\\x13ab729ce48f77498dd985e281d2432f128e26ecac8641bd85cd562e4b6d374166c52a4a90dee32ea23231a5b811c647a9	{"a": "ü"}
01a220c1-904a-85bc-9b22-2478624498d1	01a220c1-9048-85bc-9fad-c02d3d0f1b5b	0	2026-11-28 06:04:46.026484+00	2026-11-28 06:04:46.026484+00	2020-01-01 00:00:00+00	2020-01-01 00:00:00+00	\N	\N	\N	0	globex	user	1	azure	\N	\N	\N	\N	\N	\N	\\x4fe2800ff0d49cce68bf07f9538f4208df035e22e89eee04b6c525aaa3093f2b14e4b1aee653612fcf15c65a	\\x366c8f7632da03dfa6a7e8934706069501bfcc1c64c10209d2b1fdc275305a1b773794dbf361448ae42b57afe2	{}
01a220c1-904b-85bc-b5aa-f890874508e1	01a220c1-9048-85bc-9fad-c02d3d0f1b5b	2	2026-11-28 06:04:46.027188+00	2026-11-28 06:04:46.027188+00	2020-01-01 00:00:00+00	2026-11-28 06:05:16.02897+00	2026-11-28 07:04:46.029635+00	2026-11-28 06:04:46.02897+00	\N	1	globex	user	1	google	\N	\N	\N	\N	timeout	\N	\\xd56073dcf7a03fd2bef83e24e1dcea53af991745476704035217fdee5760c5367b27671743f837d7beca7e4c2ef27449c6	\\x276bc741351c7935cacc4f7e15391865d3a2019cf781339449b62a8577fd107687b48f22047608b77e77c827b8c7e030	{}
01a220c1-904e-85bc-88d9-8676fd6a520d	01a220c1-9048-85bc-9fad-c02d3d0f1b5b	0	2026-11-28 06:04:46.030138+00	2026-11-28 06:04:46.030138+00	\N	\N	\N	\N	2026-11-28 06:04:46.030783+00	0	globex	api_key	01a220c1-903c-82df-8f8f-115819213424	vercel	\N	\N	\N	\N	\N	asked for	\N	\N	{}
\.


--
-- Data for Name: consents; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.consents (id, user_id, renewed_at, expires_at, tenant_id, client_id, resource, scope) FROM stdin;
01a220c1-8fad-8c80-bd4d-c5f3515d2be2	01a220c1-8f9d-8c80-aa39-04197b5910f0	2026-11-28 06:04:45.869554+00	2100-01-01 00:00:00+00	default	web-default		openid
01a220c1-8ffc-835b-b806-2776ebc8d58b	01a220c1-8fea-835b-a5b2-e398fa3fcac5	2026-11-28 06:04:45.948326+00	2100-01-01 00:00:00+00	acme	web-acme		openid
01a220c1-903a-82df-89f7-48a974ac9887	01a220c1-902a-82df-a0d0-9a21df3fcae2	2026-11-28 06:04:46.010481+00	2100-01-01 00:00:00+00	globex	web-globex		openid
\.


--
-- Data for Name: device_codes; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.device_codes (id, last_polled_at, slowed_at, poll_interval, expires_at, approved_at, denied_at, redeemed_at, grant_id, user_id, session_id, auth_time, tenant_id, client_id, digest, user_code_digest, scope, resources, acr, amr, claims) FROM stdin;
01a220c1-8fa3-8154-a8f0-8face915d317	\N	\N	5	2100-01-01 00:00:00+00	\N	\N	\N	\N	\N	\N	\N	default	tv-default	\\x7d3a5073ffaba498daea52f08d648d2d46b4575f1875ef7aa33dc75b53123916	\\xf214e148b48a64301a542f2b319208dc0d4b1f296d39a289ba34e37a28fc2a14	orders	\N	\N	\N	\N
01a220c1-8fa3-8154-b437-619493e235c8	\N	\N	5	2100-01-01 00:00:00+00	2026-11-28 06:04:45.860316+00	\N	\N	\N	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	default	tv-default	\\x356f8fd9bbfa57ee75e14d7065b4031830d00c190e11ea8734aab860ddb3561a	\\x91bd766db9140184bf6b0ac191a1987596abb78ab003fbd53f8f0f7ff35d7ae3	orders	\N	\N	\N	\N
01a220c1-8ff0-8643-bb70-274c51f47528	\N	\N	5	2100-01-01 00:00:00+00	\N	\N	\N	\N	\N	\N	\N	acme	tv-acme	\\x2b5cb8a2a4a34964a7ef1dcdea29e1b759d711e995a2bd5d846826f00d98ded5	\\xa4d0dc5d3011004d78eb52d2de90a8e435ce2faa10bc5fb9ef9cb50b30b2b0b1	orders	\N	\N	\N	\N
01a220c1-8ff1-8643-8495-c425c6dd3c34	\N	\N	5	2100-01-01 00:00:00+00	2026-11-28 06:04:45.938076+00	\N	\N	\N	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	acme	tv-acme	\\x7a5cd398468c2e0b2dafda1ccb372475a9e9c44a414d03bc6d806f0da74af510	\\x8602e7164f45f9a90c8e08c0add69e403f3a5b0c5c76ef7be2a7fdeb0e3008eb	orders	\N	\N	\N	\N
01a220c1-9030-890f-a8d2-24286f5f9f3a	\N	\N	5	2100-01-01 00:00:00+00	\N	\N	\N	\N	\N	\N	\N	globex	tv-globex	\\x1233ff519887025fbf18b3f5f42fa3c4e6a3dc1bc3fcc4b723989a920e54a75f	\\xef2b0c4d75cee2ea5462b33e8fbb40b7547b4bebf3ef27edcafeb64ed78b3b58	orders	\N	\N	\N	\N
01a220c1-9030-890f-860e-2a854b8b4b2c	\N	\N	5	2100-01-01 00:00:00+00	2026-11-28 06:04:46.001246+00	\N	\N	\N	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	globex	tv-globex	\\x82d2be38dcba29b550c711a00c10c4191274c4385d1a7cad2ff54492d29bf541	\\xa061ad798399e862411b3b457f4175b5454a2b3b4e841ccd3e39e363401f0e95	orders	\N	\N	\N	\N
\.


--
-- Data for Name: grants; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.grants (id, expires_at, rotation_count, revoked_at, idle_expires_at, rotated_at, user_id, session_id, subject_token_id, auth_time, tenant_id, client_id, scope, revoked_reason, family_digest, current_digest, previous_digest, successor_sealed, network, resources, acr, amr, claims, cnf) FROM stdin;
01a220c1-8f9f-8c80-94f1-3d0206f47415	2100-01-01 00:00:00+00	1	\N	2100-01-01 00:00:00+00	2026-11-28 06:04:45.861983+00	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	\N	default	web-default	openid orders	\N	\\xd1180efa336118de79069cfaf1c6fa3c230364c5edfa5d1b8112bd1b344e912d	\\xf78990dac9319803d79452a71a3bd0a75e7d6ec3a397dc38bdc3d5d3f09e7a8d	\\xd5926c8b723fe3597ba2e1d285956f95c83375e433779f4253143f43dbc8340d	\\x4e9acbf2e66c395fed577be5b0b28de029fea69929c1280b538d0320659e189815e4ec311864eabd827ac653b4f7c8b069f816754900fbc20d5af313	192.0.2.1	\N	\N	{pwd,otp}	{"k": 10000000000}	\N
01a220c1-8fa7-8c80-9d01-08298c98d13c	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	\N	default	web-default	openid orders	\N	\\x39a26f0958ff2f8001f8cdd39b9755f2bc3ea14b98b95d852c47f22a9729ae2f	\\x3216933196929c5e0c1e1276f1cd36755f186a147921a9778432c6b0f62c11e3	\N	\N	\N	\N	\N	\N	\N	{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}
01a220c1-8fa7-8049-b4be-27234b105cd5	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	\N	\N	\N	\N	default	web-default	openid orders	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fa8-8049-aa42-538b28ba321c	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	\N	\N	\N	\N	default	web-default	openid orders	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fc7-8c80-9092-bee5229c6ace	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	01a220c1-8f9f-8c80-972e-1a698810b17c	\N	default	web-default	openid orders	\N	\N	\N	\N	\N	\N	\N	\N	{pwd,otp}	{"k": 10000000000, "act": {"sub": "web-default", "client_id": "web-default"}}	\N
01a220c1-8fc8-8c80-aa03-85f9ec2cfa8f	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	\N	default	web-default	openid orders	\N	\\xcedbb5bdb57795919bc3c028ff1e81606aafdbf231737cc6ee66e4bbc4f5dc9d	\\xcedbb5bdb57795919bc3c028ff1e81606aafdbf231737cc6ee66e4bbc4f5dc9d	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-8fc9-8c80-85ba-a8cbc68103fa	2100-01-01 00:00:00+00	1	\N	2100-01-01 00:00:00+00	2026-11-28 06:04:45.89838+00	01a220c1-8f9d-8c80-aa39-04197b5910f0	\N	\N	\N	default	web-default	openid orders	\N	\\xe729780f8d09a35ebd78b408bff6ea00091b6f2e4638e018b1d406217cd3c7cd	\\xbd1e2dc62d8fe326958706add7be85ee0b9a6f8b56fc110ab8b8f590adea8e73	\\x97fc5e11ae2dc0668db08dacb2446f15e34a5fee4ca9e67dcdf29458dea72e60	\\x0f53d9a0c175b44bce61f4afaf30faddf631b83a74330f7f00ba03c318606c96248adf1fbce9933a62908fac40df63b56118082ae657e58145714fc0e85d666247873b3f430773596b82d4cc	\N	\N	\N	\N	\N	\N
01a220c1-8fed-835b-a96f-9aa0bc8784fe	2100-01-01 00:00:00+00	1	\N	2100-01-01 00:00:00+00	2026-11-28 06:04:45.939733+00	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	\N	acme	web-acme	openid orders	\N	\\x434c82483f52f83e34f07066bc11724543be021970983685d5eec8f0265c5d6f	\\x9f54c4ed8210339e0fb1fcf5938425427d0bfc56df5b9bc0e4eed7f81dc7899b	\\xaf1f8f4cc0ed0674d2ec23a725c934a5c2e5a3cfa016487c6f7b015bbf648595	\\x8c497af49670e376a9015b1085211c04ce4f0b5a71d552516a44dd70c918c328cab9d60f6931347167d10f9552bef574454927741f0181df2169c77d	192.0.2.1	\N	\N	{pwd,otp}	{"k": 10000000000}	\N
01a220c1-8ff6-8549-a909-2083d3e93239	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	\N	\N	\N	\N	acme	web-acme	openid orders	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-8ff5-835b-8829-4030f81446d4	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	\N	acme	web-acme	openid orders	\N	\\x7f69163437c7c488403c43c381c9496ce64c60066e1b7bc8eac0eedb163c4757	\\xe068159ef2cf7768f4eff70335630030aaf367882b2407d76777a6b02001671c	\N	\N	\N	\N	\N	\N	\N	{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}
01a220c1-8ff6-8549-a9f9-f2a0fc6c8e09	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	\N	\N	\N	\N	acme	web-acme	openid orders	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-9005-835b-8c2a-1d7bb7e8eaf5	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	01a220c1-8fed-835b-b899-a6d817487246	\N	acme	web-acme	openid orders	\N	\N	\N	\N	\N	\N	\N	\N	{pwd,otp}	{"k": 10000000000, "act": {"sub": "web-acme", "client_id": "web-acme"}}	\N
01a220c1-9006-835b-98aa-2d9d367c4d4c	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	\N	acme	web-acme	openid orders	\N	\\xbff0560ad146f8b6c261818a4fe2766c0e2bcc9131088b102bbe5db88ce50c1e	\\xbff0560ad146f8b6c261818a4fe2766c0e2bcc9131088b102bbe5db88ce50c1e	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-9007-835b-b873-c9a352ba7111	2100-01-01 00:00:00+00	1	\N	2100-01-01 00:00:00+00	2026-11-28 06:04:45.960408+00	01a220c1-8fea-835b-a5b2-e398fa3fcac5	\N	\N	\N	acme	web-acme	openid orders	\N	\\xf4290556538764ffc0e2bc7d9873b9fdadc4d9ca34c9149dbde5b9e8e7422c38	\\x2f580badbd605e18a987276e15347ff19ff307681bb229ec4da3f71581e9c224	\\xbe5cd387ed6c47229ccf520d6993efb0eaa278db88478fcc94f522c99b3088c9	\\xd85e9866f8dc0e5d9bdc42d35a433fc1303d735869c0bac7e518e660d182da3abf164ea09b83e985c2e9754906b934dc288c1fe639101a16475e5362140f5398696024deaf2db90fa3201b36	\N	\N	\N	\N	\N	\N
01a220c1-902c-82df-b42f-9d7a266be576	2100-01-01 00:00:00+00	1	\N	2100-01-01 00:00:00+00	2026-11-28 06:04:46.002847+00	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	\N	globex	web-globex	openid orders	\N	\\x62d1c0667ebd4821f14d35d8a56d41e314be2dc3bb797223849d00964dd6703f	\\x241ede8d7498e36a4effb119a5ec74c82faf6e1d2953a17ea25d6cbaa9a1bed6	\\x34110c3519b2165c9f557b6ea5ada11cee6f425f3bad981631ee3d159f4ca324	\\x8fa743811c6f41ea3bb7f04a36f1ef526d125cf9ab06876fb6f1b2ffe9e58af5b8383e6f2c52685ef1b93e450756ece946bd30630222776d18ab5484	192.0.2.1	\N	\N	{pwd,otp}	{"k": 10000000000}	\N
01a220c1-9034-82df-b958-71efff7a03d8	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	\N	globex	web-globex	openid orders	\N	\\x8b39de83f73f5d7a37f11e466b4a5e366744278a741ab3dd495fd342c82971d8	\\x0560b0fed3542565aebd65ddd492e2643313ce4106bdace6bbf9de05f67a1e46	\N	\N	\N	\N	\N	\N	\N	{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}
01a220c1-9034-8c39-94c6-3f80466df606	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	\N	\N	\N	\N	globex	web-globex	openid orders	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-9035-8c39-af70-c361919eafb2	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	\N	\N	\N	\N	globex	web-globex	openid orders	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-9044-82df-8b18-9a41d0c812e9	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	01a220c1-902c-82df-bb38-921df78e7774	\N	globex	web-globex	openid orders	\N	\N	\N	\N	\N	\N	\N	\N	{pwd,otp}	{"k": 10000000000, "act": {"sub": "web-globex", "client_id": "web-globex"}}	\N
01a220c1-9045-82df-b036-5bf36e0f5d16	2100-01-01 00:00:00+00	0	\N	2100-01-01 00:00:00+00	\N	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	\N	globex	web-globex	openid orders	\N	\\x5efaa316e1882a8be679bb3d0ffa143d97530dc1dddfc6866228b368e2ea5a5b	\\x5efaa316e1882a8be679bb3d0ffa143d97530dc1dddfc6866228b368e2ea5a5b	\N	\N	\N	\N	\N	\N	\N	\N
01a220c1-9046-82df-a50b-fb36e2fae337	2100-01-01 00:00:00+00	1	\N	2100-01-01 00:00:00+00	2026-11-28 06:04:46.022605+00	01a220c1-902a-82df-a0d0-9a21df3fcae2	\N	\N	\N	globex	web-globex	openid orders	\N	\\x0baa85bed401f1e5b6b34415785f298ab0fe083d4e0b2eed80d5ea928c2e6234	\\xe2541feba24d040fc1dc07139539e280d9792a5f8b6c4a7d84409de9080a1506	\\xcef3e6378e8a9f1df25205b1fa92d771150311450ef5ae83ad3813417a877124	\\x7ed064e04e69cd15e6e1f44a68c815ddd507c81b8d96698c89f602850377cca9f215375a8bb2aeaff984d57162848760cd63237c5834eb8e10a98550b97d3f51765ee943c70afe9d3905daff	\N	\N	\N	\N	\N	\N
\.


--
-- Data for Name: imported_api_keys; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.imported_api_keys (api_key_id, tenant_id, digest) FROM stdin;
01a220c1-8fb5-8049-b2f4-5b8b1f6cb8e4	default	\\xe4c3fd6a5efacfd9d040a11b34fdd77e8d84d0706e2243f1ec5fefc963c0089a
01a220c1-9003-8549-a5b0-e8c784902856	acme	\\x1ec53f0c11e016838cc20b378c14662ab84c81e75474992bc398c9466dd5062e
01a220c1-9041-8c39-b653-d8cd9798d924	globex	\\xbabfbe23ffa4241b4d8a51c276c3d0b7bc6c9ec5c37068c01ebfd6f40e5e2cd1
\.


--
-- Data for Name: imported_refresh_tokens; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.imported_refresh_tokens (grant_id, expires_at, tenant_id, client_id, digest) FROM stdin;
01a220c1-8fc8-8c80-aa03-85f9ec2cfa8f	2100-01-01 00:00:00+00	default	web-default	\\xcedbb5bdb57795919bc3c028ff1e81606aafdbf231737cc6ee66e4bbc4f5dc9d
01a220c1-8fc9-8c80-85ba-a8cbc68103fa	2100-01-01 00:00:00+00	default	web-default	\\x97fc5e11ae2dc0668db08dacb2446f15e34a5fee4ca9e67dcdf29458dea72e60
01a220c1-9006-835b-98aa-2d9d367c4d4c	2100-01-01 00:00:00+00	acme	web-acme	\\xbff0560ad146f8b6c261818a4fe2766c0e2bcc9131088b102bbe5db88ce50c1e
01a220c1-9007-835b-b873-c9a352ba7111	2100-01-01 00:00:00+00	acme	web-acme	\\xbe5cd387ed6c47229ccf520d6993efb0eaa278db88478fcc94f522c99b3088c9
01a220c1-9045-82df-b036-5bf36e0f5d16	2100-01-01 00:00:00+00	globex	web-globex	\\x5efaa316e1882a8be679bb3d0ffa143d97530dc1dddfc6866228b368e2ea5a5b
01a220c1-9046-82df-a50b-fb36e2fae337	2100-01-01 00:00:00+00	globex	web-globex	\\xcef3e6378e8a9f1df25205b1fa92d771150311450ef5ae83ad3813417a877124
\.


--
-- Data for Name: pushed_requests; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.pushed_requests (id, expires_at, tenant_id, client_id, digest, parameters) FROM stdin;
01a220c1-8fa5-8049-8aed-85efd63c6f1a	2100-01-01 00:00:00+00	default	web-default	\\x93596ed19fcad9df26ba2df6daccdeb176d426675d81a4020e8354c43a265a21	{"state": "a \\"b\\" \\\\ü", "response_type": "code", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
01a220c1-8ff3-8549-bf54-9f474e9ac0ac	2100-01-01 00:00:00+00	acme	web-acme	\\x40c520b07f653108aa3e8d3a345bb87b958468f67026a46052f02d8f9b4d820b	{"state": "a \\"b\\" \\\\ü", "response_type": "code", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
01a220c1-9032-8c39-929c-67d29cb1fefc	2100-01-01 00:00:00+00	globex	web-globex	\\x3a451c095c24b2da731f445e79ab6b19f5a49e772a1ffbee276bdd3d769f77c9	{"state": "a \\"b\\" \\\\ü", "response_type": "code", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
\.


--
-- Data for Name: rate_limits; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.rate_limits (id, expires_at, allowed, tenant_id) FROM stdin;
0baea087-1a77-5094-1296-09cf5fdb315e	2026-12-01 06:04:45.899028+00	t	default
05c96bb1-3907-c969-61c5-5ff8d85df41a	2026-12-01 06:04:45.961161+00	t	acme
00883494-c7c8-f259-7544-5f5037416548	2026-12-01 06:04:46.02337+00	t	globex
\.


--
-- Data for Name: revoked_jtis_y2026m11d28; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.revoked_jtis_y2026m11d28 (jti_hash, expires_at, revoked_at, tenant_id, reason) FROM stdin;
4d093f1a-829f-a36e-f267-0e8ad750ffd6	2026-11-28 07:04:45.878528+00	2026-11-28 06:04:45.878547+00	default	stolen
8b57e843-54c9-785f-a3cb-f2dc69c8d129	2026-11-28 07:04:45.956422+00	2026-11-28 06:04:45.956441+00	acme	stolen
9d0b1d23-229d-6019-8818-8d38320d5333	2026-11-28 07:04:46.018992+00	2026-11-28 06:04:46.019012+00	globex	stolen
\.


--
-- Data for Name: revoked_jtis_y2026m11d29; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.revoked_jtis_y2026m11d29 (jti_hash, expires_at, revoked_at, tenant_id, reason) FROM stdin;
\.


--
-- Data for Name: schema_version; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.schema_version (version, name, applied_at) FROM stdin;
1	install	2026-11-28 06:04:45.727796+00
\.


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.sessions (id, user_id, expires_at, idle_expires_at, last_seen_at, idle_ttl, revoked_at, tenant_id, digest, acr, amr, metadata, revoked_reason, ip, user_agent) FROM stdin;
01a220c1-8fab-8c80-80c4-3ee2dd51bbbe	01a220c1-8f9d-8c80-aa39-04197b5910f0	2026-12-28 06:04:45.867396+00	2026-11-29 06:04:45.867396+00	2026-11-28 06:04:45.867396+00	86400	2026-11-28 06:04:45.868085+00	default	\\x318f614db6cb346ac803ad4fbfb285215a1a3b41d76185572afec3d5a7ba6f2a	\N	\N	{}	revoked	\N	\N
01a220c1-8ffa-835b-a290-f9a32be65a54	01a220c1-8fea-835b-a5b2-e398fa3fcac5	2026-12-28 06:04:45.946105+00	2026-11-29 06:04:45.946105+00	2026-11-28 06:04:45.946105+00	86400	2026-11-28 06:04:45.946635+00	acme	\\x97c50dae56d6f3e720686ffd7aea098aed8ebfc2ad1f5809953e6c0287d03b5d	\N	\N	{}	revoked	\N	\N
01a220c1-9038-82df-9d7f-5d7d4b2442f9	01a220c1-902a-82df-a0d0-9a21df3fcae2	2026-12-28 06:04:46.008321+00	2026-11-29 06:04:46.008321+00	2026-11-28 06:04:46.008321+00	86400	2026-11-28 06:04:46.008944+00	globex	\\xf92b27e99a8af8e92b0bc41345d1ea7ac5a6ff6e1a330ceb54272e3fec883e5b	\N	\N	{}	revoked	\N	\N
01a220c1-8fa9-8c80-8922-1a44b3bda0ad	01a220c1-8f9d-8c80-aa39-04197b5910f0	2100-01-01 00:00:00+00	2100-01-01 00:00:00+00	2026-11-28 06:04:45.866765+00	86400	\N	default	\\x37ac77d88bfe4b26ddc942bcdfa5881fb28df999af59ecb5eba53bcfd94ce9d4	mfa	\N	{"a": 1}	\N	192.0.2.1	\N
01a220c1-8ff8-835b-9900-265065c0b8c7	01a220c1-8fea-835b-a5b2-e398fa3fcac5	2100-01-01 00:00:00+00	2100-01-01 00:00:00+00	2026-11-28 06:04:45.945572+00	86400	\N	acme	\\x1e8c927ef98ac76920f3a31771b0775e30225c1c304fe1da19d09760550ac405	mfa	\N	{"a": 1}	\N	192.0.2.1	\N
01a220c1-9036-82df-ba8c-d4cb898a7cdc	01a220c1-902a-82df-a0d0-9a21df3fcae2	2100-01-01 00:00:00+00	2100-01-01 00:00:00+00	2026-11-28 06:04:46.007555+00	86400	\N	globex	\\xc596f0af5968aae022515c63c34ccbdbe75d1690b59260a5e333dbebd122af6a	mfa	\N	{"a": 1}	\N	192.0.2.1	\N
\.


--
-- Data for Name: tenants; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.tenants (id, status, status_reason, display_name, settings, created_at, updated_at) FROM stdin;
default	active	\N	Default tenant	{}	2026-11-28 06:04:45.664828+00	2026-11-28 06:04:45.664828+00
acme	active	\N	Acme & "Söhne"	{"plan": [1, null]}	2026-11-28 06:04:45.821818+00	2026-11-28 06:04:45.821818+00
globex	active	\N	globex	{}	2026-11-28 06:04:45.824892+00	2026-11-28 06:04:45.824892+00
\.


--
-- Data for Name: users; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.users (id, email_verified, tenant_id, status, email, external_id, first_name, last_name, status_reason, metadata, created_at, updated_at) FROM stdin;
01a220c1-8f9d-8c80-aa39-04197b5910f0	f	default	active	ada@default.example	1	Ada	\N	\N	{"n": 1.10}	2026-11-28 06:04:45.853091+00	2026-11-28 06:04:45.853091+00
01a220c1-8fea-835b-a5b2-e398fa3fcac5	f	acme	active	ada@acme.example	1	Ada	\N	\N	{"n": 1.10}	2026-11-28 06:04:45.930657+00	2026-11-28 06:04:45.930657+00
01a220c1-902a-82df-a0d0-9a21df3fcae2	f	globex	active	ada@globex.example	1	Ada	\N	\N	{"n": 1.10}	2026-11-28 06:04:45.994492+00	2026-11-28 06:04:45.994492+00
\.


--
-- Data for Name: vault_keys; Type: TABLE DATA; Schema: auth_store; Owner: auth_store_owner
--

COPY auth_store.vault_keys (id, created_at, retired_at, tenant_id, master_key_id, wrapped) FROM stdin;
01a220c1-8fcb-837a-9c26-e8aee4fe76ef	2026-11-28 06:04:45.899718+00	\N	default	first	\\x08946abe31f6feaf08ab627c23680be64ccdae7cd25dfefe2266afd18265b8ac26f429e09441d767b994812a033c4ce5e8701d74eb282f30d35327d1
01a220c1-9009-8822-af1f-d51f0604d9e3	2026-11-28 06:04:45.961713+00	\N	acme	first	\\x5e2475e5bf6db8443cdce30f3c4ab726b5f5610f0b8aa25fff405d802ef5830bf05295aae4b4d50058e76b18f2d744d877c8a8442bdab3ccdc10624b
01a220c1-9048-85bc-9fad-c02d3d0f1b5b	2026-11-28 06:04:46.024052+00	\N	globex	first	\\x706f36603be36a23bee1fc4061a838a89a85a6f5a718e3a753e92cdd761d2ab813b02cf88759f5fbbd9e76c03d46b8c10417b9c3257a9dc7550d1c4f
\.


--
-- Name: access_tokens access_tokens_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.access_tokens
    ADD CONSTRAINT access_tokens_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: authorization_codes authorization_codes_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.authorization_codes
    ADD CONSTRAINT authorization_codes_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: cleanup_cursors cleanup_cursors_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.cleanup_cursors
    ADD CONSTRAINT cleanup_cursors_pkey PRIMARY KEY (task);


--
-- Name: client_secrets client_secrets_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.client_secrets
    ADD CONSTRAINT client_secrets_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: clients clients_id_key; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.clients
    ADD CONSTRAINT clients_id_key UNIQUE (id);


--
-- Name: clients clients_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.clients
    ADD CONSTRAINT clients_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: connections connections_key; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.connections
    ADD CONSTRAINT connections_key UNIQUE (tenant_id, actor_type, actor_id, provider);


--
-- Name: connections connections_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.connections
    ADD CONSTRAINT connections_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: consents consents_key; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.consents
    ADD CONSTRAINT consents_key UNIQUE (user_id, tenant_id, client_id, resource, scope);


--
-- Name: consents consents_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.consents
    ADD CONSTRAINT consents_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: device_codes device_codes_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.device_codes
    ADD CONSTRAINT device_codes_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: device_codes device_codes_user_code_key; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.device_codes
    ADD CONSTRAINT device_codes_user_code_key UNIQUE (user_code_digest);


--
-- Name: grants grants_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.grants
    ADD CONSTRAINT grants_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: imported_api_keys imported_api_keys_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.imported_api_keys
    ADD CONSTRAINT imported_api_keys_pkey PRIMARY KEY (digest);


--
-- Name: imported_refresh_tokens imported_refresh_tokens_digest_key; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.imported_refresh_tokens
    ADD CONSTRAINT imported_refresh_tokens_digest_key UNIQUE (digest);


--
-- Name: imported_refresh_tokens imported_refresh_tokens_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.imported_refresh_tokens
    ADD CONSTRAINT imported_refresh_tokens_pkey PRIMARY KEY (grant_id, tenant_id);


--
-- Name: pushed_requests pushed_requests_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.pushed_requests
    ADD CONSTRAINT pushed_requests_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: rate_limits rate_limits_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: schema_version schema_version_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: tenants tenants_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);


--
-- Name: users users_id_key; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.users
    ADD CONSTRAINT users_id_key UNIQUE (id);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: vault_keys vault_keys_pkey; Type: CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.vault_keys
    ADD CONSTRAINT vault_keys_pkey PRIMARY KEY (id, tenant_id);


--
-- Name: api_keys_client_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX api_keys_client_idx ON auth_store.api_keys USING btree (client_id, tenant_id) WHERE (client_id IS NOT NULL);


--
-- Name: api_keys_ended_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX api_keys_ended_idx ON auth_store.api_keys USING btree (LEAST(expires_at, revoked_at)) WHERE (LEAST(expires_at, revoked_at) IS NOT NULL);


--
-- Name: api_keys_tenant_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX api_keys_tenant_idx ON auth_store.api_keys USING btree (tenant_id);


--
-- Name: api_keys_user_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX api_keys_user_idx ON auth_store.api_keys USING btree (user_id, tenant_id) WHERE (user_id IS NOT NULL);


--
-- Name: audit_log_y2026m11_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX audit_log_y2026m11_idx ON auth_store.audit_log_y2026m11 USING brin (occurred_at, id, user_id uuid_bloom_ops (n_distinct_per_range='1200', false_positive_rate='0.01'), grant_id uuid_bloom_ops (n_distinct_per_range='1200', false_positive_rate='0.01')) WITH (pages_per_range='32', autosummarize='on');


--
-- Name: audit_log_y2026m12_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX audit_log_y2026m12_idx ON auth_store.audit_log_y2026m12 USING brin (occurred_at, id, user_id uuid_bloom_ops (n_distinct_per_range='1200', false_positive_rate='0.01'), grant_id uuid_bloom_ops (n_distinct_per_range='1200', false_positive_rate='0.01')) WITH (pages_per_range='32', autosummarize='on');


--
-- Name: audit_log_y2027m01_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX audit_log_y2027m01_idx ON auth_store.audit_log_y2027m01 USING brin (occurred_at, id, user_id uuid_bloom_ops (n_distinct_per_range='1200', false_positive_rate='0.01'), grant_id uuid_bloom_ops (n_distinct_per_range='1200', false_positive_rate='0.01')) WITH (pages_per_range='32', autosummarize='on');


--
-- Name: claimed_jtis_y2026m11d28h07_key; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE UNIQUE INDEX claimed_jtis_y2026m11d28h07_key ON auth_store.claimed_jtis_y2026m11d28h07 USING btree (jti_hash);


--
-- Name: claimed_jtis_y2026m11d28h08_key; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE UNIQUE INDEX claimed_jtis_y2026m11d28h08_key ON auth_store.claimed_jtis_y2026m11d28h08 USING btree (jti_hash);


--
-- Name: client_secrets_client_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX client_secrets_client_idx ON auth_store.client_secrets USING btree (client_id, tenant_id);


--
-- Name: client_secrets_expires_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX client_secrets_expires_idx ON auth_store.client_secrets USING btree (expires_at) WHERE (expires_at IS NOT NULL);


--
-- Name: clients_tenant_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX clients_tenant_idx ON auth_store.clients USING btree (tenant_id);


--
-- Name: connections_refresh_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX connections_refresh_idx ON auth_store.connections USING btree (refresh_at, id) WHERE (refresh_at IS NOT NULL);


--
-- Name: connections_vault_key_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX connections_vault_key_idx ON auth_store.connections USING btree (key_id, tenant_id, id);


--
-- Name: consents_client_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX consents_client_idx ON auth_store.consents USING btree (client_id, tenant_id);


--
-- Name: consents_expires_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX consents_expires_idx ON auth_store.consents USING btree (expires_at) WHERE (expires_at IS NOT NULL);


--
-- Name: grants_client_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX grants_client_idx ON auth_store.grants USING btree (client_id, tenant_id);


--
-- Name: grants_user_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX grants_user_idx ON auth_store.grants USING btree (user_id, tenant_id) WHERE (user_id IS NOT NULL);


--
-- Name: imported_api_keys_key_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX imported_api_keys_key_idx ON auth_store.imported_api_keys USING btree (api_key_id, tenant_id);


--
-- Name: revoked_jtis_y2026m11d28_key; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE UNIQUE INDEX revoked_jtis_y2026m11d28_key ON auth_store.revoked_jtis_y2026m11d28 USING btree (jti_hash);


--
-- Name: revoked_jtis_y2026m11d29_key; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE UNIQUE INDEX revoked_jtis_y2026m11d29_key ON auth_store.revoked_jtis_y2026m11d29 USING btree (jti_hash);


--
-- Name: sessions_user_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX sessions_user_idx ON auth_store.sessions USING btree (user_id, tenant_id);


--
-- Name: users_email_key; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE UNIQUE INDEX users_email_key ON auth_store.users USING btree (tenant_id, lower(email)) WHERE (email IS NOT NULL);


--
-- Name: users_external_id_key; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE UNIQUE INDEX users_external_id_key ON auth_store.users USING btree (tenant_id, external_id);


--
-- Name: vault_keys_current_key; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE UNIQUE INDEX vault_keys_current_key ON auth_store.vault_keys USING btree (tenant_id) WHERE (retired_at IS NULL);


--
-- Name: vault_keys_retired_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX vault_keys_retired_idx ON auth_store.vault_keys USING btree (id) WHERE (retired_at IS NOT NULL);


--
-- Name: vault_keys_tenant_idx; Type: INDEX; Schema: auth_store; Owner: auth_store_owner
--

CREATE INDEX vault_keys_tenant_idx ON auth_store.vault_keys USING btree (tenant_id);


--
-- Name: api_keys api_keys_client_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.api_keys
    ADD CONSTRAINT api_keys_client_fkey FOREIGN KEY (client_id, tenant_id) REFERENCES auth_store.clients(id, tenant_id) ON DELETE CASCADE;


--
-- Name: api_keys api_keys_user_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.api_keys
    ADD CONSTRAINT api_keys_user_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users(id, tenant_id) ON DELETE CASCADE;


--
-- Name: client_secrets client_secrets_client_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.client_secrets
    ADD CONSTRAINT client_secrets_client_fkey FOREIGN KEY (client_id, tenant_id) REFERENCES auth_store.clients(id, tenant_id) ON DELETE CASCADE;


--
-- Name: clients clients_tenant_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.clients
    ADD CONSTRAINT clients_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants(id);


--
-- Name: connections connections_vault_key_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.connections
    ADD CONSTRAINT connections_vault_key_fkey FOREIGN KEY (key_id, tenant_id) REFERENCES auth_store.vault_keys(id, tenant_id);


--
-- Name: consents consents_client_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.consents
    ADD CONSTRAINT consents_client_fkey FOREIGN KEY (client_id, tenant_id) REFERENCES auth_store.clients(id, tenant_id);


--
-- Name: consents consents_user_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.consents
    ADD CONSTRAINT consents_user_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users(id, tenant_id);


--
-- Name: grants grants_client_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.grants
    ADD CONSTRAINT grants_client_fkey FOREIGN KEY (client_id, tenant_id) REFERENCES auth_store.clients(id, tenant_id);


--
-- Name: grants grants_user_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.grants
    ADD CONSTRAINT grants_user_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users(id, tenant_id);


--
-- Name: imported_api_keys imported_api_keys_key_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.imported_api_keys
    ADD CONSTRAINT imported_api_keys_key_fkey FOREIGN KEY (api_key_id, tenant_id) REFERENCES auth_store.api_keys(id, tenant_id) ON DELETE CASCADE;


--
-- Name: sessions sessions_user_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.sessions
    ADD CONSTRAINT sessions_user_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users(id, tenant_id);


--
-- Name: users users_tenant_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.users
    ADD CONSTRAINT users_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants(id);


--
-- Name: vault_keys vault_keys_tenant_fkey; Type: FK CONSTRAINT; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE ONLY auth_store.vault_keys
    ADD CONSTRAINT vault_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants(id);


--
-- Name: access_tokens; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.access_tokens ENABLE ROW LEVEL SECURITY;

--
-- Name: api_keys; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.api_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.audit_log ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log_y2026m11; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.audit_log_y2026m11 ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log_y2026m12; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.audit_log_y2026m12 ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log_y2027m01; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.audit_log_y2027m01 ENABLE ROW LEVEL SECURITY;

--
-- Name: authorization_codes; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.authorization_codes ENABLE ROW LEVEL SECURITY;

--
-- Name: claimed_jtis; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.claimed_jtis ENABLE ROW LEVEL SECURITY;

--
-- Name: claimed_jtis_y2026m11d28h07; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.claimed_jtis_y2026m11d28h07 ENABLE ROW LEVEL SECURITY;

--
-- Name: claimed_jtis_y2026m11d28h08; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.claimed_jtis_y2026m11d28h08 ENABLE ROW LEVEL SECURITY;

--
-- Name: client_secrets; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.client_secrets ENABLE ROW LEVEL SECURITY;

--
-- Name: clients; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.clients ENABLE ROW LEVEL SECURITY;

--
-- Name: connections; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.connections ENABLE ROW LEVEL SECURITY;

--
-- Name: consents; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.consents ENABLE ROW LEVEL SECURITY;

--
-- Name: device_codes; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.device_codes ENABLE ROW LEVEL SECURITY;

--
-- Name: grants; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.grants ENABLE ROW LEVEL SECURITY;

--
-- Name: imported_api_keys; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.imported_api_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: imported_refresh_tokens; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.imported_refresh_tokens ENABLE ROW LEVEL SECURITY;

--
-- Name: pushed_requests; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.pushed_requests ENABLE ROW LEVEL SECURITY;

--
-- Name: rate_limits; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.rate_limits ENABLE ROW LEVEL SECURITY;

--
-- Name: revoked_jtis; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.revoked_jtis ENABLE ROW LEVEL SECURITY;

--
-- Name: revoked_jtis_y2026m11d28; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.revoked_jtis_y2026m11d28 ENABLE ROW LEVEL SECURITY;

--
-- Name: revoked_jtis_y2026m11d29; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.revoked_jtis_y2026m11d29 ENABLE ROW LEVEL SECURITY;

--
-- Name: sessions; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.sessions ENABLE ROW LEVEL SECURITY;

--
-- Name: access_tokens tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.access_tokens USING (auth_store.tenant_visible(tenant_id));


--
-- Name: api_keys tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.api_keys USING (auth_store.tenant_visible(tenant_id));


--
-- Name: audit_log tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.audit_log USING (auth_store.tenant_visible(tenant_id));


--
-- Name: audit_log_y2026m11 tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.audit_log_y2026m11 USING (auth_store.tenant_visible(tenant_id));


--
-- Name: audit_log_y2026m12 tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.audit_log_y2026m12 USING (auth_store.tenant_visible(tenant_id));


--
-- Name: audit_log_y2027m01 tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.audit_log_y2027m01 USING (auth_store.tenant_visible(tenant_id));


--
-- Name: authorization_codes tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.authorization_codes USING (auth_store.tenant_visible(tenant_id));


--
-- Name: claimed_jtis tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.claimed_jtis USING (auth_store.tenant_visible(tenant_id));


--
-- Name: claimed_jtis_y2026m11d28h07 tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.claimed_jtis_y2026m11d28h07 USING (auth_store.tenant_visible(tenant_id));


--
-- Name: claimed_jtis_y2026m11d28h08 tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.claimed_jtis_y2026m11d28h08 USING (auth_store.tenant_visible(tenant_id));


--
-- Name: client_secrets tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.client_secrets USING (auth_store.tenant_visible(tenant_id));


--
-- Name: clients tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.clients USING (auth_store.tenant_visible(tenant_id));


--
-- Name: connections tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.connections USING (auth_store.tenant_visible(tenant_id));


--
-- Name: consents tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.consents USING (auth_store.tenant_visible(tenant_id));


--
-- Name: device_codes tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.device_codes USING (auth_store.tenant_visible(tenant_id));


--
-- Name: grants tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.grants USING (auth_store.tenant_visible(tenant_id));


--
-- Name: imported_api_keys tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.imported_api_keys USING (auth_store.tenant_visible(tenant_id));


--
-- Name: imported_refresh_tokens tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.imported_refresh_tokens USING (auth_store.tenant_visible(tenant_id));


--
-- Name: pushed_requests tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.pushed_requests USING (auth_store.tenant_visible(tenant_id));


--
-- Name: rate_limits tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.rate_limits USING (auth_store.tenant_visible(tenant_id));


--
-- Name: revoked_jtis tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.revoked_jtis USING (auth_store.tenant_visible(tenant_id));


--
-- Name: revoked_jtis_y2026m11d28 tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.revoked_jtis_y2026m11d28 USING (auth_store.tenant_visible(tenant_id));


--
-- Name: revoked_jtis_y2026m11d29 tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.revoked_jtis_y2026m11d29 USING (auth_store.tenant_visible(tenant_id));


--
-- Name: sessions tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.sessions USING (auth_store.tenant_visible(tenant_id));


--
-- Name: tenants tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.tenants USING (auth_store.tenant_visible(id));


--
-- Name: users tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.users USING (auth_store.tenant_visible(tenant_id));


--
-- Name: vault_keys tenant_pin; Type: POLICY; Schema: auth_store; Owner: auth_store_owner
--

CREATE POLICY tenant_pin ON auth_store.vault_keys USING (auth_store.tenant_visible(tenant_id));


--
-- Name: tenants; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.tenants ENABLE ROW LEVEL SECURITY;

--
-- Name: users; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.users ENABLE ROW LEVEL SECURITY;

--
-- Name: vault_keys; Type: ROW SECURITY; Schema: auth_store; Owner: auth_store_owner
--

ALTER TABLE auth_store.vault_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: TABLE failed_actions; Type: ACL; Schema: auth_store; Owner: auth_store_owner
--

GRANT SELECT ON TABLE auth_store.failed_actions TO auth_store_auditor;
GRANT SELECT ON TABLE auth_store.failed_actions TO auth_store_admin;


--
-- Name: TABLE provider_connections; Type: ACL; Schema: auth_store; Owner: auth_store_owner
--

GRANT SELECT ON TABLE auth_store.provider_connections TO auth_store_auditor;
GRANT SELECT ON TABLE auth_store.provider_connections TO auth_store_admin;


--
-- Name: TABLE recent_activity; Type: ACL; Schema: auth_store; Owner: auth_store_owner
--

GRANT SELECT ON TABLE auth_store.recent_activity TO auth_store_auditor;
GRANT SELECT ON TABLE auth_store.recent_activity TO auth_store_admin;


--
-- Name: TABLE security_events; Type: ACL; Schema: auth_store; Owner: auth_store_owner
--

GRANT SELECT ON TABLE auth_store.security_events TO auth_store_auditor;
GRANT SELECT ON TABLE auth_store.security_events TO auth_store_admin;


--
-- Name: TABLE token_activity; Type: ACL; Schema: auth_store; Owner: auth_store_owner
--

GRANT SELECT ON TABLE auth_store.token_activity TO auth_store_auditor;
GRANT SELECT ON TABLE auth_store.token_activity TO auth_store_admin;


--
-- PostgreSQL database dump complete
--


