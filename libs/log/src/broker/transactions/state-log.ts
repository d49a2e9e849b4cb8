import { makeRecordBatch } from '../../protocol/records.js';
import { readBatchHeader } from '../../protocol/record-batch.js';
import { Reader } from '../../protocol/reader.js';
import * as t from '../../protocol/schema.js';
import { Writer } from '../../protocol/writer.js';
import type { PartitionLog } from '../storage/partition/partition-log.js';
import { replayRecords } from '../storage/partition/replay.js';
import { TRANSACTIONS_TOPIC } from '../storage/topics/internal-topics.js';
import type { Transaction } from './transaction.js';
import type { TransactionState } from './transitions.js';

/*
 * Keys and values have Kafka's formats, TransactionLogKey 0 and TransactionLogValue 0; each begins with its version as int16.
 */
const KEY_VERSION = 0;
const VALUE_VERSION = 0;

const key = t.struct({ transactionalId: t.string });
const value = t.struct({
  producerId: t.int64,
  producerEpoch: t.int16,
  timeoutMs: t.int32,
  status: t.int8,
  partitions: t.nullableArray(t.struct({ topic: t.string, partitionIds: t.array(t.int32) })),
  updatedAtMs: t.int64,
  startedAtMs: t.int64,
});

/** States by Kafka's code. */
const STATES: readonly TransactionState[] = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
];

/** A persisted transactional id; null if it was removed. */
export interface KeptTransaction {
  readonly transactionalId: string;
  readonly transaction: Transaction | null;
}

/** Appends the state of a transactional id. */
export async function appendTransaction(
  log: PartitionLog,
  kept: KeptTransaction,
  nowMs: number,
): Promise<void> {
  const batch = makeRecordBatch([encodeTransaction(kept)], BigInt(nowMs));
  await log.append(batch, readBatchHeader(batch));
}

/** Visits all states, oldest first. Unreadable records are skipped. */
export async function replayTransactions(
  log: PartitionLog,
  visit: (kept: KeptTransaction) => void,
  unreadable: (error: unknown) => void,
): Promise<void> {
  await replayRecords(log, ({ records }) => {
    for (const { key: keyBytes, value: valueBytes } of records) {
      if (keyBytes === null) continue;
      let transaction: KeptTransaction;
      try {
        transaction = decodeTransaction(keyBytes, valueBytes);
      } catch (error) {
        unreadable(error);
        continue;
      }
      visit(transaction);
    }
  });
}

/** Encodes a transactional id in Kafka's format. */
function encodeTransaction({ transactionalId, transaction }: KeptTransaction): {
  key: Buffer;
  value: Buffer | null;
} {
  return {
    key: encode(KEY_VERSION, key, { transactionalId }),
    value: transaction === null ? null : encode(VALUE_VERSION, value, valueOf(transaction)),
  };
}

/** Decodes what `encodeTransaction` returns. */
function decodeTransaction(keyBytes: Buffer, valueBytes: Buffer | null): KeptTransaction {
  const { transactionalId } = decode(KEY_VERSION, key, keyBytes);
  if (valueBytes === null) return { transactionalId, transaction: null };
  const { status, partitions, updatedAtMs, startedAtMs, ...rest } = decode(VALUE_VERSION, value, valueBytes);
  const state = STATES[status];
  if (state === undefined) throw new Error(`unknown transaction state ${status} in ${TRANSACTIONS_TOPIC}`);
  return {
    transactionalId,
    transaction: {
      ...rest,
      transactionalId,
      state,
      lastProducerId: -1n,
      lastProducerEpoch: -1,
      partitions: new Map(
        (partitions ?? []).map(({ topic, partitionIds }) => [topic, new Set(partitionIds)] as const),
      ),
      updatedAtMs: Number(updatedAtMs),
      startedAtMs: Number(startedAtMs),
    },
  };
}

function valueOf(transaction: Transaction): t.ValueOf<typeof value> {
  const { state, partitions, updatedAtMs, startedAtMs } = transaction;
  return {
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    timeoutMs: transaction.timeoutMs,
    status: STATES.indexOf(state),
    partitions:
      state === 'Empty' ? null : [...partitions].map(([topic, ids]) => ({ topic, partitionIds: [...ids] })),
    updatedAtMs: BigInt(updatedAtMs),
    startedAtMs: BigInt(startedAtMs),
  };
}

function encode<T>(version: number, schema: t.Schema<T>, contents: T): Buffer {
  const writer = new Writer();
  writer.int16(version);
  schema.write(writer, contents);
  return Buffer.concat(writer.finish());
}

function decode<T>(version: number, schema: t.Schema<T>, bytes: Buffer): T {
  const reader = new Reader(bytes);
  const found = reader.int16();
  if (found !== version) {
    throw new Error(`unsupported version ${found} of a record in ${TRANSACTIONS_TOPIC}, expected ${version}`);
  }
  return schema.read(reader);
}
