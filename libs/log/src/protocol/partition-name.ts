/**
 * The name of a partition in Kafka's format, which is also the name of its folder: `topic-partition`. A negative number, as
 * a request may contain, is in parentheses, so that no two partitions have the same name.
 */
export function partitionName(topic: string, partition: number): string {
  return partition < 0 ? `${topic}-(${partition})` : `${topic}-${partition}`;
}
