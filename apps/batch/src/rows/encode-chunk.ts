import { setImmediate as afterIo } from 'node:timers/promises';
import { identityOf } from '@hailstream/events';
import type { LogRecord, UndecodableBatch } from '@hailstream/log';
import type { CopyWriter } from './copy-writer.js';
import { dayOf, type Day } from './day.js';
import { KeptRecords, type KeptRecord } from './kept-records.js';
import { readEvent, type LoadLimits } from './read-event.js';
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
  /** Of a batch that cannot be decoded, which is one reject: its last offset. */
  readonly lastOffset?: bigint;
  readonly batch?: UndecodableBatch;
  /** Headers of the record, if they are known. */
  readonly headers?: LogRecord['headers'];
}

/** Rows of one partition of the log, each event once: what came first stays. */
export interface EncodedChunk {
  readonly rows: EncodedRows;
  readonly days: ReadonlySet<Day>;
  readonly rejects: readonly Reject[];
  /** All of them, in the order of the log. */
  readonly records: KeptRecords;
}

/** What identifies the event of a row. */
export interface RowKey {
  readonly id: string;
  readonly providerId: string;
  /** Event time. */
  readonly timeMs: number;
}

/** A record with the id of an earlier one of its chunk. */
export interface Repeat {
  readonly record: KeptRecord;
  /** Which row the earlier one is. */
  readonly row: number;
}

/** Rows as tuples of binary COPY, one after the other, in the order of the log. */
export class EncodedRows {
  readonly keys: RowKey[] = [];
  /** Where each row ends, and which record it was. */
  private readonly ends: number[] = [];
  private readonly indexes: number[] = [];
  /** Of each repeated record: which it is, and which row it repeats. */
  private readonly repeated: { readonly index: number; readonly row: number }[] = [];

  /** `writer` is borrowed for as long as the rows are needed. */
  constructor(
    private readonly writer: CopyWriter,
    private readonly records: KeptRecords,
  ) {}

  get count(): number {
    return this.keys.length;
  }

  /** Adds what was written since the last row. */
  add(key: RowKey, recordIndex: number): void {
    this.keys.push(key);
    this.ends.push(this.writer.length);
    this.indexes.push(recordIndex);
  }

  /** Adds a record that has the id of a row. */
  addRepeat(row: number, recordIndex: number): void {
    this.repeated.push({ row, index: recordIndex });
  }

  /** The repeated records that lie at an offset or after it. */
  repeatsFrom(offset: bigint): Repeat[] {
    return this.repeated
      .filter(({ index }) => this.records.offsetAt(index) >= offset)
      .map(({ index, row }) => ({ record: this.records.at(index), row }));
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

  /** The tuples of some rows, in ascending order: borrowed if they lie side by side, else a copy. */
  tuples(rows: readonly number[]): Buffer {
    const ranges: Buffer[] = [];
    for (let place = 0; place < rows.length;) {
      const first = rows[place]!;
      let last = first;
      for (place += 1; rows[place] === last + 1; place += 1) last += 1;
      ranges.push(this.writer.bytes(this.ends[first - 1] ?? 0, this.ends[last]!));
    }
    return ranges.length === 1 ? ranges[0]! : Buffer.concat(ranges);
  }
}

/**
 * Turns records into rows of a table, written with `writer`; those that can't be are rejects. The records are borrowed
 * only until this resolves.
 */
export async function encodeChunk(
  table: Table,
  records: readonly LogRecord[],
  { writer, ...limits }: { readonly writer: CopyWriter } & LoadLimits,
): Promise<EncodedChunk> {
  const { family, columns } = table;
  writer.truncate(0);
  const kept = new KeptRecords(records);
  const rows = new EncodedRows(writer, kept);
  const rowOf = new Map<string, number>();
  const days = new Set<Day>();
  const rejects: Reject[] = [];
  for (let index = 0; index < records.length; index += 1) {
    if (index % RECORDS_PER_TURN === 0) await afterIo();
    const start = writer.length;
    try {
      const event = readEvent(family, records[index]!, limits);
      const identity = identityOf(family, event);
      const earlier = rowOf.get(identity);
      if (earlier !== undefined) {
        rows.addRepeat(earlier, index);
        continue;
      }
      writer.tuple(columns.length);
      for (const column of columns) column.write(writer, event);
      const timeMs = family.eventTime(event);
      rowOf.set(identity, rows.count);
      days.add(dayOf(timeMs));
      rows.add({ id: family.id(event), providerId: family.providerId(event), timeMs }, index);
    } catch (error) {
      writer.truncate(start);
      rejects.push({
        record: kept.at(index),
        reason: reasonOf(error),
        headers: records[index]!.headers,
      });
    }
  }
  return { rows, days, rejects, records: kept };
}

/** A batch that no reader can decode: nothing but one reject, from the first of its offsets that is not loaded yet. */
export function encodeUndecodable(
  batch: UndecodableBatch,
  { writer, from }: { readonly writer: CopyWriter; readonly from: bigint },
): EncodedChunk {
  const { baseOffset, lastOffset, reason, bytes, sha256 } = batch;
  writer.truncate(0);
  const records = new KeptRecords([]);
  const text = `the batch of offsets ${baseOffset} to ${lastOffset} cannot be decoded (SHA-256 ${sha256}): ${reason.message}`;
  const offset = baseOffset > from ? baseOffset : from;
  const reject: Reject = {
    record: { offset, key: null, value: bytes, timestampMs: NaN },
    reason: storableReason(text),
    lastOffset,
    batch,
  };
  return { rows: new EncodedRows(writer, records), days: new Set(), rejects: [reject], records };
}

/** Whatever a record holds, it does not stop the next one: an error of another kind is a bug, and a reason too. */
function reasonOf(error: unknown): string {
  const reason = error instanceof UnloadableError ? error.message : `could not be encoded: ${String(error)}`;
  return storableReason(reason);
}

/** A reason may quote the record: what Postgres can't hold is shown as U+FFFD. */
export function storableReason(reason: string): string {
  return reason.slice(0, MAX_REASON_CHARS).toWellFormed().replaceAll('\0', '\uFFFD');
}
