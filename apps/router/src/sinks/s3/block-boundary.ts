import type { LogRecord } from '@hailstream/log';

/** Limits of a block. */
export interface BlockLimits {
  /** Blocks end at multiples of this offset. */
  readonly records: number;
  /** A block ends after the record with which its keys and values have this many bytes. */
  readonly sizeBytes: number;
  /** A block ends before the first record that was received in a later interval of this length than its first record. */
  readonly intervalMs: number;
}

/**
 * Decides which records belong to a block. The decision depends on the start of the block and the records alone, so every
 * process that reads the block from the log ends it at the same offset.
 */
export class BlockBoundary {
  /** The offset at which the block ends at the latest. */
  readonly limit: bigint;
  private intervalEnd: number | undefined;
  private sizeBytes = 0;

  constructor(
    from: bigint,
    private readonly limits: BlockLimits,
  ) {
    const records = BigInt(limits.records);
    this.limit = (from / records + 1n) * records;
  }

  /** End of the interval of the first record, in milliseconds; `undefined` before it. */
  get intervalEndMs(): number | undefined {
    return this.intervalEnd;
  }

  /** Whether the next record of the partition belongs to the block. */
  admits({ key, value, timestampMs }: LogRecord): boolean {
    const { sizeBytes, intervalMs } = this.limits;
    if (this.sizeBytes >= sizeBytes) return false;
    this.intervalEnd ??= (Math.floor(timestampMs / intervalMs) + 1) * intervalMs;
    if (timestampMs >= this.intervalEnd) return false;
    this.sizeBytes += (key?.length ?? 0) + (value?.length ?? 0);
    return true;
  }
}
