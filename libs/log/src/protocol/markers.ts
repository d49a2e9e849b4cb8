import { readBatchHeader } from './record-batch.js';
import { makeRecordBatch, recordsOf } from './records.js';

/*
 * What ends a transaction in a partition: a control batch of one record, magic 2 (Kafka 0.11 and later):
 *
 *   key    version int16 · type int16 (0 abort, 1 commit)
 *   value  version int16 · coordinatorEpoch int32
 */
const VERSION = 0;
const ABORT = 0;
const COMMIT = 1;
const KEY_BYTES = 4;
const VALUE_BYTES = 6;
const TRANSACTIONAL_CONTROL = 0x30;

/** The outcome of a transaction. */
export type Outcome = 'commit' | 'abort';

/** The contents of a control batch. */
export interface Marker {
  readonly outcome: Outcome;
  readonly coordinatorEpoch: number;
}

/** A control batch that ends the open transaction of a producer. */
export function makeMarkerBatch(
  { outcome, coordinatorEpoch }: Marker,
  producer: { readonly producerId: bigint; readonly producerEpoch: number },
  timestamp: bigint,
): Buffer {
  const key = Buffer.alloc(KEY_BYTES);
  key.writeInt16BE(VERSION, 0);
  key.writeInt16BE(outcome === 'commit' ? COMMIT : ABORT, 2);
  const value = Buffer.alloc(VALUE_BYTES);
  value.writeInt16BE(VERSION, 0);
  value.writeInt32BE(coordinatorEpoch, 2);
  return makeRecordBatch([{ key, value }], timestamp, {
    attributes: TRANSACTIONAL_CONTROL,
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
  });
}

/** @returns undefined if the batch is not a control batch, has another type, or has lost its record to compaction */
export function readMarker(batch: Buffer): Marker | undefined {
  const { control, count } = readBatchHeader(batch);
  if (!control || count === 0) return undefined;
  const [record] = recordsOf(batch);
  const { key, value } = record ?? {};
  if (key === null || key === undefined || key.length < KEY_BYTES) return undefined;
  const type = key.readInt16BE(2);
  if (type !== ABORT && type !== COMMIT) return undefined;
  const coordinatorEpoch =
    value === null || value === undefined || value.length < VALUE_BYTES ? -1 : value.readInt32BE(2);
  return { outcome: type === COMMIT ? 'commit' : 'abort', coordinatorEpoch };
}
