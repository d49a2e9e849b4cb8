/*
 * TxnOffsetCommit (key 28), versions 0-3.
 *
 * - The offsets take effect when the transaction is committed. Until then they are unstable for OffsetFetch.
 * - The offsets partition must be part of the transaction (AddOffsetsToTxn).
 * - Possible during a rebalance. A member id and a generation (3) must be those of the group.
 *
 * 2 leader epoch · 3 member, generation and group instance id, flexible
 */
import { OFFSETS_PARTITION } from '../groups/offsets/offsets-log.js';
import { OFFSETS_TOPIC } from '../storage/topics/internal-topics.js';
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import { verifyPart } from './fencing.js';
import { TXN_OFFSET_COMMIT, type TxnOffsetCommitRequest } from '../../protocol/transactions.js';
import { defineHandler, type RequestContext } from './handler.js';

export const txnOffsetCommit = defineHandler({
  ...TXN_OFFSET_COMMIT,
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
  asked: TxnOffsetCommitRequest,
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
  { topics }: TxnOffsetCommitRequest,
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
