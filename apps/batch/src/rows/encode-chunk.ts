import { setImmediate as afterIo } from 'node:timers/promises';
import { batchGroup, identityOf } from '@hailstream/events';
import {
  isRedrivenForAnother,
  originalTimestampMs,
  type LogRecord,
  type UndecodableBatch,
} from '@hailstream/log';
import type { CopyWriter } from './copy-writer.js';
import { dayOf, type Day } from './day.js';
import type { EventSubject } from './event-subject.js';
import { RecordCopies, type RecordCopy } from './record-copies.js';
import { readEvent, UnloadableError, type LoadLimits } from './read-event.js';
import type { Table } from './tables.js';

/** Maximum length of a stored reason. */
const MAX_REASON_CHARS = 1_000;
/** Records that are encoded per turn of the event loop, about 5 ms, so that the connections to Postgres are served. */
const RECORDS_PER_TURN = 500;

/** A record that is not loaded, and the reason. */
export interface Reject {
  readonly record: RecordCopy;
  readonly reason: string;
  /** Last offset of a batch that cannot be decoded, which is one reject. */
  readonly lastOffset?: bigint;
  readonly batch?: UndecodableBatch;
  /** Headers of the record, if they are known. */
  readonly headers?: LogRecord['headers'];
}

/** Rows of one partition of the log. Of records with the same event, the first one becomes a row. */
export interface EncodedChunk {
  readonly rows: EncodedRows;
  readonly days: ReadonlySet<Day>;
  readonly rejects: readonly Reject[];
  /** Offsets of the events that are older than `BATCH_RETENTION`. They are not loaded. */
  readonly expired: readonly bigint[];
  /** All records, in the order of the log. */
  readonly records: RecordCopies;
}

/** Identifies the event of a row. */
export interface RowKey {
  readonly id: string;
  readonly providerId: string;
  /** Event time. */
  readonly timeMs: number;
}

/** A record that repeats an event of the same chunk. */
export interface Repeat {
  readonly record: RecordCopy;
  /** Index of the row of the event. */
  readonly row: number;
}

/** Consecutive rows as tuples of binary COPY, in the order of the log. */
export class EncodedRows {
  readonly keys: RowKey[] = [];
  /** What each row is about. Empty if trips are not rebuilt from the family. */
  readonly subjects: EventSubject[] = [];
  /** Ids of riders and devices: for each row, one for each personal field of the table. */
  readonly personalIds: string[] = [];
  /** End of each row in the writer, and index of its record. */
  private readonly ends: number[] = [];
  private readonly indexes: number[] = [];
  /** Index of each repeated record, and the row that it repeats. */
  private readonly repeated: { readonly index: number; readonly row: number }[] = [];

  /** `writer` is borrowed as long as the rows are used. */
  constructor(
    private readonly writer: CopyWriter,
    private readonly records: RecordCopies,
  ) {}

  get count(): number {
    return this.keys.length;
  }

  /** Adds the bytes written since the last row as a row. */
  add(key: RowKey, recordIndex: number): void {
    this.keys.push(key);
    this.ends.push(this.writer.length);
    this.indexes.push(recordIndex);
  }

  /** Adds a record that repeats the event of a row. */
  addRepeat(row: number, recordIndex: number): void {
    this.repeated.push({ row, index: recordIndex });
  }

  /** Returns the repeated records from an offset on. */
  repeatsFrom(offset: bigint): Repeat[] {
    return this.repeated
      .filter(({ index }) => this.records.offsetAt(index) >= offset)
      .map(({ index, row }) => ({ record: this.records.at(index), row }));
  }

  /** Returns the record of a row. */
  recordOf(row: number): RecordCopy {
    return this.records.at(this.indexes[row]!);
  }

  /** Returns the index of the first row from an offset on. */
  firstFrom(offset: bigint): number {
    const first = this.indexes.findIndex((index) => this.records.offsetAt(index) >= offset);
    return first === -1 ? this.count : first;
  }

