export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Identifies a partition in maps and sets. */
export function partitionId({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`;
}
