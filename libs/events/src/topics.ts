/** A topic as it is made: see Kafka's topic configs for the keys of `configs`. */
export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Records that a consumer could not handle: untouched, with headers that say from where, why and how often it was tried. */
export const deadLetterTopic = { name: 'ride.dead-letter', partitions: 3 } as const satisfies TopicSpec;

export const telemetryTopic = { name: 'ride.telemetry', partitions: 12 } as const satisfies TopicSpec;
export const vehicleEventsTopic = {
  name: 'ride.vehicle-events',
  partitions: 12,
} as const satisfies TopicSpec;
export const riderEventsTopic = { name: 'ride.rider-events', partitions: 12 } as const satisfies TopicSpec;
export const tripsTopic = { name: 'ride.trips', partitions: 12 } as const satisfies TopicSpec;

/** Every topic of the system. */
export const allTopics: readonly TopicSpec[] = [
  telemetryTopic,
  vehicleEventsTopic,
  riderEventsTopic,
  tripsTopic,
  deadLetterTopic,
];
