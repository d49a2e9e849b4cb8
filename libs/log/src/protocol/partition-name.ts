/** The name of a partition in Kafka's format, which is also the name of its folder: `topic-partition`. */
export function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}
