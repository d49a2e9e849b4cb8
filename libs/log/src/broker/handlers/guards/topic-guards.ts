import { ErrorCode } from '../../../protocol/error-codes.js';
import { LAST_FETCH_WITH_NAMES } from '../../../protocol/fetch.js';
import { OPERATIONS_NOT_ASKED, type TopicMetadata } from '../../../protocol/metadata.js';
import { NO_UUID } from '../../../protocol/schema.js';
import { produce, UnacknowledgedError } from '../00-produce.js';
import { fetch } from '../01-fetch.js';
import { listOffsets } from '../02-list-offsets.js';
import { metadata } from '../03-metadata.js';
import { deleteRecords } from '../21-delete-records.js';
import { offsetForLeaderEpoch } from '../23-offset-for-leader-epoch.js';
import { describeProducers } from '../61-describe-producers.js';
import type { Access } from '../../security/access/authorizer.js';
import { clusterOperations, topicOperations } from '../authorized-operations.js';
import type { RequestContext } from '../handler.js';
import { divide, guard, rejected, type AnyGuard } from './guard.js';

const DENIED = ErrorCode.TOPIC_AUTHORIZATION_FAILED;

/** Guards of the APIs that read and write topics. */
export const TOPIC_GUARDS: readonly (readonly [number, AnyGuard])[] = [
  guard(produce, async ({ request, access, proceed }) => {
    const { transactionalId, topics, acks } = request;
    const mayUseId = transactionalId === null || access.may('Write', 'transactional-id', transactionalId);
    const [allowed, denied] = divide(topics, ({ name }) => mayUseId && access.may('Write', 'topic', name));
    if (denied.length === 0) return proceed(request);
    const code = mayUseId ? DENIED : ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    const answer = allowed.length === 0 ? undefined : await proceed({ ...request, topics: allowed });
    if (acks === 0) throw new UnacknowledgedError('the principal may not write to the topic');
    const refused = rejected(produce, { ...request, topics: denied }, code);
    return { ...refused, topics: [...(answer?.topics ?? []), ...refused.topics] };
  }),
  guard(fetch, async ({ request, context, access, proceed }) => {
    const [allowed, denied] = divide(request.topics, (topic) => {
      const name = fetchedName(topic, context);
      return name === undefined || access.may('Read', 'topic', name);
    });
    if (denied.length === 0) return proceed(request);
    // Errors are returned at once.
    const answer = await proceed({ ...request, topics: allowed, maxWaitMs: 0 });
    const refused = rejected(fetch, { ...request, topics: denied }, DENIED);
    return { ...refused, ...answer, topics: [...(answer?.topics ?? []), ...refused.topics] };
  }),
  guard(listOffsets, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.topics, ({ name }) => access.may('Describe', 'topic', name));
    const answer = await proceed({ ...request, topics: allowed });
    const refused = denied.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: DENIED,
        timestamp: -1n,
        offset: -1n,
        leaderEpoch: -1,
      })),
    }));
    return { throttleTimeMs: 0, topics: [...(answer?.topics ?? []), ...refused] };
  }),
  guard(metadata, async ({ request, context, access, proceed }) => {
    const answer = await describeTopics({ request, context, access, proceed });
    if (answer === undefined) return undefined;
    return {
      ...answer,
      topics: answer.topics.map((topic) =>
        request.includeTopicAuthorizedOperations && topic.errorCode === ErrorCode.NONE
          ? { ...topic, topicAuthorizedOperations: topicOperations(access, topic.name ?? '') }
          : topic,
      ),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? clusterOperations(access)
        : OPERATIONS_NOT_ASKED,
    };
  }),
  guard(deleteRecords, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.topics, ({ name }) => access.may('Delete', 'topic', name));
    const answer = await proceed({ ...request, topics: allowed });
    const refused = denied.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        lowWatermark: -1n,
        errorCode: DENIED,
      })),
    }));
    return { throttleTimeMs: 0, topics: [...(answer?.topics ?? []), ...refused] };
  }),
  guard(offsetForLeaderEpoch, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.topics, ({ topic }) => access.may('Describe', 'topic', topic));
    const answer = await proceed({ ...request, topics: allowed });
    const refused = denied.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({
        errorCode: DENIED,
        partition,
        leaderEpoch: -1,
        endOffset: -1n,
      })),
    }));
    return { throttleTimeMs: 0, topics: [...(answer?.topics ?? []), ...refused] };
  }),
  guard(describeProducers, async ({ request, access, proceed }) => {
    const [allowed, denied] = divide(request.topics, ({ name }) => access.may('Read', 'topic', name));
    const answer = await proceed({ ...request, topics: allowed });
    const refused = denied.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: DENIED,
        errorMessage: 'the principal may not read the topic',
        activeProducers: [],
      })),
    }));
    return { throttleTimeMs: 0, topics: [...(answer?.topics ?? []), ...refused] };
  }),
];

