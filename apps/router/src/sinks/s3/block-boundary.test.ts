import type { LogRecord } from '@hailstream/log';
import { describe, expect, it } from 'vitest';
import { BlockBoundary } from './block-boundary.js';

const limits = { records: 100, sizeBytes: 1_000, intervalMs: 60_000 };

function record(timestampMs: number, sizeBytes = 10): LogRecord {
  return { offset: 0n, key: null, value: Buffer.alloc(sizeBytes), headers: {}, timestampMs };
}

/** End of the block that starts at `from`, if the log has these records from that offset on. */
function endOf(from: number, records: readonly LogRecord[]): number {
  const boundary = new BlockBoundary(BigInt(from), limits);
  const count = records.findIndex(
    (each, index) => BigInt(from + index) >= boundary.limit || !boundary.admits(each),
  );
  return count === -1 ? from + records.length : from + count;
}

describe(BlockBoundary, () => {
  it('ends at multiples of the number of records', () => {
    expect(new BlockBoundary(0n, limits).limit).toBe(100n);
    expect(new BlockBoundary(99n, limits).limit).toBe(100n);
    expect(new BlockBoundary(100n, limits).limit).toBe(200n);
  });

  it('ends after the record that reaches the size', () => {
    const records = [record(0, 500), record(0, 500), record(0, 1)];
    expect(endOf(0, records)).toBe(2);
  });

  it('has at least one record, however large', () => {
    expect(endOf(0, [record(0, 5_000), record(0)])).toBe(1);
  });

  it('ends before the first record of a later interval, and keeps older ones', () => {
    const records = [record(59_000), record(10_000), record(59_999), record(60_000)];
    expect(endOf(0, records)).toBe(3);
  });
});
