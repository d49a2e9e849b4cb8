import type { Marker } from '../../../protocol/markers.js';
import type { BatchHeader } from '../../../protocol/record-batch.js';

/** An aborted transaction of a partition, as in Kafka's transaction index. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
  /** Offset of the marker. */
  readonly lastOffset: bigint;
  /** The last stable offset after the marker was written. */
  readonly lastStableOffset: bigint;
}

/** The part of a batch header that transactions need. */
type TransactionalBatch = Pick<BatchHeader, 'producerId' | 'baseOffset' | 'lastOffset'>;

/**
 * The open transactions of a partition, in the order of their first offsets. A producer has one at a time.
 */
export class OpenTransactions {
  private readonly firstOffsets = new Map<bigint, bigint>();

  /** Replaces all transactions; in any order. */
  restore(open: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]): void {
    this.firstOffsets.clear();
    const inOrder = open.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
    for (const { producerId, firstOffset } of inOrder) this.firstOffsets.set(producerId, firstOffset);
  }

  /** First offset of the oldest open transaction; undefined if there is none. */
  get firstOffset(): bigint | undefined {
    if (this.firstOffsets.size === 0) return undefined;
    return this.firstOffsets.values().next().value;
  }

  /** Processes a written transactional batch. @returns the transaction that its marker aborts */
  note(batch: TransactionalBatch, marker: Marker | undefined): AbortedTransaction | undefined {
    const { producerId } = batch;
    const firstOffset = this.firstOffsets.get(producerId);
    if (marker === undefined) {
      if (firstOffset === undefined) this.firstOffsets.set(producerId, batch.baseOffset);
      return undefined;
    }
    if (firstOffset === undefined) return undefined;
    this.firstOffsets.delete(producerId);
    if (marker.outcome === 'commit') return undefined;
    const lastStableOffset = this.firstOffset ?? batch.lastOffset + 1n;
    return { producerId, firstOffset, lastOffset: batch.lastOffset, lastStableOffset };
  }
}
