\set u random(100000000001, 100000000000 + :users)
\set c random(100, 199)
\set r random(8000000000000000, 9999999999999999)
INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, tenant_id, event, client_id,
    resource_type, resource_id,
                                  ip, user_agent, details)
VALUES (('0' || to_hex((date_part('epoch', clock_timestamp()) * 1000)::int8) || '8000' || :r)::uuid,
    clock_timestamp(), true,
        ('01900000-0000-8000-8000-' || :u)::uuid, 'default', 'order.paid', :c, 'order', :u, '198.51.100.7',
        'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4', '{"amount": 1290}')
RETURNING id AS c1 \gset
