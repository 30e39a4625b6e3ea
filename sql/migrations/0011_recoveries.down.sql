-- The way back to version 10: what was lost in which recovery is forgotten.
DROP TABLE auth_store.recoveries;
