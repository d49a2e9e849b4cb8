-- Comments on every schema, table, column and view, with units. psql shows them with \dn+, \dt+, \d+ and \dv+.

-- Only the owner of a schema can comment on it, and batch can use the schemas of another role.
DO $$
BEGIN
  IF (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'ride') THEN
    COMMENT ON SCHEMA ride IS 'Events loaded from the log, and the state of the loads. Written by batch only.';
  END IF;
  IF (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'analysis') THEN
    COMMENT ON SCHEMA analysis IS 'Views for analysis of schema ride. Created by batch.';
  END IF;
  -- Databases of the first release record their migrations in schema public.
  IF to_regclass('ride.hailstream_migrations') IS NOT NULL THEN
    COMMENT ON TABLE ride.hailstream_migrations IS 'Migrations that were applied to this database.';
    COMMENT ON COLUMN ride.hailstream_migrations.version IS 'Number of the migration.';
    COMMENT ON COLUMN ride.hailstream_migrations.name IS 'File of the migration.';
    COMMENT ON COLUMN ride.hailstream_migrations.applied_at IS 'When the migration was applied.';
  END IF;
END $$;

COMMENT ON TABLE ride.telemetry IS
  'MDS telemetry points. One row is one position of one vehicle. Partitioned by day (UTC) of "timestamp".';
COMMENT ON COLUMN ride.telemetry.telemetry_id IS 'Id of the point, unique for its provider.';
COMMENT ON COLUMN ride.telemetry.device_id IS 'Vehicle.';
COMMENT ON COLUMN ride.telemetry.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN ride.telemetry.data_provider_id IS 'Provider that published the event on behalf of provider_id.';
COMMENT ON COLUMN ride.telemetry."timestamp" IS 'When the position was measured (event time), to the millisecond.';
COMMENT ON COLUMN ride.telemetry.trip_ids IS 'Trips that the vehicle was making.';
COMMENT ON COLUMN ride.telemetry.journey_id IS 'Journey that the vehicle was making.';
COMMENT ON COLUMN ride.telemetry.stop_id IS 'Stop at which the vehicle was.';
COMMENT ON COLUMN ride.telemetry.lat IS 'Latitude of the event, in degrees (WGS 84).';
COMMENT ON COLUMN ride.telemetry.lng IS 'Longitude of the event, in degrees (WGS 84).';
COMMENT ON COLUMN ride.telemetry.altitude IS 'Altitude above mean sea level, in metres.';
COMMENT ON COLUMN ride.telemetry.heading IS 'Direction of travel, in degrees clockwise from true north.';
COMMENT ON COLUMN ride.telemetry.speed IS 'Estimated speed, in metres per second.';
COMMENT ON COLUMN ride.telemetry.horizontal_accuracy IS 'Horizontal accuracy of the location, in metres.';
COMMENT ON COLUMN ride.telemetry.vertical_accuracy IS 'Vertical accuracy of the location, in metres.';
COMMENT ON COLUMN ride.telemetry.satellites IS 'Number of GPS satellites.';
COMMENT ON COLUMN ride.telemetry.h3_cell IS
  'H3 cell of lat and lng at resolution 9, about 0.1 square kilometres. to_hex(h3_cell) is its usual name.';
COMMENT ON COLUMN ride.telemetry.location_type IS 'Kind of place: street, sidewalk, crosswalk, garage, bike_lane.';
COMMENT ON COLUMN ride.telemetry.battery_percent IS 'State of charge of the battery, in percent.';
COMMENT ON COLUMN ride.telemetry.fuel_percent IS 'Fuel level, in percent.';
COMMENT ON COLUMN ride.telemetry.tipped_over IS 'Whether the vehicle has tipped over.';

COMMENT ON TABLE ride.vehicle_events IS
  'MDS vehicle events. One row is one change of one vehicle''s state. Partitioned by day (UTC) of "timestamp".';
