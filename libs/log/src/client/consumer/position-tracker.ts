import { partitionId, type TopicPartition } from '../../protocol/topic-partition.js';
import type { PartitionLag } from './consumer.js';

interface Tracked {
  position: bigint;
  /** Last stable offset, as far as it is known. */
  end: bigint;
}

/** Positions and ends of the partitions that a consumer reads. Pure. */
export class PositionTracker {
  private readonly partitions = new Map<string, Tracked>();
  /** Number of calls of {@link reset}. */
  private resetCount = 0;

  /** The offset of the next record to be handled; `undefined` before the first {@link reset}. */
  positionOf(partition: TopicPartition): bigint | undefined {
    return this.partitions.get(partitionId(partition))?.position;
  }

  /** Sets position and end, which may be those of another log. */
  reset(partition: TopicPartition, { offset, end }: { readonly offset: bigint; readonly end: bigint }): void {
    this.resetCount += 1;
    this.partitions.set(partitionId(partition), { position: offset, end });
  }

  /** Every record before `nextOffset` was handled. */
  advance(partition: TopicPartition, nextOffset: bigint): void {
    const tracked = this.partitions.get(partitionId(partition));
    if (tracked) tracked.position = nextOffset;
  }

  /** Raises the end. A lower end is from an older response; only {@link reset} lowers it. */
  observeEnd(partition: TopicPartition, end: bigint): void {
    const tracked = this.partitions.get(partitionId(partition));
    if (tracked && end > tracked.end) tracked.end = end;
  }

  /** Returns {@link observeEnd} for ends that are requested now: it ignores them if a reset comes before the answer. */
  endObserver(): PositionTracker['observeEnd'] {
    const { resetCount } = this;
    return (partition, end) => {
      if (this.resetCount === resetCount) this.observeEnd(partition, end);
    };
  }

  /** The lag of those of the partitions whose position is known. */
  lag(partitions: readonly TopicPartition[]): PartitionLag[] {
    return partitions.flatMap(({ topic, partition }) => {
      const tracked = this.partitions.get(partitionId({ topic, partition }));
      if (!tracked) return [];
      const { position, end } = tracked;
      const records = end > position ? end - position : 0n;
      return [{ topic, partition, position, highWatermark: end, records }];
    });
  }
}
