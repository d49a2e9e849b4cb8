import type { Logger } from 'pino';
import type { GroupCoordinator } from '../groups/coordinator.js';
import { OFFSETS_TOPIC } from '../storage/topics/internal-topics.js';
import { ErrorCode, codeOf } from '../../protocol/error-codes.js';
import { makeMarkerBatch } from '../../protocol/markers.js';
import { readBatchHeader } from '../../protocol/record-batch.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
import type { LogStore } from '../storage/topics/log-store.js';
import { outcomeOf, partitionsOf, type Transaction } from './transaction.js';

/** Constant: the only broker is always the coordinator. */
const COORDINATOR_EPOCH = 0;

interface MarkerOptions {
  readonly store: LogStore;
  readonly groups: GroupCoordinator;
  readonly logger: Logger;
  readonly now: () => number;
}

/**
 * Writes the markers of a prepared transaction to its partitions, and applies the offsets that were committed in it.
 * Deleted partitions are skipped. Duplicate markers have no effect.
 *
 * @throws ProtocolError if a write failed
 */
export async function writeMarkers(transaction: Transaction, options: MarkerOptions): Promise<void> {
  await Promise.all(partitionsOf(transaction).map((each) => writeMarker(transaction, each, options)));
}

async function writeMarker(
  transaction: Transaction,
  { topic, partition }: TopicPartition,
  { store, groups, logger, now }: MarkerOptions,
): Promise<void> {
  const log = store.topic(topic)?.partitions[partition];
  if (log === undefined) return;
  const outcome = outcomeOf(transaction);
  const marker = { outcome, coordinatorEpoch: COORDINATOR_EPOCH };
  const batch = makeMarkerBatch(marker, transaction, BigInt(now()));
  try {
    await log.append(batch, readBatchHeader(batch));
  } catch (error) {
    const { transactionalId } = transaction;
    switch (codeOf(error)) {
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
        return;
      case ErrorCode.INVALID_PRODUCER_EPOCH:
        logger.warn(
          { err: error, transactionalId, topic, partition },
          'transaction already completed by a later producer epoch',
        );
        return;
      default:
        throw error;
    }
  }
  if (topic === OFFSETS_TOPIC) groups.endTransaction(transaction.producerId, outcome);
}
