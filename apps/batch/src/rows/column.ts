import type { EventScanner, ScannedField } from '@hailstream/events';
import { latLngToCell } from 'h3-js';
import type { CopyWriter } from './copy-writer.js';
import { isStorableTime } from './day.js';
import { UnloadableError } from './read-event.js';

/** Cells of about 0.1 km², a few blocks of a city. */
const H3_RESOLUTION = 9;

/** A column of a table. */
export interface Column {
  readonly name: string;
  /**
   * Writes the value of an event that ingest received at `receivedMs`.
   *
   * @throws UnloadableError if the value does not have the column's type
   */
  write(writer: CopyWriter, event: object, receivedMs: number): void;
  /**
   * Returns how to write the same value of a scanned event.
   *
   * @throws TypeError if the family's schema has no such field
   */
  ofScanned(scanner: EventScanner): ScannedColumn;
}

/** Writes the value of the event that was scanned. */
export type ScannedColumn = (writer: CopyWriter, receivedMs: number) => void;

/** A type of columns. */
interface ColumnType {
  /** What the field is in the schema. */
  readonly kind: ScannedField['kind'];
  write(writer: CopyWriter, value: never, name: string): void;
  writeScanned(writer: CopyWriter, scanner: EventScanner, field: ScannedField, name: string): void;
}

const MAX_INT16 = 2 ** 15 - 1;
const MAX_INT32 = 2 ** 31 - 1;

/** When ingest received the event: NULL if the record's timestamp is unknown, or not a time that a column can have. */
export const receivedAtColumn: Column = {
  name: 'received_at',
  write: (writer, _, receivedMs) => writeReceived(writer, receivedMs),
  ofScanned: () => writeReceived,
};

function writeReceived(writer: CopyWriter, receivedMs: number): void {
  if (isStorableTime(receivedMs)) writer.timestamp(receivedMs);
  else writer.null();
}

const numeric = (write: (writer: CopyWriter, value: number, name: string) => void): ColumnType => ({
  kind: 'number',
  write,
  writeScanned: (writer, scanner, field, name) => write(writer, scanner.numberOf(field), name),
});

const types = {
  uuid: {
    kind: 'uuid',
    write: (writer, value: string) => writer.uuid(value),
    writeScanned: (writer, scanner, field) => writer.uuidWords(scanner.words, scanner.wordsAt(field)),
  },
  uuids: {
    kind: 'uuids',
    write: (writer, value: readonly string[]) => writer.uuidArray(value),
    writeScanned: (writer, scanner, field) => writer.uuidArray(scanner.valueOf(field) as readonly string[]),
  },
  text: {
    kind: 'text',
    write: (writer, value: string) => writer.text(value),
    writeScanned: (writer, scanner, field) =>
      writer.textBytes(scanner.bytes, scanner.startOf(field), scanner.endOf(field)),
  },
  texts: {
    kind: 'texts',
    write: (writer, value: readonly string[]) => writer.textArray(value),
    writeScanned: (writer, scanner, field) => writer.textArray(scanner.valueOf(field) as readonly string[]),
  },
  json: {
    kind: 'object',
    write: (writer, value: object) => writer.jsonb(JSON.stringify(value)),
    writeScanned: (writer, scanner, field) => writer.jsonb(JSON.stringify(scanner.valueOf(field))),
  },
  boolean: {
    kind: 'boolean',
    write: (writer, value: boolean) => writer.boolean(value),
    writeScanned: (writer, scanner, field) => writer.boolean(scanner.valueOf(field) as boolean),
  },
  smallint: numeric((writer, value, name) => writer.int16(bounded(value, MAX_INT16, name))),
  integer: numeric((writer, value, name) => writer.int32(bounded(value, MAX_INT32, name))),
  bigint: numeric((writer, value, name) => writer.int64(bounded(value, Number.MAX_SAFE_INTEGER, name))),
  double: numeric((writer, value) => writer.float64(value)),
  time: numeric((writer, value) => writer.timestamp(value)),
} as const satisfies Readonly<Record<string, ColumnType>>;

/**
 * Creates a column of each Postgres type from the field at a path, `location.lat`, which is the name of the column if it is
 * left out. A field that is `null` or not present becomes NULL.
 */
export const columns = {
  uuid: columnOf(types.uuid),
  uuids: columnOf(types.uuids),
  text: columnOf(types.text),
  texts: columnOf(types.texts),
  json: columnOf(types.json),
  boolean: columnOf(types.boolean),
  smallint: columnOf(types.smallint),
  integer: columnOf(types.integer),
  bigint: columnOf(types.bigint),
  double: columnOf(types.double),
  time: columnOf(types.time),
  h3Cell,
};

function columnOf({ kind, write, writeScanned }: ColumnType): (name: string, path?: string) => Column {
  return (name, path = name) => {
    const names = path.split('.');
    return {
      name,
      write(writer, event) {
        let value: unknown = event;
        for (let index = 0; index < names.length && value !== undefined && value !== null; index += 1) {
          value = (value as Readonly<Record<string, unknown>>)[names[index]!];
        }
        if (value === undefined || value === null) writer.null();
        else write(writer, value as never, name);
      },
      ofScanned(scanner) {
        const field = scannedField(scanner, path, kind);
        return (writer) => {
          if (scanner.has(field)) writeScanned(writer, scanner, field, name);
          else writer.null();
        };
      },
    };
  };
}

/** A column with the H3 cell of the location at a path. */
function h3Cell(name: string, path: string): Column {
  return {
    name,
    write(writer, event) {
      const { lat, lng } = (event as Readonly<Record<string, { lat: number; lng: number }>>)[path]!;
      writer.int64Hex(latLngToCell(lat, lng, H3_RESOLUTION));
    },
    ofScanned(scanner) {
      const lat = scannedField(scanner, `${path}.lat`, 'number');
      const lng = scannedField(scanner, `${path}.lng`, 'number');
      return (writer) =>
        writer.int64Hex(latLngToCell(scanner.numberOf(lat), scanner.numberOf(lng), H3_RESOLUTION));
    },
  };
}

/** @throws TypeError if the schema has no such field */
export function scannedField(scanner: EventScanner, path: string, kind: ScannedField['kind']): ScannedField {
  const field = scanner.fields.get(path);
  if (field?.kind === kind) return field;
  throw new TypeError(`the field ${path} is ${field?.kind ?? 'not in the schema'}, expected ${kind}`);
}

function bounded(value: number, maximum: number, name: string): number {
  if (Number.isInteger(value) && Math.abs(value) <= maximum) return value;
  throw new UnloadableError(`${name}: ${value} does not fit an integer of at most ${maximum}`);
}
