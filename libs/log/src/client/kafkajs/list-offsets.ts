import { LogError } from '../core/errors.js';
import type { KafkajsBroker } from './cluster.js';

/** Kafka's numbers. */
export const ISOLATION_LEVELS = { read_uncommitted: 0, read_committed: 1 } as const;
const EARLIEST = -2;
const LATEST = -1;
/** Returned if no record has the timestamp or a later one. */
const NO_OFFSET = -1n;

export type Isolation = keyof typeof ISOLATION_LEVELS;

/** A position in a partition: its start, its end, or the first record with this or a later timestamp. */
export type OffsetBound = 'earliest' | 'latest' | { readonly timestampMs: number };

/**
 * The offset of a bound in each partition, from the leader of the partitions; undefined for a timestamp that is later than
 * all records.
 *
 * @throws LogError `UNAVAILABLE`, retryable, if the broker leaves out a partition; errors of kafkajs
 */
export async function listOffsets(
  broker: Pick<KafkajsBroker, 'listOffsets'>,
  {
    topic,
    isolation,
    bounds,
  }: {
    /** Name in the cluster, with the prefix. */
    readonly topic: string;
    readonly isolation: Isolation;
    readonly bounds: ReadonlyMap<number, OffsetBound>;
  },
): Promise<Map<number, bigint | undefined>> {
  const partitions = [...bounds].map(([partition, bound]) => ({ partition, timestamp: timestampOf(bound) }));
  const { responses } = await broker.listOffsets({
    isolationLevel: ISOLATION_LEVELS[isolation],
    topics: [{ topic, partitions }],
  });
  const offsets = responses.flatMap((response) => response.partitions);
  const found = new Map(offsets.map(({ partition, offset }) => [partition, BigInt(offset)]));
  return new Map(
    [...bounds].map(([partition, bound]) => {
      const offset = found.get(partition);
      // A partition without its bounds would be taken for an empty one.
      if (offset === undefined || (offset === NO_OFFSET && typeof bound === 'string')) {
        throw new LogError(
          'UNAVAILABLE',
          `no offset returned for partition ${partition} of "${topic}"`,
          true,
        );
      }
      return [partition, offset === NO_OFFSET ? undefined : offset] as const;
    }),
  );
}

function timestampOf(bound: OffsetBound): number {
  if (bound === 'earliest') return EARLIEST;
  return bound === 'latest' ? LATEST : bound.timestampMs;
}
