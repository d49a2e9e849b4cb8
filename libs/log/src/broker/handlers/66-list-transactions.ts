/*
 * ListTransactions (key 66), versions 0-1.
 *
 * - Every transactional id, or those in some states, of some producer ids, or whose transaction is older than a time.
 * - States that there are not are named in the answer.
 *
 * 1 duration
 */
import { ErrorCode } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { TRANSITIONS } from '../transactions/transitions.js';
import { defineHandler } from './handler.js';

/** States that Kafka knows and no transaction is seen in here. */
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
        // One that has not begun is of no age.
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