COMMENT ON COLUMN ride.vehicle_events.event_id IS 'Id of the event, unique for its provider.';
COMMENT ON COLUMN ride.vehicle_events.device_id IS 'Vehicle.';
COMMENT ON COLUMN ride.vehicle_events.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN ride.vehicle_events.data_provider_id IS 'Provider that published the event on behalf of provider_id.';
COMMENT ON COLUMN ride.vehicle_events.vehicle_state IS 'State of the vehicle after the event.';
COMMENT ON COLUMN ride.vehicle_events.event_types IS 'What happened, in order.';
COMMENT ON COLUMN ride.vehicle_events."timestamp" IS 'When the event happened (event time), to the millisecond.';
COMMENT ON COLUMN ride.vehicle_events.publication_time IS 'When the provider published the event.';
COMMENT ON COLUMN ride.vehicle_events.lat IS 'Latitude of the event, in degrees (WGS 84).';
COMMENT ON COLUMN ride.vehicle_events.lng IS 'Longitude of the event, in degrees (WGS 84).';
COMMENT ON COLUMN ride.vehicle_events.altitude IS 'Altitude above mean sea level, in metres.';
COMMENT ON COLUMN ride.vehicle_events.heading IS 'Direction of travel, in degrees clockwise from true north.';
COMMENT ON COLUMN ride.vehicle_events.speed IS 'Estimated speed, in metres per second.';
COMMENT ON COLUMN ride.vehicle_events.horizontal_accuracy IS 'Horizontal accuracy of the location, in metres.';
COMMENT ON COLUMN ride.vehicle_events.vertical_accuracy IS 'Vertical accuracy of the location, in metres.';
COMMENT ON COLUMN ride.vehicle_events.satellites IS 'Number of GPS satellites.';
COMMENT ON COLUMN ride.vehicle_events.h3_cell IS
  'H3 cell of lat and lng at resolution 9, about 0.1 square kilometres. to_hex(h3_cell) is its usual name.';
COMMENT ON COLUMN ride.vehicle_events.event_geographies IS 'Geographies that contain the location.';
COMMENT ON COLUMN ride.vehicle_events.battery_percent IS 'State of charge of the battery, in percent.';
COMMENT ON COLUMN ride.vehicle_events.fuel_percent IS 'Fuel level, in percent.';
COMMENT ON COLUMN ride.vehicle_events.trip_ids IS 'Trips that the vehicle was making.';
COMMENT ON COLUMN ride.vehicle_events.stop_id IS 'Stop at which the event happened.';
COMMENT ON COLUMN ride.vehicle_events.associated_ticket IS 'Identifier of the ticket that the event belongs to.';

COMMENT ON TABLE ride.rider_events IS
  'Events of riders: requests, cancellations and ratings. Partitioned by day (UTC) of "timestamp".';
COMMENT ON COLUMN ride.rider_events.event_id IS 'Id of the event, unique for its provider.';
COMMENT ON COLUMN ride.rider_events.provider_id IS 'Provider that the rider uses.';
COMMENT ON COLUMN ride.rider_events.rider_id IS 'Rider.';
COMMENT ON COLUMN ride.rider_events.trip_id IS 'Trip that the event is about.';
COMMENT ON COLUMN ride.rider_events.event_type IS 'ride_request, ride_cancel or ride_rating.';
COMMENT ON COLUMN ride.rider_events."timestamp" IS 'When the event happened (event time), to the millisecond.';
COMMENT ON COLUMN ride.rider_events.lat IS 'Latitude of the event, in degrees (WGS 84).';
COMMENT ON COLUMN ride.rider_events.lng IS 'Longitude of the event, in degrees (WGS 84).';
COMMENT ON COLUMN ride.rider_events.altitude IS 'Altitude above mean sea level, in metres.';
COMMENT ON COLUMN ride.rider_events.heading IS 'Direction of travel, in degrees clockwise from true north.';
COMMENT ON COLUMN ride.rider_events.speed IS 'Estimated speed, in metres per second.';
COMMENT ON COLUMN ride.rider_events.horizontal_accuracy IS 'Horizontal accuracy of the location, in metres.';
COMMENT ON COLUMN ride.rider_events.vertical_accuracy IS 'Vertical accuracy of the location, in metres.';
COMMENT ON COLUMN ride.rider_events.satellites IS 'Number of GPS satellites.';
COMMENT ON COLUMN ride.rider_events.h3_cell IS
  'H3 cell of lat and lng at resolution 9, about 0.1 square kilometres. to_hex(h3_cell) is its usual name.';
