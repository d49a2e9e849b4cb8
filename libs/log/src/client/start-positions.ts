import type { Logger } from 'pino';
import type { OffsetPolicy, TopicPartition } from './consumer.js';
import { partitionId } from './holds.js';
import type { KafkajsAdmin } from './kafkajs-admin.js';

/** Where reading one partition starts. */
export interface StartPosition extends TopicPartition {
  readonly offset: bigint;
  /** Offset after the newest record. */
  readonly highWatermark: bigint;
  /** Whether kafkajs would find this offset by itself, because the group committed it. */
  readonly isCommitted: boolean;
}

export interface StartPositionsOptions {
  readonly admin: KafkajsAdmin;
  readonly policy: OffsetPolicy;
  readonly groupId: string;
  readonly logger: Logger;
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
  const ends = await admin.offsets(topic, { isolation: 'read_committed' });
  const committed = policy.kind === 'committed' ? await admin.committed(groupId, topic) : undefined;
  const since =
    policy.kind === 'everything-since' ? await admin.offsetsAt(topic, policy.timestampMs) : undefined;
  return Promise.all(
    assigned.map(async ({ partition }) => {
      const { earliest, latest } = ends.get(partition) ?? { earliest: 0n, latest: 0n };
      const start = { topic, partition, highWatermark: latest, isCommitted: false };
      switch (policy.kind) {
        case 'committed': {
          const offset = committed?.get(partition);
          if (offset !== undefined) return { ...start, offset, isCommitted: true };
          return { ...start, offset: policy.startAt === 'earliest' ? earliest : latest };
        }
        case 'handler-owned': {
          const offset = await policy.position(topic, partition);
          return {
            ...start,
            offset: inLog(offset ?? earliest, { ...start, earliest, latest }, options.logger),
          };
        }
        case 'everything-since': {
          const offset = reached.get(partitionId({ topic, partition })) ?? since?.get(partition) ?? latest;
          return { ...start, offset: inLog(offset, { ...start, earliest, latest }, options.logger) };
        }
      }
    }),
  );
}

/** Read from elsewhere, an offset may lie in a part of the log that is gone, or in a log that is not this one. */
function inLog(
  offset: bigint,
  { topic, partition, earliest, latest }: TopicPartition & { earliest: bigint; latest: bigint },
  logger: Logger,
): bigint {
  if (offset >= earliest && offset <= latest) return offset;
  logger.warn(
    { topic, partition, wanted: String(offset), earliest: String(earliest), latest: String(latest) },
    'the log no longer has this position: reading starts at the earliest record',
  );
  return earliest;
}
