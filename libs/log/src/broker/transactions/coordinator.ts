import { setLongInterval, type LongTimer } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import type { BrokerConfig } from '../config/config.js';
import type { GroupCoordinator } from '../groups/coordinator.js';
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import type { Outcome } from '../../protocol/markers.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
import { TRANSACTIONS_TOPIC } from '../storage/topics/internal-topics.js';
import type { LogStore } from '../storage/topics/log-store.js';
import type { PartitionLog } from '../storage/partition/partition-log.js';
import type { ProducerIds } from '../storage/producers/producer-ids.js';
import { writeMarkers } from './markers.js';
import { appendTransaction, replayTransactions, type KeptTransaction } from './state-log.js';
import { newTransaction, type ProducerIdentity, type Transaction } from './transaction.js';
import { TransactionalId, type TransactionHooks } from './transactional-id.js';

/** Delay before markers are written again after a failure. */
const MARKER_RETRY_MS = 1000;
/** Maximum length of a transactional id. */
const MAX_ID_BYTES = 1_024;
/** Small segments are compacted soon, so that a start has little to read. */
const TOPIC_SETTINGS = { 'cleanup.policy': 'compact', 'segment.bytes': String(8 << 20) };

interface TransactionCoordinatorOptions {
  readonly store: LogStore;
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIds;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly now: () => number;
}

/**
 * Coordinates the transactions of all transactional ids. Every state is written to a log before it takes effect, so that
 * a prepared transaction is completed after a restart.
 */
export class TransactionCoordinator {
  private readonly ids = new Map<string, TransactionalId>();
  private readonly hooks: TransactionHooks;
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly intervals: LongTimer[] = [];
  private log: Promise<PartitionLog> | undefined;
  private closed = false;

  private constructor(private readonly options: TransactionCoordinatorOptions) {
    const { producerIds, now } = options;
    this.hooks = {
      keep: (transaction) => this.keep(transaction.transactionalId, transaction),
      remove: (transactionalId) => this.keep(transactionalId, null),
      writeMarkers: (transaction) => writeMarkers(transaction, options),
      unfinished: (id, cause) => this.finishLater(id, cause),
      nextProducerId: () => producerIds.next(),
      now,
    };
  }

  /** Loads the states from the log, and completes prepared transactions. */
  static async open(options: TransactionCoordinatorOptions): Promise<TransactionCoordinator> {
    const coordinator = new TransactionCoordinator(options);
    if (options.store.topic(TRANSACTIONS_TOPIC) !== undefined) await coordinator.load();
    const { config } = options;
    coordinator.every(config.number('transaction.abort.timed.out.transaction.cleanup.interval.ms'), () =>
      coordinator.abortTimedOut(),
    );
    coordinator.every(config.number('transaction.remove.expired.transaction.cleanup.interval.ms'), () =>
      coordinator.removeExpired(),
    );
    return coordinator;
  }

  /**
   * Assigns a transactional id to a producer, and fences earlier producers.
   *
   * @throws ProtocolError if the request is rejected
   */
  async initProducer(
    transactionalId: string,
    timeoutMs: number,
    expected: ProducerIdentity | undefined,
  ): Promise<ProducerIdentity> {
    checkTransactionalId(transactionalId);
    if (timeoutMs <= 0 || timeoutMs > this.options.config.number('transaction.max.timeout.ms')) {
      throw new ProtocolError(
        ErrorCode.INVALID_TRANSACTION_TIMEOUT,
        `invalid transaction timeout: ${timeoutMs} ms`,
      );
    }
    const known = this.ids.get(transactionalId);
    if (known !== undefined) return known.init(timeoutMs, expected);
    this.checkRoom(transactionalId);
    const producerId = await this.options.producerIds.next();
    // Another producer may have created it meanwhile.
    const id =
      this.ids.get(transactionalId) ??
      new TransactionalId(newTransaction(transactionalId, producerId, this.options.now()), this.hooks);
    this.ids.set(transactionalId, id);
    return id.init(timeoutMs, expected);
  }

  /** @throws ProtocolError if there can be no further transactional id */
  private checkRoom(transactionalId: string): void {
    if (Buffer.byteLength(transactionalId) > MAX_ID_BYTES) {
      const message = `a transactional id must not be longer than ${MAX_ID_BYTES} bytes`;
      throw new ProtocolError(ErrorCode.INVALID_REQUEST, message);
    }
    const max = this.options.config.number('max.transactional.ids');
    if (this.ids.size < max) return;
    throw new ProtocolError(
      ErrorCode.POLICY_VIOLATION,
      `the number of transactional ids has reached max.transactional.ids, ${max}`,
    );
  }

  /** @throws ProtocolError */
  async addPartitions(
    transactionalId: string,
    producer: ProducerIdentity,
    partitions: readonly TopicPartition[],
  ): Promise<void> {
    await this.expect(transactionalId).add(producer, partitions);
  }

