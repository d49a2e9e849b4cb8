import { once } from 'node:events';
import {
  partitionName,
  createBatchConsumer,
  type Admin,
  type BatchConsumer,
  type ConsumerGap,
  type LogConnection,
  type RecordBatch,
  type TopicPartition,
  type UndecodableBatch,
} from '@hailstream/log';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import type { Logger } from 'pino';
import type { Tables } from '../rows/tables.js';
import type { KnownRecords } from '../positions/known-records.postgres.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import type { ChunkLoader } from './chunk-loader.postgres.js';
import { ChunkQueue } from './chunk-queue.js';
import { NO_COUNTS, type Counts } from './counts.js';
import { GROUP_ID } from '../consumer-group.js';
import { LoadError } from './load.errors.js';
import { LoadTally, type LoadResult } from './load-result.js';
import { LogCheck } from './log-check.js';
import { remaining, type LogPartition, type Positions } from '../positions/log-partition.js';
import { plan } from './plan.js';
import { requireSameLog } from './same-log.js';

/** How often the positions are looked at: other processes move them too. */
const POLL_MS = 200;
/** A load of which nothing moved for so long has failed: long enough for Postgres to recover and the group to settle. */
export const NO_PROGRESS_MS = 90_000;
/** After which the partitions of a process that was killed go to the others. */
const SESSION_TIMEOUT_MS = 10_000;

/** How often a load looks whether the log is still the same one. */
const COMPARE_LOG_MS = 5_000;

export interface LoadDependencies {
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly positions: LogPositions;
  readonly known: KnownRecords;
  readonly tables: Tables;
  readonly loader: ChunkLoader;
  /** Chunks in memory, at most. */
  readonly maxChunks: number;
  /** Records of one partition that are loaded in one transaction. */
  readonly chunkRecords: number;
  /** Bytes of one partition that are fetched at once. */
  readonly chunkBytes: number;
  /** `EVENTS_MAX_AGE_DAYS` */
  readonly maxAgeDays: number;
  readonly logger: Logger;
}

export interface Progress {
  /** Records between the positions at the start and the targets. */
  readonly total: number;
  /** Those of them that were loaded since, by whichever process. */
  readonly done: number;
}

/** Is told of a load while it goes on. */
export interface LoadObserver {
  readonly onProgress?: (progress: Progress) => void;
  /** Offsets that a position has moved over, with what became of them. */
  readonly onCounted?: (partition: TopicPartition, counts: Counts) => void;
  readonly onGap?: (gap: ConsumerGap) => void;
  /** A batch of the log that goes to `ride.rejects` as a whole. */
  readonly onUndecodable?: (batch: UndecodableBatch) => void;
}

/**
 * Loads everything that the log holds now, in topics that must be there, together with whichever processes do the same:
 * partitions are shared through a consumer group, and the load ends once the database says that all of them are done.
 *
 * @throws LoadError if going on would skip records, if it was stopped, or if nothing moved for {@link NO_PROGRESS_MS};
 * LogError
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
  // What was read in the last moment may be of another log than what was planned.
  await requireSameLog(dependencies.admin, partitions);
  return run.result(positions, Math.round(performance.now() - startedAt) / 1_000);
}

/** Records that were read, or offsets without any. */
type PassedRecords = Pick<RecordBatch, 'topic' | 'partition' | 'records' | 'nextOffset'> & {
  /** What there is instead of records. */
  readonly undecodable?: UndecodableBatch;
};

class LoadRun {
  private readonly tally = new LoadTally();
  private readonly queue: ChunkQueue;
  private readonly planned: ReadonlyMap<string, LogPartition>;
  private readonly checks: ReadonlyMap<string, LogCheck>;
  /** Where the next batch of each partition starts, as far as this process knows. */
  private readonly nextOffsets = new Map<string, bigint>();
  /** Up to where the log deleted what this process was about to read, by partition. */
  private readonly deletedTo = new Map<string, bigint>();
  /** What ends the run at once. */
  private readonly failed: Promise<never>;
  private fail!: (reason: unknown) => void;
  private lastFailure: Error | undefined;
  private readonly topics: readonly string[];
  private readonly failureLogger: RateLimitedLogger;
  /** Ends the wait between two looks at the positions. */
  private look: () => void = () => {};

