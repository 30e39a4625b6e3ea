\set n random(0, 9223372036854775806)
SELECT auth_store.jti_claim('https://idp.example', 'jti' || :n, clock_timestamp() + '5 min') AS claimed;