  /** Ends a transaction. Resolves once the outcome is in the log. @throws ProtocolError if it is rejected */
  async end(transactionalId: string, producer: ProducerIdentity, outcome: Outcome): Promise<void> {
    await this.expect(transactionalId).end(producer, outcome);
  }

  /** @throws ProtocolError if the partition is not part of an open transaction of the producer */
  verify(transactionalId: string, producer: ProducerIdentity, partition: TopicPartition): void {
    this.expect(transactionalId).verify(producer, partition);
  }

  transaction(transactionalId: string): Transaction | undefined {
    return this.ids.get(transactionalId)?.current;
  }

  all(): Transaction[] {
    return [...this.ids.values()].map((id) => id.current);
  }

  /** Aborts transactions that have exceeded their timeout. */
  async abortTimedOut(): Promise<void> {
    for (const id of [...this.ids.values()]) await this.guard(id, () => id.timeOut());
  }

  /** Removes transactional ids that have expired. */
  async removeExpired(): Promise<void> {
    const unusedMs = this.options.config.number('transactional.id.expiration.ms');
    for (const [transactionalId, id] of [...this.ids]) {
      await this.guard(id, async () => {
        if (await id.expire(unusedMs)) this.ids.delete(transactionalId);
      });
    }
  }

  /** Runs background work on one id. If it fails, it is retried later; other ids are not affected. */
  private async guard(id: TransactionalId, work: () => Promise<void>): Promise<void> {
    await work().catch((err: unknown) => {
      const { transactionalId } = id.current;
      this.options.logger.error(
        { err, transactionalId },
        'background work on a transaction failed, will retry',
      );
    });
  }

  /** Stops the timers. The next start completes prepared transactions. */
  close(): void {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const interval of this.intervals) interval.clear();
  }

  /** @throws ProtocolError `INVALID_PRODUCER_ID_MAPPING` if the id is unknown */
  private expect(transactionalId: string): TransactionalId {
    checkTransactionalId(transactionalId);
    const id = this.ids.get(transactionalId);
    if (id !== undefined) return id;
    throw new ProtocolError(
      ErrorCode.INVALID_PRODUCER_ID_MAPPING,
      `unknown transactional id '${transactionalId}'`,
    );
  }

  private async load(): Promise<void> {
    const log = await this.stateLog();
    const take = ({ transactionalId, transaction }: KeptTransaction) => {
      if (transaction === null) this.ids.delete(transactionalId);
      else this.ids.set(transactionalId, new TransactionalId(transaction, this.hooks));
    };
    await replayTransactions(log, take, (err) => {
      this.options.logger.error({ err, topic: TRANSACTIONS_TOPIC }, 'unreadable record ignored');
    });
    for (const id of this.ids.values()) await id.finish();
  }

  private async keep(transactionalId: string, transaction: Transaction | null): Promise<void> {
    try {
      await appendTransaction(await this.stateLog(), { transactionalId, transaction }, this.options.now());
    } catch (error) {
      if (codeOf(error) !== ErrorCode.KAFKA_STORAGE_ERROR) throw error;
      // Clients look up the coordinator and retry.
      throw new ProtocolError(ErrorCode.NOT_COORDINATOR, 'write of the transaction state failed', {
        cause: error,
      });
    }
  }

  /** The log of the states, created on first use. */
  private stateLog(): Promise<PartitionLog> {
    const { store } = this.options;
    this.log ??= (async () => {
      const topic =
        store.topic(TRANSACTIONS_TOPIC) ?? (await store.create(TRANSACTIONS_TOPIC, 1, TOPIC_SETTINGS));
      return topic.partitions[0] as PartitionLog;
    })().catch((error: unknown) => {
      this.log = undefined;
      throw error;
    });
    return this.log;
  }

  private finishLater(id: TransactionalId, cause: unknown): void {
    const { transactionalId } = id.current;
    this.options.logger.error({ err: cause, transactionalId }, 'completing a transaction failed, will retry');
    if (this.closed) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void id.finish();
    }, MARKER_RETRY_MS);
    this.timers.add(timer.unref());
  }

  private every(ms: number, work: () => Promise<void>): void {
    let busy = false;
    const timer = setLongInterval(() => {
      if (busy) return;
      busy = true;
      work()
        .catch((err: unknown) => {
          this.options.logger.error({ err }, 'background work on transactions failed, will retry');
        })
        .finally(() => {
          busy = false;
        });
    }, ms);
    this.intervals.push(timer.unref());
  }
}

function checkTransactionalId(transactionalId: string): void {
  if (transactionalId !== '') return;
  throw new ProtocolError(ErrorCode.INVALID_REQUEST, 'a transactional id must not be empty');
}
