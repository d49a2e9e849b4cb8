import { partitionName } from '../../protocol/partition-name.js';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** The {@link partitionName} of a partition, as a key of maps and sets. */
export function partitionId({ topic, partition }: TopicPartition): string {
  return partitionName(topic, partition);
}
