import {
  LogError,
  partitionName,
  type Admin,
  type ConsumerGap,
  type RangeReader,
  type TopicPartition,
  type UndecodableBatch,
} from '@hailstream/log';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import type { Logger } from 'pino';
import type { KnownRecords } from '../positions/known-records.postgres.js';
import { remaining, type LogPartition, type Positions } from '../positions/log-partition.js';
import type { PositionLeases } from '../positions/position-leases.postgres.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import type { Retention } from '../retention/retention.js';
import type { Tables } from '../rows/tables.js';
import type { RebuildCounts } from '../trips/rebuild/rebuild-trips.postgres.js';
import type { ChunkLoader } from './chunk-loader.postgres.js';
import { ChunkQueue } from './chunk-queue.js';
import { NO_COUNTS, type Counts } from './counts.js';
import { LeasedReads } from './leased-reads.js';
import { LoadError } from './load.errors.js';
import { LoadTally, type LoadResult } from './load-result.js';
import { LogCheck } from './log-check.js';
import { plan } from './plan.js';
import { requireSameLog } from './same-log.js';

/** Interval at which the positions are read: other processes move them as well. */
const POLL_MS = 200;
/** A load fails if no position moves for this long: enough for Postgres to recover and for leases to expire. */
const NO_PROGRESS_MS = 90_000;
/** Interval at which a load checks that the log is still the same one. */
const COMPARE_LOG_MS = 5_000;

interface LoadDependencies {
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly positions: LogPositions;
  readonly leases: PositionLeases;
  readonly known: KnownRecords;
  readonly tables: Tables;
  readonly loader: ChunkLoader;
  /** Partitions that are read concurrently. */
  readonly maxReads: number;
  /** Chunks in memory. */
  readonly maxChunks: number;
  /** Records of one partition that are loaded in one transaction. */
  readonly chunkRecords: number;
  /** Bytes of one partition that are fetched at once. */
  readonly chunkBytes: number;
  /** `EVENTS_MAX_AGE_DAYS` */
  readonly maxAgeDays: number;
  readonly retention: Retention;
  readonly logger: Logger;
}

export interface Progress {
  /** Offsets between the positions at the start and the targets. */
  readonly total: number;
  /** Those of them that have been loaded, by any process. */
  readonly done: number;
}

/** Callbacks that are called during a load. */
export interface LoadObserver {
  readonly onProgress?: (progress: Progress) => void;
  /** Called when a position has moved, with the results for the offsets that it passed. */
  readonly onCounted?: (partition: TopicPartition, counts: Counts) => void;
  readonly onGap?: (gap: ConsumerGap) => void;
  /** Called for each batch that cannot be decoded. */
  readonly onUndecodable?: (batch: UndecodableBatch) => void;
  /** Called after each transaction that rebuilds trips, with the counts of all of them. */
  readonly onTripsRebuilt?: (counts: RebuildCounts) => void;
  readonly onRebuildFailed?: (error: unknown) => void;
}

export interface LoadOptions extends LoadObserver {
  /**
   * Maximum time of each of the two tasks that follow a load: calculating aggregates and rebuilding trips. What is left is done
   * after the next load. @default Infinity
   */
  readonly followUpMs?: number;
}

/**
 * Loads all records that the log has now. Processes that load at the same time share the partitions by leases; the load
 * ends when the positions of all partitions have reached their targets.
 *
 * @throws LoadError if continuing would skip records, if the load was stopped, or if no position moved for
 * {@link NO_PROGRESS_MS}
 * @throws LogError if the log reports an error that is not retryable, or before the first record was read
 */
export async function load(
  dependencies: LoadDependencies,
  signal: AbortSignal,
  observer: LoadObserver = {},
): Promise<LoadResult> {
  const startedAt = performance.now();
  const topics = [...dependencies.tables.keys()];
  const { partitions, gaps } = await plan({ ...dependencies, topics });
  const run = new LoadRun(dependencies, partitions, observer);
  for (const gap of gaps) run.count(gap, { ...NO_COUNTS, lost: Number(gap.to - gap.from) });
  const positions = await run.toTheEnd(signal);
  // The log may have been replaced after the last read.
  await requireSameLog(dependencies.admin, partitions);
  return run.result(positions, Math.round(performance.now() - startedAt) / 1_000);
}

class LoadRun {
  private readonly tally = new LoadTally();
  private readonly queue: ChunkQueue;
  private readonly reads: LeasedReads;
  private readonly topics: readonly string[];
  private readonly failureLogger: RateLimitedLogger;
  /** Rejects when the load must end. */
  private readonly failed: Promise<never>;
  private fail!: (reason: unknown) => void;
  private lastFailure: Error | undefined;
  /** Ends the wait before the positions are read again. */
  private wake: () => void = () => {};