/** @returns undefined for an unknown id, which is an error of its own */
function fetchedName(
  { topic, topicId }: { readonly topic: string; readonly topicId: string },
  { store, apiVersion }: RequestContext,
): string | undefined {
  return apiVersion > LAST_FETCH_WITH_NAMES ? store.topicById(topicId)?.name : topic;
}

type MetadataGuarded = Parameters<Extract<MetadataCheck, (...args: never) => unknown>>[0];
type MetadataCheck = Parameters<typeof guard<MetadataRequest, MetadataAnswer>>[1];
type MetadataRequest = Parameters<typeof metadata.handle>[0];
type MetadataAnswer = Exclude<Awaited<ReturnType<typeof metadata.handle>>, undefined>;

/** All topics: those that the principal may describe. Requested topics: an error for the others. */
async function describeTopics({ request, context, access, proceed }: MetadataGuarded) {
  const { topics } = request;
  const all = topics === null || (context.apiVersion === 0 && topics.length === 0);
  if (all) {
    const answer = await proceed(request);
    const visible = answer?.topics.filter(({ name }) => access.may('Describe', 'topic', name ?? ''));
    return answer === undefined ? undefined : { ...answer, topics: visible ?? [] };
  }
  const [allowed, denied] = divide(topics, ({ name, topicId }) =>
    mayDescribe({ name, topicId }, context, access),
  );
  // A topic that does not exist would be created.
  const [known, missing] = divide(
    allowed,
    ({ name }) => name === null || context.store.topic(name) !== undefined,
  );
  const [creatable, others] = divide(
    missing,
    ({ name }) => access.mayCluster('Create') || access.may('Create', 'topic', name ?? ''),
  );
  const mayCreate = request.allowAutoTopicCreation && context.config.boolean('auto.create.topics.enable');
  const refused = mayCreate ? [...denied, ...others] : denied;
  const described = mayCreate ? [...known, ...creatable] : allowed;
  // In version 0 an empty list means all topics.
  const answer = await proceed({ ...request, topics: described.length === 0 ? [] : described });
  if (answer === undefined) return undefined;
  const visible = described.length === 0 ? [] : answer.topics;
  return { ...answer, topics: [...visible, ...refused.map(refusedTopic)] };
}

function mayDescribe(
  { name, topicId }: { readonly name: string | null; readonly topicId: string },
  { store }: RequestContext,
  access: Access,
): boolean {
  const described = name ?? store.topicById(topicId)?.name;
  return described === undefined || access.may('Describe', 'topic', described);
}

/** Topics by id are unknown to principals that may not describe them. */
function refusedTopic({
  name,
  topicId,
}: {
  readonly name: string | null;
  readonly topicId: string;
}): TopicMetadata {
  return {
    errorCode: name === null ? ErrorCode.UNKNOWN_TOPIC_ID : DENIED,
    name,
    topicId: name === null ? topicId : NO_UUID,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
  };
}
