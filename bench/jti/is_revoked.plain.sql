\set n random(0, 2 * :rows)
SELECT EXISTS (SELECT FROM plain_revoked WHERE tenant_id = 'default' AND jti = 'jti' || :n
    AND expires_at > clock_timestamp()) AS revoked;
