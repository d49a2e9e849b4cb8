/*
 * AddOffsetsToTxn (key 25), versions 0-3.
 *
 * - Adds the offsets partition of a group to the transaction of the producer; TxnOffsetCommit follows.
 * - The group need not exist.
 *
 * 2 PRODUCER_FENCED · 3 flexible
 */
import { OFFSETS_PARTITION } from '../groups/offsets/offsets-log.js';
import { OFFSETS_TOPIC } from '../storage/topics/internal-topics.js';
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import { fencingCode } from './fencing.js';
import { ADD_OFFSETS_TO_TXN } from '../../protocol/transactions.js';
import { defineHandler } from './handler.js';

const FIRST_VERSION_WITH_FENCED = 2;

export const addOffsetsToTxn = defineHandler({
  ...ADD_OFFSETS_TO_TXN,
  reject: (_, errorCode) => ({ throttleTimeMs: 0, errorCode }),
  async handle({ transactionalId, producerId, producerEpoch }, { transactions, logger, apiVersion }) {
    try {
      const offsets = { topic: OFFSETS_TOPIC, partition: OFFSETS_PARTITION };
      await transactions.addPartitions(transactionalId, { producerId, producerEpoch }, [offsets]);
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE };
    } catch (error) {
      const errorCode = codeOf(error);
      if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
        logger.error({ err: error, transactionalId }, 'adding offsets to a transaction failed');
      }
      const knowsFenced = apiVersion >= FIRST_VERSION_WITH_FENCED;
      return { throttleTimeMs: 0, errorCode: fencingCode(errorCode, knowsFenced) };
    }
  },
});
