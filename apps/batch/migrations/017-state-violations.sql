-- Events that cannot follow the event before them are found when state periods are calculated, and not by each query.

-- Until here, refreshes wait: what is stored is found by the same rows of ride.state_periods.
LOCK TABLE ride.state_periods IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE ride.state_violations (
  provider_id uuid NOT NULL,
  device_id uuid NOT NULL,
  event_at timestamptz NOT NULL,
  event_id uuid NOT NULL,
  previous_event_id uuid NOT NULL,
  previous_at timestamptz NOT NULL,
  previous_state text NOT NULL,
  PRIMARY KEY (provider_id, device_id, event_at, event_id)
);
INSERT INTO ride.state_violations
  (provider_id, device_id, event_at, event_id, previous_event_id, previous_at, previous_state)
SELECT provider_id, device_id, "timestamp", event_id, previous_event_id, previous_time, previous_state
FROM analysis.state_violations;
CREATE INDEX state_violations_event_at_idx ON ride.state_violations (event_at);

COMMENT ON TABLE ride.state_violations IS
  'Vehicle events whose types do not lead from the state after the event before them to their state. analysis.state_violations reads them.';
COMMENT ON COLUMN ride.state_violations.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN ride.state_violations.device_id IS 'Vehicle.';
COMMENT ON COLUMN ride.state_violations.event_at IS 'Time of the event that cannot follow.';
COMMENT ON COLUMN ride.state_violations.event_id IS 'Id of the event that cannot follow.';
COMMENT ON COLUMN ride.state_violations.previous_event_id IS 'Id of the event before.';
COMMENT ON COLUMN ride.state_violations.previous_at IS 'Time of the event before.';
COMMENT ON COLUMN ride.state_violations.previous_state IS 'State after the event before.';

-- An event that was removed since is left out.
CREATE OR REPLACE VIEW analysis.state_violations AS
SELECT
  violations.provider_id,
  violations.device_id,
  violations.previous_event_id,
  violations.previous_state,
  violations.previous_at AS previous_time,
  violations.event_id,
  events.vehicle_state,
  events.event_types,
  violations.event_at AS "timestamp"
FROM ride.state_violations AS violations
CROSS JOIN LATERAL (
  SELECT vehicle_state, event_types FROM ride.vehicle_events AS events
  WHERE events.event_id = violations.event_id AND events.provider_id = violations.provider_id
    AND events."timestamp" = violations.event_at
) AS events;
