import { readBatchHeader } from '../protocol/record-batch.js';
import { readableRecordsOf } from '../protocol/records.js';

const LOG_APPEND_TIME = 0x08;

/**
 * The first record of a batch with this timestamp or a later one. Where this machine can't read the batch, the first of
 * the batch: never later than the right one.
 */
export function firstOffsetAtTime(batch: Buffer, timestamp: bigint): { offset: bigint; timestamp: bigint } {
  const header = readBatchHeader(batch);
  if ((header.attributes & LOG_APPEND_TIME) !== 0) {
    return { offset: header.baseOffset, timestamp: header.maxTimestamp };
  }
  const record = readableRecordsOf(batch)?.find(
    (each) => header.baseTimestamp + each.timestampDelta >= timestamp,
  );
  if (record === undefined) return { offset: header.baseOffset, timestamp: header.baseTimestamp };
  return {
    offset: header.baseOffset + BigInt(record.offsetDelta),
    timestamp: header.baseTimestamp + record.timestampDelta,
  };
}
