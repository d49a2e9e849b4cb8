/*
 * DescribeProducers (key 61), version 0.
 *
 * - The active idempotent and transactional producers of a partition, and their open transactions.
 */
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

const request = t.struct({
  topics: t.array(t.struct({ name: t.string, partitionIndexes: t.array(t.int32) })),
});

const response = t.struct({
  throttleTimeMs: t.int32,
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(
        t.struct({
          partitionIndex: t.int32,
          errorCode: t.int16,
          errorMessage: t.nullableString,
          activeProducers: t.array(
            t.struct({
              producerId: t.int64,
              producerEpoch: t.int32,
              lastSequence: t.int32,
              lastTimestamp: t.int64,
              coordinatorEpoch: t.int32,
              currentTxnStartOffset: t.int64,
            }),
          ),
        }),
      ),
    }),
  ),
});

export const describeProducers = defineHandler({
  apiKey: 61,
  name: 'DescribeProducers',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request,
  response,
  handle({ topics }, { store }) {
    const describe = (name: string, partitionIndex: number) => {
      try {
        const activeProducers = store
          .partition(name, partitionIndex)
          .producers.entries()
          .map((each) => ({
            producerId: each.producerId,
            producerEpoch: each.epoch,
            lastSequence: each.lastSequence,
            lastTimestamp: BigInt(each.seenAtMs),
            coordinatorEpoch: each.coordinatorEpoch,
            currentTxnStartOffset: each.transactionStart,
          }));
        return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null, activeProducers };
      } catch (error) {
        const errorMessage = (error as Error).message;
        return { partitionIndex, errorCode: codeOf(error), errorMessage, activeProducers: [] };
      }
    };
    return {
      throttleTimeMs: 0,
      topics: [...partitionsByTopic(topics)].map(([name, partitionIndexes]) => ({
        name,
        partitions: [...partitionIndexes].map((index) => describe(name, index)),
      })),
    };
  },
});

/** The requested partitions, each once. */
function partitionsByTopic(topics: t.ValueOf<typeof request>['topics']): Map<string, Set<number>> {
  const requested = new Map<string, Set<number>>();
  for (const { name, partitionIndexes } of topics) {
    const indexes = requested.get(name) ?? new Set();
    requested.set(name, indexes);
    for (const index of partitionIndexes) indexes.add(index);
  }
  return requested;
}
