import {
  isLogAppendTime,
  makeBatch,
  readBatchHeader,
  type BatchFields,
  type BatchHeader,
} from '../../../protocol/record-batch.js';
import {
  packBatch,
  readableRecordsOf,
  viewRecords,
  writeRecords,
  type RecordView,
} from '../../../protocol/records.js';
import type { CompactedTransactions } from './compacted-transactions.js';

/** The largest timestamp. */
const LATEST_TIMESTAMP = 2n ** 63n - 1n;
/** Attribute: the base timestamp is the time when the tombstones of the batch may be removed (KIP-534). */
const HAS_DELETE_HORIZON = 0x40;
/** Attributes that an empty batch keeps: timestamp type, transactional. */
const KEPT_WHEN_EMPTY = 0x18;
/** Approximate memory of an entry in addition to its key. */
const ENTRY_BYTES = 100;

/** The newest offset of each key, in a limited amount of memory: a compaction processes the batches that fit. */
export class NewestOffsets {
  private readonly offsets = new Map<string, bigint>();
  private usedBytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Whether further batches are left to the next compaction. */
  get isFull(): boolean {
    return this.usedBytes >= this.maxBytes;
  }

  /** Adds the keys of a batch, unless it cannot be decoded or its transaction was aborted. */
  note(batch: Buffer, transactions: CompactedTransactions): void {
    const header = readBatchHeader(batch);
    if (header.control) return void transactions.end(batch);
    if (transactions.isAborted(header)) return;
    for (const { key, offsetDelta } of viewRecords(batch) ?? []) {
      if (key === null) continue;
      const { size } = this.offsets;
      this.offsets.set(key, header.baseOffset + BigInt(offsetDelta));
      if (this.offsets.size > size) this.usedBytes += key.length + ENTRY_BYTES;
    }
  }

  isOutdated(key: string, offset: bigint): boolean {
    const newest = this.offsets.get(key);
    return newest !== undefined && newest > offset;
  }
}

/** The rules of a compaction. */
export interface CompactionRules {
  readonly newest: NewestOffsets;
  readonly transactions: CompactedTransactions;
  /** Offset after the batches in `newest`. Later records are kept. */
  readonly endOffset: bigint;
  readonly nowMs: number;
  /** Retention time of tombstones after their first compaction. */
  readonly deleteRetentionMs: number;
  /** Whether the batch is the last of its producer. It is kept, without records, to preserve the sequence. */
  readonly isLastOfProducer: (header: BatchHeader) => boolean;
}

/**
 * Compacts a batch. Offsets do not change.
 *
 * @returns the batch itself if all of it is kept, undefined if nothing is
 */
export function compactBatch(batch: Buffer, rules: CompactionRules): Buffer | undefined {
  const header = readBatchHeader(batch);
  if (header.control) return compactMarker(batch, header, rules);
  if (rules.transactions.isAborted(header)) return withoutRecords(batch, header, rules);
  const records = viewRecords(batch);
  if (records === undefined) return batch;
  const horizonSet = (header.attributes & HAS_DELETE_HORIZON) !== 0;
  const tombstonesGo = horizonSet && header.baseTimestamp <= BigInt(rules.nowMs);
  const retained = records.filter(({ key, offsetDelta, hasValue }) => {
    const offset = header.baseOffset + BigInt(offsetDelta);
    if (offset >= rules.endOffset) return true;
    return key !== null && (hasValue || !tombstonesGo) && !rules.newest.isOutdated(key, offset);
  });
  if (retained.length === 0) return withoutRecords(batch, header, rules);
  const horizonNeeded = !horizonSet && retained.some(({ hasValue }) => !hasValue);
  if (retained.length === records.length && !horizonNeeded) return batch;
  const fields = fieldsOf(header, retained);
  if (!horizonNeeded) return packBatch(fields, Buffer.concat(retained.map(({ bytes }) => bytes)));
  return withHorizon(batch, { header, fields, kept: retained, horizon: horizonOf(rules) });
}

/** When tombstones of this compaction may be removed. */
function horizonOf({ nowMs, deleteRetentionMs }: CompactionRules): bigint {
  const horizon = BigInt(Math.trunc(nowMs)) + BigInt(Math.trunc(deleteRetentionMs));
  return horizon < LATEST_TIMESTAMP ? horizon : LATEST_TIMESTAMP;
}

/** A marker is kept as long as records of its transaction, and then as long as a tombstone. */
function compactMarker(batch: Buffer, header: BatchHeader, rules: CompactionRules): Buffer | undefined {
  if (!rules.transactions.end(batch)) return batch;
  if ((header.attributes & HAS_DELETE_HORIZON) !== 0) {
    return header.baseTimestamp <= BigInt(rules.nowMs) ? undefined : batch;
  }
  const records = viewRecords(batch) ?? [];
  return withHorizon(batch, {
    header,
    fields: fieldsOf(header, records),
    kept: records,
    horizon: horizonOf(rules),
  });
}

/** Nothing, or an empty batch that preserves the sequence of its producer. */
function withoutRecords(batch: Buffer, header: BatchHeader, rules: CompactionRules): Buffer | undefined {
  if (header.producerId < 0n || !rules.isLastOfProducer(header)) return undefined;
  return header.count === 0 ? batch : emptied(header);
}

function fieldsOf(header: BatchHeader, kept: readonly RecordView[]): BatchFields {
  const largest = kept.reduce(
    (max, { timestampDelta }) => (timestampDelta > max ? timestampDelta : max),
    (kept[0] as RecordView).timestampDelta,
  );
  return {
    ...header,
    lastOffsetDelta: lastOffsetDeltaOf(header),
    maxTimestamp: isLogAppendTime(header.attributes) ? header.maxTimestamp : header.baseTimestamp + largest,
    count: kept.length,
  };
}

/** Sets the base timestamp to the horizon, and the timestamp deltas of the records relative to it. */
function withHorizon(
  batch: Buffer,
  parts: { header: BatchHeader; fields: BatchFields; kept: readonly RecordView[]; horizon: bigint },
): Buffer {
  const { header, fields, kept, horizon } = parts;
  const offsets = new Set(kept.map(({ offsetDelta }) => offsetDelta));
  const records = (readableRecordsOf(batch) ?? []).filter(({ offsetDelta }) => offsets.has(offsetDelta));
  const moved = records.map((record) => ({
    ...record,
    // In 64 bits, as consumers compute it.
    timestampDelta: BigInt.asIntN(64, header.baseTimestamp + record.timestampDelta - horizon),
  }));
  return packBatch(
    { ...fields, attributes: header.attributes | HAS_DELETE_HORIZON, baseTimestamp: horizon },
    writeRecords(moved),
  );
}

function emptied(header: BatchHeader): Buffer {
  return makeBatch(
    {
      ...header,
      lastOffsetDelta: lastOffsetDeltaOf(header),
      attributes: header.attributes & KEPT_WHEN_EMPTY,
      baseTimestamp: header.maxTimestamp,
      count: 0,
    },
    Buffer.alloc(0),
  );
}

function lastOffsetDeltaOf({ baseOffset, lastOffset }: BatchHeader): number {
  return Number(lastOffset - baseOffset);
}
