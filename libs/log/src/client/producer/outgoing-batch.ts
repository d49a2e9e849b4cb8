import { BatchEncoder } from '../../protocol/batch-encoder.js';
import { BATCH_HEADER_BYTES } from '../../protocol/record-batch.js';
import type { PartitionBatch } from './accumulator.js';
import type { PendingRecord } from './delivery.js';

/** What a record has in addition to its key, value and headers: lengths, timestamp and offset, which are short in most batches. */
const RECORD_OVERHEAD_BYTES = 24;

/** Sequence numbers have 31 bits, and 0 follows the largest. */
const SEQUENCES = 2 ** 31;

/** A producer id and its epoch. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** What one attempt to append a batch led to. */
type BatchOutcome =
  | { readonly kind: 'appended'; readonly baseOffset: bigint }
  /** The cluster has no such partition. Nothing was sent. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * A batch with its sequence numbers. It is encoded once, and every attempt sends the same bytes, so that brokers recognise
 * a batch that they have already.
 */
export class OutgoingBatch implements PartitionBatch<PendingRecord> {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly PendingRecord[];
  /** Of the last attempt. */
  outcome: BatchOutcome | undefined;
  /** Whether an attempt found that the cluster has no such partition. */
  wasMissing = false;
  /** Whether an attempt ended without a definite result: the batch may be in the log. */
  isUncertain = false;
  private encoded: { readonly bytes: Buffer; readonly baseSequence: number } | undefined;

  constructor({ topic, partition, records }: PartitionBatch<PendingRecord>) {
    this.topic = topic;
    this.partition = partition;
    this.records = records;
  }

  /**
   * Whether the batch may be in the log, and was not appended by a later attempt: the next sequence number of its partition
   * is unknown. If the producer used one again, brokers could take a new batch for a repeated one, and leave it out.
   */
  get isLost(): boolean {
    return this.isUncertain && this.outcome?.kind !== 'appended';
  }

  /** Whether all records have a result already. */
  get isSettled(): boolean {
    return this.records.every(({ settled }) => settled);
  }

  /** Returns the bytes to send. The arguments are those of the first call; later ones return the same bytes. */
  encode({ producerId, producerEpoch }: ProducerIdentity, baseSequence: number, codec: number): Buffer {
    if (!this.encoded) {
      const encoder = new BatchEncoder(estimatedBytes(this.records));
      for (const record of this.records) encoder.add(record);
      this.encoded = {
        bytes: encoder.finish({ producerId, producerEpoch, baseSequence, attributes: 0 }, codec),
        baseSequence,
      };
    }
    return this.encoded.bytes;
  }

  /** The sequence number of the partition's next batch, if this one is appended. */
  get nextSequence(): number {
    return ((this.encoded?.baseSequence ?? 0) + this.records.length) % SEQUENCES;
  }
}

/** A buffer of this size rarely has to grow. Small buffers are parts of a shared one, and cost much less than one of their own. */
function estimatedBytes(records: readonly PendingRecord[]): number {
  let sizeBytes = BATCH_HEADER_BYTES;
  for (const record of records) sizeBytes += record.sizeBytes + RECORD_OVERHEAD_BYTES;
  return sizeBytes;
}
