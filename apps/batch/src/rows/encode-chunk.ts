import type { LogRecord } from '@hailstream/log';
import type { CopyWriter } from './copy-writer.js';
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

/** Rows of one partition of the log, each id once: what came first stays. */
export interface EncodedChunk {
  readonly rows: EncodedRows;
  readonly days: ReadonlySet<Day>;
  readonly rejects: readonly Reject[];
}

/** Rows as tuples of binary COPY, one after the other. */
export class EncodedRows {
  readonly ids: string[] = [];
  readonly records: LogRecord[] = [];
  private readonly ends: number[] = [];

  /** `writer` is borrowed for as long as the rows are needed. */
  constructor(private readonly writer: CopyWriter) {}

  get count(): number {
    return this.ids.length;
  }

  /** Adds what was written since the last row. */
  add(id: string, record: LogRecord): void {
    this.ids.push(id);
    this.records.push(record);
    this.ends.push(this.writer.length);
  }

  /** The tuples of the rows from one to another, exclusive, by index. */
  tuples(from: number, to: number): Buffer {
    return this.writer.bytes(this.ends[from - 1] ?? 0, this.ends[to - 1] ?? 0);
  }
}

/** Turns records into rows of a table, written with `writer`; those that can't be are rejects. */
export function encodeChunk(
  table: Table,
  records: readonly LogRecord[],
  { writer, nowMs }: { readonly writer: CopyWriter; readonly nowMs: number },
): EncodedChunk {
  const { family, columns } = table;
  writer.truncate(0);
  const rows = new EncodedRows(writer);
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
      rows.add(id, record);
    } catch (error) {
      if (!(error instanceof UnloadableError)) throw error;
      writer.truncate(start);
      rejects.push({ record, reason: storableReason(error.message) });
    }
  }
  return { rows, days, rejects };
}

/** A reason may quote the record: what Postgres can't hold is shown as U+FFFD. */
export function storableReason(reason: string): string {
  return reason.slice(0, MAX_REASON_CHARS).toWellFormed().replaceAll('\0', '\uFFFD');
}
