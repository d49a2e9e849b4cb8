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
import { LogError, UndecodableBatchError } from '../shared/errors.js';
import { type LogRecord, makeLogRecord } from './record.js';

/** Most bytes of keys and values that are made records of at once. */
const CHUNK_BYTES = 8 << 20;
/** Most bytes of an undecodable batch that are kept with what is told of it. */
const MAX_KEPT_BYTES = 1_000_000;

/** What one Fetch brought of one partition, as it came. */
export interface FetchedRecordSet {
  /** Whole batches, of which the last one may be cut off. */
  readonly bytes: Buffer;
  /** Transactions that were aborted in this range, in any order: brokers go by where their markers are. */
  readonly aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[];
}

/** What is to be done about the next part of a record set, in the order of the log. */
export type RecordSetStep =
  | { readonly kind: 'records'; readonly records: readonly LogRecord[]; readonly nextOffset: bigint }
  /** There was nothing for anybody: control records, records of aborted transactions, compacted ones. */
  | { readonly kind: 'passed'; readonly nextOffset: bigint }
  /** The next batch begins later than it should. */
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
  /** Offset that was asked for: what lies before it is left out, if its batch begins earlier. */
  readonly position: bigint;
  /** Where the partition ended when it was read: no batch lies beyond it. */
  readonly highWatermark: bigint;
  readonly maxRecords: number;
  /** Whether offsets may be missing between batches, asked anew for each gap. */
  readonly expectsGaps: () => boolean;
}

/**
 * Decodes what was fetched, one batch at a time, in memory that is bounded whatever its bytes say. A batch that cannot
 * be decoded is a step like any other, and does not affect those behind it.
 *
 * @throws LogError `REFUSED` if this machine lacks what reads the codec
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

/** Bytes that a batch at the start of a record set takes, if it is cut off; otherwise `undefined`. */
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

/** Records on their way into steps: of small batches together, of a large one in parts. */
class Chunk {
  /** Offset of what comes next. */
  position: bigint;
  private start: bigint;
  private records: LogRecord[] = [];
  private sizeBytes = 0;

  constructor(private readonly options: Pick<RecordSetOptions, 'position' | 'maxRecords'>) {
    this.position = options.position;
    this.start = options.position;
  }

  *addAll({ header, cursor }: DecodedBatch): Generator<RecordSetStep, void, void> {
    for (let left = header.count; left > 0; left -= 1) {
      cursor.advance();
      const offset = header.baseOffset + BigInt(cursor.offsetDelta);
      if (offset < this.position) continue;
      if (this.records.length >= this.options.maxRecords || this.sizeBytes >= CHUNK_BYTES)
        yield* this.flush();
      this.records.push(makeLogRecord(cursor, offset, timestampOf(header, cursor)));
      this.sizeBytes += cursor.sizeBytes;
      this.position = offset + 1n;
    }
  }

  /** Everything before `nextOffset` was looked at. */
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

/** Returns `undefined` for a batch of which nobody gets anything. */
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
      return malformed('a control batch without a marker', cause);
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
    return malformed('the records are not what their compression type says', cause);
  }
  if (!records)
    throw new LogError('REFUSED', `nothing on this machine reads compression type ${codec}`, false);
  try {
    checkRecords(records, header);
  } catch (cause) {
    return malformed('the records are not well-formed', cause);
  }
  return { header, cursor: new RecordCursor(records) };
}

const LAST_CODEC = 4;

/** @throws Error for records that are not as many as the header says, not in order, or not well-formed */
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
  if (!cursor.isAtEnd) throw new RangeError(`there is more than the ${count} records that were announced`);
}

function malformed(message: string, cause?: unknown): UndecodableBatchError {
  const detail = cause instanceof Error ? `: ${innermost(cause).message}` : '';
  return new UndecodableBatchError('MALFORMED', message + detail, { cause });
}

function innermost(error: Error): Error {
  return error.cause instanceof Error ? innermost(error.cause) : error;
}

function timestampOf({ attributes, baseTimestamp, maxTimestamp }: BatchHeader, cursor: RecordCursor): number {
  if (isLogAppendTime(attributes)) return Number(maxTimestamp);
  return Number(BigInt.asIntN(64, baseTimestamp + cursor.timestampDelta));
}

interface Range {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
}

function damaged(): UndecodableBatchError {
  return new UndecodableBatchError('DAMAGED', 'the batch is not what its CRC and its offsets say');
}

/** The header of a batch that is what was written, and lies where it can. The CRC does not cover where it lies. */
function intactHeader(bytes: Buffer, highWatermark: bigint): BatchHeader | undefined {
  if (bytes.length < BATCH_HEADER_BYTES || !isBatchIntact(bytes, 0, bytes.length)) return undefined;
  const header = readBatchHeader(bytes);
  return header.baseOffset >= 0n && header.lastOffset < highWatermark ? header : undefined;
}

/**
 * The offsets of a damaged batch: up to the next one. Only if there is none its header is believed, as far as the log
 * goes, so that no good batch is skipped with it.
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

/** The batches that are all there. One whose length is impossible is the last: where it ends, nobody knows. */
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
 * Tells which batches belong to aborted transactions: from a transaction's first offset to its marker, those of its
 * producer.
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
