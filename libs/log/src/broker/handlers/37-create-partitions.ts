/*
 * CreatePartitions (key 37), versions 0-3.
 *
 * - Adds partitions. A count that is not larger than the present one is INVALID_PARTITIONS.
 * - A manual assignment must name this broker only.
 *
 * 2 flexible
 */
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { checkNotInternal } from '../storage/topics/internal-topics.js';
import { repeatedIn } from './repeated.js';
import { defineHandler, type RequestContext } from './handler.js';

const request = t.struct({
  topics: t.array(
    t.struct({
      name: t.string,
      count: t.int32,
      assignments: t.nullableArray(t.struct({ brokerIds: t.array(t.int32) })),
    }),
  ),
  timeoutMs: t.int32,
  validateOnly: t.boolean,
});

const response = t.struct({
  throttleTimeMs: t.int32,
  results: t.array(t.struct({ name: t.string, errorCode: t.int16, errorMessage: t.nullableString })),
});

type TopicRequest = t.ValueOf<typeof request>['topics'][number];

export const createPartitions = defineHandler({
  apiKey: 37,
  name: 'CreatePartitions',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 2,
  request,
  response,
  async handle({ topics, validateOnly }, context) {
    const results = [];
    const repeated = repeatedIn(topics.map(({ name }) => name));
    for (const topic of topics) {
      try {
        if (repeated.has(topic.name)) {
          throw new ProtocolError(
            ErrorCode.INVALID_REQUEST,
            `Topic '${topic.name}' occurs more than once in the request.`,
          );
        }
        check(topic, context);
        if (!validateOnly) {
          await context.store.grow(topic.name, topic.count);
          const { logger, clientId } = context;
          logger.info({ topic: topic.name, partitions: topic.count, clientId }, 'partitions created');
        }
        results.push({ name: topic.name, errorCode: ErrorCode.NONE, errorMessage: null });
      } catch (error) {
        const errorCode = codeOf(error);
        if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
          context.logger.error({ err: error, topic: topic.name }, 'create partitions failed');
        }
        results.push({ name: topic.name, errorCode, errorMessage: (error as Error).message });
      }
    }
    return { throttleTimeMs: 0, results };
  },
});

function check({ name, count, assignments }: TopicRequest, { store, node }: RequestContext): void {
  const topic = store.topic(name);
  if (topic === undefined) {
    throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic.');
  }
  checkNotInternal(name);
  const { length } = topic.partitions;
  if (count <= length) {
    throw new ProtocolError(
      ErrorCode.INVALID_PARTITIONS,
      `The topic currently has ${length} partition(s); ${count} would not be an increase.`,
    );
  }
  if (assignments === null) return;
  const fits =
    assignments.length === count - length &&
    assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === node.id);
  if (!fits) {
    throw new ProtocolError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `replicas must be on broker ${node.id}: the cluster has no other`,
    );
  }
}
