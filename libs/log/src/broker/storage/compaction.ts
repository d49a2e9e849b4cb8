import { ErrorCode, ProtocolError } from '../protocol/error-codes.js';
import {
  BATCH_HEADER_BYTES,
  batchSizeBytes,
  readBatchHeader,
  type BatchHeader,
} from '../protocol/record-batch.js';
import { packBatch, readableRecordsOf, unpackedRecordsOf, type BatchRecord } from '../protocol/records.js';

/** Says that the base timestamp is when the tombstones of the batch may go (KIP-534). */
const HAS_DELETE_HORIZON = 0x40;
/** Most keys that one pass remembers; what is beyond them waits for the next. */
export const MAX_KEYS = 1_000_000;

/** The newest offset of each key. */
export class NewestOffsets {
  private readonly offsets = new Map<string, bigint>();

  get isFull(): boolean {
    return this.offsets.size >= MAX_KEYS;
  }

  /** Takes note of a batch's keys. A batch that can't be taken apart has none. */
  note(batch: Buffer): void {
    const header = readBatchHeader(batch);
    for (const record of readableRecordsOf(batch) ?? []) {
      if (record.key !== null) this.offsets.set(nameOf(record.key), offsetOf(header, record));
    }
  }

  isOutdated(key: Buffer, offset: bigint): boolean {
    const newest = this.offsets.get(nameOf(key));
    return newest !== undefined && newest > offset;
  }
}

/** What a pass over a segment goes by. */
export interface CompactionRules {
  readonly newest: NewestOffsets;
  readonly nowMs: number;
  /** How long tombstones stay after the first pass that met them. */
  readonly deleteRetentionMs: number;
}

/** @throws ProtocolError `INVALID_RECORD` where a record that is to be compacted has no key, or none can be read */
export function checkKeys(batch: Buffer): void {
  if (keysAreThere(batch)) return;
  throw new ProtocolError(ErrorCode.INVALID_RECORD, 'a record of a compacted topic has no key');
}

function keysAreThere(batch: Buffer): boolean {
  try {
    return unpackedRecordsOf(batch)?.every((record) => record.key !== null) ?? true;
  } catch (cause) {
    throw new ProtocolError(ErrorCode.INVALID_RECORD, 'the records of a batch can not be read', { cause });
  }
}

/** What is left of a segment's batches, in their order. Offsets stay what they were. */
export function compactBatches(segment: Buffer, rules: CompactionRules): Buffer[] {
  const kept: Buffer[] = [];
  for (let at = 0; at + BATCH_HEADER_BYTES <= segment.length;) {
    const batch = segment.subarray(at, at + batchSizeBytes(segment, at));
    const left = compactBatch(batch, rules);
    if (left !== undefined) kept.push(left);
    at += batch.length;
  }
  return kept;
}

/** @returns the batch itself where nothing goes, undefined where nothing stays */
function compactBatch(batch: Buffer, rules: CompactionRules): Buffer | undefined {
  const header = readBatchHeader(batch);
  const records = header.control ? undefined : readableRecordsOf(batch);
  if (records === undefined) return batch;
  const horizonSet = (header.attributes & HAS_DELETE_HORIZON) !== 0;
  const tombstonesGo = horizonSet && header.baseTimestamp <= BigInt(rules.nowMs);
  const kept = records.filter(
    (record) =>
      record.key !== null &&
      !(record.value === null && tombstonesGo) &&
      !rules.newest.isOutdated(record.key, offsetOf(header, record)),
  );
  if (kept.length === 0) return undefined;
  const horizonNeeded = !horizonSet && kept.some((record) => record.value === null);
  if (kept.length === records.length && !horizonNeeded) return batch;
  return rebuild(header, kept, horizonNeeded ? BigInt(rules.nowMs + rules.deleteRetentionMs) : undefined);
}

function rebuild(
  header: BatchHeader,
  records: readonly BatchRecord[],
  deleteHorizon: bigint | undefined,
): Buffer {
  const baseTimestamp = deleteHorizon ?? header.baseTimestamp;
  const moved = records.map((record) => ({
    ...record,
    timestampDelta: header.baseTimestamp + record.timestampDelta - baseTimestamp,
  }));
  return packBatch(
    {
      ...header,
      lastOffsetDelta: Number(header.lastOffset - header.baseOffset),
      attributes: header.attributes | (deleteHorizon === undefined ? 0 : HAS_DELETE_HORIZON),
      baseTimestamp,
      count: records.length,
    },
    moved,
  );
}

function offsetOf(header: BatchHeader, record: BatchRecord): bigint {
  return header.baseOffset + BigInt(record.offsetDelta);
}

function nameOf(key: Buffer): string {
  return key.toString('latin1');
}
