/** A topic to create. The keys of `configs` are those of Kafka's topic configs. */
export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Records that a consumer could not handle, unchanged; headers carry their origin, the reason and the number of attempts. */
export const deadLetterTopic = { name: 'ride.dead-letter', partitions: 3 } as const satisfies TopicSpec;