  constructor(
    private readonly dependencies: LoadDependencies,
    private readonly partitions: readonly LogPartition[],
    private readonly observer: LoadObserver,
  ) {
    this.topics = [...dependencies.tables.keys()];
    this.failureLogger = new RateLimitedLogger(dependencies.logger);
    this.planned = new Map(partitions.map((each) => [partitionName(each.topic, each.partition), each]));
    this.checks = new Map(
      partitions.map(
        (each) => [partitionName(each.topic, each.partition), new LogCheck(each, dependencies)] as const,
      ),
    );
    const { loader, maxChunks, maxAgeDays } = dependencies;
    this.queue = new ChunkQueue({
      loader,
      maxChunks,
      maxAgeDays,
      onLoaded: (chunk, loaded) => {
        this.count(chunk, loaded);
      },
      onFailure: (error) => this.chunkFailed(error),
      onIdle: () => this.look(),
    });
    this.failed = new Promise((_, reject) => {
      this.fail = reject;
    });
    // It is raced with what is waited for: between two waits nobody looks at it.
    this.failed.catch(() => {});
  }

  /** Resolves with the positions once all have reached their targets, and nothing is in hand any more. */
  async toTheEnd(signal: AbortSignal): Promise<Positions> {
    const onProgress = this.observer.onProgress ?? (() => {});
    const atStart = await this.dependencies.positions.read(this.topics);
    const total = remaining(this.partitions, new Map());
    if (remaining(this.partitions, atStart) === 0n) {
      onProgress({ total: Number(total), done: Number(total) });
      return atStart;
    }
    const consumer = this.createConsumer();
    await using _consumer = consumer;
    // Ends first: the consumer waits for handlers, and these may wait for room.
    await using _queue = this.queue;
    consumer.ended.catch((error: unknown) => this.fail(this.lastFailure ?? error));
    await this.start(consumer, signal);
    let left = -1n;
    let comparedAt = performance.now();
    for (let movedAt = performance.now(); ;) {
      const positions = await this.readPositions();
      const now = positions === undefined ? left : remaining(this.partitions, positions);
      if (now !== left) {
        left = now;
        movedAt = performance.now();
        onProgress({ total: Number(total), done: Number(total - left) });
      }
      if (positions !== undefined && left === 0n) return positions;
      if (performance.now() - movedAt > NO_PROGRESS_MS) throw this.noProgress(left);
      if (performance.now() - comparedAt > COMPARE_LOG_MS) {
        await this.compareLog();
        comparedAt = performance.now();
      }
      await Promise.race([this.untilNextLook(), this.failed]);
      if (signal.aborted) throw new LoadError('STOPPED', `stopped with ${left} records to go`);
    }
  }

  result(positions: Positions, seconds: number): LoadResult {
    return this.tally.result(this.partitions, positions, seconds);
  }

  count(partition: TopicPartition, counts: Counts): void {
    this.tally.add(partition, counts);
    this.observer.onCounted?.(partition, counts);
  }

  private createConsumer(): BatchConsumer {
    const { connection, positions, logger, chunkRecords, chunkBytes } = this.dependencies;
    const consumer = createBatchConsumer({
      connection,
      logger: logger.child({ component: 'consumer' }),
      groupId: GROUP_ID,
      topics: this.topics,
      offsets: {
        kind: 'handler-owned',
        position: async (topic, partition) => {
          const key = partitionName(topic, partition);
          const position = (await positions.read([topic])).get(key);
          if (position !== undefined) this.nextOffsets.set(key, position);
          return this.readFrom(key, position);
        },
      },
      handler: (batch) => this.failing(() => this.handle(batch, consumer)),
      onPosition: (passed) => this.failing(() => this.handle({ ...passed, records: [] }, consumer)),
      onGap: (gap) => {
        this.observer.onGap?.(gap);
        return this.failing(() => this.passGap(gap));
      },
      onUndecodable: (batch) => this.failing(() => this.setAside(batch, consumer)),
      maxBatchRecords: chunkRecords,
      maxPartitionBytes: chunkBytes,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
    });
    return consumer;
  }

  private async start(consumer: BatchConsumer, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const started = new AbortController();
    try {
      const aborted = once(signal, 'abort', { signal: started.signal });
      await Promise.race([consumer.start(), this.failed, aborted]);
    } finally {
      started.abort();
    }
  }

