-- Views of thirty days that took longer than a second with 100 million positions: supply and demand by cell, and repeated ids.

-- Repeated ids. Those that are loaded from here on are found by their keys in ride.*_seen, once the day of the load is over.
CREATE TABLE ride.repeated_rows (
  table_name text NOT NULL,
  id uuid NOT NULL,
  provider_id uuid NOT NULL,
  "timestamp" timestamptz NOT NULL,
  PRIMARY KEY (table_name, id, provider_id, "timestamp")
) WITH (autovacuum_vacuum_scale_factor = 0.05);
INSERT INTO ride.repeated_rows (table_name, id, provider_id, "timestamp")
SELECT 'telemetry', telemetry_id, provider_id, unnest(array_agg("timestamp"))
FROM ride.telemetry GROUP BY telemetry_id, provider_id HAVING count(*) > 1
UNION ALL
SELECT 'vehicle_events', event_id, provider_id, unnest(array_agg("timestamp"))
FROM ride.vehicle_events GROUP BY event_id, provider_id HAVING count(*) > 1
UNION ALL
SELECT 'rider_events', event_id, provider_id, unnest(array_agg("timestamp"))
FROM ride.rider_events GROUP BY event_id, provider_id HAVING count(*) > 1
UNION ALL
SELECT 'trips', trip_id, provider_id, unnest(array_agg(end_time))
FROM ride.trips GROUP BY trip_id, provider_id HAVING count(*) > 1;

COMMENT ON TABLE ride.repeated_rows IS
  'Rows with an id that occurs with more than one event time: see BATCH_REPEAT_WINDOW_DAYS. analysis.repeated_ids reads those that still exist.';
COMMENT ON COLUMN ride.repeated_rows.table_name IS 'Table of schema ride.';
COMMENT ON COLUMN ride.repeated_rows.id IS 'Id of the event.';
COMMENT ON COLUMN ride.repeated_rows.provider_id IS 'Provider of the event.';
COMMENT ON COLUMN ride.repeated_rows."timestamp" IS 'Event time of the row.';

CREATE TABLE ride.repeat_checks (
  table_name text PRIMARY KEY,
  checked_on date NOT NULL,
  expired_on date NOT NULL
);
-- Which keys were deleted before is not known: those of any row may be.
INSERT INTO ride.repeat_checks (table_name, checked_on, expired_on)
SELECT table_name, (now() AT TIME ZONE 'UTC')::date - 1, (now() AT TIME ZONE 'UTC')::date
FROM (
  SELECT 'telemetry' WHERE EXISTS (SELECT FROM ride.telemetry)
  UNION ALL SELECT 'vehicle_events' WHERE EXISTS (SELECT FROM ride.vehicle_events)
  UNION ALL SELECT 'rider_events' WHERE EXISTS (SELECT FROM ride.rider_events)
  UNION ALL SELECT 'trips' WHERE EXISTS (SELECT FROM ride.trips)
) AS filled (table_name);

COMMENT ON TABLE ride.repeat_checks IS
  'Until when ride.repeated_rows has the repeated ids of each table. A table of which no key has expired has none, and no row here.';
COMMENT ON COLUMN ride.repeat_checks.table_name IS 'Table of schema ride.';
COMMENT ON COLUMN ride.repeat_checks.checked_on IS 'Last day (UTC) of loads whose events were compared with earlier ones.';
COMMENT ON COLUMN ride.repeat_checks.expired_on IS 'Last day (UTC) of loads whose keys in ride.*_seen may have been deleted.';

