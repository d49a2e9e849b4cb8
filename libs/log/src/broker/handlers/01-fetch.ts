/*
 * Fetch (key 1), versions 4-17.
 *
 * - Returns whole batches as they are stored; an offset inside a batch returns that batch.
 * - The first batch of the first partition with data is returned whatever its size, so that consumers make progress.
 *   Elsewhere a batch that exceeds a limit is omitted, with all that follow it.
 * - Waits until the partitions have `minBytes`, or for `maxWaitMs`. Errors are returned at once.
 * - Fetch sessions (KIP-227) are not supported: with session id 0 clients send full requests. Other session ids:
 *   FETCH_SESSION_ID_NOT_FOUND.
 * - read_committed reads up to the last stable offset, and returns the aborted transactions.
 *
 * 4 isolation level · 5 log start offset · 7 sessions · 9 leader epoch · 11 rack, preferred replica · 12 flexible ·
 * 13 topics by id · 15 replica state instead of its id · 16, 17 tagged fields of replicas, ignored
 */
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import {
  FETCH,
  LAST_FETCH_WITH_NAMES,
  type FetchedPartitionResponse,
  type FetchRequest,
  type FetchResponse,
} from '../../protocol/fetch.js';
import type { Topic } from '../storage/topics/log-store.js';
import type { PartitionLog } from '../storage/partition/partition-log.js';
import { defineHandler, type RequestContext } from './handler.js';

/** Upper limit for `maxWaitMs`. */
const MAX_WAIT_MS = 600_000;
/** Responses with fewer bytes are read one partition after another. */
const LEAST_BYTES_AT_ONCE = 256 << 10;
const LEADER_EPOCH = 0;
const FIRST_VERSION_WITH_ZSTD = 10;
export const READ_COMMITTED = 1;

/** A request in a session contains changes only, and the broker has no sessions. */
const UNKNOWN_SESSION = {
  throttleTimeMs: 0,
  errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  sessionId: 0,
  topics: [],
};

type PartitionRequest = FetchRequest['topics'][number]['partitions'][number];

interface Read {
  readonly topics: FetchResponse['topics'];
  readonly bytes: number;
  readonly sent: readonly { topic: string; bytes: number }[];
  readonly failed: boolean;
}

export const fetch = defineHandler({
  ...FETCH,
  reject: ({ topics }, errorCode) => ({
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
        context.memory.release();
        await appended.atLeast(wanted.minBytes - read.bytes, left, context.signal);
      } finally {
        appended.stop();
      }
    }
  },
});

async function readAll(wanted: FetchRequest, context: RequestContext): Promise<Read> {
  const maxBytes = Math.min(Math.max(wanted.maxBytes, 0), context.config.number('fetch.max.bytes'));
  const asked = wanted.topics.flatMap(({ topic, topicId, partitions }) => {
    const found = topicOf({ topic, topicId }, context);
    return partitions.map((partition) => ({ topic: found, partition }));
  });
  const committed = wanted.isolationLevel === READ_COMMITTED;
  const answers =
    (await readAtOnce(asked, { maxBytes, committed }, context)) ??
    (await readInOrder(asked, { maxBytes, committed }, context));
  return resultOf(wanted, asked, answers);
}

/** A partition of a request. */
interface Asked {
  /** Undefined if it does not exist. */
  readonly topic: Topic | undefined;
  readonly partition: PartitionRequest;
}

interface ReadLimits {
  readonly maxBytes: number;
  readonly committed: boolean;
}

/** Reads partitions one after another, each with what the previous ones leave of the limit. */
async function readInOrder(
  asked: readonly Asked[],
  { maxBytes, committed }: ReadLimits,
  context: RequestContext,
): Promise<FetchedPartitionResponse[]> {
  let left = maxBytes;
  let bytes = 0;
  const answers: FetchedPartitionResponse[] = [];
  for (const { topic, partition } of asked) {
    const limit = Math.min(Math.max(partition.partitionMaxBytes, 0), left);
    const answer = await readPartition(topic, partition, { limit, first: bytes === 0, committed }, context);
    bytes += bytesIn(answer);
    left = Math.max(maxBytes - bytes, 0);
    answers.push(answer);
  }
  return answers;
}

/**
 * Reads partitions at the same time if the limits allow all that they may return.
 *
 * @returns undefined if the limits do not, and if the first partition with data has a batch that exceeds its limit
 */
async function readAtOnce(
  asked: readonly Asked[],
  { maxBytes, committed }: ReadLimits,
  context: RequestContext,
): Promise<FetchedPartitionResponse[] | undefined> {
  const { memory } = context;
  const limits = asked.map((each) => mostBytesOf(each, committed));
  const sum = limits.reduce((total, limit) => total + limit, 0);
  // The thread pool reads large parts only.
  if (sum < LEAST_BYTES_AT_ONCE || sum > Math.min(maxBytes, memory.leftBytes)) return undefined;
  memory.reserve(sum);
  const answers = await Promise.all(
    asked.map(({ topic, partition }, i) =>
      readLog(topic, partition, { limit: limits[i] as number, first: false, committed }, context),
    ),
  );
  memory.unreserve();
  const first = answers[limits.findIndex((limit) => limit > 0)] as FetchedPartitionResponse;
  if (bytesIn(first) > 0) return answers;
  memory.release();
  return undefined;
}

