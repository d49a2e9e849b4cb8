import type { CopyWriter } from './copy-writer.js';
import { isStorableTime } from './day.js';
import { UnloadableError } from './read-event.js';

/** A column of a table, filled from events of type `T`. */
export interface Column<T> {
  readonly name: string;
  /**
   * Writes the value of an event that ingest received at `receivedMs`.
   *
   * @throws UnloadableError if the value does not have the column's type
   */
  write(writer: CopyWriter, event: T, receivedMs: number): void;
}

type Value = string | number | boolean | readonly string[] | object | null | undefined;

const MAX_INT16 = 2 ** 15 - 1;
const MAX_INT32 = 2 ** 31 - 1;

/** When ingest received the event: NULL if the record's timestamp is unknown, or not a time that a column can have. */
export const receivedAtColumn: Column<unknown> = {
  name: 'received_at',
  write(writer, _, receivedMs) {
    if (isStorableTime(receivedMs)) writer.timestamp(receivedMs);
    else writer.null();
  },
};

/** Creates columns of each Postgres type. `null` and `undefined` become NULL. */
export function columnsOf<T>() {
  const column =
    <V extends Value>(writeValue: (writer: CopyWriter, value: V, name: string) => void) =>
    (name: string, get: (event: T) => V | null | undefined): Column<T> => ({
      name,
      write(writer, event) {
        const value = get(event);
        if (value === null || value === undefined) writer.null();
        else writeValue(writer, value, name);
      },
    });
  return {
    uuid: column<string>((writer, value) => writer.uuid(value)),
    uuids: column<readonly string[]>((writer, value) => writer.uuidArray(value)),
    text: column<string>((writer, value) => writer.text(value)),
    texts: column<readonly string[]>((writer, value) => writer.textArray(value)),
    json: column<object>((writer, value) => writer.jsonb(JSON.stringify(value))),
    boolean: column<boolean>((writer, value) => writer.boolean(value)),
    smallint: column<number>((writer, value, name) => writer.int16(bounded(value, MAX_INT16, name))),
    integer: column<number>((writer, value, name) => writer.int32(bounded(value, MAX_INT32, name))),
    bigint: column<number>((writer, value, name) =>
      writer.int64(bounded(value, Number.MAX_SAFE_INTEGER, name)),
    ),
    double: column<number>((writer, value) => writer.float64(value)),
    time: column<number>((writer, value) => writer.timestamp(value)),
    h3Cell: column<string>((writer, value) => writer.int64Hex(value)),
  };
}

function bounded(value: number, maximum: number, name: string): number {
  if (Number.isInteger(value) && Math.abs(value) <= maximum) return value;
  throw new UnloadableError(`${name}: ${value} does not fit an integer of at most ${maximum}`);
}
