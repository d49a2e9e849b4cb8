/*
 * OffsetCommit (key 8), versions 2-8.
 *
 * - Answered once the offsets are in the log. The offsets of a request are one batch.
 * - Generation -1 without a member id: allowed if the group has no members.
 * - Too long metadata (`offset.metadata.max.bytes`) or an unknown partition is an error of that partition alone.
 *
 * 3 throttle time · 5 no retention time · 6 leader epoch · 7 group instance id · 8 flexible
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

const request = t.struct({
  groupId: t.string,
  generationId: t.int32,
  memberId: t.string,
  groupInstanceId: t.since(7, t.nullableString, null),
  retentionTimeMs: t.versions({ first: 2, last: 4 }, t.int64, -1n),
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(
        t.struct({
          partitionIndex: t.int32,
          committedOffset: t.int64,
          committedLeaderEpoch: t.since(6, t.int32, -1),
          committedMetadata: t.nullableString,
        }),
      ),
    }),
  ),
});

const response = t.struct({
  throttleTimeMs: t.since(3, t.int32, 0),
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(t.struct({ partitionIndex: t.int32, errorCode: t.int16 })),
    }),
  ),
});

export const offsetCommit = defineHandler({
  apiKey: 8,
  name: 'OffsetCommit',
  minVersion: 2,
  maxVersion: 8,
  flexibleFrom: 8,
  request,
  response,
  reject: ({ topics }, errorCode) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }),
  async handle({ groupId, generationId, memberId, groupInstanceId, topics }, context) {
    const { coordinator, store, logger } = context;
    const rejection = (name: string, index: number, metadata: string | null) => {
      if (store.topic(name)?.partitions[index] === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      return coordinator.acceptsMetadata(metadata) ? ErrorCode.NONE : ErrorCode.OFFSET_METADATA_TOO_LARGE;
    };
    const commits = topics.flatMap(({ name, partitions }) =>
      partitions
        .filter((each) => rejection(name, each.partitionIndex, each.committedMetadata) === ErrorCode.NONE)
        .map((each) => ({
          topic: name,
          partition: each.partitionIndex,
          offset: each.committedOffset,
          leaderEpoch: each.committedLeaderEpoch,
          metadata: each.committedMetadata,
        })),
    );
    let groupError: number = ErrorCode.NONE;
    try {
      await coordinator.commit(groupId, { memberId, groupInstanceId, generationId }, commits);
    } catch (error) {
      groupError = codeOf(error);
      if (groupError === ErrorCode.UNKNOWN_SERVER_ERROR)
        logger.error({ err: error, groupId }, 'commit failed');
    }
    return {
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, committedMetadata }) => ({
          partitionIndex,
          errorCode: groupError || rejection(name, partitionIndex, committedMetadata),
        })),
      })),
    };
  },
});
