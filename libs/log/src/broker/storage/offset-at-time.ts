import { readBatchHeader } from '../protocol/record-batch.js';
import { readableRecordsOf } from '../protocol/records.js';

const LOG_APPEND_TIME = 0x08;

/**
 * The first record of a batch, from offset `from` on, with this timestamp or a later one; undefined where there is
 * none. Where this machine can't read the batch, its first: never later than the right one.
 */
export function firstOffsetAtTime(
  batch: Buffer,
  timestamp: bigint,
  from: bigint,
): { offset: bigint; timestamp: bigint } | undefined {
  const header = readBatchHeader(batch);
  const first = header.baseOffset > from ? header.baseOffset : from;
  if ((header.attributes & LOG_APPEND_TIME) !== 0) return { offset: first, timestamp: header.maxTimestamp };
  const records = readableRecordsOf(batch);
  if (records === undefined) return { offset: first, timestamp: header.baseTimestamp };
  const placed = records.map(({ offsetDelta, timestampDelta }) => ({
    offset: header.baseOffset + BigInt(offsetDelta),
    timestamp: header.baseTimestamp + timestampDelta,
  }));
  return placed.find((record) => record.offset >= from && record.timestamp >= timestamp);
}
