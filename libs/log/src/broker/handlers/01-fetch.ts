/*
 * Fetch (key 1), versions 4-17.
 *
 * - Whole batches, as they lie in the file; an offset inside a batch returns that batch.
 * - The first batch of the first partition that has any is returned over every limit, so that readers always get on. In
 *   all others a batch that does not fit is left out with everything after it.
 * - Waits until the partitions have `minBytes` or `maxWaitMs` have passed; an append wakes it; errors answer at once.
 * - Sessions (KIP-227) are declined: session id 0 makes clients send full requests. One that another broker made is not
 *   known: FETCH_SESSION_ID_NOT_FOUND.
 * - read_committed reads up to the last stable offset and names the transactions that were aborted.
 *
 * 4 isolation level · 5 log start offset · 7 sessions · 9 leader epoch · 11 rack, preferred replica · 12 flexible ·
 * 13 topics by id · 15 replica state instead of its id · 16, 17 tagged fields of replicas, which are passed over
 */
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import type { Topic } from '../storage/topics/log-store.js';
import type { PartitionLog } from '../storage/partition/partition-log.js';
import { defineHandler, type RequestContext } from './handler.js';

/** Longest that a reader may ask to wait. */
const MAX_WAIT_MS = 600_000;
const LEADER_EPOCH = 0;
const FIRST_VERSION_WITH_ZSTD = 10;
const LAST_VERSION_WITH_NAMES = 12;
export const READ_COMMITTED = 1;

/** What a topic is meant by: its name in older versions, its id in newer ones. */
const topicFields = {
  topic: t.versions({ last: LAST_VERSION_WITH_NAMES }, t.string, ''),
  topicId: t.since(LAST_VERSION_WITH_NAMES + 1, t.uuid, t.NO_UUID),
};

const request = t.struct({
  replicaId: t.versions({ last: 14 }, t.int32, -1),
  maxWaitMs: t.int32,
  minBytes: t.int32,
  maxBytes: t.since(3, t.int32, 0x7fffffff),
  isolationLevel: t.since(4, t.int8, 0),
  sessionId: t.since(7, t.int32, 0),
  sessionEpoch: t.since(7, t.int32, -1),
  topics: t.array(
    t.struct({
      ...topicFields,
      partitions: t.array(
        t.struct({
          partition: t.int32,
          currentLeaderEpoch: t.since(9, t.int32, -1),
          fetchOffset: t.int64,
          lastFetchedEpoch: t.since(12, t.int32, -1),
          logStartOffset: t.since(5, t.int64, -1n),
          partitionMaxBytes: t.int32,
        }),
      ),
    }),
  ),
  forgottenTopics: t.since(7, t.array(t.struct({ ...topicFields, partitions: t.array(t.int32) })), []),
  rackId: t.since(11, t.string, ''),
});

const response = t.struct({
  throttleTimeMs: t.since(1, t.int32, 0),
  errorCode: t.since(7, t.int16, 0),
  sessionId: t.since(7, t.int32, 0),
  topics: t.array(
    t.struct({
      ...topicFields,
      partitions: t.array(
        t.struct({
          partition: t.int32,
          errorCode: t.int16,
          highWatermark: t.int64,
          lastStableOffset: t.since(4, t.int64, -1n),
          logStartOffset: t.since(5, t.int64, -1n),
          abortedTransactions: t.since(
            4,
            t.nullableArray(t.struct({ producerId: t.int64, firstOffset: t.int64 })),
            null,
          ),
          preferredReadReplica: t.since(11, t.int32, -1),
          records: t.records,
        }),
      ),
    }),
  ),
});

/** What goes on in a session says only what has changed, and none was made here. */
const UNKNOWN_SESSION = {
  throttleTimeMs: 0,
  errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  sessionId: 0,
  topics: [],
};

type Request = t.ValueOf<typeof request>;
type PartitionRequest = Request['topics'][number]['partitions'][number];
type Answer = t.ValueOf<typeof response>;
type PartitionAnswer = Answer['topics'][number]['partitions'][number];

interface Read {
  readonly topics: Answer['topics'];
  readonly bytes: number;
  readonly sent: readonly { topic: string; bytes: number }[];
  readonly failed: boolean;
}

export const fetch = defineHandler({
  apiKey: 1,
  name: 'Fetch',
  minVersion: 4,
  maxVersion: 17,
  flexibleFrom: 12,
  request,
  response,
  refuse: ({ topics }, errorCode) => ({
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    sessionId: 0,
    topics: topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition }) => ({ ...answerOf(partition, undefined, []), errorCode })),
    })),
  }),
  async handle(wanted, context) {
    if (wanted.sessionEpoch > 0) return UNKNOWN_SESSION;
    const deadline = performance.now() + Math.min(Math.max(wanted.maxWaitMs, 0), MAX_WAIT_MS);
    for (;;) {
      const appended = watch(wanted, context);
      try {
        const read = await readAll(wanted, context);
        const left = deadline - performance.now();
        const enough = read.bytes >= wanted.minBytes || read.failed;
        if (enough || left <= 0 || context.signal.aborted) {
          for (const { topic, bytes } of read.sent) context.meter.sent(topic, bytes);
          return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, sessionId: 0, topics: read.topics };
        }
        context.memory.giveBack();
        await appended.atLeast(wanted.minBytes - read.bytes, left, context.signal);
      } finally {
        appended.stop();
      }
    }
  },
});

