import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import type { Outcome } from '../../protocol/markers.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
import type { TransactionState } from './transitions.js';

/** The largest 16-bit epoch is reserved for fencing. */
const LAST_EPOCH_GIVEN = 0x7ffe;
const NO_EPOCH = -1;
const NO_PRODUCER_ID = -1n;
const NOT_STARTED = -1;

/** A producer: id and epoch. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** Partitions by topic. */
type PartitionSet = ReadonlyMap<string, ReadonlySet<number>>;

/** A transactional id: its producer, and the state of its transaction. Immutable. */
export interface Transaction extends ProducerIdentity {
  readonly transactionalId: string;
  /** The previous producer id, for a producer that did not receive the response; -1 if none. */
  readonly lastProducerId: bigint;
  /** The previous epoch, for a producer that did not receive the response; -1 if it is fenced. */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  /** Partitions without a marker. */
  readonly partitions: PartitionSet;
  /** -1 if none has begun. */
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
}

/** A new transactional id. */
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

/** @throws ProtocolError `PRODUCER_FENCED` if the producer that continues is not the last one of the id */
export function checkExpected(transaction: Transaction, expected: ProducerIdentity): void {
  const isNew = transaction.producerEpoch === NO_EPOCH;
  const hadIdBefore =
    expected.producerId === transaction.lastProducerId && expected.producerEpoch >= LAST_EPOCH_GIVEN;
  if (isNew || expected.producerId === transaction.producerId || hadIdBefore) return;
  throw fenced(transaction, expected);
}

/** Whether the epochs of the producer id are used up. */
export function isExhausted(transaction: Transaction, expected: ProducerIdentity | undefined): boolean {
  if (transaction.producerEpoch < LAST_EPOCH_GIVEN) return false;
  return expected === undefined || expected.producerEpoch === transaction.producerEpoch;
}

/**
 * The next epoch of the same producer id.
 *
 * @throws ProtocolError `PRODUCER_FENCED` if the expected epoch is neither the current nor the previous one
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
  // A retry: the producer did not receive the response.
  if (expected.producerEpoch === transaction.lastProducerEpoch) return empty;
  throw fenced(transaction, expected);
}

/** A new producer id with epoch 0. */
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

/** Adds partitions, and begins a transaction if none is open. */
export function withPartitions(
  transaction: Transaction,
  added: readonly TopicPartition[],
  nowMs: number,
): Transaction {
  const ongoing = transaction.state === 'Ongoing';
  const partitions = new Map(ongoing ? transaction.partitions : []);
  const copied = new Map<string, Set<number>>();
  for (const { topic, partition } of added) {
    const indexes = copied.get(topic) ?? new Set(partitions.get(topic));
    copied.set(topic, indexes.add(partition));
  }
  for (const [topic, indexes] of copied) partitions.set(topic, indexes);
  const startedAtMs = ongoing ? transaction.startedAtMs : nowMs;
  return { ...transaction, state: 'Ongoing', partitions, startedAtMs, updatedAtMs: nowMs };
}

/** Prepares the outcome. */
export function prepared(transaction: Transaction, outcome: Outcome, nowMs: number): Transaction {
  return {
    ...transaction,
    state: outcome === 'commit' ? 'PrepareCommit' : 'PrepareAbort',
    updatedAtMs: nowMs,
  };
}

/** Prepares an abort with a new epoch that no producer gets. */
export function fencedOff(transaction: Transaction, nowMs: number): Transaction {
  return {
    ...prepared(transaction, 'abort', nowMs),
    producerEpoch: transaction.producerEpoch + 1,
    lastProducerEpoch: NO_EPOCH,
  };
}

/** Completes the transaction: all markers are written. */
export function completed(transaction: Transaction, nowMs: number): Transaction {
  const state = outcomeOf(transaction) === 'commit' ? 'CompleteCommit' : 'CompleteAbort';
  return { ...transaction, state, partitions: new Map(), updatedAtMs: nowMs };
}

/** The outcome of a prepared transaction. */
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
 * @throws ProtocolError `INVALID_PRODUCER_ID_MAPPING`, `PRODUCER_FENCED` if the transactional id belongs to another
 *   producer
 */
export function checkProducer(transaction: Transaction, producer: ProducerIdentity): void {
  if (producer.producerId !== transaction.producerId) {
    throw new ProtocolError(
      ErrorCode.INVALID_PRODUCER_ID_MAPPING,
      `transactional id '${transaction.transactionalId}' does not belong to producer id ${producer.producerId}`,
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
    `epoch ${producerEpoch} of transactional id '${transaction.transactionalId}' is not the current epoch ${transaction.producerEpoch}`,
  );
}
