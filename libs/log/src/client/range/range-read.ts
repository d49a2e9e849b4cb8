import type { Logger } from 'pino';
import { reportGap } from '../consumer/gaps.js';
import type { CompactionStatus, TopicCompaction } from '../consumer/topic-compaction.js';
import type { FetchedPartition } from '../kafkajs/fetch.js';
import { readRecordSet, type RecordSetStep } from '../record/record-set.js';
import { LogError } from '../core/errors.js';
import { PartitionCursor } from './partition-cursor.js';
import type { RangeCluster } from './range-cluster.js';
import { END_CONFIRM_MS, RangeFetcher } from './range-fetcher.js';
import type { RangeBatch, RangeProgress, RangeRead, RangeRequest, ResolvedRange } from './range.js';
import { truncated, type LedRange } from './resolve-ranges.js';

export const DEFAULTS: Required<
  Pick<RangeRequest, 'isolation' | 'maxBatchRecords' | 'maxPartitionBytes' | 'maxBufferedBytes'>
> = {
  isolation: 'read_committed',
  maxBatchRecords: 1_000,
  maxPartitionBytes: 1024 * 1024,
  maxBufferedBytes: 16 * 1024 * 1024,
};

interface RangeReadOptions {
  readonly request: RangeRequest;
  readonly ranges: readonly LedRange[];
  readonly cluster: RangeCluster;
  readonly compaction: TopicCompaction;
  readonly logger: Logger;
  readonly stallTimeoutMs: number;
}

/** {@link RangeRead} over the fetches of a {@link RangeFetcher}. */
export class FetchingRangeRead implements RangeRead {
  readonly ranges: readonly ResolvedRange[];
  private readonly request: RangeRequest & typeof DEFAULTS;
  private readonly cursors: readonly PartitionCursor[];
  private readonly fetcher: RangeFetcher;
  private isIterated = false;

  constructor(private readonly options: RangeReadOptions) {
    const { request, ranges } = options;
    this.ranges = ranges.map(({ leader: _leader, ...range }) => range);
    this.request = { ...DEFAULTS, ...request };
    this.cursors = ranges.map((range) => new PartitionCursor(range));
    this.fetcher = new RangeFetcher({ ...options, ...this.request, cursors: this.cursors });
  }

