import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import type { Outcome } from '../../protocol/markers.js';
import {
  checkExpected,
  checkProducer,
  completed,
  fencedOff,
  hasPartition,
  isExhausted,
  prepared,
  withNextEpoch,
  withPartitions,
  withProducerId,
  type ProducerIdentity,
  type TopicPartition,
  type Transaction,
} from './transaction.js';
import { TRANSITIONS, type Reaction, type Standing, type TransactionRequest } from './transitions.js';

/** What a transactional id needs of its surroundings. */
export interface TransactionHooks {
  /** Resolves once the state is in the log. */
  keep(transaction: Transaction): Promise<void>;
  /** Resolves once the log knows the id no longer. */
  remove(transactionalId: string): Promise<void>;
  /** Resolves once every partition of a prepared transaction has its marker. */
  writeMarkers(transaction: Transaction): Promise<void>;
  /** Told where that failed: the transaction waits for another `finish`. */
  unfinished(id: TransactionalId, cause: unknown): void;
  takeProducerId(): Promise<bigint>;
  now(): number;
}

/** One transactional id: its producers, one after another, and their transactions, by the table in `transitions.ts`. */
export class TransactionalId {
  private moving = false;
  /** When the transaction began, in monotonic time; undefined if that was before the broker started. */
  private beganAtMs: number | undefined;

  constructor(
    private transaction: Transaction,
    private readonly hooks: TransactionHooks,
  ) {}

  get current(): Transaction {
    return this.transaction;
  }

  get standing(): Standing {
    return this.moving ? 'Moving' : this.transaction.state;
  }

  /** Gives the id to a producer; an `expected` one goes on under the next epoch. @throws ProtocolError */
  async init(timeoutMs: number, expected: ProducerIdentity | undefined): Promise<ProducerIdentity> {
    if (this.moving) this.react('init-producer');
    if (expected !== undefined) checkExpected(this.transaction, expected);
    if (this.react('init-producer') === 'fence-and-abort') {
      await this.fenceAndAbort();
      throw concurrent(this.transaction);
    }
    await this.move(async () => {
      const change = { timeoutMs, nowMs: this.hooks.now() };
      if (!isExhausted(this.transaction, expected)) return withNextEpoch(this.transaction, expected, change);
      const remembersEpoch = expected !== undefined;
      return withProducerId(this.transaction, await this.hooks.takeProducerId(), {
        ...change,
        remembersEpoch,
      });
    });
    const { producerId, producerEpoch } = this.transaction;
    return { producerId, producerEpoch };
  }

  /** Makes partitions part of the transaction, which begins with the first. @throws ProtocolError */
  async add(producer: ProducerIdentity, partitions: readonly TopicPartition[]): Promise<void> {
    checkProducer(this.transaction, producer);
    const reaction = this.react('add-partitions');
    if (reaction === 'extend' && partitions.every((each) => hasPartition(this.transaction, each))) return;
    if (reaction !== 'extend') this.beganAtMs = performance.now();
    await this.move(() => withPartitions(this.transaction, partitions, this.hooks.now()));
  }

  /** Ends the transaction; resolves once its outcome is settled for good. @throws ProtocolError */
  async end(producer: ProducerIdentity, outcome: Outcome): Promise<void> {
    checkProducer(this.transaction, producer);
    if (this.react(outcome) === 'answer-again') return;
    await this.move(() => prepared(this.transaction, outcome, this.hooks.now()));
    await this.finish();
  }

  /** @throws ProtocolError where the partition is not part of this producer's transaction */
  verify(producer: ProducerIdentity, partition: TopicPartition): void {
    checkProducer(this.transaction, producer);
    this.react('verify-partition');
    if (!hasPartition(this.transaction, partition)) throw notInTransaction(this.transaction);
  }

  /** Aborts a transaction that has taken too long. */
  async timeOut(): Promise<void> {
    const { state, startedAtMs, timeoutMs } = this.transaction;
    if (state !== 'Ongoing') return;
    // A clock that was set back must not make it longer.
    const tookTooLong = this.beganAtMs !== undefined && performance.now() - this.beganAtMs >= timeoutMs;
    if (startedAtMs + timeoutMs > this.hooks.now() && !tookTooLong) return;
    if (this.react('time-out') === 'fence-and-abort') await this.fenceAndAbort();
  }

  /** Forgets an id that was not used for so long. @returns whether it is forgotten */
  async expire(unusedMs: number): Promise<boolean> {
    if (this.transaction.updatedAtMs + unusedMs > this.hooks.now()) return false;
    if (this.react('expire') !== 'remove') return false;
    this.moving = true;
    try {
      await this.hooks.remove(this.transaction.transactionalId);
      return true;
    } finally {
      this.moving = false;
    }
  }

  /** Writes the markers of a transaction whose outcome is settled. */
  async finish(): Promise<void> {
    if (this.react('finish') !== 'write-markers') return;
    try {
      await this.hooks.writeMarkers(this.transaction);
      await this.move(() => completed(this.transaction, this.hooks.now()));
    } catch (error) {
      this.hooks.unfinished(this, error);
    }
  }

  private async fenceAndAbort(): Promise<void> {
    await this.move(() => fencedOff(this.transaction, this.hooks.now()));
    await this.finish();
  }

  /** To the next state, once the log has it. */
  private async move(next: () => Transaction | Promise<Transaction>): Promise<void> {
    this.moving = true;
    try {
      const transaction = await next();
      await this.hooks.keep(transaction);
      this.transaction = transaction;
    } finally {
      this.moving = false;
    }
  }

  /** Asks the table. @throws ProtocolError where the reaction is to refuse */
  private react(request: TransactionRequest): Reaction {
    const reaction = TRANSITIONS[this.standing][request];
    switch (reaction) {
      case 'refuse-concurrent':
        throw concurrent(this.transaction);
      case 'refuse-state':
        throw notInTransaction(this.transaction);
      default:
        return reaction;
    }
  }
}

function concurrent({ transactionalId, state }: Transaction): ProtocolError {
  const message = `the transaction of '${transactionalId}' is still being ended (${state})`;
  return new ProtocolError(ErrorCode.CONCURRENT_TRANSACTIONS, message);
}

function notInTransaction({ transactionalId, state }: Transaction): ProtocolError {
  const message = `this is no part of a transaction of '${transactionalId}', which is ${state}`;
  return new ProtocolError(ErrorCode.INVALID_TXN_STATE, message);
}
