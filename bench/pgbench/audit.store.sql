\set u random(100000000001, 100000000000 + :users)
\set c random(100, 199)
SELECT auth_store.audit_write(event => 'order.paid', user_id => ('01900000-0000-8000-8000-' || :u)::uuid,
    client_id => :c,
                              resource_type => 'order', resource_id => :u, details => '{"amount": 1290}',
                              ip => '198.51.100.7',
                              user_agent => 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4') AS c1 \gset
