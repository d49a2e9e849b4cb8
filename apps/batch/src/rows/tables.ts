import {
  riderEventFamily,
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
  type EventFamily,
  type Location,
  type RiderEvent,
  type Telemetry,
  type Trip,
  type VehicleEvent,
} from '@hailstream/events';
import { latLngToCell } from 'h3-js';
import { columnsOf, type Column } from './column.js';

/** Cells of about 0.1 km², a few blocks of a city. */
export const H3_RESOLUTION = 9;

/** A family of events and the table of schema `ride` that has its rows. */
export interface Table<T = unknown> {
  readonly name: string;
  readonly idColumn: string;
  /** The column of the event time, by which the table is partitioned. */
  readonly timeColumn: string;
  readonly family: EventFamily<T>;
  readonly columns: readonly Column<T>[];
}

function table<T>(name: string, family: EventFamily<T>, columns: readonly Column<T>[]): Table {
  // Rows are only ever made of events that the table's own family has validated.
  const [idColumn, timeColumn] = [columns[0]!.name, name === 'trips' ? 'end_time' : 'timestamp'];
  return { name, idColumn, timeColumn, family, columns } as Table<never> as Table;
}

/** An event's own location, flattened under MDS's names. */
function locationColumns<T extends { readonly location: Location }>(): Column<T>[] {
  const { double, smallint, h3Cell } = columnsOf<T>();
  return [
    double('lat', ({ location }) => location.lat),
    double('lng', ({ location }) => location.lng),
    double('altitude', ({ location }) => location.altitude),
    double('heading', ({ location }) => location.heading),
    double('speed', ({ location }) => location.speed),
    double('horizontal_accuracy', ({ location }) => location.horizontal_accuracy),
    double('vertical_accuracy', ({ location }) => location.vertical_accuracy),
    smallint('satellites', ({ location }) => location.satellites),
    h3Cell('h3_cell', ({ location }) => latLngToCell(location.lat, location.lng, H3_RESOLUTION)),
  ];
}

const ofTelemetry = columnsOf<Telemetry>();
const telemetry = table('telemetry', telemetryFamily, [
  ofTelemetry.uuid('telemetry_id', (point) => point.telemetry_id),
  ofTelemetry.uuid('device_id', (point) => point.device_id),
  ofTelemetry.uuid('provider_id', (point) => point.provider_id),
  ofTelemetry.uuid('data_provider_id', (point) => point.data_provider_id),
  ofTelemetry.time('timestamp', (point) => point.timestamp),
  ofTelemetry.uuids('trip_ids', (point) => point.trip_ids),
  ofTelemetry.uuid('journey_id', (point) => point.journey_id),
  ofTelemetry.uuid('stop_id', (point) => point.stop_id),
  ...locationColumns<Telemetry>(),
  ofTelemetry.text('location_type', (point) => point.location_type),
  ofTelemetry.smallint('battery_percent', (point) => point.battery_percent),
  ofTelemetry.smallint('fuel_percent', (point) => point.fuel_percent),
  ofTelemetry.boolean('tipped_over', (point) => point.tipped_over),
]);

const ofVehicleEvent = columnsOf<VehicleEvent>();
const vehicleEvents = table('vehicle_events', vehicleEventFamily, [
  ofVehicleEvent.uuid('event_id', (event) => event.event_id),
  ofVehicleEvent.uuid('device_id', (event) => event.device_id),
  ofVehicleEvent.uuid('provider_id', (event) => event.provider_id),
  ofVehicleEvent.uuid('data_provider_id', (event) => event.data_provider_id),
  ofVehicleEvent.text('vehicle_state', (event) => event.vehicle_state),
  ofVehicleEvent.texts('event_types', (event) => event.event_types),
  ofVehicleEvent.time('timestamp', (event) => event.timestamp),
  ofVehicleEvent.time('publication_time', (event) => event.publication_time),
  ...locationColumns<VehicleEvent>(),
  ofVehicleEvent.uuids('event_geographies', (event) => event.event_geographies),
  ofVehicleEvent.smallint('battery_percent', (event) => event.battery_percent),
  ofVehicleEvent.smallint('fuel_percent', (event) => event.fuel_percent),
  ofVehicleEvent.uuids('trip_ids', (event) => event.trip_ids),
  ofVehicleEvent.uuid('stop_id', (event) => event.stop_id),
  ofVehicleEvent.text('associated_ticket', (event) => event.associated_ticket),
]);

const ofRiderEvent = columnsOf<RiderEvent>();
const riderEvents = table('rider_events', riderEventFamily, [
  ofRiderEvent.uuid('event_id', (event) => event.event_id),
  ofRiderEvent.uuid('provider_id', (event) => event.provider_id),
  ofRiderEvent.uuid('rider_id', (event) => event.rider_id),
  ofRiderEvent.uuid('trip_id', (event) => event.trip_id),
  ofRiderEvent.text('event_type', (event) => event.event_type),
  ofRiderEvent.time('timestamp', (event) => event.timestamp),
  ...locationColumns<RiderEvent>(),
  ofRiderEvent.json('destination', (event) => event.destination),
  ofRiderEvent.smallint('rating', (event) => event.rating),
]);

const ofTrip = columnsOf<Trip>();
const trips = table('trips', tripFamily, [
  ofTrip.uuid('trip_id', (trip) => trip.trip_id),
  ofTrip.uuid('provider_id', (trip) => trip.provider_id),
  ofTrip.uuid('data_provider_id', (trip) => trip.data_provider_id),
  ofTrip.uuid('device_id', (trip) => trip.device_id),
  ofTrip.uuid('journey_id', (trip) => trip.journey_id),
  ofTrip.json('journey_attributes', (trip) => trip.journey_attributes),
  ofTrip.text('trip_type', (trip) => trip.trip_type),
  ofTrip.json('trip_attributes', (trip) => trip.trip_attributes),
  ofTrip.json('fare_attributes', (trip) => trip.fare_attributes),
  ofTrip.time('start_time', (trip) => trip.start_time),
  ofTrip.time('end_time', (trip) => trip.end_time),
  ofTrip.json('start_location', (trip) => trip.start_location),
  ofTrip.json('end_location', (trip) => trip.end_location),
  ofTrip.integer('duration', (trip) => trip.duration),
  ofTrip.integer('distance', (trip) => trip.distance),
  ofTrip.time('publication_time', (trip) => trip.publication_time),
  ofTrip.texts('accessibility_attributes', (trip) => trip.accessibility_attributes),
  ofTrip.text('parking_verification_url', (trip) => trip.parking_verification_url),
  ofTrip.text('parking_category', (trip) => trip.parking_category),
  ofTrip.bigint('standard_cost', (trip) => trip.standard_cost),
  ofTrip.bigint('actual_cost', (trip) => trip.actual_cost),
  ofTrip.text('currency', (trip) => trip.currency),
]);

/** The tables that are loaded, by topic. */
export const tablesByTopic: ReadonlyMap<string, Table> = new Map(
  [telemetry, vehicleEvents, riderEvents, trips].map((each) => [each.family.topic.name, each]),
);
