/*
 * OffsetForLeaderEpoch (key 23), versions 2-4.
 *
 * - The only leader epoch is 0, which ends at the high watermark.
 * - A later epoch: epoch -1, offset -1.
 *
 * 3 replica id · 4 flexible
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { checkLeaderEpoch } from './01-fetch.js';
import { defineHandler } from './handler.js';

const LEADER_EPOCH = 0;

const request = t.struct({
  replicaId: t.since(3, t.int32, -2),
  topics: t.array(
    t.struct({
      topic: t.string,
      partitions: t.array(
        t.struct({ partition: t.int32, currentLeaderEpoch: t.int32, leaderEpoch: t.int32 }),
      ),
    }),
  ),
});

const response = t.struct({
  throttleTimeMs: t.int32,
  topics: t.array(
    t.struct({
      topic: t.string,
      partitions: t.array(
        t.struct({ errorCode: t.int16, partition: t.int32, leaderEpoch: t.int32, endOffset: t.int64 }),
      ),
    }),
  ),
});

export const offsetForLeaderEpoch = defineHandler({
  apiKey: 23,
  name: 'OffsetForLeaderEpoch',
  minVersion: 2,
  maxVersion: 4,
  flexibleFrom: 4,
  request,
  response,
  handle({ topics }, { store }) {
    const endOf = (topic: string, partition: number, current: number, leaderEpoch: number) => {
      try {
        checkLeaderEpoch(current);
        const log = store.partition(topic, partition);
        const known = leaderEpoch === LEADER_EPOCH;
        return {
          errorCode: ErrorCode.NONE,
          partition,
          leaderEpoch: known ? LEADER_EPOCH : -1,
          endOffset: known ? log.highWatermark : -1n,
        };
      } catch (error) {
        return { errorCode: codeOf(error), partition, leaderEpoch: -1, endOffset: -1n };
      }
    };
    return {
      throttleTimeMs: 0,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((each) =>
          endOf(topic, each.partition, each.currentLeaderEpoch, each.leaderEpoch),
        ),
      })),
    };
  },
});
