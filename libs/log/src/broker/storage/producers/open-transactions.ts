import type { Marker } from '../../../protocol/markers.js';
import type { BatchHeader } from '../../../protocol/record-batch.js';

/** A transaction that was aborted in a partition, as Kafka's index of them has it. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
  /** That of the marker. */
  readonly lastOffset: bigint;
  /** First offset that was undecided once the marker was written. */
  readonly lastStableOffset: bigint;
}

/** What of a batch a transaction goes by. */
export type TransactionalBatch = Pick<BatchHeader, 'producerId' | 'baseOffset' | 'lastOffset'>;

/**
 * Transactions of a partition whose outcome no written batch says. A producer has one at a time; they are in the order
 * of their first offsets, as they began.
 */
export class OpenTransactions {
  private readonly firstOffsets = new Map<bigint, bigint>();

  /** Replaces all with those of a log that was read, in any order. */
  restore(open: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]): void {
    this.firstOffsets.clear();
    const inOrder = open.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
    for (const { producerId, firstOffset } of inOrder) this.firstOffsets.set(producerId, firstOffset);
  }

  /** First offset whose outcome is not known; undefined where all are. */
  get firstOffset(): bigint | undefined {
    if (this.firstOffsets.size === 0) return undefined;
    return this.firstOffsets.values().next().value;
  }

  /** Takes note of a transactional batch that was written. @returns the transaction that its marker aborts */
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
