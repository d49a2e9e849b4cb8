/*
 * Produce (key 0), versions 3-9.
 *
 * - One record batch a partition. Its records are unpacked (64 MiB at most) and checked one by one, as Kafka does: what
 *   is stored can be read. A batch with an invalid record is refused as a whole; from version 8 on the answer names the
 *   records that are to blame (KIP-467). Batches of other partitions in the request are stored all the same.
 * - The batch gets the largest timestamp of its records, and the codec of the topic's `compression.type`.
 * - No topic is made here, as a producer that goes on writing would bring back one that was deleted: Metadata does.
 * - acks 1 and -1 are the same on one node: answered once the batch is written (and synced, with `flush.messages`).
 * - `min.insync.replicas` above the one replica that there is counts as 1: so it does in Kafka.
 * - acks 0 is not answered at all; where such a batch is refused the connection is closed, as Kafka does.
 * - A batch that an idempotent producer sends again is answered with the offset it has.
 * - A transactional batch that begins a transaction in its partition must be part of one that its producer has open.
 * - Versions 0-2 are advertised, because old librdkafka does not compress otherwise, and refused: their records are of
 *   formats that Kafka has dropped.
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
import { checkProducedBatch, codecOf, type BatchHeader } from '../../protocol/record-batch.js';
import * as t from '../../protocol/schema.js';
import type { Topic } from '../storage/topics/log-store.js';
import type { PartitionLog } from '../storage/partition/partition-log.js';
import { defineHandler, type RequestContext } from './handler.js';
import { verifyPart } from './fencing.js';
import { isInternal } from './internal-topics.js';

const FIRST_VERSION_WITH_BATCHES = 3;
const FIRST_VERSION_WITH_ZSTD = 7;

const request = t.struct({
  transactionalId: t.since(3, t.nullableString, null),
  acks: t.int16,
  timeoutMs: t.int32,
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(t.struct({ index: t.int32, records: t.records })),
    }),
  ),
});

const response = t.struct({
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(
        t.struct({
          index: t.int32,
          errorCode: t.int16,
          baseOffset: t.int64,
          logAppendTimeMs: t.since(2, t.int64, -1n),
          logStartOffset: t.since(5, t.int64, -1n),
          recordErrors: t.since(8, t.array(t.struct({ batchIndex: t.int32, message: t.nullableString })), []),
          errorMessage: t.since(8, t.nullableString, null),
        }),
      ),
    }),
  ),
  throttleTimeMs: t.since(1, t.int32, 0),
});

type PartitionAnswer = t.ValueOf<typeof response>['topics'][number]['partitions'][number];

/** A producer that wants no answer sent what was refused: it learns of it when its connection closes. */
export class UnacknowledgedError extends Error {
  override readonly name = 'UnacknowledgedError';
}

export const produce = defineHandler({
  apiKey: 0,
  name: 'Produce',
  minVersion: 0,
  maxVersion: 9,
  flexibleFrom: 9,
  request,
  response,
  pipelined: true,
  refuse: ({ topics }, errorCode) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ index }) => refused(index, errorCode, null)),
    })),
    throttleTimeMs: 0,
  }),
  async handle({ transactionalId, acks, topics }, context) {
    const answered = await Promise.all(
      topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await Promise.all(
          partitions.map(({ index, records }) =>
            produceTo({ name, index, records: records?.[0], acks, transactionalId }, context),
          ),
        ),
      })),
    );
    if (acks !== 0) return { topics: answered, throttleTimeMs: 0 };
    const refused = answered.flatMap((topic) => topic.partitions).find((answer) => answer.errorCode !== 0);
    if (refused !== undefined) throw new UnacknowledgedError(refused.errorMessage ?? 'a batch was refused');
    return undefined;
  },
});

/** What is to be appended to one partition. */
interface Wanted {
  readonly name: string;
  readonly index: number;
  readonly records: Buffer | undefined;
  readonly acks: number;
  readonly transactionalId: string | null;
}

async function produceTo(wanted: Wanted, context: RequestContext): Promise<PartitionAnswer> {
  const { name, index } = wanted;
  try {
    return await append(wanted, context);
  } catch (error) {
    const errorCode = codeOf(error);
    if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
      context.logger.error({ err: error, topic: name, partition: index }, 'produce failed');
    }
    const recordErrors = error instanceof InvalidRecordsError ? [...error.recordErrors] : [];
    const message = error instanceof ProtocolError ? error.message : null;
    return { ...refused(index, errorCode, message), recordErrors };
  }
}

function refused(index: number, errorCode: number, errorMessage: string | null): PartitionAnswer {
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

async function append(wanted: Wanted, context: RequestContext): Promise<PartitionAnswer> {
  const { name, index, records, acks, transactionalId } = wanted;
  const { apiVersion, store } = context;
  if (apiVersion < FIRST_VERSION_WITH_BATCHES) {
    throw new ProtocolError(ErrorCode.UNSUPPORTED_VERSION, `Produce ${apiVersion} is not served`);
  }
  if (acks < -1 || acks > 1) throw new ProtocolError(ErrorCode.INVALID_REQUIRED_ACKS, `acks ${acks}`);
  if (isInternal(name)) {
    throw new ProtocolError(ErrorCode.INVALID_TOPIC_EXCEPTION, `${name} is the broker's own`);
  }
  const topic = store.topic(name);
  if (topic === undefined) {
    throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`);
  }
  const log = store.partition(name, index);
  const rules = rulesOf(topic, context);
  const sent = records ?? Buffer.alloc(0);
  const sentHeader = checkProducedBatch(sent, rules.maxBytes);
  if (codecOf(sentHeader.attributes) === Codec.ZSTD && apiVersion < FIRST_VERSION_WITH_ZSTD) {
    throw new ProtocolError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs Produce 7');
  }
  const { batch, header } = acceptBatch(sent, sentHeader, rules);
  if (header.transactional) checkTransaction(log, header, { name, index, transactionalId }, context);
  const { baseOffset, logAppendTimeMs } = await log.append(batch, header);
  context.meter.received(name, sent.length);
  return {
    index,
    errorCode: ErrorCode.NONE,
    baseOffset,
    logAppendTimeMs,
    logStartOffset: log.logStartOffset,
    recordErrors: [],
    errorMessage: null,
  };
}

/** What a topic says of the batches that are appended to it now. */
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

/** @throws ProtocolError where the batch is not part of a transaction */
function checkTransaction(
  log: PartitionLog,
  { producerId, producerEpoch }: BatchHeader,
  { name, index, transactionalId }: Pick<Wanted, 'name' | 'index' | 'transactionalId'>,
  { transactions }: RequestContext,
): void {
  if (transactionalId === null) {
    const message = 'a transactional batch in a request without a transactional id';
    throw new ProtocolError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, message);
  }
  if (log.producers.hasOpenTransaction(producerId, producerEpoch)) return;
  const partition = { topic: name, partition: index };
  verifyPart(() => transactions.verify(transactionalId, { producerId, producerEpoch }, partition));
}
