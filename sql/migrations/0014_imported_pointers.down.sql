-- The way back to version 13: nothing leads to imported tokens and keys of other databases any more.
DROP TABLE auth_store.imported_pointers;
