import { partitionId, type TopicPartition } from '../../protocol/topic-partition.js';
import { PauseReasons, type PauseReason } from './pause-reasons.js';

/** What pauses and resumes fetching. */
interface Pausable {
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition): void;
}

/** Pauses and resumes partitions of a consumer across its sessions; a failed partition is resumed after its backoff. */
export class PartitionPauses implements Disposable {
  private readonly reasons = new PauseReasons();
  private readonly backoffs = new Map<string, NodeJS.Timeout>();

  /** @param session returns the current session; `undefined` between two sessions */
  constructor(private readonly session: () => Pausable | undefined) {}

  isPaused(partition: TopicPartition): boolean {
    return this.reasons.isPaused(partition);
  }

  pause(partition: TopicPartition, reason: PauseReason): void {
    if (this.reasons.add(partition, reason)) this.session()?.pause(partition);
  }

  resume(partition: TopicPartition, reason: PauseReason): void {
    if (this.reasons.remove(partition, reason)) this.session()?.resume(partition);
  }

  /** Pauses one partition for a while; the others are still fetched. */
  backOff({ topic, partition }: TopicPartition, waitMs: number): void {
    this.pause({ topic, partition }, 'backoff');
    const timer = setTimeout(() => this.endBackoff({ topic, partition }), waitMs);
    this.backoffs.set(partitionId({ topic, partition }), timer);
  }

  /** Pauses a partition that was just assigned until its position is known. A new session has no paused partitions. */
  awaitPosition(partition: TopicPartition): void {
    this.endBackoff(partition);
    this.reasons.add(partition, 'positioning');
    this.session()?.pause(partition);
  }

  [Symbol.dispose](): void {
    for (const timer of this.backoffs.values()) clearTimeout(timer);
  }

  private endBackoff(partition: TopicPartition): void {
    clearTimeout(this.backoffs.get(partitionId(partition)));
    this.backoffs.delete(partitionId(partition));
    this.resume(partition, 'backoff');
  }
}
