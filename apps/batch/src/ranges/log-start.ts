import type { RangeReader } from '@hailstream/log';
import type { InspectedPartition } from '../positions/inspect.js';

/**
 * Difference by which timestamps of consecutive records of a partition may be out of order: several ingest processes append
 * to it, and each may retry for two minutes.
 */
const OUT_OF_ORDER_MS = 600_000;
/** Bytes that are fetched to read one record. */
const FETCH_BYTES = 65_536;

/** The first record that the log still has of a partition. */
interface LogStart {
  /** Whether the log has deleted records before it. */
  readonly isDeletedBefore: boolean;
  /** Its timestamp; `undefined` if the partition has no record. */
  readonly firstMs: number | undefined;
  /** When the position was last moved. Every record that was loaded was received before. */
  readonly movedMs: number | undefined;
}

/**
 * Returns the time from which the log has all records of a topic: every event that was received then or later, and that is
 * still in the tables, must be in the log. Returns `Infinity` if there is no such time.
 *
 * In a partition without deleted records, that is the timestamp of its first record of all partitions: earlier rows belong to
 * another log. In a partition whose first records were deleted, it is the timestamp of the first record that remains, plus
 * {@link OUT_OF_ORDER_MS}.
 */
export function completeFrom(starts: readonly LogStart[]): number {
  const whole = starts.filter(({ isDeletedBefore }) => !isDeletedBefore);
  const deleted = starts.filter(({ isDeletedBefore }) => isDeletedBefore);
  const ofWhole = Math.min(...whole.map(({ firstMs }) => firstMs ?? Infinity));
  const ofDeleted = deleted.map(({ firstMs, movedMs }) => (firstMs ?? movedMs ?? Infinity) + OUT_OF_ORDER_MS);
  return deleted.length === 0 ? ofWhole : Math.max(...ofDeleted, ofWhole === Infinity ? -Infinity : ofWhole);
}

/** Reads the first record of a partition. */
export async function readLogStart(
  reader: RangeReader,
  { topic, partition, present, earliest, stable, stored }: InspectedPartition,
  signal: AbortSignal,
): Promise<LogStart> {
  const isDeletedBefore = earliest > 0n;
  const movedMs = stored?.movedAt?.getTime();
  if (earliest >= stable) return { isDeletedBefore, firstMs: undefined, movedMs };
  const read = await reader.readRange({
    ranges: [{ topic, partition, topicId: present!.topicId, from: earliest, to: stable }],
    signal,
    maxBatchRecords: 1,
    maxPartitionBytes: FETCH_BYTES,
    onGap: () => undefined,
    onUndecodable: () => undefined,
  });
  for await (const { records } of read) {
    if (records.length > 0) return { isDeletedBefore, firstMs: records[0]!.timestampMs, movedMs };
  }
  return { isDeletedBefore, firstMs: undefined, movedMs };
}
