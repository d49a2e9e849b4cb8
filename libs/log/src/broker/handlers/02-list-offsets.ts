/*
 * ListOffsets (key 2), versions 1-7.
 *
 * - Timestamp -1 is the end of the log, -2 its start, -3 the record with the largest timestamp (7).
 * - Other timestamps: the first record with this or a later timestamp, offset -1 if there is none.
 * - With read_committed the end is the last stable offset.
 *
 * 2 isolation level · 4 leader epoch · 6 flexible · 7 largest timestamp
 */
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import type { PartitionLog } from '../storage/partition/partition-log.js';
import { READ_COMMITTED, checkLeaderEpoch } from './01-fetch.js';
import { repeatedIn } from './repeated.js';
import { defineHandler } from './handler.js';
import { partitionName } from '../../protocol/topic-partition.js';

const LATEST = -1n;
const EARLIEST = -2n;
const LARGEST_TIMESTAMP = -3n;
const LEADER_EPOCH = 0;
const NOTHING = { offset: -1n, timestamp: -1n, leaderEpoch: -1 };

const request = t.struct({
  replicaId: t.int32,
  isolationLevel: t.since(2, t.int8, 0),
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(
        t.struct({
          partitionIndex: t.int32,
          currentLeaderEpoch: t.since(4, t.int32, -1),
          timestamp: t.int64,
        }),
      ),
    }),
  ),
});

const response = t.struct({
  throttleTimeMs: t.since(2, t.int32, 0),
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(
        t.struct({
          partitionIndex: t.int32,
          errorCode: t.int16,
          timestamp: t.int64,
          offset: t.int64,
          leaderEpoch: t.since(4, t.int32, -1),
        }),
      ),
    }),
  ),
});

export const listOffsets = defineHandler({
  apiKey: 2,
  name: 'ListOffsets',
  minVersion: 1,
  maxVersion: 7,
  flexibleFrom: 6,
  request,
  response,
  async handle({ isolationLevel, topics }, { store, logger }) {
    const twice = namedTwice(topics);
    const answerOf = async (name: string, partitionIndex: number, epoch: number, timestamp: bigint) => {
      try {
        if (twice.has(partitionName(name, partitionIndex))) {
          throw new ProtocolError(ErrorCode.INVALID_REQUEST, 'duplicate partition');
        }
        checkLeaderEpoch(epoch);
        const found = await find(
          store.partition(name, partitionIndex),
          timestamp,
          isolationLevel === READ_COMMITTED,
        );
        return { partitionIndex, errorCode: ErrorCode.NONE, ...found };
      } catch (error) {
        const errorCode = codeOf(error);
        if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) logger.error({ err: error }, 'list offsets failed');
        return { partitionIndex, errorCode, ...NOTHING };
      }
    };
    return {
      throttleTimeMs: 0,
      topics: await Promise.all(
        topics.map(async ({ name, partitions }) => ({
          name,
          partitions: await Promise.all(
            partitions.map((each) =>
              answerOf(name, each.partitionIndex, each.currentLeaderEpoch, each.timestamp),
            ),
          ),
        })),
      ),
    };
  },
});

/** Partitions that occur more than once in a request. */
function namedTwice(topics: t.ValueOf<typeof request>['topics']): ReadonlySet<string> {
  return repeatedIn(
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => partitionName(name, partitionIndex)),
    ),
  );
}

async function find(log: PartitionLog, timestamp: bigint, committed: boolean) {
  const end = committed ? log.lastStableOffset : log.highWatermark;
  if (timestamp === LATEST) return { offset: end, timestamp: -1n, leaderEpoch: LEADER_EPOCH };
  if (timestamp === EARLIEST)
    return { offset: log.logStartOffset, timestamp: -1n, leaderEpoch: LEADER_EPOCH };
  const found =
    timestamp === LARGEST_TIMESTAMP ? await log.offsetOfMaxTimestamp() : await log.offsetAtTime(timestamp);
  return found === undefined || found.offset >= end ? NOTHING : { ...found, leaderEpoch: LEADER_EPOCH };
}
