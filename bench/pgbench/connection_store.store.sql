-- New tokens for a connection that is there. An access token has 200 bytes, a refresh token 120.
\set u random(100000000001, 100000000000 + :users)
\set r random(1000000000000000, 9000000000000000000)
SELECT auth_store.connection_store('github', '01900000-0000-8000-8000-' || :u, rpad(:r, 200, 'aT4'),
                                   rpad(:r, 120, 'rT4'), 'repo user', clock_timestamp() + interval '8 hours',
                                   provider_account_id => '583231') AS c1 \gset