COMMENT ON COLUMN ride.rider_events.destination IS
  'Destination of the request, as sent: lat and lng in degrees (WGS 84).';
COMMENT ON COLUMN ride.rider_events.rating IS 'Rating, 1 to 5.';

COMMENT ON TABLE ride.trips IS
  'MDS trips, as the provider reports them after their end. Partitioned by day (UTC) of end_time.';
COMMENT ON COLUMN ride.trips.trip_id IS 'Id of the trip, unique for its provider.';
COMMENT ON COLUMN ride.trips.provider_id IS 'Provider that operates the vehicle.';
COMMENT ON COLUMN ride.trips.data_provider_id IS 'Provider that published the trip on behalf of provider_id.';
COMMENT ON COLUMN ride.trips.device_id IS 'Vehicle.';
COMMENT ON COLUMN ride.trips.journey_id IS 'Journey that the trip is part of.';
COMMENT ON COLUMN ride.trips.journey_attributes IS 'Attributes of the journey, as sent.';
COMMENT ON COLUMN ride.trips.trip_type IS 'Type of the trip.';
COMMENT ON COLUMN ride.trips.trip_attributes IS 'Attributes of the trip, as sent.';
COMMENT ON COLUMN ride.trips.fare_attributes IS 'Attributes of the fare, as sent.';
COMMENT ON COLUMN ride.trips.start_time IS 'When the trip started, to the millisecond.';
COMMENT ON COLUMN ride.trips.end_time IS 'When the trip ended (event time), to the millisecond.';
COMMENT ON COLUMN ride.trips.start_location IS 'Location of the start, as sent: lat and lng in degrees (WGS 84).';
COMMENT ON COLUMN ride.trips.end_location IS 'Location of the end, as sent: lat and lng in degrees (WGS 84).';
COMMENT ON COLUMN ride.trips.duration IS 'Duration, in seconds.';
COMMENT ON COLUMN ride.trips.distance IS 'Distance, in metres.';
COMMENT ON COLUMN ride.trips.publication_time IS 'When the provider published the trip.';
COMMENT ON COLUMN ride.trips.accessibility_attributes IS 'Accessibility features that were used.';
COMMENT ON COLUMN ride.trips.parking_verification_url IS 'URL of the photo or other proof of parking.';
COMMENT ON COLUMN ride.trips.parking_category IS 'Type of the parking place at the end.';
COMMENT ON COLUMN ride.trips.standard_cost IS 'Cost without discounts, in minor units of currency (cents).';
COMMENT ON COLUMN ride.trips.actual_cost IS 'Cost that was charged, in minor units of currency (cents).';
COMMENT ON COLUMN ride.trips.currency IS 'Currency of the costs, ISO 4217.';

COMMENT ON TABLE ride.telemetry_seen IS
  'Provider and id of the events loaded into ride.telemetry in the last BATCH_REPEAT_WINDOW_DAYS. Used to recognise repeats.';
COMMENT ON COLUMN ride.telemetry_seen.id IS 'Id of the event.';
COMMENT ON COLUMN ride.telemetry_seen.provider_id IS 'Provider of the event.';
COMMENT ON COLUMN ride.telemetry_seen.day IS 'Day (UTC) of the event time.';
COMMENT ON COLUMN ride.telemetry_seen.seen_on IS 'Day (UTC) on which the event was loaded. Older keys are deleted.';

COMMENT ON TABLE ride.vehicle_events_seen IS
  'Provider and id of the events loaded into ride.vehicle_events in the last BATCH_REPEAT_WINDOW_DAYS. Used to recognise repeats.';
