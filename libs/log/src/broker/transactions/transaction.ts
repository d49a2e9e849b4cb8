import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import type { Outcome } from '../../protocol/markers.js';
import type { TransactionState } from './transitions.js';

/** Epochs are of 16 bits; the last is left to fencing. */
const LAST_EPOCH_GIVEN = 0x7ffe;
const NO_EPOCH = -1;
const NO_PRODUCER_ID = -1n;
const NOT_STARTED = -1;

/** Who writes: an id, and which of those that have had it. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Partitions by topic. */
export type PartitionSet = ReadonlyMap<string, ReadonlySet<number>>;

/** A transactional id: who has it, and what its transaction has come to. Replaced, never changed. */
export interface Transaction extends ProducerIdentity {
  readonly transactionalId: string;
  /** The id before the last change of it, for a producer that missed the answer; -1 where there is none. */
  readonly lastProducerId: bigint;
  /** The epoch before the last change of it, for a producer that missed the answer; -1 where it is fenced. */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  /** Those that have no marker yet. */
  readonly partitions: PartitionSet;
  /** -1 where none was. */
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
}

/** A transactional id that nobody has used. */
export function newTransaction(transactionalId: string, producerId: bigint, nowMs: number): Transaction {
  return {
    transactionalId,
    producerId,
    producerEpoch: NO_EPOCH,
    lastProducerId: NO_PRODUCER_ID,
    lastProducerEpoch: NO_EPOCH,
    timeoutMs: 0,
    state: 'Empty',
    partitions: new Map(),
    startedAtMs: NOT_STARTED,
    updatedAtMs: nowMs,
  };
}

/** @throws ProtocolError `PRODUCER_FENCED` where a producer that wants to go on is not the last that had the id */
export function checkExpected(transaction: Transaction, expected: ProducerIdentity): void {
  const isNew = transaction.producerEpoch === NO_EPOCH;
  const hadIdBefore =
    expected.producerId === transaction.lastProducerId && expected.producerEpoch >= LAST_EPOCH_GIVEN;
  if (isNew || expected.producerId === transaction.producerId || hadIdBefore) return;
  throw fenced(transaction, expected);
}

/** Whether the next producer of the id needs another producer id. */
export function isExhausted(transaction: Transaction, expected: ProducerIdentity | undefined): boolean {
  if (transaction.producerEpoch < LAST_EPOCH_GIVEN) return false;
  return expected === undefined || expected.producerEpoch === transaction.producerEpoch;
}

/**
 * The next epoch of the same producer id.
 *
 * @throws ProtocolError `PRODUCER_FENCED` where the expected epoch is neither this one nor the one before
 */
export function withNextEpoch(
  transaction: Transaction,
  expected: ProducerIdentity | undefined,
  change: { timeoutMs: number; nowMs: number },
): Transaction {
  const { producerEpoch } = transaction;
  const empty = emptied(transaction, change);
  const bumped = { ...empty, producerEpoch: producerEpoch + 1 };
  if (expected === undefined) return { ...bumped, lastProducerEpoch: NO_EPOCH };
  if (producerEpoch === NO_EPOCH || expected.producerEpoch === producerEpoch) {
    return { ...bumped, lastProducerEpoch: producerEpoch };
  }
  // It asks again for what it did not hear of.
  if (expected.producerEpoch === transaction.lastProducerEpoch) return empty;
  throw fenced(transaction, expected);
}

/** Another producer id, its epochs all to come. */
export function withProducerId(
  transaction: Transaction,
  producerId: bigint,
  change: { timeoutMs: number; nowMs: number; remembersEpoch: boolean },
): Transaction {
  return {
    ...emptied(transaction, change),
    producerId,
    producerEpoch: 0,
    lastProducerId: transaction.producerId,
    lastProducerEpoch: change.remembersEpoch ? transaction.producerEpoch : NO_EPOCH,
  };
}

/** With partitions added, begun where it was not. */
export function withPartitions(
  transaction: Transaction,
  added: readonly TopicPartition[],
  nowMs: number,
): Transaction {
  const ongoing = transaction.state === 'Ongoing';
  const partitions = new Map(ongoing ? transaction.partitions : []);
  for (const { topic, partition } of added) {
    partitions.set(topic, new Set([...(partitions.get(topic) ?? []), partition]));
  }
  const startedAtMs = ongoing ? transaction.startedAtMs : nowMs;
  return { ...transaction, state: 'Ongoing', partitions, startedAtMs, updatedAtMs: nowMs };
}

/** With its outcome settled. */
export function prepared(transaction: Transaction, outcome: Outcome, nowMs: number): Transaction {
  return {
    ...transaction,
    state: outcome === 'commit' ? 'PrepareCommit' : 'PrepareAbort',
    updatedAtMs: nowMs,
  };
}

/** Aborted under an epoch that no producer is given. */
export function fencedOff(transaction: Transaction, nowMs: number): Transaction {
  return {
    ...prepared(transaction, 'abort', nowMs),
    producerEpoch: transaction.producerEpoch + 1,
    lastProducerEpoch: NO_EPOCH,
  };
}

/** With all its markers written. */
export function completed(transaction: Transaction, nowMs: number): Transaction {
  const state = outcomeOf(transaction) === 'commit' ? 'CompleteCommit' : 'CompleteAbort';
  return { ...transaction, state, partitions: new Map(), updatedAtMs: nowMs };
}

/** What a prepared transaction comes to. */
export function outcomeOf({ state }: Transaction): Outcome {
  return state === 'PrepareCommit' ? 'commit' : 'abort';
}

export function hasPartition({ partitions }: Transaction, { topic, partition }: TopicPartition): boolean {
  return partitions.get(topic)?.has(partition) === true;
}

export function partitionsOf({ partitions }: Transaction): TopicPartition[] {
  return [...partitions].flatMap(([topic, indexes]) =>
    [...indexes].map((partition) => ({ topic, partition })),
  );
}

/**
 * @throws ProtocolError `INVALID_PRODUCER_ID_MAPPING`, `PRODUCER_FENCED` where the transactional id is not this
 *   producer's
 */
export function checkProducer(transaction: Transaction, producer: ProducerIdentity): void {
  if (producer.producerId !== transaction.producerId) {
    throw new ProtocolError(
      ErrorCode.INVALID_PRODUCER_ID_MAPPING,
      `'${transaction.transactionalId}' is not the id of producer ${producer.producerId}`,
    );
  }
  if (producer.producerEpoch !== transaction.producerEpoch) throw fenced(transaction, producer);
}

function emptied(transaction: Transaction, change: { timeoutMs: number; nowMs: number }): Transaction {
  return {
    ...transaction,
    state: 'Empty',
    partitions: new Map(),
    startedAtMs: NOT_STARTED,
    timeoutMs: change.timeoutMs,
    updatedAtMs: change.nowMs,
  };
}

function fenced(transaction: Transaction, { producerEpoch }: ProducerIdentity): ProtocolError {
  return new ProtocolError(
    ErrorCode.PRODUCER_FENCED,
    `epoch ${producerEpoch} of '${transaction.transactionalId}', which is at ${transaction.producerEpoch}`,
  );
}
