import type { LogRecord } from '@hailstream/log';
import { CopyWriter } from './copy-writer.js';
import { dayOf, type Day } from './day.js';
import { readEvent } from './read-event.js';
import type { Table } from './tables.js';
import { UnloadableError } from './unloadable.errors.js';

/** Longest reason that is kept. */
const MAX_REASON_CHARS = 1_000;

/** A record that is not loaded, and why. */
export interface Reject {
  readonly record: LogRecord;
  readonly reason: string;
}

/** One event as a tuple of binary COPY. */
export interface EncodedRow {
  readonly id: string;
  readonly record: LogRecord;
  readonly tuple: Buffer;
}

/** Records of one partition as rows, each id once: what came first stays. */
export interface EncodedChunk {
  readonly rows: readonly EncodedRow[];
  readonly days: ReadonlySet<Day>;
  readonly rejects: readonly Reject[];
}

/** Turns records into rows of a table; those that can't be are rejects. */
export function encodeChunk(table: Table, records: readonly LogRecord[], nowMs: number): EncodedChunk {
  const { family, columns } = table;
  const writer = new CopyWriter();
  const placed: { id: string; record: LogRecord; start: number; end: number }[] = [];
  const ids = new Set<string>();
  const days = new Set<Day>();
  const rejects: Reject[] = [];
  for (const record of records) {
    const start = writer.length;
    try {
      const event = readEvent(family, record.value, nowMs);
      const id = family.id(event);
      if (ids.has(id)) continue;
      writer.tuple(columns.length);
      for (const column of columns) column.write(writer, event);
      ids.add(id);
      days.add(dayOf(family.eventTime(event)));
      placed.push({ id, record, start, end: writer.length });
    } catch (error) {
      if (!(error instanceof UnloadableError)) throw error;
      writer.truncate(start);
      rejects.push({ record, reason: storableReason(error.message) });
    }
  }
  // Cut up only now: growing moves the bytes.
  const rows = placed.map(({ id, record, start, end }) => ({ id, record, tuple: writer.bytes(start, end) }));
  return { rows, days, rejects };
}

/** A reason may quote the record: what Postgres can't hold is shown as U+FFFD. */
export function storableReason(reason: string): string {
  return reason.slice(0, MAX_REASON_CHARS).toWellFormed().replaceAll('\0', '\uFFFD');
}
