/*
 * Produce (key 0), versions 3-9.
 *
 * - One record batch per partition. Its records are decompressed (64 MiB at most) and validated, as in Kafka: only
 *   readable records are stored. A batch with an invalid record is rejected as a whole; from version 8 on the response
 *   names the invalid records (KIP-467). Batches of other partitions are stored regardless.
 * - The batch gets the largest timestamp of its records, and the codec of `compression.type`.
 * - Does not create topics: a producer that keeps writing would recreate a deleted topic. Metadata does.
 * - acks 1 and -1 are equivalent on one node: answered once the batch is written (and synced, with `flush.messages`).
 * - `min.insync.replicas` is limited to the number of replicas, which is one, as in Kafka.
 * - acks 0 has no response. If such a batch is rejected, the connection is closed, as in Kafka.
 * - A duplicate batch of an idempotent producer is answered with its first offset.
 * - A transactional batch must belong to the open transaction of its producer.
 * - Versions 0-2 are advertised, because old librdkafka does not compress without them, and rejected: they have record
 *   formats that Kafka has removed.
 *
 * 3 transactional id and record batches · 5 log start offset · 7 zstd · 8 errors of single records · 9 flexible
 */
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import {
  acceptBatch,
  InvalidRecordsError,
  STORED_CODECS,
  type BatchRules,
} from '../storage/producers/produced-batch.js';
import { Codec } from '../../compression/compression.js';
import { PRODUCE, type ProduceResponse } from '../../protocol/produce.js';
import { checkProducedBatch, codecOf, type BatchHeader } from '../../protocol/record-batch.js';
import type { Topic } from '../storage/topics/log-store.js';
import type { PartitionLog } from '../storage/partition/partition-log.js';
import { checkNotInternal } from '../storage/topics/internal-topics.js';
import { defineHandler, type RequestContext } from './handler.js';
import { verifyPart } from './fencing.js';

const FIRST_VERSION_WITH_BATCHES = 3;
const FIRST_VERSION_WITH_ZSTD = 7;

type PartitionAnswer = ProduceResponse['topics'][number]['partitions'][number];

/** A batch sent with acks 0 was rejected. The connection is closed to tell the producer. */
export class UnacknowledgedError extends Error {
  override readonly name = 'UnacknowledgedError';
}

export const produce = defineHandler({
  ...PRODUCE,
  pipelined: true,
  reject: ({ topics }, errorCode) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ index }) => rejected(index, errorCode, null)),
    })),
    throttleTimeMs: 0,
  }),
  async handle({ transactionalId, acks, topics }, context) {
    const answered = await Promise.all(
      topics.map(async ({ name, partitions }) => {
        const topic = context.store.topic(name);
        const rules = topic && rulesOf(topic, context);
        return {
          name,
          partitions: await Promise.all(
            partitions.map(({ index, records }) =>
              produceTo({ name, rules, index, records: records?.[0], acks, transactionalId }, context),
            ),
          ),
        };
      }),
    );
    if (acks !== 0) return { topics: answered, throttleTimeMs: 0 };
    const rejected = answered.flatMap((topic) => topic.partitions).find((answer) => answer.errorCode !== 0);
    if (rejected !== undefined) throw new UnacknowledgedError(rejected.errorMessage ?? 'batch rejected');
    return undefined;
  },
});

/** The batch for one partition. */
interface Wanted {
  readonly name: string;
  /** Undefined if the topic does not exist. */
  readonly rules: BatchRules | undefined;
  readonly index: number;
  readonly records: Buffer | undefined;
  readonly acks: number;
  readonly transactionalId: string | null;
}

