import type { KafkajsAdmin } from '../admin/kafka-admin.js';
import { type TopicPartition, partitionId } from '../record/topic-partition.js';
import type { ConsumerGap, OffsetPolicy } from './consumer.js';

/** Where reading one partition starts. */
export interface StartPosition extends TopicPartition {
  readonly offset: bigint;
  /** Offset after the newest record that can be read. */
  readonly highWatermark: bigint;
  /** Whether kafkajs would find this offset by itself, because the group committed it. */
  readonly isCommitted: boolean;
  /** What will never be read, if the log does not have the position that was remembered. */
  readonly gap: ConsumerGap | undefined;
}

export interface StartPositionsOptions {
  readonly admin: KafkajsAdmin;
  readonly policy: OffsetPolicy;
  readonly groupId: string;
  /** Where this consumer itself has got to, by {@link partitionId}. */
  readonly reached: ReadonlyMap<string, bigint>;
}

/** Finds where reading starts, for each partition that was assigned. */
export async function startPositions(
  assigned: readonly TopicPartition[],
  options: StartPositionsOptions,
): Promise<StartPosition[]> {
  const topics = [...new Set(assigned.map(({ topic }) => topic))];
  const found = await Promise.all(
    topics.map((topic) =>
      positionsInTopic(
        assigned.filter((one) => one.topic === topic),
        options,
      ),
    ),
  );
  return found.flat();
}

async function positionsInTopic(
  assigned: readonly TopicPartition[],
  options: StartPositionsOptions,
): Promise<StartPosition[]> {
  const topic = assigned[0]?.topic;
  if (topic === undefined) return [];
  const { admin, policy, groupId, reached } = options;
  const ends = await admin.offsets(topic);
  const readable = await admin.offsets(topic, { isolation: 'read_committed' });
  const committed = policy.kind === 'committed' ? await admin.committed(groupId, topic) : undefined;
  const since =
    policy.kind === 'everything-since' ? await admin.offsetsAt(topic, policy.timestampMs) : undefined;
  return Promise.all(
    assigned.map(async ({ partition }) => {
      const { earliest, latest } = ends.get(partition) ?? { earliest: 0n, latest: 0n };
      const highWatermark = readable.get(partition)?.latest ?? latest;
      const bounds = { topic, partition, earliest, latest };
      const start = { topic, partition, highWatermark, isCommitted: false, gap: undefined };
      switch (policy.kind) {
        case 'committed': {
          const offset = committed?.get(partition);
          if (offset === undefined)
            return { ...start, offset: policy.startAt === 'earliest' ? earliest : highWatermark };
          const placed = placeInLog(offset, bounds);
          return { ...start, ...placed, isCommitted: placed.gap === undefined };
        }
        case 'handler-owned': {
          const offset = await policy.position(topic, partition);
          return { ...start, ...placeInLog(offset ?? earliest, bounds) };
        }
        case 'everything-since': {
          const begin = since?.get(partition) ?? latest;
          const offset = reached.get(partitionId({ topic, partition })) ?? begin;
          return { ...start, ...placeInLog(offset, { ...bounds, begin }) };
        }
      }
    }),
  );
}

/** A place in the log, and the gap before it if that is not the place that was asked for. */
export interface Placement {
  readonly offset: bigint;
  readonly gap: ConsumerGap | undefined;
}

/**
 * Where reading goes on from a position that the log may not have any more: at the first record that it still has. A
 * position beyond its end is one of another log, or of a part that was lost: nothing of what there is can be taken for
 * read, so it is read from the start, or from `begin` if the reader wants no older records.
 */
export function placeInLog(
  offset: bigint,
  {
    topic,
    partition,
    earliest,
    latest,
    begin = earliest,
  }: TopicPartition & { readonly earliest: bigint; readonly latest: bigint; readonly begin?: bigint },
): Placement {
  if (offset >= earliest && offset <= latest) return { offset, gap: undefined };
  const cause = offset < earliest ? 'log-start' : 'log-end';
  const found = cause === 'log-start' ? earliest : begin;
  return { offset: found, gap: { topic, partition, expected: offset, found, cause } };
}
