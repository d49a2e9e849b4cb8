import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import { ErrorCode, nameOf } from '../../protocol/error-codes.js';
import type { FetchedPartitionResponse } from '../../protocol/fetch.js';
import { toFetchedPartition, type FetchedPartition } from '../kafkajs/fetch.js';
import type { Isolation } from '../kafkajs/list-offsets.js';
import { LogError } from '../core/errors.js';
import type { PartitionCursor } from './partition-cursor.js';
import type { RangeCluster } from './range-cluster.js';
import { requireTopicId, truncated } from './resolve-ranges.js';

const RETRY_BACKOFF = { firstMs: 50, maxMs: 2_000 };
/** Waits before a partition that returned nothing is fetched again. */
const EMPTY_BACKOFF = { firstMs: 10, maxMs: 500 };
/** How long a partition has to end before a position until this is believed: a new leader may name an older end. */
export const END_CONFIRM_MS = 1_000;
/** Maximum time that a topic may be unknown: not all brokers know of a new one at the same time. */
export const UNKNOWN_TOPIC_MS = 3_000;

/** The protocol has no larger limit. */
const MAX_INT32 = 2 ** 31 - 1;

interface RangeFetcherOptions {
  readonly cursors: readonly PartitionCursor[];
  readonly cluster: Pick<RangeCluster, 'fetch' | 'describe'>;
  readonly isolation: Isolation;
  readonly maxPartitionBytes: number;
  readonly maxBufferedBytes: number;
  readonly stallTimeoutMs: number;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
}

/**
 * Fetches for the cursors of one read: at most one request per broker at a time, one set ahead of what is decoded, and
 * only while the buffer has room.
 */
export class RangeFetcher implements Disposable {
  /** Whether a topic was identified by its name in some request. */
  wasReadByName = false;
  /** Bytes fetched or being fetched that were not released. */
  bufferedBytes = 0;
  private readonly stop = new AbortController();
  private readonly fetching = new Set<number>();
  private readonly ready: PartitionCursor[] = [];
  private requests = 0;
  private failure: Error | undefined;
  private wake: () => void = () => undefined;

  constructor(private readonly options: RangeFetcherOptions) {}

