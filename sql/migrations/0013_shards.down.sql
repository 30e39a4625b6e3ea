-- The way back to version 12: claims of names are gone, so a store that is spread must not go there.
DROP TABLE auth_store.user_name_claims;
