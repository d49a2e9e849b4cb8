import { isLogAppendTime, readBatchHeader } from '../../../protocol/record-batch.js';
import { readableRecordsOf } from '../../../protocol/records.js';
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
      for await (const batch of segment.reader.batchesAtTime(timestamp, fromOffset)) {
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
  const held = [...segments];
  const releases = held.map((segment) => segment.hold());
  try {
    let largest: bigint | undefined;
    for (const segment of held) {
      const timestamp = await largestTimestampIn(segment, fromOffset);
      if (timestamp !== undefined && (largest === undefined || timestamp > largest)) largest = timestamp;
    }
    return largest === undefined ? undefined : await findOffsetAtTime(held, largest, fromOffset);
  } finally {
    for (const release of releases) release();
  }
}

/** The largest timestamp of a segment's records from an offset on; undefined if it has none. */
async function largestTimestampIn(segment: Segment, fromOffset: bigint): Promise<bigint | undefined> {
  if (segment.sizeBytes === 0) return undefined;
  if (segment.baseOffset >= fromOffset) return segment.maxTimestamp;
  // Its own largest timestamp may be that of a deleted record.
  let largest: bigint | undefined;
  for await (const { header, position } of segment.reader.headersFrom(fromOffset)) {
    if (largest !== undefined && header.maxTimestamp <= largest) continue;
    const timestamp =
      header.baseOffset >= fromOffset
        ? header.maxTimestamp
        : largestIn(await segment.reader.batchAt(header, position), fromOffset);
    if (timestamp !== undefined && (largest === undefined || timestamp > largest)) largest = timestamp;
  }
  return largest;
}

function largestIn(batch: Buffer, fromOffset: bigint): bigint | undefined {
  const { baseOffset, baseTimestamp, maxTimestamp, attributes } = readBatchHeader(batch);
  const records = readableRecordsOf(batch);
  if (records === undefined || isLogAppendTime(attributes)) return maxTimestamp;
  let largest: bigint | undefined;
  for (const { offsetDelta, timestampDelta } of records) {
    const timestamp = baseTimestamp + timestampDelta;
    if (baseOffset + BigInt(offsetDelta) < fromOffset) continue;
    if (largest === undefined || timestamp > largest) largest = timestamp;
  }
  return largest;
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
