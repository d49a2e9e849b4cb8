/*
 * ListTransactions (key 66), versions 0-1.
 *
 * - Transactional ids, filtered by state, producer id or duration of the transaction.
 * - Unknown states are returned in the response.
 *
 * 1 duration
 */
import { ErrorCode } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { TRANSITIONS } from '../transactions/transitions.js';
import { defineHandler } from './handler.js';

/** States of Kafka that are not observable here. */
const OTHER_STATES = ['Dead', 'PrepareEpochFence'];
const NO_DURATION = -1n;

const request = t.struct({
  stateFilters: t.array(t.string),
  producerIdFilters: t.array(t.int64),
  durationFilter: t.since(1, t.int64, NO_DURATION),
});

const response = t.struct({
  throttleTimeMs: t.int32,
  errorCode: t.int16,
  unknownStateFilters: t.array(t.string),
  transactionStates: t.array(
    t.struct({ transactionalId: t.string, producerId: t.int64, transactionState: t.string }),
  ),
});

export const listTransactions = defineHandler({
  apiKey: 66,
  name: 'ListTransactions',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  request,
  response,
  handle({ stateFilters, producerIdFilters, durationFilter }, { transactions }) {
    const known = (state: string) =>
      (state in TRANSITIONS && state !== 'Moving') || OTHER_STATES.includes(state);
    const states = stateFilters.filter(known);
    const now = Date.now();
    const listed = transactions.all().filter(
      ({ state, producerId, startedAtMs }) =>
        (stateFilters.length === 0 || states.includes(state)) &&
        (producerIdFilters.length === 0 || producerIdFilters.includes(producerId)) &&
        // A transaction that has not begun has no duration.
        (durationFilter < 0n || (startedAtMs >= 0 && now - startedAtMs > durationFilter)),
    );
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      unknownStateFilters: stateFilters.filter((state) => !known(state)),
      transactionStates: listed.map(({ transactionalId, producerId, state }) => ({
        transactionalId,
        producerId,
        transactionState: state,
      })),
    };
  },
});
