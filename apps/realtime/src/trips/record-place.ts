/** The offset of a record of a trip, with its topic and partition in one number: a trip has many, and a city many trips. */
export type RecordPlace = number;

/** The topics with records of trips. */
export const tripTopics = ['ride.vehicle-events', 'ride.rider-events', 'ride.trips'] as const;

/** Maximum number of partitions of a topic whose records are found again. */
const MAX_PARTITIONS = 512;

const PARTITIONS_OF_ALL = MAX_PARTITIONS * tripTopics.length;

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** `null` if the topic has too many partitions, or the offset is beyond 2^42. */
export function placeOf({ topic, partition, offset }: Place): RecordPlace | null {
  const index = tripTopics.findIndex((known) => known === topic);
  const place = offset * PARTITIONS_OF_ALL + index * MAX_PARTITIONS + partition;
  return index === -1 || partition >= MAX_PARTITIONS || !Number.isSafeInteger(place) ? null : place;
}

export function placeAt(place: RecordPlace): Place {
  const rest = place % PARTITIONS_OF_ALL;
  return {
    topic: tripTopics[Math.floor(rest / MAX_PARTITIONS)]!,
    partition: rest % MAX_PARTITIONS,
    offset: Math.floor(place / PARTITIONS_OF_ALL),
  };
}
