-- Statistics that are calculated in a transaction are rolled back with it, but not the size that pg_class has of the table.
CREATE TABLE ride.analysed_tables (
  table_name text PRIMARY KEY,
  size_bytes bigint NOT NULL
);

COMMENT ON TABLE ride.analysed_tables IS
  'Tables that batch analyses in the transactions that write them, once they have grown since their statistics were calculated.';
COMMENT ON COLUMN ride.analysed_tables.table_name IS 'Table of schema ride.';
COMMENT ON COLUMN ride.analysed_tables.size_bytes IS 'Size of the table when batch last analysed it.';
