import { partitionId, type TopicPartition } from '../../protocol/topic-partition.js';

/** Why a partition is not fetched: the application paused it, its position is not known yet, or its handler failed. */
export type PauseReason = 'application' | 'positioning' | 'backoff';

/** Why partitions are paused: a partition is fetched again once no reason is left. Pure. */
export class PauseReasons {
  private readonly reasons = new Map<string, Set<PauseReason>>();

  /** Returns whether the partition was not paused before. */
  add(partition: TopicPartition, reason: PauseReason): boolean {
    const reasons = this.reasons.get(partitionId(partition));
    if (reasons) {
      reasons.add(reason);
      return false;
    }
    this.reasons.set(partitionId(partition), new Set([reason]));
    return true;
  }

  /** Returns whether that was the last reason. */
  remove(partition: TopicPartition, reason: PauseReason): boolean {
    const reasons = this.reasons.get(partitionId(partition));
    if (!reasons?.delete(reason) || reasons.size > 0) return false;
    this.reasons.delete(partitionId(partition));
    return true;
  }

  isPaused(partition: TopicPartition): boolean {
    return this.reasons.has(partitionId(partition));
  }
}
