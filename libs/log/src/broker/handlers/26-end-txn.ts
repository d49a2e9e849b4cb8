/*
 * EndTxn (key 26), versions 0-3.
 *
 * - Answered once the outcome is in the log, usually after all markers are written.
 * - The same outcome a second time: no error, because the first response may have been lost. The other outcome:
 *   INVALID_TXN_STATE.
 *
 * 2 PRODUCER_FENCED · 3 flexible
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import { fencingCode } from './fencing.js';
import { END_TXN } from '../../protocol/transactions.js';
import { defineHandler } from './handler.js';

const FIRST_VERSION_WITH_FENCED = 2;

export const endTxn = defineHandler({
  ...END_TXN,
  reject: (_, errorCode) => ({ throttleTimeMs: 0, errorCode }),
  async handle({ transactionalId, producerId, producerEpoch, committed }, context) {
    const { transactions, logger, apiVersion } = context;
    try {
      const outcome = committed ? 'commit' : 'abort';
      await transactions.end(transactionalId, { producerId, producerEpoch }, outcome);
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE };
    } catch (error) {
      const errorCode = codeOf(error);
      if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
        logger.error({ err: error, transactionalId }, 'end of transaction failed');
      }
      const knowsFenced = apiVersion >= FIRST_VERSION_WITH_FENCED;
      return { throttleTimeMs: 0, errorCode: fencingCode(errorCode, knowsFenced) };
    }
  },
});
