import type { KafkaAdmin } from '../admin/kafka-admin.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
import type { ConsumerGap, OffsetPolicy } from './consumer.js';

/** Where a consumer starts to read one partition. */
export interface StartPosition extends TopicPartition {
  readonly offset: bigint;
  /** Last stable offset. */
  readonly end: bigint;
  /** Whether the group has committed this offset, so that kafkajs starts there without a seek. */
  readonly isCommitted: boolean;
  /** The offsets that will not be read, if the log does not have the stored position. */
  readonly gap: ConsumerGap | undefined;
}

interface StartPositionsOptions {
  readonly admin: KafkaAdmin;
  readonly policy: OffsetPolicy;
  readonly groupId: string;
  /** How far this consumer has already read a partition. */
  readonly positionOf: (partition: TopicPartition) => bigint | undefined;
}

/** Determines where to start reading each of the assigned partitions. */
export async function startPositions(
  assigned: readonly TopicPartition[],
  options: StartPositionsOptions,
): Promise<StartPosition[]> {
  const topics = [...new Set(assigned.map(({ topic }) => topic))];
  const positions = await Promise.all(
    topics.map((topic) =>
      positionsInTopic(
        assigned.filter((one) => one.topic === topic),
        options,
      ),
    ),
  );
  return positions.flat();
}

async function positionsInTopic(
  assigned: readonly TopicPartition[],
  options: StartPositionsOptions,
): Promise<StartPosition[]> {
  const topic = assigned[0]?.topic;
  if (topic === undefined) return [];
  const { admin, policy, groupId, positionOf } = options;
  const offsets = await admin.offsets(topic);
  const stableOffsets = await admin.offsets(topic, { isolation: 'read_committed' });
  const committed = policy.kind === 'committed' ? await admin.committed(groupId, topic) : undefined;
  const since =
    policy.kind === 'everything-since' ? await admin.offsetsAt(topic, policy.timestampMs) : undefined;
  return Promise.all(
    assigned.map(async ({ partition }) => {
      const { earliest, latest } = offsets.get(partition) ?? { earliest: 0n, latest: 0n };
      const end = stableOffsets.get(partition)?.latest ?? latest;
      const bounds = { topic, partition, earliest, latest };
      const start = { topic, partition, end, isCommitted: false, gap: undefined };
      switch (policy.kind) {
        case 'committed': {
          const offset = committed?.get(partition);
          if (offset === undefined)
            return { ...start, offset: policy.startAt === 'earliest' ? earliest : end };
          const valid = validPosition(offset, bounds);
          return { ...start, ...valid, isCommitted: valid.gap === undefined };
        }
        case 'handler-owned': {
          const offset = await policy.position(topic, partition);
          return { ...start, ...validPosition(offset ?? earliest, bounds) };
        }
        case 'everything-since': {
          const begin = since?.get(partition) ?? latest;
          const offset = positionOf({ topic, partition }) ?? policy.position?.(topic, partition) ?? begin;
          return { ...start, ...validPosition(offset, { ...bounds, begin }) };
        }
      }
    }),
  );
}

/** A position that the log has, and the gap before it if it differs from the requested position. */
export interface ValidPosition {
  readonly offset: bigint;
  readonly gap: ConsumerGap | undefined;
}

/**
 * Replaces a position that the log does not have. Below the log's start, reading continues at its first record. Beyond its
 * end, the position belongs to another log or to records that were lost, so nothing in this log counts as read: reading
 * restarts at its first record, or at `begin` if the reader wants no older ones.
 */
export function validPosition(
  offset: bigint,
  {
    topic,
    partition,
    earliest,
    latest,
    begin = earliest,
  }: TopicPartition & { readonly earliest: bigint; readonly latest: bigint; readonly begin?: bigint },
): ValidPosition {
  if (offset >= earliest && offset <= latest) return { offset, gap: undefined };
  const cause = offset < earliest ? 'log-start' : 'log-end';
  const found = cause === 'log-start' ? earliest : begin;
  return { offset: found, gap: { topic, partition, expected: offset, found, cause } };
}
