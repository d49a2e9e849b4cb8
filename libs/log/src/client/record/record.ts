import assert from 'node:assert';
import type { EncodedContent } from '../../protocol/batch-encoder.js';
import type { RecordCursor } from '../../protocol/record-cursor.js';
import type { LogError } from '../core/errors.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';

/** A header of a record. A record may have several with the same key. */
export interface LogHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A header of a record to append. */
export interface OutgoingHeader {
  readonly key: string;
  readonly value: Buffer | string | null;
}

/** A record to append. Records of one topic with the same key, or with the same explicit partition, keep their order. */
export interface OutgoingRecord {
  readonly topic: string;
  /** Determines the partition, as Kafka's default partitioner does. `null`: no key. A string is encoded as UTF-8. */
  readonly key: Buffer | string | null;
  /** `null` is a tombstone. Buffers are borrowed until the delivery result is known: do not change them before. */
  readonly value: Buffer | string | null;
  /**
   * @default chosen by key. Without a key, Kafka's uniform sticky partitioner: records go to one partition until 16 KiB
   * are sent to it, then to a random one
   */
  readonly partition?: number;
  /** A list keeps its order and may have repeated names and null values. */
  readonly headers?: Readonly<Record<string, Buffer | string | null>> | readonly OutgoingHeader[];
  /** Milliseconds. @default the time of `send` */
  readonly timestampMs?: number;
}

/** Whether one record was appended. If it failed, `error.retryable` says whether to send it again. */
export type DeliveryResult =
  | { readonly kind: 'appended'; readonly partition: number; readonly offset: bigint }
  | { readonly kind: 'failed'; readonly error: LogError };

/**
 * A record of the log. Its buffers are borrowed: they are valid until the handler returns. A class, because it has accessors,
 * which `{ ...record }` would not copy: the linter reports that for classes only.
 */
export abstract class LogRecord {
  abstract readonly offset: bigint;
  abstract readonly key: Buffer | null;
  abstract readonly value: Buffer | null;
  /** The last header of each name; empty if it has no value. {@link headersOf} returns all of them in order. */
  abstract readonly headers: Readonly<Record<string, Buffer>>;
  /** Milliseconds. Topics with `LogAppendTime` have the time of the append. */
  abstract readonly timestampMs: number;
}

/** Headers that {@link LogRecord.headers} cannot represent: repeated, null, or in another order. */
const exactHeaders = new WeakMap<LogRecord, readonly LogHeader[]>();

const NO_HEADERS: LogRecord['headers'] = Object.freeze(emptyHeaders());
/** Not frozen: V8 does not optimise iterating over frozen arrays. */
const NO_HEADER_LIST: readonly LogHeader[] = [];
/** Property names that JavaScript objects enumerate before all others. */
const INDEX = /^(0|[1-9]\d{0,9})$/;

/**
 * A record that refers to its place in a batch. Thousands of records are alive at once, and a garbage collection copies each of
 * their objects, so the buffers and the offset are created when they are read.
 */
class FetchedRecord extends LogRecord implements EncodedContent, RecordPlace {
  readonly bytes: Buffer;
  readonly contentAt: number;
  private readonly offsetDelta: number;
  readonly keyAt: number;
  readonly keyBytes: number;
  readonly valueAt: number;
  readonly valueBytes: number;

  constructor(
    cursor: RecordCursor,
    private readonly baseOffset: bigint,
    readonly headers: LogRecord['headers'],
    readonly timestampMs: number,
  ) {
    super();
    this.bytes = cursor.bytes;
    this.contentAt = cursor.contentAt;
    this.offsetDelta = cursor.offsetDelta;
    this.keyAt = cursor.keyAt;
    this.keyBytes = cursor.keyBytes;
    this.valueAt = cursor.valueAt;
    this.valueBytes = cursor.valueBytes;
  }

  get contentEnd(): number {
    return this.valueAt + Math.max(this.valueBytes, 0);
  }

  get offset(): bigint {
    return this.baseOffset + BigInt(this.offsetDelta);
  }

  get key(): Buffer | null {
    return this.keyBytes < 0 ? null : this.bytes.subarray(this.keyAt, this.keyAt + this.keyBytes);
  }

  get value(): Buffer | null {
    return this.valueBytes < 0 ? null : this.bytes.subarray(this.valueAt, this.valueAt + this.valueBytes);
  }
}

/** Creates a record from the cursor's current one. Its buffers are borrowed from the batch. */
export function makeLogRecord(cursor: RecordCursor, baseOffset: bigint, timestampMs: number): LogRecord {
  if (cursor.headerCount === 0) return new FetchedRecord(cursor, baseOffset, NO_HEADERS, timestampMs);
  const list = cursor.headers();
  const headers = emptyHeaders();
  let isExact = true;
  for (const header of list) {
    isExact &&= header.value !== null && !(header.key in headers) && !INDEX.test(header.key);
    headers[header.key] = header.value ?? Buffer.alloc(0);
  }
  const record = new FetchedRecord(cursor, baseOffset, headers, timestampMs);
  if (!isExact) exactHeaders.set(record, list);
  return record;
}

/** Where the key and the value of a record are in the bytes of its batch. Borrowed like the record. */
export interface RecordPlace {
  readonly bytes: Buffer;
  readonly keyAt: number;
  /** -1 if the record has no key. */
  readonly keyBytes: number;
  /** Behind the key. */
  readonly valueAt: number;
  /** -1 if the record has no value. */
  readonly valueBytes: number;
}

/** Returns the place of a record that was read from a log, for readers that need no buffer for each key and value. */
export function placeOf(record: LogRecord): RecordPlace | undefined {
  return record instanceof FetchedRecord ? record : undefined;
}

/** Key and value of a record that was read, as they are in its batch. Borrowed like the record. */
export function encodedContentOf(record: LogRecord): EncodedContent {
  assert.ok(record instanceof FetchedRecord, 'the record was not read from a log');
  return record;
}

/** All headers of a record in order, including repeated ones and those without a value. */
export function headersOf(record: LogRecord): readonly LogHeader[] {
  if (record.headers === NO_HEADERS) return NO_HEADER_LIST;
  const exact = exactHeaders.get(record);
  return exact ?? Object.entries(record.headers).map(([key, value]) => ({ key, value }));
}

/** Has no prototype, because a header may have any name. */
function emptyHeaders(): Record<string, Buffer> {
  return Object.create(null) as Record<string, Buffer>;
}

/** A batch of the log that cannot be decoded: damaged, or written with invalid content. */
export interface UndecodableBatch extends TopicPartition {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly reason: Error;
  /** The batch as stored in the log; `null` if it has more than 1,000,000 bytes. */
  readonly bytes: Buffer | null;
  /** SHA-256 of the batch, in hexadecimal. */
  readonly sha256: string;
}
