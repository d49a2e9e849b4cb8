import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import type { Outcome } from '../../protocol/markers.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
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
  type Transaction,
} from './transaction.js';
import { TRANSITIONS, type Reaction, type Standing, type TransactionRequest } from './transitions.js';

/** Callbacks of a transactional id. */
export interface TransactionHooks {
  /** Resolves once the state is in the log. */
  keep(transaction: Transaction): Promise<void>;
  /** Resolves once the id is removed from the log. */
  remove(transactionalId: string): Promise<void>;
  /** Resolves once the markers are written to all partitions of a prepared transaction. */
  writeMarkers(transaction: Transaction): Promise<void>;
  /** Called if that failed: `finish` is to be called again. */
  unfinished(id: TransactionalId, cause: unknown): void;
  nextProducerId(): Promise<bigint>;
  now(): number;
}

/** A transactional id with its successive producers and transactions. `transitions.ts` has its state machine. */
export class TransactionalId {
  private moving = false;
  /** Monotonic time of the begin of the transaction; undefined if it began before the broker started. */
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

  /** Assigns the id to a producer. An `expected` one continues with the next epoch. @throws ProtocolError if rejected */
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
      return withProducerId(this.transaction, await this.hooks.nextProducerId(), {
        ...change,
        remembersEpoch,
      });
    });
    const { producerId, producerEpoch } = this.transaction;
    return { producerId, producerEpoch };
  }

  /** Adds partitions to the transaction, which begins with the first. @throws ProtocolError if rejected */
  async add(producer: ProducerIdentity, partitions: readonly TopicPartition[]): Promise<void> {
    checkProducer(this.transaction, producer);
    const reaction = this.react('add-partitions');
    if (reaction === 'extend' && partitions.every((each) => hasPartition(this.transaction, each))) return;
    if (reaction !== 'extend') this.beganAtMs = performance.now();
    await this.move(() => withPartitions(this.transaction, partitions, this.hooks.now()));
  }

  /** Ends the transaction. Resolves once the outcome is in the log. @throws ProtocolError if rejected */
  async end(producer: ProducerIdentity, outcome: Outcome): Promise<void> {
    checkProducer(this.transaction, producer);
    if (this.react(outcome) === 'answer-again') return;
    await this.move(() => prepared(this.transaction, outcome, this.hooks.now()));
    await this.finish();
  }

  /** @throws ProtocolError if the partition is not part of the transaction of this producer */
  verify(producer: ProducerIdentity, partition: TopicPartition): void {
    checkProducer(this.transaction, producer);
    this.react('verify-partition');
    if (!hasPartition(this.transaction, partition)) throw notInTransaction(this.transaction);
  }

  /** Aborts a transaction that has exceeded its timeout. */
  async timeOut(): Promise<void> {
    const { state, startedAtMs, timeoutMs } = this.transaction;
    if (state !== 'Ongoing') return;
    // Monotonic time: a clock that is set back must not extend the timeout.
    const tookTooLong = this.beganAtMs !== undefined && performance.now() - this.beganAtMs >= timeoutMs;
    if (startedAtMs + timeoutMs > this.hooks.now() && !tookTooLong) return;
    if (this.react('time-out') === 'fence-and-abort') await this.fenceAndAbort();
  }

  /** Removes an id that has expired. @returns whether it was removed */
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

  /** Writes the markers of a prepared transaction. */
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

  /** Changes to the next state once it is in the log. */
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

  /** Looks up the reaction to a request. @throws ProtocolError if it is a rejection */
  private react(request: TransactionRequest): Reaction {
    const reaction = TRANSITIONS[this.standing][request];
    switch (reaction) {
      case 'reject-concurrent':
        throw concurrent(this.transaction);
      case 'reject-state':
        throw notInTransaction(this.transaction);
      default:
        return reaction;
    }
  }
}

function concurrent({ transactionalId, state }: Transaction): ProtocolError {
  const message = `the transaction of '${transactionalId}' is being completed (${state})`;
  return new ProtocolError(ErrorCode.CONCURRENT_TRANSACTIONS, message);
}

function notInTransaction({ transactionalId, state }: Transaction): ProtocolError {
  const message = `not part of a transaction of '${transactionalId}', whose state is ${state}`;
  return new ProtocolError(ErrorCode.INVALID_TXN_STATE, message);
}
