import { readMarker } from '../../../protocol/markers.js';
import { readBatchHeader, type BatchHeader } from '../../../protocol/record-batch.js';
import type { AbortedTransaction } from '../producers/open-transactions.js';

/** The transactions of the batches that a compaction has processed. */
export class CompactedTransactions {
  private readonly committed = new Set<bigint>();
  private readonly aborted = new Map<bigint, { transaction: AbortedTransaction; met: boolean }>();
  private readonly ahead: AbortedTransaction[];
  private kept: AbortedTransaction[] = [];

  /** @param aborted all aborted transactions with records in the processed batches */
  constructor(aborted: readonly AbortedTransaction[]) {
    this.ahead = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  }

  /** Whether a batch of records belongs to an aborted transaction, and is removed. */
  isAborted(header: BatchHeader): boolean {
    this.advance(header.lastOffset);
    if (!header.transactional) return false;
    const aborted = this.aborted.get(header.producerId);
    if (aborted === undefined) {
      this.committed.add(header.producerId);
      return false;
    }
    aborted.met = true;
    return true;
  }

  /** Processes a control batch. @returns whether no records of its transaction remain */
  end(batch: Buffer): boolean {
    const { producerId, lastOffset } = readBatchHeader(batch);
    this.advance(lastOffset);
    const marker = readMarker(batch);
    if (marker === undefined) return false;
    if (marker.outcome === 'commit') return !this.committed.delete(producerId);
    const aborted = this.aborted.get(producerId);
    this.aborted.delete(producerId);
    if (aborted?.met !== true) return true;
    this.kept.push(aborted.transaction);
    return false;
  }

  /** Aborted transactions with records that ended since the last call, in the order of their markers. */
  takeKept(): AbortedTransaction[] {
    const { kept } = this;
    this.kept = [];
    return kept;
  }

  private advance(offset: bigint): void {
    for (let next = this.ahead[0]; next !== undefined && next.firstOffset <= offset; next = this.ahead[0]) {
      this.aborted.set(next.producerId, { transaction: next, met: false });
      this.ahead.shift();
    }
  }
}
