import {
  erasureKinds,
  eventRegistry,
  personalIdNames,
  type ErasureKind,
  type EventFamily,
  type EventRegistry,
  type FamilyName,
} from '@hailstream/events';
import { columns as column, receivedAtColumn, type Column } from './column.js';
import { subjectsOf, type SubjectFields } from './event-subject.js';
import { scannedTable, type ScannedTable } from './scanned-table.js';

/** A family of events and the table of schema `ride` that its events are loaded into. */
export interface Table {
  readonly name: string;
  readonly idColumn: string;
  /** The column of the event time, by which the table is partitioned. */
  readonly timeColumn: string;
  readonly family: EventFamily;
  readonly columns: readonly Column[];
  /** Fields with the vehicle and trips of an event; `null` if trips are not rebuilt from the family. */
  readonly subject: SubjectFields | null;
  /** The fields of its events with the id of a rider or a device. */
  readonly personal: readonly PersonalField[];
  /** How rows are written from events that are not decoded; `null` if all of them are. */
  readonly scanned: ScannedTable | null;
}

/** A field with the id of a rider or a device, which can be erased. */
interface PersonalField {
  readonly kind: ErasureKind;
  readonly field: string;
}

/** Tables by the topic that is loaded into them. */
export type Tables = ReadonlyMap<string, Table>;

/** Injects the {@link Tables} that are loaded. */
export const TABLES = Symbol('Tables');
/** Injects the {@link EventRegistry}. */
export const REGISTRY = Symbol('EventRegistry');

/** The columns that are specific to a family, by the family's name. */
type ColumnsByFamily = Readonly<Record<string, readonly Column[]>>;

/**
 * Creates the tables of a registry's families, by topic. Every table has the event's id, provider and time, when it was
 * received, and its specific columns; `columns` adds those of further families.
 *
 * @throws TypeError if a family has a table but no columns, or a column but no such field
 */
export function createTables({ families }: EventRegistry, columns: ColumnsByFamily = {}): Tables {
  const columnsOfAll: ColumnsByFamily = { ...columnsByFamily, ...columns };
  const tables = new Map<string, Table>();
  for (const family of families) {
    if (family.table === null) continue;
    const specific = columnsOfAll[family.name];
    if (specific === undefined) throw new TypeError(`the event family ${family.name} has no columns`);
    const all = [...sharedColumns(family), ...specific];
    const { id: idColumn, time: timeColumn } = family.fields;
    const personal = personalFields(family);
    const subject = subjectsOf(family.name);
    tables.set(family.topic.name, {
      name: family.table,
      idColumn,
      timeColumn,
      family,
      columns: all,
      subject,
      personal,
      scanned: scannedTable(family, { columns: all, personal: personal.map(({ field }) => field), subject }),
    });
  }
  return tables;
}

/** Schemas of families are objects, whose fields have the same names in every family. */
function personalFields({ schema }: EventFamily): PersonalField[] {
  const { required = [] } = schema as { readonly required?: readonly string[] };
  return erasureKinds.flatMap((kind) => {
    const fields = required.filter((field) => personalIdNames[kind].test(field));
    return fields.map((field) => ({ kind, field }));
  });
}

function sharedColumns({ fields }: EventFamily): Column[] {
  return [column.uuid(fields.id), column.uuid('provider_id'), column.time(fields.time), receivedAtColumn];
}

/** An event's own location, flattened under MDS's names. */
const locationColumns = [
  column.double('lat', 'location.lat'),
  column.double('lng', 'location.lng'),
  column.double('altitude', 'location.altitude'),
  column.double('heading', 'location.heading'),
  column.double('speed', 'location.speed'),
  column.double('horizontal_accuracy', 'location.horizontal_accuracy'),
  column.double('vertical_accuracy', 'location.vertical_accuracy'),
  column.smallint('satellites', 'location.satellites'),
  column.h3Cell('h3_cell', 'location'),
];

const columnsByFamily = {
  telemetry: [
    column.uuid('device_id'),
    column.uuid('data_provider_id'),
    column.uuids('trip_ids'),
    column.uuid('journey_id'),
    column.uuid('stop_id'),
    ...locationColumns,
    column.text('location_type'),
    column.smallint('battery_percent'),
    column.smallint('fuel_percent'),
    column.boolean('tipped_over'),
  ],
  'vehicle-events': [
    column.uuid('device_id'),
    column.uuid('data_provider_id'),
    column.text('vehicle_state'),
    column.texts('event_types'),
    column.time('publication_time'),
    ...locationColumns,
    column.uuids('event_geographies'),
    column.smallint('battery_percent'),
    column.smallint('fuel_percent'),
    column.uuids('trip_ids'),
    column.uuid('stop_id'),
    column.text('associated_ticket'),
  ],
  'rider-events': [
    column.uuid('rider_id'),
    column.uuid('trip_id'),
    column.text('event_type'),
    ...locationColumns,
    column.json('destination'),
    column.smallint('rating'),
  ],
  trips: [
    column.uuid('data_provider_id'),
    column.uuid('device_id'),
    column.uuid('journey_id'),
    column.json('journey_attributes'),
    column.text('trip_type'),
    column.json('trip_attributes'),
    column.json('fare_attributes'),
    column.time('start_time'),
    column.json('start_location'),
    column.json('end_location'),
    column.integer('duration'),
    column.integer('distance'),
    column.time('publication_time'),
    column.texts('accessibility_attributes'),
    column.text('parking_verification_url'),
    column.text('parking_category'),
    column.bigint('standard_cost'),
    column.bigint('actual_cost'),
    column.text('currency'),
  ],
} satisfies { readonly [Name in FamilyName]: readonly Column[] };

/** The tables that are loaded, by topic. */
export const tablesByTopic = createTables(eventRegistry);
