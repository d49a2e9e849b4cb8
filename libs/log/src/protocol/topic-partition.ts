export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/**
 * The name of a partition in Kafka's format, which is also the name of its folder: `topic-partition`. A negative number, as
 * a request may contain, is in parentheses, so that no two partitions have the same name.
 */
export function partitionName(topic: string, partition: number): string {
  return partition < 0 ? `${topic}-(${partition})` : `${topic}-${partition}`;
}

/** The {@link partitionName} of a partition, as a key of maps and sets. */
export function partitionId({ topic, partition }: TopicPartition): string {
  return partitionName(topic, partition);
}
