import type { Admin } from '@hailstream/log';
import type { InspectedPartition } from '../positions/inspect.js';
import type { ResetTarget } from '../positions/reset-target.js';

/** Returns the offset of a bound in each partition of a topic. Offsets may be outside of the log. */
export async function boundOffsets(
  admin: Admin,
  partitions: readonly InspectedPartition[],
  bound: ResetTarget,
): Promise<ReadonlyMap<number, bigint>> {
  const [first] = partitions;
  const times =
    bound.kind === 'time' && first !== undefined
      ? await admin.offsetsAt(first.topic, bound.timestampMs)
      : undefined;
  return new Map(
    partitions.map(({ partition, earliest, stable }) => {
      switch (bound.kind) {
        case 'earliest':
          return [partition, earliest];
        case 'latest':
          return [partition, stable];
        case 'offset':
          return [partition, bound.offset];
        case 'time':
          return [partition, times?.get(partition) ?? stable];
      }
    }),
  );
}
