/** Name of a partition as Kafka prints it and names its folder: `topic-partition`. */
export function partitionName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}
