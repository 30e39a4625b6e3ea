\set u random(100000000001, 100000000000 + :users)
\set c random(100, 199)
SELECT classic.audit_write('order.paid', ('01900000-0000-8000-8000-' || :u)::uuid, :c, 'order', :u, '{"amount": 1290}',
                           '198.51.100.7', 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4') AS c1 \gset
