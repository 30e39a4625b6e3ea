-- The way back to version 11: what was sealed is sealed no more.
DROP VIEW IF EXISTS auth_store.audit_heads, auth_store.progress;
DROP TABLE auth_store.audit_segments;
DROP TABLE auth_store.audit_leaves;
