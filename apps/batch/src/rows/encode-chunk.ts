import { setImmediate as afterIo } from 'node:timers/promises';
import { batchGroup } from '@hailstream/events';
import {
  isRedrivenForAnother,
  originalTimestampMs,
  type LogRecord,
  type UndecodableBatch,
} from '@hailstream/log';
import type { CopyWriter } from './copy-writer.js';
import { dayOf, type Day } from './day.js';
import { RecordCopies, type RecordCopy } from './record-copies.js';
import { readEvent, requireLoadableTime, UnloadableError, type LoadLimits } from './read-event.js';
import { RowKeys } from './row-keys.js';
import type { Table } from './tables.js';
import { UUID_WORDS, UuidSet, writeUuidWords } from './uuid-set.js';

/** The number of the vehicle of a row without one. */
const NO_DEVICE = -1;
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

/** A record that repeats an event of the same chunk. */
export interface Repeat {
  readonly record: RecordCopy;
  /** Index of the row of the event. */
  readonly row: number;
  /** Event time of the record, which may not be that of the row. */
  readonly timeMs: number;
}

/** Consecutive rows as tuples of binary COPY, in the order of the log. */
export class EncodedRows {
  readonly keys: RowKeys;
  /** Ids of riders and devices. */
  readonly people = new UuidSet();
  /** Numbers of {@link people}: for each row, one for each personal field of the table. */
  readonly personal: Uint32Array;
  /** The number of each row's vehicle in {@link people}; -1 without one. Unused if trips are not rebuilt from the family. */
  readonly devices: Int32Array;
  /** The trips of the rows that have some. Unused if trips are not rebuilt from the family. */
  readonly trips = new Map<number, readonly string[]>();
  /** End of each row in the writer, and index of its record. */
  private readonly ends: Float64Array;
  private readonly indexes: Uint32Array;
  /** Index and event time of each repeated record, and the row that it repeats. */
  private readonly repeated: (Omit<Repeat, 'record'> & { readonly index: number })[] = [];

  /** `writer` is borrowed as long as the rows are used. */
  constructor(
    private readonly writer: CopyWriter,
    private readonly records: RecordCopies,
    personalFields = 0,
  ) {
    const { count } = records;
    this.keys = new RowKeys(count);
    this.personal = new Uint32Array(count * personalFields);
    this.devices = new Int32Array(count);
    this.ends = new Float64Array(count);
    this.indexes = new Uint32Array(count);
  }

  get count(): number {
    return this.keys.length;
  }

  /** Adds the bytes written since the last row as a row, after its key. */
  add(recordIndex: number): void {
    const row = this.keys.length - 1;
    this.ends[row] = this.writer.length;
    this.indexes[row] = recordIndex;
  }

  /** Adds a record that repeats the event of a row. */
  addRepeat(row: number, repeat: { readonly index: number; readonly timeMs: number }): void {
    this.repeated.push({ row, ...repeat });
  }

  /** Returns the repeated records from an offset on. */
  repeatsFrom(offset: bigint): Repeat[] {
    return this.repeated
      .filter(({ index }) => this.records.offsetAt(index) >= offset)
      .map(({ index, ...repeat }) => ({ record: this.records.at(index), ...repeat }));
  }

  /** Returns the record of a row. */
  recordOf(row: number): RecordCopy {
    return this.records.at(this.indexes[row]!);
  }

  /** Returns the index of the first row from an offset on. */
  firstFrom(offset: bigint): number {
    let first = 0;
    while (first < this.count && this.records.offsetAt(this.indexes[first]!) < offset) first += 1;
    return first;
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
  const records = allRecords.filter((record) => !isRedrivenForAnother(record, batchGroup));
  writer.truncate(0);
  const encoder = new ChunkEncoder(table, records, { writer, limits });
  for (let index = 0; index < records.length; index += 1) {
    if (index % RECORDS_PER_TURN === 0) await afterIo();
    encoder.encode(index);
  }
  return encoder.chunk;
}

/** Encodes the records of a chunk in their order. */
class ChunkEncoder {
  readonly chunk: EncodedChunk & {
    readonly days: Set<Day>;
    readonly rejects: Reject[];
    readonly expired: bigint[];
  };
  private readonly writer: CopyWriter;
  private readonly limits: LoadLimits;
  private readonly words = new Uint32Array(UUID_WORDS);

  /** The records are borrowed. */
  constructor(
    private readonly table: Table,
    private readonly borrowed: readonly LogRecord[],
    { writer, limits }: { readonly writer: CopyWriter; readonly limits: LoadLimits },
  ) {
    this.writer = writer;
    this.limits = limits;
    const records = new RecordCopies(borrowed);
    const rows = new EncodedRows(writer, records, table.personal.length);
    this.chunk = { rows, days: new Set(), rejects: [], expired: [], records };
  }