COMMENT ON COLUMN ride.vehicle_events_seen.id IS 'Id of the event.';
COMMENT ON COLUMN ride.vehicle_events_seen.provider_id IS 'Provider of the event.';
COMMENT ON COLUMN ride.vehicle_events_seen.day IS 'Day (UTC) of the event time.';
COMMENT ON COLUMN ride.vehicle_events_seen.seen_on IS
  'Day (UTC) on which the event was loaded. Older keys are deleted.';

COMMENT ON TABLE ride.rider_events_seen IS
  'Provider and id of the events loaded into ride.rider_events in the last BATCH_REPEAT_WINDOW_DAYS. Used to recognise repeats.';
COMMENT ON COLUMN ride.rider_events_seen.id IS 'Id of the event.';
COMMENT ON COLUMN ride.rider_events_seen.provider_id IS 'Provider of the event.';
COMMENT ON COLUMN ride.rider_events_seen.day IS 'Day (UTC) of the event time.';
COMMENT ON COLUMN ride.rider_events_seen.seen_on IS 'Day (UTC) on which the event was loaded. Older keys are deleted.';

COMMENT ON TABLE ride.trips_seen IS
  'Provider and id of the events loaded into ride.trips in the last BATCH_REPEAT_WINDOW_DAYS. Used to recognise repeats.';
COMMENT ON COLUMN ride.trips_seen.id IS 'Id of the event.';
COMMENT ON COLUMN ride.trips_seen.provider_id IS 'Provider of the event.';
COMMENT ON COLUMN ride.trips_seen.day IS 'Day (UTC) of the event time.';
COMMENT ON COLUMN ride.trips_seen.seen_on IS 'Day (UTC) on which the event was loaded. Older keys are deleted.';

COMMENT ON TABLE ride.log_positions IS
  'Position of each job in each partition of the log. Moved in the transaction that writes the rows.';
COMMENT ON COLUMN ride.log_positions.job IS 'Job that the position belongs to: load for the tables of schema ride.';
COMMENT ON COLUMN ride.log_positions.topic IS 'Topic.';
COMMENT ON COLUMN ride.log_positions.partition IS 'Partition of the topic.';
COMMENT ON COLUMN ride.log_positions.next_offset IS 'Offset of the next record to read.';
COMMENT ON COLUMN ride.log_positions.cluster_id IS
  'Id of the cluster that the offset belongs to. NULL until a load has verified the position.';
COMMENT ON COLUMN ride.log_positions.topic_id IS
  'Id of the topic that the offset belongs to. A topic that is deleted and created again has another id.';
COMMENT ON COLUMN ride.log_positions.moved_at IS 'When the position last moved.';
COMMENT ON COLUMN ride.log_positions.last_offset IS 'Offset of the last record that was loaded.';
COMMENT ON COLUMN ride.log_positions.last_digest IS
  'SHA-256 of the last record that was loaded: timestamp, key and value.';
COMMENT ON COLUMN ride.log_positions.last_next_offset IS
  'Value of next_offset when last_offset and last_digest were stored. They apply only while both are equal.';
COMMENT ON COLUMN ride.log_positions.refused IS
  'Why loads refuse to continue at the position: beyond-log-end or other-record. NULL if they do not.';
COMMENT ON COLUMN ride.log_positions.refused_at IS 'When loads first refused the position.';
COMMENT ON COLUMN ride.log_positions.leased_by IS
  'Process that loads the partition. Other processes load other partitions.';
COMMENT ON COLUMN ride.log_positions.leased_until IS 'End of the lease, unless the process commits a chunk before.';

COMMENT ON TABLE ride.log_gaps IS 'Offset ranges that a position passed without reading them.';
COMMENT ON COLUMN ride.log_gaps.id IS 'Number of the gap.';
COMMENT ON COLUMN ride.log_gaps.topic IS 'Topic.';
COMMENT ON COLUMN ride.log_gaps.partition IS 'Partition of the topic.';
COMMENT ON COLUMN ride.log_gaps.from_offset IS 'First offset of the gap.';
COMMENT ON COLUMN ride.log_gaps.to_offset IS 'Offset after the last one of the gap.';
COMMENT ON COLUMN ride.log_gaps.cause IS
  'deleted: the log had deleted the records. reset: positions reset moved the position.';
