import { createHash } from 'node:crypto';
import { unpack } from '../../compression/compression.js';
import { readMarker } from '../../protocol/markers.js';
import {
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  batchBaseOffset,
  batchSizeBytes,
  codecOf,
  isBatchIntact,
  isLogAppendTime,
  readBatchHeader,
  type BatchHeader,
} from '../../protocol/record-batch.js';
import { RecordCursor } from '../../protocol/record-cursor.js';
import { LogError, UndecodableBatchError } from '../core/errors.js';
import { type LogRecord, makeLogRecord } from './record.js';

/** Maximum number of bytes of keys and values in one step. */
const CHUNK_BYTES = 8 << 20;
/** Maximum size of an undecodable batch whose bytes are returned. */
const MAX_KEPT_BYTES = 1_000_000;

/** The bytes that one Fetch returned for one partition. */
export interface FetchedRecordSet {
  /** Batches, of which the last one may be incomplete. */
  readonly bytes: Buffer;
  /** Transactions that were aborted in this range, in any order: brokers sort by the offsets of the markers. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
}

/** One part of a record set, in the order of the log. */
export type RecordSetStep =
  | { readonly kind: 'records'; readonly records: readonly LogRecord[]; readonly nextOffset: bigint }
  /** Offsets without records for readers: control records, records of aborted transactions, compacted records. */
  | { readonly kind: 'passed'; readonly nextOffset: bigint }
  /** The next batch starts after the expected offset. */
  | { readonly kind: 'gap'; readonly expected: bigint; readonly found: bigint }
  | { readonly kind: 'undecodable'; readonly batch: UndecodableRecords };

export interface UndecodableRecords {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly reason: UndecodableBatchError;
  readonly bytes: Buffer | null;
  readonly sha256: string;
}

export interface RecordSetOptions {
  /** The offset that was requested. Earlier records of its batch are left out. */
  readonly position: bigint;
  /** End of the partition at the time of the fetch: no valid batch lies beyond it. */
  readonly highWatermark: bigint;
  readonly maxRecords: number;
  /** Whether offsets may be missing between batches; called for each gap. */
  readonly expectsGaps: () => boolean;
}

/**
 * Decodes a record set one batch at a time. Memory use is bounded for any input. A batch that cannot be
 * decoded is returned as a step, and does not affect the batches after it.
 *
 * @throws LogError `REFUSED` if the codec of a batch is not available here
 */
export function* readRecordSet(
  { bytes, aborted }: FetchedRecordSet,
  options: RecordSetOptions,
): Generator<RecordSetStep, void, void> {
  const filter = new AbortedFilter(aborted);
  const chunk = new Chunk(options);
  for (const { batch, nextBase } of wholeBatches(bytes)) {
    const header = intactHeader(batch, options.highWatermark);
    const range = header ?? damagedRange(batch, { ...options, position: chunk.position, nextBase });
    if (range.lastOffset < chunk.position) continue;
    if (header && header.baseOffset > chunk.position && !options.expectsGaps()) {
      yield* chunk.flush();
      yield { kind: 'gap', expected: chunk.position, found: header.baseOffset };
      chunk.restartAt(header.baseOffset);
    }
    const decoded = header ? decodeBatch(batch, header, filter) : damaged();
    if (decoded instanceof UndecodableBatchError) {
      yield* chunk.flush();
      yield { kind: 'undecodable', batch: undecodable(batch, range, decoded) };
      chunk.restartAt(range.lastOffset + 1n);
      continue;
    }
    if (decoded) yield* chunk.addAll(decoded);
    chunk.reach(range.lastOffset + 1n);
  }
  yield* chunk.flush();
}

/** Size of the first batch of a record set, if it is incomplete; otherwise `undefined`. */
export function cutBatchBytes(bytes: Buffer): number | undefined {
  if (bytes.length < BATCH_OVERHEAD_BYTES) return bytes.length === 0 ? undefined : BATCH_HEADER_BYTES;
  const sizeBytes = batchSizeBytes(bytes);
  return sizeBytes > bytes.length ? sizeBytes : undefined;
}

/** Offset after the last whole batch, as its header says; `undefined` if there is no whole batch. */
export function endOfRecordSet(bytes: Buffer): bigint | undefined {
  let last: Buffer | undefined;
  for (const { batch } of wholeBatches(bytes)) last = batch;
  if (!last) return undefined;
  return last.length < BATCH_HEADER_BYTES ? batchBaseOffset(last) : readBatchHeader(last).lastOffset + 1n;
}

/** Collects records for the next step: those of small batches together, those of a large one in parts. */
class Chunk {
  /** The next offset. */
  position: bigint;
  private start: bigint;
  private records: LogRecord[] = [];
  private sizeBytes = 0;