async function readAll(wanted: Request, context: RequestContext): Promise<Read> {
  let left = Math.min(Math.max(wanted.maxBytes, 0), context.config.number('fetch.max.bytes'));
  let bytes = 0;
  let failed = false;
  const topics: Answer['topics'] = [];
  const sent: Read['sent'][number][] = [];
  for (const { topic, topicId, partitions } of wanted.topics) {
    const before = bytes;
    const found = topicOf({ topic, topicId }, context);
    const answers: PartitionAnswer[] = [];
    for (const partition of partitions) {
      const limit = Math.min(Math.max(partition.partitionMaxBytes, 0), left);
      const committed = wanted.isolationLevel === READ_COMMITTED;
      const answer = await readPartition(found, partition, { limit, first: bytes === 0, committed }, context);
      for (const piece of answer.records ?? []) {
        bytes += piece.length;
        left = Math.max(left - piece.length, 0);
      }
      failed ||= answer.errorCode !== ErrorCode.NONE;
      answers.push(answer);
    }
    topics.push({ topic, topicId, partitions: answers });
    if (found !== undefined && bytes > before) sent.push({ topic: found.name, bytes: bytes - before });
  }
  return { topics, bytes, sent, failed };
}

function topicOf(
  { topic, topicId }: Pick<Request['topics'][number], 'topic' | 'topicId'>,
  { store, apiVersion }: RequestContext,
): Topic | undefined {
  return apiVersion > LAST_VERSION_WITH_NAMES ? store.topicById(topicId) : store.topic(topic);
}

async function readPartition(
  topic: Topic | undefined,
  { partition, fetchOffset, currentLeaderEpoch }: PartitionRequest,
  { limit, first, committed }: { limit: number; first: boolean; committed: boolean },
  context: RequestContext,
): Promise<PartitionAnswer> {
  try {
    const log = partitionOf(topic, partition, context);
    checkLeaderEpoch(currentLeaderEpoch);
    checkReadable(topic, context);
    const allocate = context.memory.take;
    if (committed) {
      const { records, aborted } = await log.readCommitted(fetchOffset, limit, first, allocate);
      return { ...answerOf(partition, log, records), abortedTransactions: aborted };
    }
    const records = await log.read(fetchOffset, limit, first, allocate);
    return answerOf(partition, log, records);
  } catch (error) {
    const errorCode = codeOf(error);
    if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
      context.logger.error({ err: error, topic: topic?.name, partition }, 'fetch failed');
    }
    const log = topic?.partitions[partition];
    return { ...answerOf(partition, log, []), errorCode };
  }
}

/** @throws ProtocolError if there is no such topic, or no such partition */
function partitionOf(topic: Topic | undefined, index: number, { apiVersion }: RequestContext): PartitionLog {
  const log = topic?.partitions[index];
  if (log !== undefined) return log;
  const isUnknownId = topic === undefined && apiVersion > LAST_VERSION_WITH_NAMES;
  throw new ProtocolError(
    isUnknownId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    `there is no partition ${index} of this topic`,
  );
}

function answerOf(
  partition: number,
  log: PartitionLog | undefined,
  records: readonly Buffer[],
): PartitionAnswer {
  return {
    partition,
    errorCode: ErrorCode.NONE,
    highWatermark: log?.highWatermark ?? -1n,
    lastStableOffset: log?.lastStableOffset ?? -1n,
    logStartOffset: log?.logStartOffset ?? -1n,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records,
  };
}

/** @throws ProtocolError where a client from before zstd asks for a topic that is compressed with it */
function checkReadable(topic: Topic | undefined, { store, apiVersion }: RequestContext): void {
  if (apiVersion >= FIRST_VERSION_WITH_ZSTD) return;
  if (topic === undefined || store.setting(topic, 'compression.type') !== 'zstd') return;
  throw new ProtocolError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `${topic.name} is compressed with zstd`);
}

/** @throws ProtocolError where the client believes in another leader epoch than the only one there is */
export function checkLeaderEpoch(epoch: number): void {
  if (epoch === -1 || epoch === LEADER_EPOCH) return;
  if (epoch < LEADER_EPOCH) throw new ProtocolError(ErrorCode.FENCED_LEADER_EPOCH, `leader epoch ${epoch}`);
  throw new ProtocolError(ErrorCode.UNKNOWN_LEADER_EPOCH, `leader epoch ${epoch}`);
}

/** Counts what becomes readable in the partitions of a request from now on. */
function watch(wanted: Request, context: RequestContext) {
  let appended = 0;
  let wake: (() => void) | undefined;
  const committed = wanted.isolationLevel === READ_COMMITTED;
  const stops = wanted.topics.flatMap((asked) =>
    asked.partitions.flatMap(({ partition }) => {
      const log = topicOf(asked, context)?.partitions[partition];
      if (log === undefined) return [];
      let stable = log.lastStableOffset;
      let undecided = stable !== log.highWatermark;
      const stopWaiting = log.onAdvance((bytes) => {
        const { lastStableOffset, highWatermark } = log;
        if (committed && lastStableOffset === stable) {
          undecided = true;
          return;
        }
        // What had waited for the outcome of a transaction comes with it, however much that is.
        appended += committed && undecided ? Infinity : bytes;
        stable = lastStableOffset;
        undecided = stable !== highWatermark;
        wake?.();
      });
      // Its topic was deleted, which the client is to hear of at once.
      const stopLooking = log.onClose(() => {
        appended = Infinity;
        wake?.();
      });
      return [stopWaiting, stopLooking];
    }),
  );
  return {
    stop: () => {
      for (const stop of stops) stop();
    },
    /** Resolves once so many bytes were appended, the time is over or nobody waits any longer. */
    atLeast: (bytes: number, timeoutMs: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        signal.addEventListener('abort', done);
        wake = () => {
          // Appends rarely come alone: what this turn of the event loop brings goes along.
          if (appended >= bytes) setImmediate(done);
        };
        wake();
      }),
  };
}
