-- The log-in role of the exporter: it sees what auth_store_monitor sees, can't write, and gives up after five seconds.
CREATE ROLE auth_store_exporter LOGIN CONNECTION LIMIT 4;
GRANT auth_store_monitor TO auth_store_exporter;
ALTER ROLE auth_store_exporter SET default_transaction_read_only = on;
ALTER ROLE auth_store_exporter SET statement_timeout = '5s';