  constructor(private readonly options: Pick<RecordSetOptions, 'position' | 'maxRecords'>) {
    this.position = options.position;
    this.start = options.position;
  }

  *addAll({ header, cursor }: DecodedBatch): Generator<RecordSetStep, void, void> {
    const { baseOffset } = header;
    const time = new BatchTime(header);
    // Offsets within a batch differ by 32 bits.
    let nextDelta = this.position > baseOffset ? Number(this.position - baseOffset) : 0;
    for (let left = header.count; left > 0; left -= 1) {
      cursor.advance();
      if (cursor.offsetDelta < nextDelta) continue;
      if (this.records.length >= this.options.maxRecords || this.sizeBytes >= CHUNK_BYTES) {
        this.reach(baseOffset + BigInt(nextDelta));
        yield* this.flush();
      }
      this.records.push(makeLogRecord(cursor, baseOffset, time.of(cursor.timestampDelta)));
      this.sizeBytes += cursor.sizeBytes;
      nextDelta = cursor.offsetDelta + 1;
    }
    this.reach(baseOffset + BigInt(nextDelta));
  }

  /** Every offset before `nextOffset` was processed. */
  reach(nextOffset: bigint): void {
    this.position = nextOffset;
  }

  restartAt(nextOffset: bigint): void {
    this.position = nextOffset;
    this.start = nextOffset;
  }

  *flush(): Generator<RecordSetStep, void, void> {
    const { records, position } = this;
    if (position === this.start) return;
    this.records = [];
    this.sizeBytes = 0;
    this.start = position;
    if (records.length > 0) yield { kind: 'records', records, nextOffset: position };
    else yield { kind: 'passed', nextOffset: position };
  }
}

interface DecodedBatch {
  readonly header: BatchHeader;
  readonly cursor: RecordCursor;
}

/** Returns `undefined` for a batch without records for readers. */
function decodeBatch(
  bytes: Buffer,
  header: BatchHeader,
  filter: AbortedFilter,
): DecodedBatch | UndecodableBatchError | undefined {
  if (header.control) {
    try {
      filter.seeMarker(header, readMarker(bytes)?.outcome);
      return undefined;
    } catch (cause) {
      return malformed('control batch without a marker', cause);
    }
  }
  if (filter.isAborted(header) || header.count === 0) return undefined;
  return decodeRecords(bytes, header);
}

function decodeRecords(bytes: Buffer, header: BatchHeader): DecodedBatch | UndecodableBatchError {
  const codec = codecOf(header.attributes);
  if (codec > LAST_CODEC) return malformed(`compression type ${codec}`);
  let records: Buffer | undefined;
  try {
    records = unpack(codec, bytes.subarray(BATCH_HEADER_BYTES));
  } catch (cause) {
    return malformed('the records cannot be decompressed', cause);
  }
  if (!records) throw new LogError('REFUSED', `compression type ${codec} is not available here`, false);
  try {
    checkRecords(records, header);
  } catch (cause) {
    return malformed('the records are not well-formed', cause);
  }
  return { header, cursor: new RecordCursor(records) };
}

const LAST_CODEC = 4;

/** @throws Error if the records are malformed, out of order, or not as many as the header says */
function checkRecords(records: Buffer, { count, baseOffset, lastOffset }: BatchHeader): void {
  const cursor = new RecordCursor(records);
  const lastDelta = Number(lastOffset - baseOffset);
  let before = -1;
  for (let left = count; left > 0; left -= 1) {
    cursor.advance();
    if (cursor.offsetDelta <= before || cursor.offsetDelta > lastDelta) {
      throw new RangeError(
        `offset delta ${cursor.offsetDelta} after ${before}, in a batch up to ${lastDelta}`,
      );
    }
    before = cursor.offsetDelta;
  }
  if (!cursor.isAtEnd) throw new RangeError(`bytes after the ${count} records of the header`);
}

function malformed(message: string, cause?: unknown): UndecodableBatchError {
  const detail = cause instanceof Error ? `: ${innermost(cause).message}` : '';
  return new UndecodableBatchError('MALFORMED', message + detail, { cause });
}

function innermost(error: Error): Error {
  return error.cause instanceof Error ? innermost(error.cause) : error;
}

/** The timestamps of the records of a batch. */
class BatchTime {
  private readonly appendedMs: number | undefined;
  private readonly baseMs: number;

