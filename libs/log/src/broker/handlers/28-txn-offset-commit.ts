/*
 * TxnOffsetCommit (key 28), versions 0-3.
 *
 * - The offsets take effect when the transaction is committed. Until then they are unstable for OffsetFetch.
 * - The offsets partition must be part of the transaction (AddOffsetsToTxn).
 * - Possible during a rebalance. A member id and a generation (3) must be those of the group.
 *
 * 2 leader epoch · 3 member, generation and group instance id, flexible
 */
import { OFFSETS_PARTITION, OFFSETS_TOPIC } from '../groups/offsets/offsets-log.js';
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { verifyPart } from './fencing.js';
import { defineHandler, type RequestContext } from './handler.js';

const request = t.struct({
  transactionalId: t.string,
  groupId: t.string,
  producerId: t.int64,
  producerEpoch: t.int16,
  generationId: t.since(3, t.int32, -1),
  memberId: t.since(3, t.string, ''),
  groupInstanceId: t.since(3, t.nullableString, null),
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(
        t.struct({
          partitionIndex: t.int32,
          committedOffset: t.int64,
          committedLeaderEpoch: t.since(2, t.int32, -1),
          committedMetadata: t.nullableString,
        }),
      ),
    }),
  ),
});

const response = t.struct({
  throttleTimeMs: t.int32,
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(t.struct({ partitionIndex: t.int32, errorCode: t.int16 })),
    }),
  ),
});

type Request = t.ValueOf<typeof request>;

export const txnOffsetCommit = defineHandler({
  apiKey: 28,
  name: 'TxnOffsetCommit',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 3,
  request,
  response,
  reject: (asked, errorCode) => answer(asked, () => errorCode),
  async handle(asked, context) {
    const { coordinator, store } = context;
    const rejection = (name: string, index: number, metadata: string | null) => {
      if (store.topic(name)?.partitions[index] === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      return coordinator.acceptsMetadata(metadata) ? ErrorCode.NONE : ErrorCode.OFFSET_METADATA_TOO_LARGE;
    };
    const groupError = await commit(asked, rejection, context);
    return answer(asked, (name, index, metadata) => groupError || rejection(name, index, metadata));
  },
});

async function commit(
  asked: Request,
  rejection: (name: string, index: number, metadata: string | null) => number,
  { coordinator, transactions, logger }: RequestContext,
): Promise<number> {
  const { groupId, generationId, memberId, groupInstanceId, transactionalId, producerId, producerEpoch } =
    asked;
  const commits = asked.topics.flatMap(({ name, partitions }) =>
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
  const producer = { producerId, producerEpoch };
  try {
    verifyPart(() =>
      transactions.verify(transactionalId, producer, { topic: OFFSETS_TOPIC, partition: OFFSETS_PARTITION }),
    );
    const member = { memberId, groupInstanceId, generationId };
    await coordinator.commitInTransaction(groupId, member, producer, commits);
    return ErrorCode.NONE;
  } catch (error) {
    const errorCode = codeOf(error);
    if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
      logger.error({ err: error, groupId, transactionalId }, 'transactional offset commit failed');
    }
    return errorCode;
  }
}

function answer(
  { topics }: Request,
  codeFor: (name: string, index: number, metadata: string | null) => number,
) {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, committedMetadata }) => ({
        partitionIndex,
        errorCode: codeFor(name, partitionIndex, committedMetadata),
      })),
    })),
  };
}