  /**
   * The next partition that has something to decode; `undefined` once all have reached their ends.
   *
   * @throws Error if `fail` was called, with its error, or if the signal was aborted, with its reason
   */
  async next(): Promise<PartitionCursor | undefined> {
    for (;;) {
      this.options.signal?.throwIfAborted();
      if (this.failure) throw this.failure;
      const cursor = this.ready.shift();
      if (cursor?.fetched) return cursor;
      if (cursor) continue;
      if (this.options.cursors.every(({ isDone }) => isDone)) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Begins to fetch. */
  start(): void {
    const onAbort = (): void => {
      this.stop.abort();
      this.wake();
    };
    this.options.signal?.addEventListener('abort', onAbort, { signal: this.stop.signal });
    this.fetchMore();
  }

  /** Starts every fetch that can start now. */
  fetchMore(): void {
    if (this.stop.signal.aborted || this.failure) return;
    const { cursors, maxPartitionBytes, maxBufferedBytes } = this.options;
    const leaders = new Map<number, PartitionCursor[]>();
    for (const cursor of cursors) {
      if (!cursor.isFetchable || this.fetching.has(cursor.leader)) continue;
      leaders.set(cursor.leader, [...(leaders.get(cursor.leader) ?? []), cursor]);
    }
    const partitionBytes = Math.min(maxPartitionBytes, maxBufferedBytes);
    for (const [leader, ready] of leaders) {
      const room = Math.floor((maxBufferedBytes - this.bufferedBytes) / partitionBytes);
      if (room < 1) return;
      // Least recently served first, because a batch that exceeds the limits is returned for the first partition only.
      const chosen = ready.toSorted((a, b) => a.servedAt - b.servedAt).slice(0, room);
      void this.fetch(leader, chosen, partitionBytes);
    }
  }

  /** Releases the bytes of a set that was decoded or dropped. */
  release(bytes: number): void {
    this.bufferedBytes -= bytes;
  }

  /** Ends the read with an error. */
  fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }

  /** Fetches again after a wait, from the current leader. Fails the read if the error is permanent or lasts too long. */
  async retry(cursors: readonly PartitionCursor[], error: LogError): Promise<void> {
    for (const cursor of cursors) cursor.isBusy = true;
    if (!(await this.recover(cursors, error))) return;
    for (const cursor of cursors) cursor.isBusy = false;
    this.fetchMore();
  }

  /**
   * Checks that the topics were not recreated.
   *
   * @throws LogError `TOPIC_RECREATED`, or as reading does
   */
  async requireSameTopics(): Promise<void> {
    const { cursors, signal } = this.options;
    try {
      await this.findLeaders(cursors);
    } catch (error) {
      if (await this.recover(cursors, error as LogError)) return;
      signal?.throwIfAborted();
      throw this.failure ?? error;
    }
  }

  [Symbol.dispose](): void {
    this.stop.abort();
  }

  /** Looks for the leaders until they are found. Returns false if the read has failed or has ended. */
  private async recover(cursors: readonly PartitionCursor[], error: LogError): Promise<boolean> {
    for (let failure = error; ;) {
      const now = performance.now();
      for (const cursor of cursors) cursor.fail(now, failure.code === 'UNKNOWN_TOPIC');
      if (!failure.retryable || cursors.some((cursor) => this.isHopeless(cursor, now))) {
        this.fail(failure);
        return false;
      }
      const failures = Math.max(...cursors.map((cursor) => cursor.failures));
      const waitMs = Math.round(withJitter(backoffMs(failures - 1, RETRY_BACKOFF)));
      this.options.logger.debug({ err: failure, waitMs }, 'fetch failed, will retry');
      await sleep(waitMs, this.stop.signal);
      if (this.stop.signal.aborted) return false;
      try {
        await this.findLeaders(cursors);
        return true;
      } catch (cause) {
        failure = cause as LogError;
      }
    }
  }

  /** @throws LogError `TOPIC_RECREATED`; those of the cluster */
  private async findLeaders(cursors: readonly PartitionCursor[]): Promise<void> {
    const layouts = await this.options.cluster.describe([
      ...new Set(cursors.map(({ range }) => range.topic)),
    ]);
    for (const cursor of cursors) {
      const { topic, partition, topicId } = cursor.range;
      const layout = layouts.get(topic)!;
      requireTopicId(topic, topicId, layout.topicId);
      cursor.leader = layout.leaders.get(partition) ?? -1;
    }
  }

  private async fetch(
    leader: number,
    cursors: readonly PartitionCursor[],
    partitionBytes: number,
  ): Promise<void> {
    const request = ++this.requests;
    const wantedBytes = cursors.map(({ neededBytes }) => Math.max(partitionBytes, neededBytes));
    const maxBytes = Math.min(
      MAX_INT32,
      wantedBytes.reduce((sum, bytes) => sum + bytes, 0),
    );
    const requested = cursors.map((cursor) => ({
      cursor,
      position: cursor.fetchPosition,
      isOfUse: cursor.beginFetch(),
    }));
    this.fetching.add(leader);
    this.bufferedBytes += maxBytes;
    try {
      const { isById, partitions } = await this.options.cluster.fetch(leader, {
        isolation: this.options.isolation,
        maxBytes,
        partitions: requested.map(({ cursor: { range }, position }, index) => ({
          topic: range.topic,
          topicId: range.topicId,
          partition: range.partition,
          offset: position,
          maxBytes: wantedBytes[index]!,
        })),
      });
      if (!isById) this.wasReadByName = true;
      requested.forEach(({ cursor, position, isOfUse }, index) => {
        cursor.isBusy = false;
        if (isOfUse()) this.receive(cursor, position, partitions[index], { request, isFirst: index === 0 });
      });
    } catch (error) {
      void this.retry(cursors, error as LogError);
    } finally {
      this.fetching.delete(leader);
      this.bufferedBytes -= maxBytes;
    }
    this.wake();
    this.fetchMore();
  }

  private receive(
    cursor: PartitionCursor,
    position: bigint,
    response: FetchedPartitionResponse | undefined,
    { request, isFirst }: { readonly request: number; readonly isFirst: boolean },
  ): void {
    const errorCode = response?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    if (!response || (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.OFFSET_OUT_OF_RANGE)) {
      void this.retry([cursor], failureOf(cursor, errorCode));
      return;
    }
    const fetched = toFetchedPartition(response, position);
    if (cursor.receive(fetched, request)) {
      this.bufferedBytes += fetched.bytes.length;
      if (!fetched.isOutOfRange) cursor.succeed();
      this.ready.push(cursor);
      return;
    }
    // Behind others there may have been no room for it.
    if (!isFirst && this.readableEnd(fetched) > position) return;
    void this.waitForRecords(cursor, fetched);
  }

  private isHopeless({ failingSinceMs, unknownSinceMs }: PartitionCursor, now: number): boolean {
    const { stallTimeoutMs } = this.options;
    return now - (failingSinceMs ?? now) > stallTimeoutMs || now - (unknownSinceMs ?? now) > UNKNOWN_TOPIC_MS;
  }

  /** Up to where records can be read now. */
  private readableEnd({ lastStableOffset, highWatermark }: FetchedPartition): bigint {
    return this.options.isolation === 'read_committed' ? lastStableOffset : highWatermark;
  }

  /** The range ends behind what can be read: a transaction is open, or the log is shorter than it should be. */
  private async waitForRecords(
    cursor: PartitionCursor,
    {
      highWatermark,
      lastStableOffset,
    }: { readonly highWatermark: bigint; readonly lastStableOffset: bigint },
  ): Promise<void> {
    const now = performance.now();
    const { topic, partition, to } = cursor.range;
    cursor.isBusy = true;
    cursor.fail(now);
    if (highWatermark > cursor.fetchPosition || highWatermark >= to) cursor.truncatedSinceMs = undefined;
    else cursor.truncatedSinceMs ??= now;
    if (now - (cursor.truncatedSinceMs ?? now) >= END_CONFIRM_MS) {
      return this.fail(truncated(cursor.range, to, highWatermark));
    }
    if (now - (cursor.failingSinceMs ?? now) > this.options.stallTimeoutMs) {
      const message = `partition ${partition} of topic "${topic}" returned nothing from offset ${cursor.fetchPosition} on, its last stable offset is ${lastStableOffset}: a transaction is open`;
      return this.fail(new LogError('TIMED_OUT', message, true));
    }
    await sleep(withJitter(backoffMs(cursor.failures - 1, EMPTY_BACKOFF)), this.stop.signal);
    cursor.isBusy = false;
    this.fetchMore();
  }
}

/** Errors that no retry changes. */
const REFUSALS: ReadonlySet<number> = new Set([
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.UNSUPPORTED_VERSION,
  ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
  ErrorCode.INVALID_REQUEST,
]);
const UNKNOWN_TOPIC: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
]);

function failureOf({ range: { topic, partition } }: PartitionCursor, errorCode: number): LogError {
  const message = `cannot fetch from partition ${partition} of topic "${topic}": ${nameOf(errorCode)}`;
  if (REFUSALS.has(errorCode)) return new LogError('REFUSED', message, false);
  if (UNKNOWN_TOPIC.has(errorCode)) return new LogError('UNKNOWN_TOPIC', message, true);
  return new LogError('UNAVAILABLE', message, true);
}
