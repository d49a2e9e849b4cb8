/*
 * OffsetDelete (key 47), version 0.
 *
 * - Removes committed offsets of a group.
 * - Topics that members of a consumer group are subscribed to: GROUP_SUBSCRIBED_TO_TOPIC.
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { subscribedTopics } from '../groups/membership/subscription.js';
import { defineHandler } from './handler.js';

const request = t.struct({
  groupId: t.string,
  topics: t.array(t.struct({ name: t.string, partitions: t.array(t.struct({ partitionIndex: t.int32 })) })),
});

const response = t.struct({
  errorCode: t.int16,
  throttleTimeMs: t.int32,
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(t.struct({ partitionIndex: t.int32, errorCode: t.int16 })),
    }),
  ),
});

export const offsetDelete = defineHandler({
  apiKey: 47,
  name: 'OffsetDelete',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: Infinity,
  request,
  response,
  async handle({ groupId, topics }, { coordinator, store }) {
    const group = coordinator.group(groupId);
    const subscribed = group === undefined ? new Set<string>() : subscribedTopics(group);
    const rejection = (name: string, index: number) => {
      if (store.topic(name)?.partitions[index] === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      return (subscribed?.has(name) ?? true) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE;
    };
    const deletions = topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ partitionIndex }) => rejection(name, partitionIndex) === ErrorCode.NONE)
        .map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
    );
    const errorCode = await coordinator.deleteOffsets(groupId, deletions).then(() => ErrorCode.NONE, codeOf);
    const answered = errorCode === ErrorCode.NONE ? topics : [];
    return {
      errorCode,
      throttleTimeMs: 0,
      topics: answered.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: rejection(name, partitionIndex),
        })),
      })),
    };
  },
});