-- A row that was removed since is left out. With LIMIT each row is looked up in its partition; without, the planner may read all.
CREATE OR REPLACE VIEW analysis.repeated_ids AS
SELECT table_name, id, provider_id, count(*) AS "rows", min("timestamp") AS first_time, max("timestamp") AS last_time
FROM ride.repeated_rows AS repeated
CROSS JOIN LATERAL (
  SELECT FROM ride.telemetry AS stored
  WHERE repeated.table_name = 'telemetry' AND stored.telemetry_id = repeated.id
    AND stored.provider_id = repeated.provider_id AND stored."timestamp" = repeated."timestamp"
  UNION ALL
  SELECT FROM ride.vehicle_events AS stored
  WHERE repeated.table_name = 'vehicle_events' AND stored.event_id = repeated.id
    AND stored.provider_id = repeated.provider_id AND stored."timestamp" = repeated."timestamp"
  UNION ALL
  SELECT FROM ride.rider_events AS stored
  WHERE repeated.table_name = 'rider_events' AND stored.event_id = repeated.id
    AND stored.provider_id = repeated.provider_id AND stored."timestamp" = repeated."timestamp"
  UNION ALL
  SELECT FROM ride.trips AS stored
  WHERE repeated.table_name = 'trips' AND stored.trip_id = repeated.id
    AND stored.provider_id = repeated.provider_id AND stored.end_time = repeated."timestamp"
  LIMIT 1
) AS stored
GROUP BY table_name, id, provider_id
HAVING count(*) > 1;
COMMENT ON VIEW analysis.repeated_ids IS
  'Ids that were loaded with more than one event time, because the first key had expired: see BATCH_REPEAT_WINDOW_DAYS. An id is listed on the day after its second load.';

-- From here on, refreshes wait: what is stored is calculated from the same rows.
LOCK TABLE ride.cell_quarters IN SHARE ROW EXCLUSIVE MODE;

-- The columns of the view in its order and with its types: a query of a month converts no value of millions of rows.
CREATE TABLE ride.cell_supply (
  quarter timestamptz NOT NULL,
  provider_id uuid NOT NULL,
  h3_cell text NOT NULL,
  available_vehicles bigint NOT NULL,
  mean_available_vehicles double precision NOT NULL,
  requests bigint NOT NULL,
  unmet_requests bigint NOT NULL,
  pick_ups bigint NOT NULL,
  drop_offs bigint NOT NULL,
  PRIMARY KEY (quarter, provider_id, h3_cell)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
INSERT INTO ride.cell_supply (quarter, provider_id, h3_cell, available_vehicles, mean_available_vehicles, requests,
  unmet_requests, pick_ups, drop_offs)
SELECT quarter, provider_id, to_hex(h3_cell), available_vehicles, available_seconds / 900, requests, unmet_requests,
  pick_ups, drop_offs
FROM ride.cell_quarters
WHERE available_vehicles > 0 OR requests > 0 OR pick_ups > 0 OR drop_offs > 0
ORDER BY quarter, provider_id, h3_cell;

COMMENT ON TABLE ride.cell_supply IS
  'Aggregate of ride.cell_quarters: supply and demand per provider, H3 cell and quarter of an hour, of cells with either, as analysis.cell_supply_demand returns it.';
COMMENT ON COLUMN ride.cell_supply.quarter IS 'Start of the quarter of an hour (UTC).';
COMMENT ON COLUMN ride.cell_supply.provider_id IS 'Provider.';
COMMENT ON COLUMN ride.cell_supply.h3_cell IS 'H3 cell at resolution 9.';
COMMENT ON COLUMN ride.cell_supply.available_vehicles IS
  'Number of vehicles that were available at some time between their first and last position in the cell.';
COMMENT ON COLUMN ride.cell_supply.mean_available_vehicles IS
  'Time that vehicles were available in the cell, divided by 15 minutes.';
COMMENT ON COLUMN ride.cell_supply.requests IS 'Number of ride requests from the cell.';
COMMENT ON COLUMN ride.cell_supply.unmet_requests IS
  'Number of rides that were first requested then from the cell and had no pick-up. 0 if there are no requests.';
COMMENT ON COLUMN ride.cell_supply.pick_ups IS 'Number of pick-ups (trip_start) in the cell.';
COMMENT ON COLUMN ride.cell_supply.drop_offs IS 'Number of drop-offs (trip_end) in the cell.';

CREATE OR REPLACE VIEW analysis.cell_supply_demand AS
SELECT quarter, provider_id, h3_cell, available_vehicles, mean_available_vehicles, requests, unmet_requests, pick_ups, drop_offs
FROM ride.cell_supply;