COMMENT ON COLUMN ride.log_gaps.cluster_id IS 'Id of the cluster.';
COMMENT ON COLUMN ride.log_gaps.topic_id IS 'Id of the topic.';
COMMENT ON COLUMN ride.log_gaps.recorded_at IS 'When the position passed the gap.';
COMMENT ON COLUMN ride.log_gaps.job IS 'Job whose position passed the gap.';

COMMENT ON TABLE ride.dead_letters IS
  'Loaded contents of the dead-letter queue, the topic ride.dead-letter. ride.rejects shows those that are not resolved.';
COMMENT ON COLUMN ride.dead_letters.topic IS 'Topic of the record.';
COMMENT ON COLUMN ride.dead_letters.partition IS 'Partition of the record.';
COMMENT ON COLUMN ride.dead_letters."offset" IS
  'Offset of the record, or first offset of a batch that cannot be decoded.';
COMMENT ON COLUMN ride.dead_letters.reason IS 'Why the record was rejected.';
COMMENT ON COLUMN ride.dead_letters.key IS 'Key of the record, unchanged.';
COMMENT ON COLUMN ride.dead_letters.value IS
  'Value of the record, unchanged. NULL if it has none or could not be kept.';
COMMENT ON COLUMN ride.dead_letters.received_at IS
  'Timestamp of the record: when ingest received it. NULL if it is not between the years 1 and 9999.';
COMMENT ON COLUMN ride.dead_letters.rejected_at IS 'When the record was written to the dead-letter queue.';
COMMENT ON COLUMN ride.dead_letters.timestamp_ms IS 'Timestamp of the record as sent, in milliseconds since 1970.';
COMMENT ON COLUMN ride.dead_letters.last_offset IS
  'Last offset of a batch that cannot be decoded. NULL for single records.';
COMMENT ON COLUMN ride.dead_letters.id IS
  'Id of the dead letter: the same if a consumer group dead-letters a record again.';
COMMENT ON COLUMN ride.dead_letters.consumer_group IS
  'Consumer group that could not handle the record. hailstream-batch for loads.';
COMMENT ON COLUMN ride.dead_letters.attempts IS 'How often the consumer tried to handle the record.';
COMMENT ON COLUMN ride.dead_letters.resolved_at IS 'When retry-rejects loaded the record. NULL until then.';

COMMENT ON VIEW ride.rejects IS
  'Records that a consumer could not handle and that are not resolved: the loaded dead-letter queue.';
COMMENT ON COLUMN ride.rejects.topic IS 'Topic of the record.';
COMMENT ON COLUMN ride.rejects.partition IS 'Partition of the record.';
COMMENT ON COLUMN ride.rejects."offset" IS 'Offset of the record, or first offset of a batch that cannot be decoded.';
COMMENT ON COLUMN ride.rejects.reason IS 'Why the record was rejected.';
COMMENT ON COLUMN ride.rejects.key IS 'Key of the record, unchanged.';
COMMENT ON COLUMN ride.rejects.value IS 'Value of the record, unchanged. NULL if it has none or could not be kept.';
COMMENT ON COLUMN ride.rejects.received_at IS
  'Timestamp of the record: when ingest received it. NULL if it is not between the years 1 and 9999.';
COMMENT ON COLUMN ride.rejects.rejected_at IS 'When the record was written to the dead-letter queue.';
COMMENT ON COLUMN ride.rejects.timestamp_ms IS 'Timestamp of the record as sent, in milliseconds since 1970.';
COMMENT ON COLUMN ride.rejects.last_offset IS 'Last offset of a batch that cannot be decoded. NULL for single records.';
COMMENT ON COLUMN ride.rejects.id IS 'Id of the dead letter: the same if a consumer group dead-letters a record again.';
COMMENT ON COLUMN ride.rejects.consumer_group IS
  'Consumer group that could not handle the record. hailstream-batch for loads.';
