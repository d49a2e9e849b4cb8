import type { RecordCursor } from '../../protocol/record-cursor.js';
import type { LogError } from '../shared/errors.js';
import type { TopicPartition } from './topic-partition.js';

/** A header of a record. A record may have several with the same key. */
export interface LogHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A record to append. Order holds among records of one topic with the same key. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly key: string;
  /** Borrowed until the record's fate is known: do not change it before. */
  readonly value: Buffer;
  /** As a list, they keep their order, may repeat, and need not have values. */
  readonly headers?: Readonly<Record<string, string>> | readonly LogHeader[];
  /** Milliseconds. @default when the producer took the record */
  readonly timestampMs?: number;
}

/** What became of one record: in the log, or not; where not, `error.retryable` says whether to send it again. */
export type RecordFate =
  | { readonly kind: 'appended'; readonly partition: number; readonly offset: bigint }
  | { readonly kind: 'failed'; readonly error: LogError };

/** A record as it lies in the log. Buffers are borrowed: valid until the handler that got them returns. */
export interface LogRecord {
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** By name: the last one of each, empty if it has no value. All of them, in order: `headersOf`. */
  readonly headers: Readonly<Record<string, Buffer>>;
  /** When ingest received it, in milliseconds. */
  readonly timestampMs: number;
}

/** Headers of records that {@link LogRecord.headers} cannot show as they are: repeated, null, or in another order. */
const exactHeaders = new WeakMap<LogRecord, readonly LogHeader[]>();

const NO_HEADERS: LogRecord['headers'] = Object.freeze(emptyHeaders());
/** Property names that an object puts before all others. */
const INDEX = /^(0|[1-9]\d{0,9})$/;

/** The record that a cursor stands on. Its buffers are borrowed from the batch. */
export function makeLogRecord(cursor: RecordCursor, offset: bigint, timestampMs: number): LogRecord {
  const { key, value } = cursor;
  if (cursor.headerCount === 0) return { offset, key, value, headers: NO_HEADERS, timestampMs };
  const list = cursor.headers();
  const headers = emptyHeaders();
  let isExact = true;
  for (const header of list) {
    isExact &&= header.value !== null && !(header.key in headers) && !INDEX.test(header.key);
    headers[header.key] = header.value ?? Buffer.alloc(0);
  }
  const record: LogRecord = { offset, key, value, headers, timestampMs };
  if (!isExact) exactHeaders.set(record, list);
  return record;
}

/** All headers of a record in its order, those that occur more than once or have no value included. */
export function headersOf(record: LogRecord): readonly LogHeader[] {
  const exact = exactHeaders.get(record);
  return exact ?? Object.entries(record.headers).map(([key, value]) => ({ key, value }));
}

/** Without a prototype: a header may have any name. */
function emptyHeaders(): Record<string, Buffer> {
  return Object.create(null) as Record<string, Buffer>;
}

/** A batch in the log that is not what its header says: damaged, or made to harm its readers. */
export interface UndecodableBatch extends TopicPartition {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly reason: Error;
  /** The batch as it lies in the log; `null` if it is larger than a record may be. */
  readonly bytes: Buffer | null;
  /** Of these bytes, in hexadecimal. */
  readonly sha256: string;
}
