\set n random(0, 9223372036854775806)
INSERT INTO plain_claimed VALUES ('default', 'https://idp.example', 'jti' || :n, clock_timestamp() + '5 min')
    ON CONFLICT DO NOTHING;
