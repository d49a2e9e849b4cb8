import { isLogAppendTime, readBatchHeader } from '../../../protocol/record-batch.js';
import { readableRecordsOf } from '../../../protocol/records.js';
import type { Segment } from './segment.js';

/** Offset and timestamp of a record. */
export interface TimedOffset {
  readonly offset: bigint;
  readonly timestamp: bigint;
}

/** The first record at or after `fromOffset` with this or a later timestamp. */
export async function findOffsetAtTime(
  segments: readonly Segment[],
  timestamp: bigint,
  fromOffset: bigint,
): Promise<TimedOffset | undefined> {
  const searched = [...segments];
  const releases = searched.map((segment) => segment.hold());
  try {
    for (const segment of searched) {
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

/** The first record at or after `fromOffset` with the largest timestamp. */
export async function findLargestTimestamp(
  segments: readonly Segment[],
  fromOffset: bigint,
): Promise<TimedOffset | undefined> {
  const searched = [...segments];
  const releases = searched.map((segment) => segment.hold());
  try {
    let largest: bigint | undefined;
    for (const segment of searched) {
      const timestamp = await largestTimestampIn(segment, fromOffset);
      if (timestamp !== undefined && (largest === undefined || timestamp > largest)) largest = timestamp;
    }
    return largest === undefined ? undefined : await findOffsetAtTime(searched, largest, fromOffset);
  } finally {
    for (const release of releases) release();
  }
}

/** The largest timestamp in a segment at or after `fromOffset`; undefined if there are no records. */
async function largestTimestampIn(segment: Segment, fromOffset: bigint): Promise<bigint | undefined> {
  if (segment.sizeBytes === 0) return undefined;
  if (segment.baseOffset >= fromOffset) return segment.maxTimestamp;
  // The largest timestamp of the segment may be that of a deleted record.
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
 * The first record of a batch at or after `fromOffset` with this or a later timestamp. If the codec is not available on
 * this machine, the first record of the batch, which is never later.
 *
 * @returns undefined if the batch has no such record
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
