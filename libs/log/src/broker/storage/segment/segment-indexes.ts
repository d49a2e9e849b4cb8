import * as path from 'node:path';
import type { FileSystem } from '../files/file-system.js';
import { segmentName } from './segment-files.js';
import { OffsetIndex, TimeIndex } from './sparse-index.js';
import { TransactionIndex } from './transaction-index.js';

/** At least as many bytes of log are between two index entries (Kafka's `log.index.interval.bytes`). */
export const INDEX_INTERVAL_BYTES = 4096;
const NO_TIMESTAMP = -1n;

/** A batch as indexes need it. */
interface IndexedBatch {
  readonly lastOffset: bigint;
  readonly maxTimestamp: bigint;
}

/** The indexes of one segment, in memory and in their files. */
export class SegmentIndexes {
  private offsets = new OffsetIndex();
  private times = new TimeIndex();
  private transactions = new TransactionIndex();
  private largestTimestamp = NO_TIMESTAMP;
  private offsetOfLargestTimestamp = 0n;
  private bytesSinceEntry = 0;
  /** The files are written by one call at a time. */
  private writes: Promise<void> = Promise.resolve();

  constructor(
    private readonly files: FileSystem,
    private readonly folder: string,
    private readonly baseOffset: bigint,
  ) {}

  /** -1 without records. */
  get maxTimestamp(): bigint {
    return this.largestTimestamp;
  }

  /** Transactions with their abort marker in the segment; filled by its owner. */
  get aborted(): TransactionIndex {
    return this.transactions;
  }

  clear(): void {
    this.largestTimestamp = NO_TIMESTAMP;
    this.bytesSinceEntry = 0;
    this.offsets = new OffsetIndex();
    this.times = new TimeIndex();
    this.transactions = new TransactionIndex();
  }

  /** Adds the next batch of the segment. */
  append(batch: IndexedBatch, { position, sizeBytes }: { position: number; sizeBytes: number }): void {
    if (batch.maxTimestamp > this.largestTimestamp) {
      this.largestTimestamp = batch.maxTimestamp;
      this.offsetOfLargestTimestamp = batch.lastOffset;
    }
    if (this.bytesSinceEntry > INDEX_INTERVAL_BYTES) {
      this.offsets.append(Number(batch.lastOffset - this.baseOffset), position);
      this.appendLargestTimestamp();
      this.bytesSinceEntry = 0;
    }
    this.bytesSinceEntry += sizeBytes;
  }

  /** Adds the entry that every index of a sealed segment ends with. */
  appendLargestTimestamp(): void {
    this.times.append(this.largestTimestamp, Number(this.offsetOfLargestTimestamp - this.baseOffset));
  }

  /** Releases the memory for further entries: nothing is appended to a sealed segment. */
  trim(): void {
    for (const index of [this.offsets, this.times, this.transactions]) index.trim();
  }

  /** Position of a batch at or before the one that contains `offset`. */
  positionBefore(offset: bigint): number {
    return this.offsets.lookUp(Number(offset - this.baseOffset));
  }

  /** Position of an indexed batch at or before `position`. */
  batchBefore(position: number): number {
    return this.offsets.lastPositionBefore(position);
  }

  /** Offset from which a scan finds the first record with `timestamp` or a later one. */
  offsetBefore(timestamp: bigint): bigint {
    return this.baseOffset + BigInt(this.times.lookUp(timestamp));
  }

  /** Reads the index files. @returns false if one is missing or inconsistent with a segment of this size */
  async load(segmentBytes: number): Promise<boolean> {
    const [offsets, times, transactions] = await Promise.all([
      this.files.readFile(this.pathOf('index')),
      this.files.readFile(this.pathOf('timeindex')),
      this.files.readFile(this.pathOf('txnindex')),
    ]);
    const offsetIndex = offsets && OffsetIndex.parse(offsets, segmentBytes);
    const timeIndex = times && TimeIndex.parse(times);
    const transactionIndex = transactions && TransactionIndex.parse(transactions, this.baseOffset);
    const last = timeIndex?.last();
    if (offsetIndex === undefined || timeIndex === undefined || transactionIndex === undefined) return false;
    if (last === undefined && segmentBytes > 0) return false;
    this.offsets = offsetIndex;
    this.times = timeIndex;
    this.transactions = transactionIndex;
    this.largestTimestamp = last?.timestamp ?? NO_TIMESTAMP;
    this.offsetOfLargestTimestamp = this.baseOffset + BigInt(last?.relativeOffset ?? 0);
    return true;
  }

  /** Bytes of entries that are not in the files yet. */
  get unpersistedBytes(): number {
    return this.offsets.unpersistedBytes + this.times.unpersistedBytes + this.transactions.unpersistedBytes;
  }

  /** Writes entries that are not in the files yet. */
  async persist(how: { sync: boolean }): Promise<void> {
    const written = this.writes.then(() => this.write(how));
    this.writes = written.catch(() => undefined);
    await written;
  }

  private async write({ sync }: { sync: boolean }): Promise<void> {
    for (const [suffix, index] of [
      ['index', this.offsets],
      ['timeindex', this.times],
      ['txnindex', this.transactions],
    ] as const) {
      const { bytes, at } = index.unpersisted();
      const file = await this.files.open(this.pathOf(suffix));
      try {
        await file.write([bytes], at);
        await file.truncate(at + bytes.length);
        if (sync) await file.sync();
        index.markPersisted(at + bytes.length);
      } finally {
        await file.close();
      }
    }
  }

  private pathOf(suffix: string): string {
    return path.join(this.folder, `${segmentName(this.baseOffset)}.${suffix}`);
  }
}
