/*
 * DeleteRecords (key 21), versions 0-2.
 *
 * - Moves the log start offset, and removes the segments before it.
 * - Offset -1 is the high watermark; higher offsets: OFFSET_OUT_OF_RANGE.
 * - Topics without `cleanup.policy` delete: POLICY_VIOLATION.
 *
 * 2 flexible
 */
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { checkNotInternal } from '../storage/topics/internal-topics.js';
import { defineHandler, type RequestContext } from './handler.js';

const HIGH_WATERMARK = -1n;

const request = t.struct({
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(t.struct({ partitionIndex: t.int32, offset: t.int64 })),
    }),
  ),
  timeoutMs: t.int32,
});

const response = t.struct({
  throttleTimeMs: t.int32,
  topics: t.array(
    t.struct({
      name: t.string,
      partitions: t.array(t.struct({ partitionIndex: t.int32, lowWatermark: t.int64, errorCode: t.int16 })),
    }),
  ),
});

export const deleteRecords = defineHandler({
  apiKey: 21,
  name: 'DeleteRecords',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request,
  response,
  async handle({ topics }, context) {
    const answers = [];
    for (const { name, partitions } of topics) {
      const deleted = [];
      for (const { partitionIndex, offset } of partitions) {
        deleted.push(await deleteBefore(name, partitionIndex, offset, context));
      }
      answers.push({ name, partitions: deleted });
    }
    await context.store.saveStartOffsets();
    return { throttleTimeMs: 0, topics: answers };
  },
});

async function deleteBefore(name: string, partitionIndex: number, offset: bigint, context: RequestContext) {
  const { store, logger } = context;
  try {
    const log = store.partition(name, partitionIndex);
    checkNotInternal(name);
    const topic = store.topic(name);
    if (topic !== undefined && !store.setting(topic, 'cleanup.policy').includes('delete')) {
      throw new ProtocolError(
        ErrorCode.POLICY_VIOLATION,
        `records of ${name} cannot be deleted: its cleanup.policy is compact`,
      );
    }
    await log.deleteBefore(offset === HIGH_WATERMARK ? log.highWatermark : offset);
    return { partitionIndex, lowWatermark: log.logStartOffset, errorCode: ErrorCode.NONE };
  } catch (error) {
    const errorCode = codeOf(error);
    if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) logger.error({ err: error }, 'delete records failed');
    return { partitionIndex, lowWatermark: -1n, errorCode };
  }
}
