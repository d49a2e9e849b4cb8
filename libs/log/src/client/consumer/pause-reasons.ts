import { partitionId, type TopicPartition } from '../record/topic-partition.js';

/** Why nothing is fetched from a partition for now. */
export type HoldReason = 'asked-for' | 'positioning' | 'backoff';

/** Who wants a partition to rest: it is read again once nobody does. Pure. */
export class Holds {
  private readonly held = new Map<string, Set<HoldReason>>();

  /** Returns whether the partition was not held before. */
  hold(partition: TopicPartition, reason: HoldReason): boolean {
    const reasons = this.held.get(partitionId(partition));
    if (reasons) {
      reasons.add(reason);
      return false;
    }
    this.held.set(partitionId(partition), new Set([reason]));
    return true;
  }

  /** Returns whether the partition is not held any longer. */
  release(partition: TopicPartition, reason: HoldReason): boolean {
    const reasons = this.held.get(partitionId(partition));
    if (!reasons?.delete(reason) || reasons.size > 0) return false;
    this.held.delete(partitionId(partition));
    return true;
  }

  isHeld(partition: TopicPartition): boolean {
    return this.held.has(partitionId(partition));
  }
}
