-- The grace of a redeemed code runs from the end of the redeeming transaction, not from the call: a
-- client whose first request took long retries only when that one has ended.
CREATE FUNCTION auth_store.code_redemption_ended() RETURNS trigger
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pg_catalog.clock_timestamp() > NEW.redeemed_at + interval '100 milliseconds' THEN
        UPDATE auth_store.authorization_codes
           SET redeemed_at = pg_catalog.clock_timestamp()
         WHERE id = NEW.id AND tenant_id = NEW.tenant_id AND grant_id = NEW.grant_id;
    END IF;
    RETURN NULL;
END
$$;
