/*
 * AddPartitionsToTxn (key 24), versions 0-3.
 *
 * - Adds partitions to the transaction of the producer, which begins with the first of them.
 * - All or none: if a partition does not exist, it gets UNKNOWN_TOPIC_OR_PARTITION and the others
 *   OPERATION_NOT_ATTEMPTED.
 * - CONCURRENT_TRANSACTIONS while the previous transaction is completed: the client retries.
 *
 * 2 PRODUCER_FENCED · 3 flexible
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import { isInternal } from '../storage/topics/internal-topics.js';
import { fencingCode } from './fencing.js';
import { ADD_PARTITIONS_TO_TXN, type AddPartitionsToTxnRequest } from '../../protocol/transactions.js';
import { defineHandler } from './handler.js';

const FIRST_VERSION_WITH_FENCED = 2;

type Topics = AddPartitionsToTxnRequest['topics'];

export const addPartitionsToTxn = defineHandler({
  ...ADD_PARTITIONS_TO_TXN,
  reject: ({ topics }, errorCode) => answer(topics, () => errorCode),
  async handle({ transactionalId, producerId, producerEpoch, topics }, context) {
    const { store, transactions, logger, apiVersion } = context;
    const exists = (topic: string, index: number) => store.topic(topic)?.partitions[index] !== undefined;
    const partitions = topics.flatMap(({ name, partitions: indexes }) =>
      indexes.map((partition) => ({ topic: name, partition })),
    );
    if (!partitions.every(({ topic, partition }) => exists(topic, partition) && !isInternal(topic))) {
      return answer(topics, (topic, index) => {
        if (!exists(topic, index)) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
        return isInternal(topic) ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.OPERATION_NOT_ATTEMPTED;
      });
    }
    try {
      await transactions.addPartitions(transactionalId, { producerId, producerEpoch }, partitions);
      return answer(topics, () => ErrorCode.NONE);
    } catch (error) {
      const errorCode = codeOf(error);
      if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
        logger.error({ err: error, transactionalId }, 'adding partitions to a transaction failed');
      }
      return answer(topics, () => fencingCode(errorCode, apiVersion >= FIRST_VERSION_WITH_FENCED));
    }
  },
});

function answer(topics: Topics, codeFor: (topic: string, partitionIndex: number) => number) {
  return {
    throttleTimeMs: 0,
    resultsByTopic: topics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex) => ({
        partitionIndex,
        partitionErrorCode: codeFor(name, partitionIndex),
      })),
    })),
  };
}
