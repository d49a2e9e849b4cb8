/*
 * CreateTopics (key 19), versions 0-7.
 *
 * - Partitions -1: `num.partitions`. Replicas must be -1 or 1; more than one is INVALID_REPLICATION_FACTOR on one node.
 * - A manual assignment must assign partitions 0 to n-1 to this broker only.
 * - Answered once the topic is writable. `validateOnly` validates without creating.
 * - A topic that occurs twice in a request is an error for both.
 *
 * 1 validate only, messages · 2 throttle time · 5 flexible, counts and configs in the answer · 7 topic ids
 */
import { topicEntries } from '../config/config.js';
import { SettingError } from '../config/settings/settings.js';
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { checkNotInternal } from '../storage/topics/internal-topics.js';
import { repeatedIn } from './repeated.js';
import { defineHandler, type RequestContext } from './handler.js';

const request = t.struct({
  topics: t.array(
    t.struct({
      name: t.string,
      numPartitions: t.int32,
      replicationFactor: t.int16,
      assignments: t.array(t.struct({ partitionIndex: t.int32, brokerIds: t.array(t.int32) })),
      configs: t.array(t.struct({ name: t.string, value: t.nullableString })),
    }),
  ),
  timeoutMs: t.int32,
  validateOnly: t.since(1, t.boolean, false),
});

const response = t.struct({
  throttleTimeMs: t.since(2, t.int32, 0),
  topics: t.array(
    t.struct({
      name: t.string,
      topicId: t.since(7, t.uuid, t.NO_UUID),
      errorCode: t.int16,
      errorMessage: t.since(1, t.nullableString, null),
      numPartitions: t.since(5, t.int32, -1),
      replicationFactor: t.since(5, t.int16, -1),
      configs: t.since(
        5,
        t.nullableArray(
          t.struct({
            name: t.string,
            value: t.nullableString,
            readOnly: t.boolean,
            configSource: t.int8,
            isSensitive: t.boolean,
          }),
        ),
        [],
      ),
    }),
  ),
});

type TopicRequest = t.ValueOf<typeof request>['topics'][number];
type TopicAnswer = t.ValueOf<typeof response>['topics'][number];

export const createTopics = defineHandler({
  apiKey: 19,
  name: 'CreateTopics',
  minVersion: 0,
  maxVersion: 7,
  flexibleFrom: 5,
  request,
  response,
  async handle({ topics, validateOnly }, context) {
    const answers: TopicAnswer[] = [];
    const repeated = repeatedIn(topics.map(({ name }) => name));
    for (const topic of topics) {
      answers.push(await createOne(topic, { twice: repeated.has(topic.name), validateOnly }, context));
    }
    return { throttleTimeMs: 0, topics: answers };
  },
});

async function createOne(
  topic: TopicRequest,
  { twice, validateOnly }: { twice: boolean; validateOnly: boolean },
  context: RequestContext,
): Promise<TopicAnswer> {
  const { store, config, logger, clientId } = context;
  const { name } = topic;
  try {
    if (twice)
      throw new ProtocolError(
        ErrorCode.INVALID_REQUEST,
        `Topic '${name}' occurs more than once in the request.`,
      );
    checkNotInternal(name);
    const partitions = partitionsOf(topic, context);
    const settings = settingsOf(topic);
    if (validateOnly) store.checkNew(name, partitions, settings);
    const created = validateOnly ? undefined : await store.create(name, partitions, settings);
    if (created !== undefined) logger.info({ topic: name, partitions, settings, clientId }, 'topic created');
    return {
      name,
      topicId: created?.id ?? t.NO_UUID,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      numPartitions: partitions,
      replicationFactor: 1,
      configs: topicEntries(config, settings).map((entry) => ({
        name: entry.name,
        value: entry.value,
        readOnly: entry.readOnly,
        configSource: entry.source,
        isSensitive: false,
      })),
    };
  } catch (error) {
    const errorCode = error instanceof SettingError ? ErrorCode.INVALID_CONFIG : codeOf(error);
    if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR)
      logger.error({ err: error, topic: name }, 'topic creation failed');
    return {
      name,
      topicId: t.NO_UUID,
      errorCode,
      errorMessage: (error as Error).message,
      numPartitions: -1,
      replicationFactor: -1,
      configs: [],
    };
  }
}

function partitionsOf(topic: TopicRequest, { config, node }: RequestContext): number {
  const { numPartitions, replicationFactor, assignments } = topic;
  if (assignments.length > 0) {
    if (numPartitions !== -1 || replicationFactor !== -1) {
      throw new ProtocolError(
        ErrorCode.INVALID_REQUEST,
        'numPartitions and replicationFactor must be -1 with a manual assignment',
      );
    }
    const indexes = assignments.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b);
    const fits =
      indexes.every((index, i) => index === i) &&
      assignments.every(({ brokerIds }) => brokerIds.length === 1 && brokerIds[0] === node.id);
    if (fits) return assignments.length;
    throw new ProtocolError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `replicas must be on broker ${node.id}: the cluster has no other`,
    );
  }
  if (replicationFactor !== -1 && replicationFactor !== 1) {
    throw new ProtocolError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Replication factor: ${replicationFactor} larger than available brokers: 1.`,
    );
  }
  return numPartitions === -1 ? config.number('num.partitions') : numPartitions;
}

function settingsOf({ configs }: TopicRequest): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const { name, value } of configs) {
    if (value === null) throw new SettingError(`value of ${name} is null`);
    settings[name] = value;
  }
  return settings;
}