  /** Waits {@link POLL_MS}, or until all that this process had in hand was loaded: it may have been the last. */
  private untilNextLook(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      this.look = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** What came after the load began is for the next one: beyond its target, nothing of a partition is taken. */
  private async handle(batch: PassedRecords, consumer: BatchConsumer): Promise<void> {
    const { topic, partition, nextOffset } = batch;
    const key = partitionName(batch.topic, batch.partition);
    const planned = this.planned.get(key);
    const target = planned?.target ?? 0n;
    const from = this.nextOffsets.get(key) ?? planned?.from ?? 0n;
    if (planned && from < target) {
      await this.compareBefore(key, batch, from);
      const records = batch.records.filter(({ offset }) => offset >= from && offset < target);
      const end =
        nextOffset > target && batch.records.some(({ offset }) => offset >= target) ? target : nextOffset;
      if (end > from) {
        await this.queue.push({
          topic,
          partition,
          identity: planned.identity,
          table: this.dependencies.tables.get(topic)!,
          records,
          undecodable: batch.undecodable,
          from,
          deletedTo: this.deletedTo.get(key) ?? from,
          nextOffset: end,
        });
        this.nextOffsets.set(key, end);
        this.deletedTo.delete(key);
      }
    }
    if (nextOffset >= target) consumer.pause([{ topic, partition }]);
  }

  private async setAside(batch: UndecodableBatch, consumer: BatchConsumer): Promise<void> {
    const { topic, partition, lastOffset } = batch;
    this.observer.onUndecodable?.(batch);
    await this.handle(
      { topic, partition, nextOffset: lastOffset + 1n, records: [], undecodable: batch },
      consumer,
    );
  }

  /** Compares what was read from before the position with what was loaded. */
  private async compareBefore(
    key: string,
    { records, nextOffset }: PassedRecords,
    from: bigint,
  ): Promise<void> {
    const check = this.checks.get(key);
    if (!check?.appliesTo(from)) {
      if (records[0] === undefined || records[0].offset >= from) return;
      throw new LoadError('LOG_CHANGED', `${key}: the log went back from ${from} to ${records[0].offset}`);
    }
    await check.compare(records.filter(({ offset }) => offset < from));
    if (nextOffset > from) await check.finish();
  }

  /** Where reading starts: before the position if something there is to be compared, and something after it to be loaded. */
  private readFrom(key: string, position: bigint | undefined): bigint | undefined {
    const check = this.checks.get(key);
    const target = this.planned.get(key)?.target ?? 0n;
    if (position === undefined || position >= target || !check?.appliesTo(position)) return position;
    return check.from;
  }

  private async passGap({ topic, partition, expected, found, cause }: ConsumerGap): Promise<void> {
    const key = partitionName(topic, partition);
    const nextOffset = this.nextOffsets.get(key) ?? expected;
    switch (cause) {
      case 'log-start':
        // Passed with what comes after it, in one transaction.
        if (found > nextOffset) this.deletedTo.set(key, found);
        return;
      case 'log-end':
        await this.dependencies.positions.refuse({ topic, partition, nextOffset }, 'beyond-log-end');
        throw new LoadError(
          'LOG_CHANGED',
          `${key}: the log ends at ${found}, before the position ${nextOffset}`,
        );
      case 'unexplained':
        throw new LoadError(
          'LOG_GAP',
          `${key}: the log answered from offset ${found} on and left out ${expected} to ${found - 1n}, without a reason. ` +
            'Nothing after them is loaded. If they do not exist, pass over them with ' +
            `npm run batch -- positions reset --topic ${topic} --partition ${partition} --to ${found}`,
        );
    }
  }

  /** What only a person or the next load can resolve ends this one. */
  private async failing(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (error instanceof LoadError) this.fail(error);
      throw error;
    }
  }

  /** Fails if the log is another one by now. A log that does not answer is waited for. */
  private async compareLog(): Promise<void> {
    try {
      await requireSameLog(this.dependencies.admin, this.partitions);
    } catch (error) {
      if (error instanceof LoadError) throw error;
      this.lastFailure = error as Error;
    }
  }

  private chunkFailed(error: Error): void {
    this.lastFailure = error;
    if (error instanceof LoadError) this.fail(error);
    else this.failureLogger.warn({ err: error }, 'could not load a chunk, will retry');
  }

  /** `undefined` while the database can't be asked. */
  private async readPositions(): Promise<Positions | undefined> {
    try {
      return await this.dependencies.positions.read(this.topics);
    } catch (error) {
      this.lastFailure = error as Error;
      return undefined;
    }
  }

  private noProgress(left: bigint): LoadError {
    const reason = this.lastFailure ? `: ${this.lastFailure.message}` : '';
    const message = `nothing was loaded for ${NO_PROGRESS_MS / 1_000} s, with ${left} records to go${reason}`;
    return new LoadError('NO_PROGRESS', message, { cause: this.lastFailure });
  }
}
