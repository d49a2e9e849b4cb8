import {
  erasureKinds,
  eventRegistry,
  personalIdNames,
  type AnyEvent,
  type ErasureKind,
  type EventFamily,
  type EventOf,
  type EventRegistry,
  type FamilyName,
  type Location,
  type RiderEvent,
  type Telemetry,
  type Trip,
  type VehicleEvent,
} from '@hailstream/events';
import { latLngToCell } from 'h3-js';
import { columnsOf, receivedAtColumn, type Column } from './column.js';
import { subjectsOf, type EventSubject } from './event-subject.js';

/** Cells of about 0.1 km², a few blocks of a city. */
const H3_RESOLUTION = 9;

/** A family of events and the table of schema `ride` that its events are loaded into. */
export interface Table {
  readonly name: string;
  readonly idColumn: string;
  /** The column of the event time, by which the table is partitioned. */
  readonly timeColumn: string;
  readonly family: EventFamily;
  readonly columns: readonly Column<AnyEvent>[];
  /** The vehicle and trips of an event; `null` if trips are not rebuilt from the family. */
  readonly subjectOf: ((event: AnyEvent) => EventSubject) | null;
  /** The fields of its events with the id of a rider or a device. */
  readonly personal: readonly PersonalField[];
}

/** A field with the id of a rider or a device, which can be erased. */
interface PersonalField {
  readonly kind: ErasureKind;
  readonly idOf: (event: AnyEvent) => string;
}

/** Tables by the topic that is loaded into them. */
export type Tables = ReadonlyMap<string, Table>;

/** Injects the {@link Tables} that are loaded. */
export const TABLES = Symbol('Tables');
/** Injects the {@link EventRegistry}. */
export const REGISTRY = Symbol('EventRegistry');

/** The columns that are specific to a family, by the family's name. */
type ColumnsByFamily = Readonly<Record<string, readonly Column<never>[]>>;

/**
 * Creates the tables of a registry's families, by topic. Every table has the event's id, provider and time, when it was
 * received, and its specific columns; `columns` adds those of further families.
 *
 * @throws TypeError if a family has a table but no columns
 */
export function createTables({ families }: EventRegistry, columns: ColumnsByFamily = {}): Tables {
  const columnsOfAll: ColumnsByFamily = { ...columnsByFamily, ...columns };
  const tables = new Map<string, Table>();
  for (const family of families) {
    if (family.table === null) continue;
    const specific = columnsOfAll[family.name];
    if (specific === undefined) throw new TypeError(`the event family ${family.name} has no columns`);
    // A row is only ever encoded from an event that the table's family has validated.
    const all = [...sharedColumns(family), ...(specific as readonly Column<AnyEvent>[])];
    const { id: idColumn, time: timeColumn } = family.fields;
    const personal = personalFields(family);
    tables.set(family.topic.name, {
      name: family.table,
      idColumn,
      timeColumn,
      family,
      columns: all,
      subjectOf: subjectsOf(family.name),
      personal,
    });
  }
  return tables;
}

/** Schemas of families are objects, whose fields have the same names in every family. */
function personalFields({ schema }: EventFamily): PersonalField[] {
  const { required = [] } = schema as { readonly required?: readonly string[] };
  return erasureKinds.flatMap((kind) => {
    const fields = required.filter((field) => personalIdNames[kind].test(field));
    return fields.map((field) => {
      return { kind, idOf: (event: AnyEvent) => (event as unknown as Record<string, string>)[field]! };
    });
  });
}

function sharedColumns(family: EventFamily): Column<AnyEvent>[] {
  const { uuid, time } = columnsOf<AnyEvent>();
  return [
    uuid(family.fields.id, (event) => family.id(event)),
    uuid('provider_id', (event) => event.provider_id),
    time(family.fields.time, (event) => family.eventTime(event)),
    receivedAtColumn,
  ];
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
const telemetryColumns = [
  ofTelemetry.uuid('device_id', (point) => point.device_id),
  ofTelemetry.uuid('data_provider_id', (point) => point.data_provider_id),
  ofTelemetry.uuids('trip_ids', (point) => point.trip_ids),
  ofTelemetry.uuid('journey_id', (point) => point.journey_id),
  ofTelemetry.uuid('stop_id', (point) => point.stop_id),
  ...locationColumns<Telemetry>(),
  ofTelemetry.text('location_type', (point) => point.location_type),
  ofTelemetry.smallint('battery_percent', (point) => point.battery_percent),
  ofTelemetry.smallint('fuel_percent', (point) => point.fuel_percent),
  ofTelemetry.boolean('tipped_over', (point) => point.tipped_over),
];

const ofVehicleEvent = columnsOf<VehicleEvent>();
const vehicleEventColumns = [
  ofVehicleEvent.uuid('device_id', (event) => event.device_id),
  ofVehicleEvent.uuid('data_provider_id', (event) => event.data_provider_id),
  ofVehicleEvent.text('vehicle_state', (event) => event.vehicle_state),
  ofVehicleEvent.texts('event_types', (event) => event.event_types),
  ofVehicleEvent.time('publication_time', (event) => event.publication_time),
  ...locationColumns<VehicleEvent>(),
  ofVehicleEvent.uuids('event_geographies', (event) => event.event_geographies),
  ofVehicleEvent.smallint('battery_percent', (event) => event.battery_percent),
  ofVehicleEvent.smallint('fuel_percent', (event) => event.fuel_percent),
  ofVehicleEvent.uuids('trip_ids', (event) => event.trip_ids),
  ofVehicleEvent.uuid('stop_id', (event) => event.stop_id),
  ofVehicleEvent.text('associated_ticket', (event) => event.associated_ticket),
];

const ofRiderEvent = columnsOf<RiderEvent>();
const riderEventColumns = [
  ofRiderEvent.uuid('rider_id', (event) => event.rider_id),
  ofRiderEvent.uuid('trip_id', (event) => event.trip_id),
  ofRiderEvent.text('event_type', (event) => event.event_type),
  ...locationColumns<RiderEvent>(),
  ofRiderEvent.json('destination', (event) => event.destination),
  ofRiderEvent.smallint('rating', (event) => event.rating),
];

const ofTrip = columnsOf<Trip>();
const tripColumns = [
  ofTrip.uuid('data_provider_id', (trip) => trip.data_provider_id),
  ofTrip.uuid('device_id', (trip) => trip.device_id),
  ofTrip.uuid('journey_id', (trip) => trip.journey_id),
  ofTrip.json('journey_attributes', (trip) => trip.journey_attributes),
  ofTrip.text('trip_type', (trip) => trip.trip_type),
  ofTrip.json('trip_attributes', (trip) => trip.trip_attributes),
  ofTrip.json('fare_attributes', (trip) => trip.fare_attributes),
  ofTrip.time('start_time', (trip) => trip.start_time),
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
];

const columnsByFamily = {
  telemetry: telemetryColumns,
  'vehicle-events': vehicleEventColumns,
  'rider-events': riderEventColumns,
  trips: tripColumns,
} satisfies { readonly [Name in FamilyName]: readonly Column<EventOf<Name>>[] };

/** The tables that are loaded, by topic. */
export const tablesByTopic = createTables(eventRegistry);
