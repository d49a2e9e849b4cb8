/*
 * OffsetFetch (key 9), versions 1-8.
 *
 * - Without a committed offset, or without the group: offset -1, no error.
 * - Topics null (2): all committed offsets of the group.
 * - Require stable (7): UNSTABLE_OFFSET_COMMIT while an open transaction has committed an offset for the partition.
 *
 * 2 all topics, error of the group · 3 throttle time · 5 leader epoch · 6 flexible · 7 require stable ·
 * 8 several groups at once
 */
import { ErrorCode } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import type { GroupCoordinator } from '../groups/coordinator.js';
import { defineHandler } from './handler.js';
import { uniqueBy } from './repeated.js';

const topicsAsked = t.nullableArray(t.struct({ name: t.string, partitionIndexes: t.array(t.int32) }));

const request = t.struct({
  groupId: t.versions({ last: 7 }, t.string, ''),
  topics: t.versions({ last: 7 }, topicsAsked, []),
  groups: t.since(8, t.array(t.struct({ groupId: t.string, topics: topicsAsked })), []),
  requireStable: t.since(7, t.boolean, false),
});

const topicAnswers = t.array(
  t.struct({
    name: t.string,
    partitions: t.array(
      t.struct({
        partitionIndex: t.int32,
        committedOffset: t.int64,
        committedLeaderEpoch: t.since(5, t.int32, -1),
        metadata: t.nullableString,
        errorCode: t.int16,
      }),
    ),
  }),
);

const response = t.struct({
  throttleTimeMs: t.since(3, t.int32, 0),
  topics: t.versions({ last: 7 }, topicAnswers, []),
  errorCode: t.versions({ first: 2, last: 7 }, t.int16, 0),
  groups: t.since(8, t.array(t.struct({ groupId: t.string, topics: topicAnswers, errorCode: t.int16 })), []),
});

type TopicsAsked = t.ValueOf<typeof topicsAsked>;
type TopicAnswers = t.ValueOf<typeof topicAnswers>;

export const offsetFetch = defineHandler({
  apiKey: 9,
  name: 'OffsetFetch',
  minVersion: 1,
  maxVersion: 8,
  flexibleFrom: 6,
  request,
  response,
  handle({ groupId, topics, groups, requireStable }, { coordinator, apiVersion }) {
    const errorCode = ErrorCode.NONE;
    if (apiVersion < 8) {
      return {
        throttleTimeMs: 0,
        topics: committed(coordinator, { groupId, topics, requireStable }),
        errorCode,
        groups: [],
      };
    }
    return {
      throttleTimeMs: 0,
      topics: [],
      errorCode,
      groups: uniqueBy(groups, (group) => group.groupId).map((group) => ({
        groupId: group.groupId,
        topics: committed(coordinator, { ...group, requireStable }),
        errorCode,
      })),
    };
  },
});

function committed(
  coordinator: GroupCoordinator,
  { groupId, topics, requireStable }: { groupId: string; topics: TopicsAsked; requireStable: boolean },
): TopicAnswers {
  return (topics ?? everything(coordinator, groupId)).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const unstable = requireStable && coordinator.isUnstable(groupId, name, partitionIndex);
      const found = unstable ? undefined : coordinator.committed(groupId, name, partitionIndex);
      return {
        partitionIndex,
        committedOffset: found?.offset ?? -1n,
        committedLeaderEpoch: found?.leaderEpoch ?? -1,
        metadata: found?.metadata ?? '',
        errorCode: unstable ? ErrorCode.UNSTABLE_OFFSET_COMMIT : ErrorCode.NONE,
      };
    }),
  }));
}

function everything(coordinator: GroupCoordinator, groupId: string): NonNullable<TopicsAsked> {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of coordinator.allCommitted(groupId)) {
    const partitions = byTopic.get(topic);
    if (partitions === undefined) byTopic.set(topic, [partition]);
    else partitions.push(partition);
  }
  return [...byTopic].map(([name, partitionIndexes]) => ({ name, partitionIndexes }));
}
