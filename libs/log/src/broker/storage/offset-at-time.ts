import { isLogAppendTime, readBatchHeader } from '../../protocol/record-batch.js';
import { readableRecordsOf } from '../../protocol/records.js';
import type { Segment } from './segment.js';

/** Where a record is, and its timestamp. */
export interface TimedOffset {
  readonly offset: bigint;
  readonly timestamp: bigint;
}

/** The first record of some segments, from an offset on, with this timestamp or a later one. */
export async function findOffsetAtTime(
  segments: readonly Segment[],
  timestamp: bigint,
  fromOffset: bigint,
): Promise<TimedOffset | undefined> {
  const held = [...segments];
  const releases = held.map((segment) => segment.hold());
  try {
    for (const segment of held) {
      for await (const batch of segment.batchesAtTime(timestamp, fromOffset)) {
        const found = firstOffsetAtTime(batch, timestamp, fromOffset);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  } finally {
    for (const release of releases) release();
  }
}

/** The first record, from an offset on, with the largest timestamp of some segments. */
export async function findLargestTimestamp(
  segments: readonly Segment[],
  fromOffset: bigint,
): Promise<TimedOffset | undefined> {
  const largest = segments.reduce((max, segment) =>
    segment.maxTimestamp > max.maxTimestamp ? segment : max,
  );
  if (largest.sizeBytes === 0) return undefined;
  return findOffsetAtTime(segments, largest.maxTimestamp, fromOffset);
}

/**
 * The first record of a batch, from an offset on, with this timestamp or a later one. Where this machine can't read the
 * batch, the first of the batch: never later than the right one.
 *
 * @returns undefined where the batch has none, which its header did not say
 */
function firstOffsetAtTime(batch: Buffer, timestamp: bigint, fromOffset: bigint): TimedOffset | undefined {
  const header = readBatchHeader(batch);
  const records = readableRecordsOf(batch);
  if (records === undefined) {
    const offset = header.baseOffset > fromOffset ? header.baseOffset : fromOffset;
    return { offset, timestamp: header.baseTimestamp };
  }
  const haveOneTime = isLogAppendTime(header.attributes);
  for (const { offsetDelta, timestampDelta } of records) {
    const offset = header.baseOffset + BigInt(offsetDelta);
    const at = haveOneTime ? header.maxTimestamp : header.baseTimestamp + timestampDelta;
    if (at >= timestamp && offset >= fromOffset) return { offset, timestamp: at };
  }
  return undefined;
}
