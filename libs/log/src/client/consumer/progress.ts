import { type TopicPartition, partitionId } from '../record/topic-partition.js';

/** How far reading has got, by partition, and how far it could get. Pure. */
export class Progress {
  private readonly handled = new Map<string, bigint>();
  private readonly ends = new Map<string, bigint>();

  /** Offset after the last record that was handled, by {@link partitionId}. */
  get reached(): ReadonlyMap<string, bigint> {
    return this.handled;
  }

  reach(partition: TopicPartition, nextOffset: bigint): void {
    this.handled.set(partitionId(partition), nextOffset);
  }

  /** The offset after the newest record there is: answers may come out of order, the newest record does not. */
  seeEnd(partition: TopicPartition, highWatermark: bigint): void {
    const id = partitionId(partition);
    const seen = this.ends.get(id);
    if (seen === undefined || highWatermark > seen) this.ends.set(id, highWatermark);
  }

  /** Starts anew: what is known may be of another log. */
  start(
    partition: TopicPartition,
    { offset, highWatermark }: { offset: bigint; highWatermark: bigint },
  ): void {
    this.handled.set(partitionId(partition), offset);
    this.ends.set(partitionId(partition), highWatermark);
  }

  lag(partitions: readonly TopicPartition[]): bigint {
    return partitions.reduce((sum, partition) => {
      const id = partitionId(partition);
      const behind = (this.ends.get(id) ?? 0n) - (this.handled.get(id) ?? 0n);
      return behind > 0n ? sum + behind : sum;
    }, 0n);
  }
}