  /** Returns the tuples of rows in ascending order. They are borrowed if the rows are adjacent, and copied otherwise. */
  tuples(rows: readonly number[]): Buffer {
    const ranges: Buffer[] = [];
    for (let index = 0; index < rows.length;) {
      const first = rows[index]!;
      let last = first;
      for (index += 1; rows[index] === last + 1; index += 1) last += 1;
      ranges.push(this.writer.bytes(this.ends[first - 1] ?? 0, this.ends[last]!));
    }
    return ranges.length === 1 ? ranges[0]! : Buffer.concat(ranges);
  }
}

/**
 * Encodes records as rows of a table, written with `writer`. Records that cannot be encoded become rejects. Records that were
 * redriven for another consumer group are left out, because they were loaded or rejected at their original offsets. The
 * records are borrowed until the promise resolves.
 */
export async function encodeChunk(
  table: Table,
  allRecords: readonly LogRecord[],
  { writer, ...limits }: { readonly writer: CopyWriter } & LoadLimits,
): Promise<EncodedChunk> {
  const { family, columns, personal, subjectOf } = table;
  const records = allRecords.filter((record) => !isRedrivenForAnother(record, batchGroup));
  writer.truncate(0);
  const copies = new RecordCopies(records);
  const rows = new EncodedRows(writer, copies);
  const rowOf = new Map<string, number>();
  const days = new Set<Day>();
  const rejects: Reject[] = [];
  const expired: bigint[] = [];
  for (let index = 0; index < records.length; index += 1) {
    if (index % RECORDS_PER_TURN === 0) await afterIo();
    const start = writer.length;
    const record = records[index]!;
    try {
      const receivedMs = originalTimestampMs(record);
      const event = readEvent(family, { value: record.value, timestampMs: receivedMs }, limits);
      if (limits.isExpired?.(family.providerId(event), family.eventTime(event)) === true) {
        expired.push(record.offset);
        continue;
      }
      const identity = identityOf(family, event);
      const earlier = rowOf.get(identity);
      if (earlier !== undefined) {
        rows.addRepeat(earlier, index);
        continue;
      }
      writer.tuple(columns.length);
      for (const column of columns) column.write(writer, event, receivedMs);
      const timeMs = family.eventTime(event);
      rowOf.set(identity, rows.count);
      days.add(dayOf(timeMs));
      for (const { idOf } of personal) rows.personalIds.push(idOf(event));
      rows.add({ id: family.id(event), providerId: family.providerId(event), timeMs }, index);
      if (subjectOf !== null) rows.subjects.push(subjectOf(event));
    } catch (error) {
      writer.truncate(start);
      rejects.push({
        record: copies.at(index),
        reason: reasonOf(error),
        headers: record.headers,
      });
    }
  }
  return { rows, days, rejects, expired, records: copies };
}

/** Returns a chunk for a batch that cannot be decoded: one reject at the first of its offsets that is not loaded yet. */
export function encodeUndecodable(
  batch: UndecodableBatch,
  { writer, from }: { readonly writer: CopyWriter; readonly from: bigint },
): EncodedChunk {
  const { baseOffset, lastOffset, reason, bytes, sha256 } = batch;
  writer.truncate(0);
  const records = new RecordCopies([]);
  const text = `the batch of offsets ${baseOffset} to ${lastOffset} cannot be decoded (SHA-256 ${sha256}): ${reason.message}`;
  const offset = baseOffset > from ? baseOffset : from;
  const reject: Reject = {
    record: { offset, key: null, value: bytes, timestampMs: NaN },
    reason: storableReason(text),
    lastOffset,
    batch,
  };
  return { rows: new EncodedRows(writer, records), days: new Set(), rejects: [reject], expired: [], records };
}

/** Returns the reason of a reject. Unexpected errors are bugs, and reject the record as well, so that loading continues. */
function reasonOf(error: unknown): string {
  const reason = error instanceof UnloadableError ? error.message : `could not be encoded: ${String(error)}`;
  return storableReason(reason);
}

/** Replaces characters that Postgres cannot store with U+FFFD. A reason may quote the record. */
export function storableReason(reason: string): string {
  return reason.slice(0, MAX_REASON_CHARS).toWellFormed().replaceAll('\0', '\uFFFD');
}