async function produceTo(wanted: Wanted, context: RequestContext): Promise<PartitionAnswer> {
  const { name, index } = wanted;
  try {
    const { log, batch, header } = accept(wanted, context);
    const { baseOffset, logAppendTimeMs } = await log.append(batch, header);
    context.meter.received(name, wanted.records?.length ?? 0);
    return {
      index,
      errorCode: ErrorCode.NONE,
      baseOffset,
      logAppendTimeMs,
      logStartOffset: log.logStartOffset,
      recordErrors: [],
      errorMessage: null,
    };
  } catch (error) {
    const errorCode = codeOf(error);
    if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
      context.logger.error({ err: error, topic: name, partition: index }, 'produce failed');
    }
    const recordErrors = error instanceof InvalidRecordsError ? [...error.recordErrors] : [];
    const message = error instanceof ProtocolError ? error.message : null;
    return { ...rejected(index, errorCode, message), recordErrors };
  }
}

function rejected(index: number, errorCode: number, errorMessage: string | null): PartitionAnswer {
  return {
    index,
    errorCode,
    baseOffset: -1n,
    logAppendTimeMs: -1n,
    logStartOffset: -1n,
    recordErrors: [],
    errorMessage,
  };
}

/** Validates a batch. @throws ProtocolError if it must not be appended */
function accept(
  wanted: Wanted,
  context: RequestContext,
): { log: PartitionLog; batch: Buffer; header: BatchHeader } {
  const { name, rules, index, records, acks, transactionalId } = wanted;
  const { apiVersion, store } = context;
  if (apiVersion < FIRST_VERSION_WITH_BATCHES) {
    throw new ProtocolError(ErrorCode.UNSUPPORTED_VERSION, `Produce version ${apiVersion} is not supported`);
  }
  if (acks < -1 || acks > 1) throw new ProtocolError(ErrorCode.INVALID_REQUIRED_ACKS, `acks ${acks}`);
  checkNotInternal(name);
  if (rules === undefined) {
    throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Topic '${name}' does not exist.`);
  }
  const log = store.partition(name, index);
  const sent = records ?? Buffer.alloc(0);
  const sentHeader = checkProducedBatch(sent, rules.maxBytes);
  if (codecOf(sentHeader.attributes) === Codec.ZSTD && apiVersion < FIRST_VERSION_WITH_ZSTD) {
    throw new ProtocolError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 'zstd requires Produce version 7');
  }
  const { batch, header } = acceptBatch(sent, sentHeader, rules);
  if (header.transactional) checkTransaction(log, header, { name, index, transactionalId }, context);
  return { log, batch, header };
}

/** The rules of a topic for batches that are appended to it. */
function rulesOf(topic: Topic, { store, now }: RequestContext): BatchRules {
  const createTime = store.setting(topic, 'message.timestamp.type') === 'CreateTime';
  const nowMs = BigInt(Math.trunc(now()));
  return {
    topic: topic.name,
    maxBytes: Number(store.setting(topic, 'max.message.bytes')),
    codec: STORED_CODECS[store.setting(topic, 'compression.type')],
    createTime,
    needsKeys: store.setting(topic, 'cleanup.policy').includes('compact'),
    timestamps: createTime
      ? {
          earliest: nowMs - BigInt(store.setting(topic, 'message.timestamp.before.max.ms')),
          latest: nowMs + BigInt(store.setting(topic, 'message.timestamp.after.max.ms')),
        }
      : undefined,
  };
}

/** @throws ProtocolError if the batch is not part of an open transaction */
function checkTransaction(
  log: PartitionLog,
  { producerId, producerEpoch }: BatchHeader,
  { name, index, transactionalId }: Pick<Wanted, 'name' | 'index' | 'transactionalId'>,
  { transactions }: RequestContext,
): void {
  if (transactionalId === null) {
    const message = 'transactional batch in a request without a transactional id';
    throw new ProtocolError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, message);
  }
  if (log.producers.hasOpenTransaction(producerId, producerEpoch)) return;
  const partition = { topic: name, partition: index };
  verifyPart(() => transactions.verify(transactionalId, { producerId, producerEpoch }, partition));
}
