import { setImmediate as afterIo } from 'node:timers/promises';
import type { LogRecord } from '@hailstream/log';
import type { CopyWriter } from './copy-writer.js';
import { dayOf, type Day } from './day.js';
import { KeptRecords, type KeptRecord } from './kept-records.js';
import { readEvent } from './read-event.js';
import type { Table } from './tables.js';
import { UnloadableError } from './unloadable.errors.js';

/** Longest reason that is kept. */
const MAX_REASON_CHARS = 1_000;
/** Records after which sockets get their turn, about 5 ms: what Postgres is being sent, and what it answers. */
const RECORDS_PER_TURN = 500;

/** A record that is not loaded, and why. */
export interface Reject {
  readonly record: KeptRecord;
  readonly reason: string;
}

/** Rows of one partition of the log, each id once: what came first stays. */
export interface EncodedChunk {
  readonly rows: EncodedRows;
  readonly days: ReadonlySet<Day>;
  readonly rejects: readonly Reject[];
}

/** Rows as tuples of binary COPY, one after the other, in the order of the log. */
export class EncodedRows {
  readonly ids: string[] = [];
  /** Where each row ends, and which record it was. */
  private readonly ends: number[] = [];
  private readonly indexes: number[] = [];

  /** `writer` is borrowed for as long as the rows are needed. */
  constructor(
    private readonly writer: CopyWriter,
    private readonly records: KeptRecords,
  ) {}

  get count(): number {
    return this.ids.length;
  }

  /** Adds what was written since the last row. */
  add(id: string, recordIndex: number): void {
    this.ids.push(id);
    this.ends.push(this.writer.length);
    this.indexes.push(recordIndex);
  }

  /** The record that a row was. */
  recordOf(row: number): KeptRecord {
    return this.records.at(this.indexes[row]!);
  }

  /** The first row that lies at an offset or after it. */
  firstFrom(offset: bigint): number {
    const first = this.indexes.findIndex((index) => this.records.offsetAt(index) >= offset);
    return first === -1 ? this.count : first;
  }

  /** The tuples of the rows from one to another, exclusive. */
  tuples(from: number, to: number): Buffer {
    return this.writer.bytes(this.ends[from - 1] ?? 0, this.ends[to - 1] ?? 0);
  }
}

/**
 * Turns records into rows of a table, written with `writer`; those that can't be are rejects. The records are borrowed
 * only until this resolves.
 */
export async function encodeChunk(
  table: Table,
  records: readonly LogRecord[],
  { writer, nowMs }: { readonly writer: CopyWriter; readonly nowMs: number },
): Promise<EncodedChunk> {
  const { family, columns } = table;
  writer.truncate(0);
  const kept = new KeptRecords(records);
  const rows = new EncodedRows(writer, kept);
  const ids = new Set<string>();
  const days = new Set<Day>();
  const rejects: Reject[] = [];
  for (let index = 0; index < records.length; index += 1) {
    if (index % RECORDS_PER_TURN === 0) await afterIo();
    const start = writer.length;
    try {
      const event = readEvent(family, records[index]!.value, nowMs);
      const id = family.id(event);
      if (ids.has(id)) continue;
      writer.tuple(columns.length);
      for (const column of columns) column.write(writer, event);
      ids.add(id);
      days.add(dayOf(family.eventTime(event)));
      rows.add(id, index);
    } catch (error) {
      if (!(error instanceof UnloadableError)) throw error;
      writer.truncate(start);
      rejects.push({ record: kept.at(index), reason: storableReason(error.message) });
    }
  }
  return { rows, days, rejects };
}

/** A reason may quote the record: what Postgres can't hold is shown as U+FFFD. */
export function storableReason(reason: string): string {
  return reason.slice(0, MAX_REASON_CHARS).toWellFormed().replaceAll('\0', '\uFFFD');
}