/** Upper limit of what a partition can return. */
function mostBytesOf({ topic, partition }: Asked, committed: boolean): number {
  const log = topic?.partitions[partition.partition];
  if (log === undefined) return 0;
  const end = committed ? log.lastStableOffset : log.highWatermark;
  if (partition.fetchOffset >= end) return 0;
  return Math.min(Math.max(partition.partitionMaxBytes, 0), log.sizeBytes);
}

function resultOf(
  { topics }: FetchRequest,
  asked: readonly Asked[],
  answers: readonly FetchedPartitionResponse[],
): Read {
  const result: FetchResponse['topics'] = [];
  const sent: Read['sent'][number][] = [];
  let from = 0;
  for (const { topic, topicId, partitions } of topics) {
    const own = answers.slice(from, from + partitions.length);
    const found = asked[from]?.topic;
    const bytes = own.reduce((sum, answer) => sum + bytesIn(answer), 0);
    if (found !== undefined && bytes > 0) sent.push({ topic: found.name, bytes });
    result.push({ topic, topicId, partitions: own });
    from += partitions.length;
  }
  return {
    topics: result,
    bytes: sent.reduce((sum, { bytes }) => sum + bytes, 0),
    sent,
    failed: answers.some(({ errorCode }) => errorCode !== ErrorCode.NONE),
  };
}

function bytesIn({ records }: FetchedPartitionResponse): number {
  return (records ?? []).reduce((sum, { length }) => sum + length, 0);
}

function topicOf(
  { topic, topicId }: Pick<FetchRequest['topics'][number], 'topic' | 'topicId'>,
  { store, apiVersion }: RequestContext,
): Topic | undefined {
  return apiVersion > LAST_FETCH_WITH_NAMES ? store.topicById(topicId) : store.topic(topic);
}

interface PartitionLimits {
  readonly limit: number;
  /** Whether the first batch is returned whatever its size. */
  readonly first: boolean;
  readonly committed: boolean;
}

async function readPartition(
  topic: Topic | undefined,
  partition: PartitionRequest,
  { limit: asked, first, committed }: PartitionLimits,
  context: RequestContext,
): Promise<FetchedPartitionResponse> {
  const { memory } = context;
  const limit = Math.min(asked, memory.leftBytes);
  memory.reserve(Math.min(limit, mostBytesOf({ topic, partition }, committed)));
  try {
    return await readLog(topic, partition, { limit, first, committed }, context);
  } finally {
    memory.unreserve();
  }
}

async function readLog(
  topic: Topic | undefined,
  { partition, fetchOffset, currentLeaderEpoch }: PartitionRequest,
  { limit, first, committed }: PartitionLimits,
  context: RequestContext,
): Promise<FetchedPartitionResponse> {
  try {
    const log = partitionOf(topic, partition, context);
    checkLeaderEpoch(currentLeaderEpoch);
    checkReadable(topic, context);
    const allocate = context.memory.acquire;
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

/** @throws ProtocolError if the topic or the partition does not exist */
function partitionOf(topic: Topic | undefined, index: number, { apiVersion }: RequestContext): PartitionLog {
  const log = topic?.partitions[index];
  if (log !== undefined) return log;
  const isUnknownId = topic === undefined && apiVersion > LAST_FETCH_WITH_NAMES;
  throw new ProtocolError(
    isUnknownId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    `Partition ${index} of the topic does not exist.`,
  );
}

function answerOf(
  partition: number,
  log: PartitionLog | undefined,
  records: readonly Buffer[],
): FetchedPartitionResponse {
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

/** @throws ProtocolError if the topic is compressed with zstd, and the version of the request is older */
function checkReadable(topic: Topic | undefined, { store, apiVersion }: RequestContext): void {
  if (apiVersion >= FIRST_VERSION_WITH_ZSTD) return;
  if (topic === undefined || store.setting(topic, 'compression.type') !== 'zstd') return;
  throw new ProtocolError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `${topic.name} is compressed with zstd`);
}

/** @throws ProtocolError if the client expects a leader epoch other than 0 */
export function checkLeaderEpoch(epoch: number): void {
  if (epoch === -1 || epoch === LEADER_EPOCH) return;
  if (epoch < LEADER_EPOCH) throw new ProtocolError(ErrorCode.FENCED_LEADER_EPOCH, `leader epoch ${epoch}`);
  throw new ProtocolError(ErrorCode.UNKNOWN_LEADER_EPOCH, `leader epoch ${epoch}`);
}

/** Counts the bytes that are appended to the partitions of a request while it waits. */
function watch(wanted: FetchRequest, context: RequestContext) {
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
        // The end of a transaction makes all its records readable.
        appended += committed && undecided ? Infinity : bytes;
        stable = lastStableOffset;
        undecided = stable !== highWatermark;
        wake?.();
      });
      // The topic was deleted: respond at once.
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
    /** Resolves once enough bytes were appended, the time is over, or the request was aborted. */
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
          // Appends often arrive together: those of the same turn of the event loop are returned too.
          if (appended >= bytes) setImmediate(done);
        };
        wake();
      }),
  };
}