  get progress(): RangeProgress {
    let done = 0n;
    let total = 0n;
    for (const { range, position } of this.cursors) {
      done += position - range.from;
      total += range.to - range.from;
    }
    return { done, total };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RangeBatch, void, void> {
    if (this.isIterated) throw new LogError('REFUSED', 'a range can be iterated once', false);
    this.isIterated = true;
    const { fetcher } = this;
    using _fetcher = fetcher;
    fetcher.start();
    for (;;) {
      const cursor = await fetcher.next();
      if (!cursor) break;
      yield* this.returnFetched(cursor);
    }
    // By name, the last records may have been those of another topic.
    if (fetcher.wasReadByName) await fetcher.requireSameTopics();
  }

  /** Decodes a set of a partition while the next one is fetched. */
  private async *returnFetched(cursor: PartitionCursor): AsyncGenerator<RangeBatch, void, void> {
    const { fetcher } = this;
    const { fetched, end } = cursor.take();
    try {
      fetcher.fetchMore();
      if (fetched.isOutOfRange) await this.reposition(cursor);
      else yield* this.decode(cursor, fetched);
    } finally {
      const dropped = cursor.isDone || cursor.position === end ? 0 : cursor.rewind();
      fetcher.release(fetched.bytes.length + dropped);
    }
    fetcher.fetchMore();
  }

  private async *decode(
    cursor: PartitionCursor,
    fetched: FetchedPartition,
  ): AsyncGenerator<RangeBatch, void, void> {
    const { maxBatchRecords, signal } = this.request;
    const isCompacted = this.options.compaction.of(cursor.range.topic);
    const steps = readRecordSet(fetched, {
      position: cursor.position,
      highWatermark: fetched.highWatermark,
      maxRecords: maxBatchRecords,
      expectsGaps: () => isCompacted.known === true,
    });
    for (const step of steps) {
      switch (step.kind) {
        case 'records':
        case 'passed':
          yield batchOf(cursor, step, fetched.lastStableOffset);
          break;
        case 'gap': {
          const isExpected = await this.askCompaction(cursor, isCompacted);
          if (isExpected === undefined) return;
          if (!isExpected) await this.passGap(cursor, step, fetched);
          break;
        }
        case 'undecodable':
          if (step.batch.baseOffset >= cursor.range.to) {
            yield batchOf(cursor, { kind: 'passed', nextOffset: cursor.range.to }, fetched.lastStableOffset);
          } else if (!(await this.setAside(cursor, step.batch))) return;
      }
      signal?.throwIfAborted();
      if (cursor.isDone) return;
    }
  }

  /** The log does not have the position: it starts after it, or ends before it. */
  private async reposition(cursor: PartitionCursor): Promise<void> {
    const { topic, partition, to } = cursor.range;
    const { position } = cursor;
    try {
      const [start, end] = await Promise.all([
        this.boundOf(cursor, 'earliest'),
        this.boundOf(cursor, 'latest'),
      ]);
      if (position < start) {
        const found = start < to ? start : to;
        return await this.reportGap(cursor, { expected: position, found, cause: 'log-start' });
      }
      const now = performance.now();
      if (position <= end) cursor.truncatedSinceMs = undefined;
      else cursor.truncatedSinceMs ??= now;
      if (now - (cursor.truncatedSinceMs ?? now) >= END_CONFIRM_MS)
        throw truncated(cursor.range, position, end);
      const message = `partition ${partition} of topic "${topic}" does not have offset ${position}`;
      throw new LogError('UNAVAILABLE', message, true);
    } catch (error) {
      if (!(error instanceof LogError) || !error.retryable) throw error;
      void this.fetcher.retry([cursor], error);
    }
  }

  private async boundOf({ leader, range }: PartitionCursor, bound: 'earliest' | 'latest'): Promise<bigint> {
    const { topic, partition } = range;
    const found = await this.options.cluster.listOffsets(leader, {
      topic,
      isolation: 'read_uncommitted',
      bounds: new Map([[partition, bound]]),
    });
    return found.get(partition) ?? 0n;
  }

  /** Returns `undefined` if the cluster does not answer: then the partition is fetched again after a wait. */
  private async askCompaction(
    cursor: PartitionCursor,
    compaction: CompactionStatus,
  ): Promise<boolean | undefined> {
    try {
      return await compaction.ask();
    } catch (error) {
      if (!(error instanceof LogError) || !error.retryable) throw error;
      void this.fetcher.retry([cursor], error);
      return undefined;
    }
  }

  private async passGap(
    cursor: PartitionCursor,
    { expected, found }: { readonly expected: bigint; readonly found: bigint },
    { logStartOffset }: FetchedPartition,
  ): Promise<void> {
    const { to } = cursor.range;
    const cause = logStartOffset > expected ? 'log-start' : 'unexplained';
    await this.reportGap(cursor, { expected, found: found < to ? found : to, cause });
  }

  private async reportGap(
    cursor: PartitionCursor,
    gap: { readonly expected: bigint; readonly found: bigint; readonly cause: 'log-start' | 'unexplained' },
  ): Promise<void> {
    const { topic, partition } = cursor.range;
    const { onGap } = this.request;
    if (!onGap) {
      const message = `offsets ${gap.expected} to ${gap.found - 1n} of partition ${partition} of topic "${topic}" ${GAP_REASONS[gap.cause]}`;
      throw new LogError('OFFSETS_MISSING', message, false);
    }
    await reportGap({ topic, partition, ...gap }, { logger: this.options.logger, onGap });
    cursor.moveTo(gap.found);
  }

  /** Returns false if the batch should be fetched again: it may have been damaged in transit. */
  private async setAside(
    cursor: PartitionCursor,
    batch: Extract<RecordSetStep, { kind: 'undecodable' }>['batch'],
  ): Promise<boolean> {
    const { baseOffset, lastOffset, reason, sha256 } = batch;
    if (reason.code === 'DAMAGED' && cursor.retriesDamaged(baseOffset)) return false;
    const { topic, partition } = cursor.range;
    const { onUndecodable } = this.request;
    if (!onUndecodable) {
      const message = `offsets ${baseOffset} to ${lastOffset} of partition ${partition} of topic "${topic}" cannot be decoded: ${reason.message}`;
      throw new LogError('UNDECODABLE', message, false, { cause: reason });
    }
    const offsets = { baseOffset: String(baseOffset), lastOffset: String(lastOffset) };
    this.options.logger.error(
      { topic, partition, ...offsets, sha256, err: reason },
      'batch cannot be decoded',
    );
    await onUndecodable({ topic, partition, ...batch });
    cursor.moveTo(lastOffset + 1n);
    return true;
  }
}

const GAP_REASONS = {
  'log-start': 'were deleted from the log',
  unexplained: 'were left out by the broker, and the topic is not compacted',
} as const;

/** The part of a step that lies in the range. */
function batchOf(
  cursor: PartitionCursor,
  step: Extract<RecordSetStep, { kind: 'records' | 'passed' }>,
  highWatermark: bigint,
): RangeBatch {
  const { topic, partition, to } = cursor.range;
  const from = cursor.position;
  const nextOffset = cursor.moveTo(step.nextOffset);
  const records = step.kind === 'passed' ? [] : step.records;
  return {
    topic,
    partition,
    records: step.nextOffset > to ? records.filter(({ offset }) => offset < to) : records,
    from,
    nextOffset,
    highWatermark,
  };
}