COMMENT ON COLUMN ride.rejects.attempts IS 'How often the consumer tried to handle the record.';

COMMENT ON VIEW analysis.trips_per_hour IS 'Trips per hour of their start (UTC), with waiting times and durations.';
COMMENT ON COLUMN analysis.trips_per_hour.hour IS 'Start of the hour (UTC).';
COMMENT ON COLUMN analysis.trips_per_hour.trips IS 'Number of trips that started in the hour.';
COMMENT ON COLUMN analysis.trips_per_hour.median_wait_seconds IS
  'Median time from the first request of a trip to its start, in seconds. Trips without a request are left out.';
COMMENT ON COLUMN analysis.trips_per_hour.median_duration_seconds IS 'Median duration of the trips, in seconds.';

COMMENT ON VIEW analysis.vehicle_state_periods IS
  'Periods in which a vehicle was in one state, from one event to the next.';
COMMENT ON COLUMN analysis.vehicle_state_periods.device_id IS 'Vehicle.';
COMMENT ON COLUMN analysis.vehicle_state_periods.vehicle_state IS 'State of the vehicle.';
COMMENT ON COLUMN analysis.vehicle_state_periods.starts_at IS 'Start of the period: time of the event.';
COMMENT ON COLUMN analysis.vehicle_state_periods.ends_at IS
  'End of the period: time of the next event of the vehicle, or of the newest event of any vehicle.';
COMMENT ON COLUMN analysis.vehicle_state_periods.provider_id IS 'Provider that operates the vehicle.';

COMMENT ON VIEW analysis.vehicle_utilisation IS 'Time that each vehicle spent in each state per day (UTC).';
COMMENT ON COLUMN analysis.vehicle_utilisation.device_id IS 'Vehicle.';
COMMENT ON COLUMN analysis.vehicle_utilisation.day IS 'Day (UTC).';
COMMENT ON COLUMN analysis.vehicle_utilisation.vehicle_state IS 'State of the vehicle.';
COMMENT ON COLUMN analysis.vehicle_utilisation.seconds IS 'Time in the state, in seconds.';
COMMENT ON COLUMN analysis.vehicle_utilisation.share IS 'Share of the known time of the day, 0 to 1.';
COMMENT ON COLUMN analysis.vehicle_utilisation.provider_id IS 'Provider that operates the vehicle.';

COMMENT ON VIEW analysis.supply_demand IS 'Available vehicles and ride requests per H3 cell and quarter of an hour.';
COMMENT ON COLUMN analysis.supply_demand.h3_cell IS 'H3 cell at resolution 9, in hexadecimal.';
COMMENT ON COLUMN analysis.supply_demand.quarter IS 'Start of the quarter of an hour (UTC).';
COMMENT ON COLUMN analysis.supply_demand.available_vehicles IS
  'Number of vehicles that sent a position from the cell while they were available.';
COMMENT ON COLUMN analysis.supply_demand.requests IS 'Number of ride requests from the cell.';

COMMENT ON VIEW analysis.repeated_ids IS
  'Ids that occur in a table with more than one event time. An id that is sent again with another event time after BATCH_REPEAT_WINDOW_DAYS is loaded as another event, and listed here.';
COMMENT ON COLUMN analysis.repeated_ids.table_name IS 'Table of schema ride.';
COMMENT ON COLUMN analysis.repeated_ids.id IS 'Id of the event.';
COMMENT ON COLUMN analysis.repeated_ids.provider_id IS 'Provider of the event.';
COMMENT ON COLUMN analysis.repeated_ids."rows" IS 'Number of rows with the id.';
COMMENT ON COLUMN analysis.repeated_ids.first_time IS 'Earliest event time.';
COMMENT ON COLUMN analysis.repeated_ids.last_time IS 'Latest event time.';
