import { ErrorCode, ProtocolError } from '../protocol/error-codes.js';
import {
  BATCH_HEADER_BYTES,
  batchSizeBytes,
  readBatchHeader,
  type BatchHeader,
} from '../protocol/record-batch.js';
import { readMarker } from '../protocol/markers.js';
import {
  packBatch,
  readableRecordsOf,
  recordsOf,
  unpackedRecordsOf,
  type BatchRecord,
} from '../protocol/records.js';
import type { AbortedTransaction } from './open-transactions.js';

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

  /** Takes note of a batch's keys. One that can't be taken apart has none, and neither has what was aborted. */
  note(batch: Buffer, transactions: CompactedTransactions): void {
    const header = readBatchHeader(batch);
    if (header.control) return void transactions.end(batch);
    if (transactions.isAborted(header)) return;
    for (const record of readableRecordsOf(batch) ?? []) {
      if (record.key !== null) this.offsets.set(nameOf(record.key), offsetOf(header, record));
    }
  }

  isOutdated(key: Buffer, offset: bigint): boolean {
    const newest = this.offsets.get(nameOf(key));
    return newest !== undefined && newest > offset;
  }
}

/** Which transactions a pass over batches, from the first on, has met. */
export class CompactedTransactions {
  private readonly committed = new Set<bigint>();
  private readonly aborted = new Map<bigint, { transaction: AbortedTransaction; met: boolean }>();
  private readonly ahead: AbortedTransaction[];
  private kept: AbortedTransaction[] = [];

  /** @param aborted all that have records in what is passed over */
  constructor(aborted: readonly AbortedTransaction[]) {
    this.ahead = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  }

  /** Whether a batch of records belongs to an aborted transaction, and so goes. */
  isAborted(header: BatchHeader): boolean {
    this.advance(header.lastOffset);
    if (!header.transactional) return false;
    const aborted = this.aborted.get(header.producerId);
    if (aborted === undefined) {
      this.committed.add(header.producerId);
      return false;
    }
    aborted.met = true;
    return true;
  }

  /** Passes a control batch. @returns whether it ends nothing that is still there */
  end(batch: Buffer): boolean {
    const { producerId, lastOffset } = readBatchHeader(batch);
    this.advance(lastOffset);
    const marker = readMarker(batch);
    if (marker === undefined) return false;
    if (marker.outcome === 'commit') return !this.committed.delete(producerId);
    const aborted = this.aborted.get(producerId);
    this.aborted.delete(producerId);
    if (aborted?.met !== true) return true;
    this.kept.push(aborted.transaction);
    return false;
  }

  /** Aborted transactions that ended since the last call and had records, in the order of their markers. */
  takeKept(): AbortedTransaction[] {
    const { kept } = this;
    this.kept = [];
    return kept;
  }

  private advance(offset: bigint): void {
    for (let next = this.ahead[0]; next !== undefined && next.firstOffset <= offset; next = this.ahead[0]) {
      this.aborted.set(next.producerId, { transaction: next, met: false });
      this.ahead.shift();
    }
  }
}

/** What a pass over a segment goes by. */
export interface CompactionRules {
  readonly newest: NewestOffsets;
  readonly transactions: CompactedTransactions;
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

/** What is left of a segment's batches, in their order, and whether anything is not as it was. */
export function compactBatches(
  segment: Buffer,
  rules: CompactionRules,
): { batches: Buffer[]; changed: boolean } {
  const batches: Buffer[] = [];
  let changed = false;
  for (let at = 0; at + BATCH_HEADER_BYTES <= segment.length;) {
    const batch = segment.subarray(at, at + batchSizeBytes(segment, at));
    const left = compactBatch(batch, rules);
    if (left !== undefined) batches.push(left);
    changed ||= left !== batch;
    at += batch.length;
  }
  return { batches, changed };
}

/** @returns the batch itself where nothing goes, undefined where nothing stays */
function compactBatch(batch: Buffer, rules: CompactionRules): Buffer | undefined {
  const header = readBatchHeader(batch);
  if (header.control) return compactMarker(batch, header, rules);
  if (rules.transactions.isAborted(header)) return undefined;
  const records = readableRecordsOf(batch);
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

/** A marker stays as long as anything of its transaction, and then as long as a tombstone. */
function compactMarker(batch: Buffer, header: BatchHeader, rules: CompactionRules): Buffer | undefined {
  if (!rules.transactions.end(batch)) return batch;
  if ((header.attributes & HAS_DELETE_HORIZON) === 0) {
    return rebuild(header, recordsOf(batch), BigInt(rules.nowMs + rules.deleteRetentionMs));
  }
  return header.baseTimestamp <= BigInt(rules.nowMs) ? undefined : batch;
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
