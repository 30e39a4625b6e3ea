-- Each form in turns in one session, so that whatever else the machine does falls on all of them: medians of the
-- rounds, in microseconds of a call, and the WAL that it writes.
\set QUIET on
SET client_min_messages = warning;
CREATE TEMP TABLE taken (form text, round integer, micros float, wal numeric);
-- Codes to redeem, issued before the clock starts, and what is sent for each.
CREATE TEMP TABLE codes (n integer, code text, form bytea);


CREATE FUNCTION pg_temp.time(form text, call text, round integer, calls integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before pg_lsn;
    micros float;
BEGIN
    EXECUTE format($f$
        CREATE OR REPLACE FUNCTION pg_temp.run() RETURNS float LANGUAGE plpgsql AS $run$
        DECLARE
            c client := c FROM client c;
            people uuid[] := array_agg(user_id) FROM users;
            form bytea := 'grant_type=client_credentials&scope=orders';
            opaque bytea := 'grant_type=client_credentials&scope=orders&resource=https%%3A%%2F%%2Fopaque.example%%2F';
            jwt bytea := 'grant_type=client_credentials&scope=orders&resource=https%%3A%%2F%%2Fjwt.example%%2F';
            headers jsonb := jsonb_build_object('authorization', c.basic, 'content-type',
                'application/x-www-form-urlencoded', 'user-agent', 'load', 'host', 'id.example', 'accept', '*/*');
            forms bytea[];
            codes text[];
            status integer := 200;
            error text;
            began timestamptz;
        BEGIN
            SELECT array_agg(o.form ORDER BY n), array_agg(o.code ORDER BY n) INTO forms, codes FROM codes o;
            began := clock_timestamp();
            FOR i IN 1 .. %s LOOP
                %s;
                IF error IS NOT NULL OR status <> 200 THEN RAISE '%% %%', status, error; END IF;
            END LOOP;
            RETURN extract(epoch FROM clock_timestamp() - began) * 1e6 / %1$s;
        END $run$ $f$, calls, call);
    before := pg_current_wal_insert_lsn();
    micros := pg_temp.run();
    INSERT INTO taken VALUES (form, round, micros, (pg_current_wal_insert_lsn() - before) / calls);
END $$;

-- The verifier is the one of RFC 7636, appendix B. OFFSET 0 keeps the planner from issuing a code for each user before
-- it joins them with the log-ins, of which some users have two.
CREATE FUNCTION pg_temp.redeem(form text, scope text, call text, round integer, calls integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE codes;
    INSERT INTO codes
    SELECT i, x.code, convert_to('grant_type=authorization_code&code=' || x.code || '&redirect_uri='
               'https%3A%2F%2Fapp.example%2Fcb&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk', 'UTF8')
      FROM (SELECT i, u.user_id FROM generate_series(1, calls) i JOIN users u ON u.n = 1 + i % 1000 OFFSET 0) login,
           client c, auth_store.code_issue(c.client_id, login.user_id, 'https://app.example/cb', scope => redeem.scope,
               code_challenge => 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method => 'S256') x;
    PERFORM pg_temp.time(form, call, round, calls);
END $$;

SELECT pg_temp.time(form, call, r, :calls)
  FROM generate_series(0, :rounds) r, (VALUES
    ('plain client credentials',
     $$SELECT t.error INTO error
         FROM auth_store.token_issue_client_credentials(c.client_id, c.client_secret, scope => 'orders') t$$),
    ('http_token client credentials',
     $$SELECT t.status, t.error INTO status, error FROM auth_store.http_token(form, c.basic) t$$),
    ('http() client credentials',
     $$SELECT t.status, t.error INTO status, error
         FROM auth_store.http('POST', '/token', '', headers, form, '192.0.2.7') t$$),
    ('http_token for a resource, opaque',
     $$SELECT t.status, t.error INTO status, error FROM auth_store.http_token(opaque, c.basic) t$$),
    ('http_token for a resource, JWT ES256',
     $$SELECT t.status, t.error INTO status, error FROM auth_store.http_token(jwt, c.basic) t$$),
    ('http_metadata', $$SELECT t.status, t.error INTO status, error
                          FROM auth_store.http_metadata('openid-configuration') t$$),
    ('http_jwks', $$SELECT t.status, t.error INTO status, error FROM auth_store.http_jwks() t$$),
    ('http() of the metadata', $$SELECT t.status, t.error INTO status, error
                          FROM auth_store.http('GET', '/.well-known/openid-configuration', '', headers, '',
                                               '192.0.2.7') t$$)) f (form, call)
 ORDER BY r \g /dev/null
TRUNCATE codes;
SELECT pg_temp.redeem(form, scope, call, r, :calls)
  FROM generate_series(0, :rounds) r, (VALUES
    ('plain redemption', 'orders',
     $$SELECT t.error INTO error
         FROM auth_store.code_redeem(codes[i], c.client_id, 'https://app.example/cb',
                                     'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk', c.client_secret) t$$),
    ('http_token redemption', 'orders',
     $$SELECT t.status, t.error INTO status, error FROM auth_store.http_token(forms[i], c.basic) t$$),
    ('http_token redemption with an ID token', 'openid orders',
     $$SELECT t.status, t.error INTO status, error FROM auth_store.http_token(forms[i], c.basic) t$$)
    ) f (form, scope, call)
 ORDER BY r \g /dev/null

CREATE TEMP VIEW results AS
    SELECT form, percentile_cont(0.5) WITHIN GROUP (ORDER BY micros) AS micros,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY wal) AS wal
      FROM taken WHERE round > 0 GROUP BY form;
-- What the targets say of two forms, or of one.
CREATE TEMP VIEW targets AS
    SELECT what, CASE measure WHEN 'ratio' THEN a.micros / b.micros WHEN 'more' THEN a.micros - b.micros
                              WHEN 'wal' THEN a.wal - b.wal ELSE a.micros END AS measured, target
      FROM (VALUES
        (1, 'http_token by client credentials, of the plain function', 'ratio', 'http_token client credentials',
            'plain client credentials', '<= 1.25'),
        (2, 'http() by client credentials, of the plain function', 'ratio', 'http() client credentials',
            'plain client credentials', ''),
        (3, 'http_token of a code, of the plain function', 'ratio', 'http_token redemption', 'plain redemption',
            '<= 1.25'),
        (4, 'a JWT of ES256 more than an opaque token, us', 'more', 'http_token for a resource, JWT ES256',
            'http_token for a resource, opaque', '<= 30'),
        (5, 'an ID token more, us', 'more', 'http_token redemption with an ID token', 'http_token redemption',
            '<= 30'),
        (6, 'http_metadata, us', 'micros', 'http_metadata', 'http_metadata', '<= 60'),
        (7, 'http_jwks, us', 'micros', 'http_jwks', 'http_jwks', '<= 60'),
        (8, 'WAL of http_token by client credentials, bytes more than of the plain function', 'wal',
            'http_token client credentials', 'plain client credentials', '0'),
        (9, 'WAL of http_token of a code, bytes more than of the plain function', 'wal', 'http_token redemption',
            'plain redemption', '0')) t (n, what, measure, one, other, target)
      JOIN results a ON a.form = t.one JOIN results b ON b.form = t.other
     ORDER BY n;
SELECT what, round(measured::numeric, 2), target FROM targets \g |cat >>"$TARGETS"
\set QUIET off
\pset format aligned
\pset tuples_only off
\echo == :grants grants
SELECT form, round(micros::numeric, 1) AS micros, round(wal) AS wal FROM results ORDER BY form;
