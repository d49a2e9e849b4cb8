/** The consumer group of batch: its members share the partitions of a load, and dead letters name it. */
export const GROUP_ID = 'hailstream-batch';
