import { readMarker, type Marker } from '../../../protocol/markers.js';
import {
  BATCH_HEADER_BYTES,
  batchSizeBytes,
  readBatchHeader,
  type BatchHeader,
} from '../../../protocol/record-batch.js';
import { recordsOf, type BatchRecord } from '../../../protocol/records.js';
import type { PartitionLog } from './partition-log.js';

const READ_BYTES = 1 << 20;

/** A batch of an internal topic: records, or the marker of a transaction. */
interface ReplayedBatch {
  readonly header: BatchHeader;
  /** Valid until the next batch; empty for a control batch. */
  readonly records: readonly BatchRecord[];
  readonly marker: Marker | undefined;
}

/** Visits the batches of an internal topic, which are uncompressed, oldest first. */
export async function replayRecords(log: PartitionLog, visit: (batch: ReplayedBatch) => void): Promise<void> {
  let offset = log.logStartOffset;
  while (offset < log.highWatermark) {
    const [bytes] = await log.read(offset, READ_BYTES, true);
    if (bytes === undefined) return;
    for (let at = 0; at + BATCH_HEADER_BYTES <= bytes.length;) {
      const batch = bytes.subarray(at, at + batchSizeBytes(bytes, at));
      const header = readBatchHeader(batch);
      visit({ header, records: header.control ? [] : recordsOf(batch), marker: readMarker(batch) });
      offset = header.lastOffset + 1n;
      at += batch.length;
    }
  }
}