  constructor(private readonly header: BatchHeader) {
    this.appendedMs = isLogAppendTime(header.attributes) ? Number(header.maxTimestamp) : undefined;
    this.baseMs = Number(header.baseTimestamp);
  }

  /** Milliseconds. The sum wraps at 64 bits, as in the reference client. */
  of(delta: number | bigint): number {
    if (this.appendedMs !== undefined) return this.appendedMs;
    if (typeof delta === 'number' && Number.isSafeInteger(this.baseMs)) return this.baseMs + delta;
    return Number(BigInt.asIntN(64, this.header.baseTimestamp + BigInt(delta)));
  }
}

interface Range {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
}

function damaged(): UndecodableBatchError {
  return new UndecodableBatchError('DAMAGED', 'the CRC or the offsets of the batch are wrong');
}

/** The header of a batch whose CRC matches and whose offsets, which the CRC does not cover, are possible. */
function intactHeader(bytes: Buffer, highWatermark: bigint): BatchHeader | undefined {
  if (bytes.length < BATCH_HEADER_BYTES || !isBatchIntact(bytes, 0, bytes.length)) return undefined;
  const header = readBatchHeader(bytes);
  return header.baseOffset >= 0n && header.lastOffset < highWatermark ? header : undefined;
}

/**
 * The offsets of a damaged batch end at the next batch. Only if there is none, those in its header are used, up to the high
 * watermark, so that no intact batch is skipped.
 */
function damagedRange(
  bytes: Buffer,
  {
    position,
    highWatermark,
    nextBase,
  }: { position: bigint; highWatermark: bigint; nextBase: bigint | undefined },
): Range {
  const { baseOffset, lastOffset } =
    bytes.length < BATCH_HEADER_BYTES
      ? { baseOffset: position, lastOffset: position }
      : readBatchHeader(bytes);
  const base = baseOffset >= 0n && baseOffset <= position ? baseOffset : position;
  if (nextBase !== undefined && nextBase > position && nextBase <= highWatermark) {
    return { baseOffset: base, lastOffset: nextBase - 1n };
  }
  const isPlausible = base === baseOffset && lastOffset >= position && lastOffset < highWatermark;
  return { baseOffset: base, lastOffset: isPlausible ? lastOffset : position };
}

/** The complete batches. One with an impossible length is the last, because its end is unknown. */
function* wholeBatches(
  bytes: Buffer,
): Generator<{ readonly batch: Buffer; readonly nextBase: bigint | undefined }, void, void> {
  let at = 0;
  while (bytes.length - at >= BATCH_OVERHEAD_BYTES) {
    const sizeBytes = batchSizeBytes(bytes, at);
    if (sizeBytes > bytes.length - at) return;
    if (sizeBytes < BATCH_HEADER_BYTES) {
      yield { batch: bytes.subarray(at), nextBase: undefined };
      return;
    }
    const next = at + sizeBytes;
    const hasNext = bytes.length - next >= BATCH_OVERHEAD_BYTES;
    yield { batch: bytes.subarray(at, next), nextBase: hasNext ? batchBaseOffset(bytes, next) : undefined };
    at = next;
  }
}

/**
 * Determines which batches belong to aborted transactions: those of the transaction's producer from its first offset to its
 * marker.
 */
class AbortedFilter {
  private readonly aborting = new Set<bigint>();
  private readonly aborted: FetchedRecordSet['aborted'];
  private next = 0;

  constructor(aborted: FetchedRecordSet['aborted']) {
    this.aborted = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  }

  isAborted({ lastOffset, producerId, transactional }: BatchHeader): boolean {
    if (producerId < 0n) return false;
    this.reach(lastOffset);
    return transactional && this.aborting.has(producerId);
  }

  seeMarker({ lastOffset, producerId }: BatchHeader, outcome: 'commit' | 'abort' | undefined): void {
    this.reach(lastOffset);
    if (outcome === 'abort') this.aborting.delete(producerId);
  }

  private reach(offset: bigint): void {
    for (; this.next < this.aborted.length; this.next += 1) {
      const { producerId, firstOffset } = this.aborted[this.next]!;
      if (firstOffset > offset) return;
      this.aborting.add(producerId);
    }
  }
}

function undecodable(
  bytes: Buffer,
  { baseOffset, lastOffset }: Range,
  reason: UndecodableBatchError,
): UndecodableRecords {
  return {
    baseOffset,
    lastOffset,
    reason,
    bytes: bytes.length <= MAX_KEPT_BYTES ? Buffer.from(bytes) : null,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}