  constructor(
    private readonly dependencies: LoadDependencies,
    private readonly partitions: readonly LogPartition[],
    private readonly observer: LoadObserver,
  ) {
    this.topics = [...dependencies.tables.keys()];
    this.failureLogger = new RateLimitedLogger(dependencies.logger);
    this.queue = new ChunkQueue({
      ...dependencies,
      onLoaded: (chunk, loaded) => this.count(chunk, loaded),
      onFailure: (error) => this.stepFailed(error, 'could not load a chunk, will retry'),
      onIdle: () => this.wake(),
    });
    this.reads = new LeasedReads({
      ...dependencies,
      partitions,
      checks: new Map(
        partitions.map((each) => [
          partitionName(each.topic, each.partition),
          new LogCheck(each, dependencies),
        ]),
      ),
      queue: this.queue,
      onGap: (gap) => this.observer.onGap?.(gap),
      onUndecodable: (batch) => this.observer.onUndecodable?.(batch),
      onFailure: (error) => this.readFailed(error),
    });
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    // Between two waits nobody awaits the promise.
    this.failed.catch(() => {});
  }

  /** Resolves with the positions once all of them have reached their targets. */
  async toTheEnd(signal: AbortSignal): Promise<Positions> {
    const onProgress = this.observer.onProgress ?? (() => {});
    const atStart = await this.dependencies.positions.read(this.topics);
    const total = remaining(this.partitions, new Map());
    if (remaining(this.partitions, atStart) === 0n) {
      onProgress({ total: Number(total), done: Number(total) });
      return atStart;
    }
    try {
      return await this.untilLoaded(signal, (left) =>
        onProgress({ total: Number(total), done: Number(total - left) }),
      );
    } finally {
      await this.close();
    }
  }

  result(positions: Positions, seconds: number): LoadResult {
    return this.tally.result(this.partitions, positions, seconds);
  }

  count(partition: TopicPartition, counts: Counts): void {
    this.tally.add(partition, counts);
    this.observer.onCounted?.(partition, counts);
  }

  private async untilLoaded(signal: AbortSignal, onMoved: (left: bigint) => void): Promise<Positions> {
    let left = -1n;
    let comparedAt = performance.now();
    for (let movedAt = performance.now(); ;) {
      if (signal.aborted) throw new LoadError('STOPPED', `load stopped with ${left} records left`);
      const positions = await this.readPositions();
      const now = positions === undefined ? left : remaining(this.partitions, positions);
      if (now !== left) {
        left = now;
        movedAt = performance.now();
        onMoved(left);
      }
      if (positions !== undefined && left === 0n) return positions;
      if (performance.now() - movedAt > NO_PROGRESS_MS) throw this.noProgress(left);
      if (performance.now() - comparedAt > COMPARE_LOG_MS) {
        await this.compareLog();
        comparedAt = performance.now();
      }
      if (positions !== undefined) await this.startReads(positions);
      await Promise.race([this.untilNextPoll(signal), this.failed]);
    }
  }

  /** Waits {@link POLL_MS}, or until the queue is empty or the load is stopped. */
  private untilNextPoll(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, POLL_MS);
      signal.addEventListener('abort', done);
      this.wake = done;
    });
  }

  private async startReads(positions: Positions): Promise<void> {
    try {
      await this.reads.start(positions);
    } catch (error) {
      this.stepFailed(error as Error, 'could not lease partitions, will retry');
    }
  }

  private readFailed(error: Error): void {
    const isRetried = error instanceof LogError && error.retryable;
    this.stepFailed(error, 'could not read from the log, will retry');
    if (!isRetried) this.fail(error);
  }

  private stepFailed(error: Error, message: string): void {
    this.lastFailure = error;
    if (error instanceof LoadError) this.fail(error);
    else this.failureLogger.warn({ err: error }, message);
  }

  /** Fails if the log is another one. Waits for a log that does not respond. */
  private async compareLog(): Promise<void> {
    try {
      await requireSameLog(this.dependencies.admin, this.partitions);
    } catch (error) {
      if (error instanceof LoadError) throw error;
      this.lastFailure = error as Error;
    }
  }

  /** Returns `undefined` if the database does not respond. */
  private async readPositions(): Promise<Positions | undefined> {
    try {
      return await this.dependencies.positions.read(this.topics);
    } catch (error) {
      this.lastFailure = error as Error;
      return undefined;
    }
  }

  private async close(): Promise<void> {
    // The queue first: reads wait for room in it.
    await this.queue[Symbol.asyncDispose]();
    await this.reads[Symbol.asyncDispose]();
    this.failureLogger.stop();
    try {
      await this.dependencies.leases.release();
    } catch (error) {
      this.dependencies.logger.debug({ err: error }, 'could not release the leases, they expire');
    }
  }

  private noProgress(left: bigint): LoadError {
    const reason = this.lastFailure ? `: ${this.lastFailure.message}` : '';
    const message = `no record was loaded for ${NO_PROGRESS_MS / 1_000} s, ${left} records left${reason}`;
    return new LoadError('NO_PROGRESS', message, { cause: this.lastFailure });
  }
}