  encode(index: number): void {
    const start = this.writer.length;
    const record = this.borrowed[index]!;
    try {
      const receivedMs = originalTimestampMs(record);
      if (!this.encodeScanned(index, receivedMs)) this.encodeDecoded(index, receivedMs);
    } catch (error) {
      this.writer.truncate(start);
      const { rejects, records } = this.chunk;
      rejects.push({ record: records.at(index), reason: reasonOf(error), headers: record.headers });
    }
  }

  /** Encodes a record from the bytes of its value, if they can be scanned. Returns whether they can. */
  private encodeScanned(index: number, receivedMs: number): boolean {
    const { scanned } = this.table;
    const { rows, records } = this.chunk;
    const valueAt = records.valueAt(index);
    if (scanned?.scanner.scan(records.bytes, valueAt, valueAt + records.valueBytes(index)) !== true)
      return false;
    const { scanner, columns, personal, device, trips } = scanned;
    const timeMs = scanner.numberOf(scanned.time);
    requireLoadableTime(timeMs, receivedMs, this.limits);
    const key = {
      words: scanner.words,
      idAt: scanner.wordsAt(scanned.id),
      providerAt: scanner.wordsAt(scanned.provider),
    };
    const providerId = (): string => scanner.valueOf(scanned.provider) as string;
    if (!this.isNew(index, key, { timeMs, providerId })) return true;
    this.writer.tuple(columns.length);
    for (let column = 0; column < columns.length; column += 1) columns[column]!(this.writer, receivedMs);
    const row = this.addRow(index, key, timeMs);
    for (let field = 0; field < personal.length; field += 1) {
      const number = rows.people.add(scanner.words, scanner.wordsAt(personal[field]!));
      rows.personal[row * personal.length + field] = number;
    }
    rows.devices[row] = device === null ? NO_DEVICE : rows.people.add(scanner.words, scanner.wordsAt(device));
    if (trips !== null && scanner.has(trips)) addTrips(rows, row, scanner.valueOf(trips));
    return true;
  }

  /** Encodes a record from its event. */
  private encodeDecoded(index: number, receivedMs: number): void {
    const { family, columns, personal, subject } = this.table;
    const { rows } = this.chunk;
    const record = { value: this.borrowed[index]!.value, timestampMs: receivedMs };
    const event = readEvent(family, record, this.limits);
    const timeMs = family.eventTime(event);
    const words = rows.keys.wordsOf(family.id(event), family.providerId(event));
    const key = { words, idAt: 0, providerAt: UUID_WORDS };
    if (!this.isNew(index, key, { timeMs, providerId: () => family.providerId(event) })) return;
    this.writer.tuple(columns.length);
    for (const column of columns) column.write(this.writer, event, receivedMs);
    const row = this.addRow(index, key, timeMs);
    const fields = event as unknown as Readonly<Record<string, unknown>>;
    for (const [place, { field }] of personal.entries()) {
      rows.personal[row * personal.length + place] = this.personOf(fields[field] as string);
    }
    if (subject === null) return;
    const { device, trips } = subject;
    rows.devices[row] = device === null ? NO_DEVICE : this.personOf(fields[device] as string);
    if (trips !== null) addTrips(rows, row, fields[trips]);
  }

  /** Whether a record becomes a row. It does not if its event expired, or is that of an earlier one. */
  private isNew(
    index: number,
    { words, idAt, providerAt }: ScannedKey,
    { timeMs, providerId }: { readonly timeMs: number; readonly providerId: () => string },
  ): boolean {
    const { rows, expired, records } = this.chunk;
    if (this.limits.isExpired?.(providerId(), timeMs) === true) {
      expired.push(records.offsetAt(index));
      return false;
    }
    const earlier = rows.keys.find(words, idAt, providerAt);
    if (earlier !== undefined) rows.addRepeat(earlier, { index, timeMs });
    return earlier === undefined;
  }

  /** Adds what was written as a row, and returns its index. */
  private addRow(index: number, { words, idAt, providerAt }: ScannedKey, timeMs: number): number {
    const { rows, days } = this.chunk;
    rows.keys.add(words, { idAt, providerAt }, timeMs);
    rows.add(index);
    days.add(dayOf(timeMs));
    return rows.count - 1;
  }

  private personOf(id: string): number {
    writeUuidWords(id, this.words);
    return this.chunk.rows.people.add(this.words);
  }
}

/** Words that have the ids of an event and its provider, and where they start. */
interface ScannedKey {
  readonly words: Uint32Array;
  readonly idAt: number;
  readonly providerAt: number;
}

function addTrips(rows: EncodedRows, row: number, value: unknown): void {
  const trips = typeof value === 'string' ? [value] : ((value ?? []) as readonly string[]);
  if (trips.length > 0) rows.trips.set(row, trips);
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
