import { readMarker } from '../../../protocol/markers.js';
import { readBatchHeader, type BatchHeader } from '../../../protocol/record-batch.js';
import type { AbortedTransaction } from '../producers/open-transactions.js';

/** Which transactions a pass over batches, from the first on, has met. */
export class CompactedTransactions {
  private readonly committed = new Set<bigint>();
  private readonly aborted = new Map<bigint, { transaction: AbortedTransaction; met: boolean }>();
  private readonly ahead: AbortedTransaction[];
  private kept: AbortedTransaction[] = [];

  /** @param aborted all that have records in what is passed over */
  constructor(aborted: readonly AbortedTransaction[]) {
    this.ahead = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  }

  /** Whether a batch of records belongs to an aborted transaction, and so goes. */
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

  /** Passes a control batch. @returns whether it ends nothing that is still there */
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

  /** Aborted transactions that ended since the last call and had records, in the order of their markers. */
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
