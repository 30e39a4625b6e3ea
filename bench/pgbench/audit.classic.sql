\set u random(100000000001, 100000000000 + :users)
\set c random(100, 199)
INSERT INTO classic.audit_log (occurred_at, success, user_id, tenant_id, event, client_id, resource_type, resource_id,
                               ip, user_agent, details)
VALUES (clock_timestamp(), true, ('01900000-0000-8000-8000-' || :u)::uuid, 'default', 'order.paid', :c, 'order', :u,
        '198.51.100.7', 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4', '{"amount": 1290}')
RETURNING id AS c1 \gset
