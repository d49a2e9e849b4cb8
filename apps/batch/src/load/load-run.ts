import { once } from 'node:events';
import {
  createBatchConsumer,
  type Admin,
  type BatchConsumer,
  type LogConnection,
  type RecordBatch,
} from '@hailstream/log';
import type { Logger } from 'pino';
import { tablesByTopic } from '../rows/tables.js';
import type { Chunk, ChunkLoader, LoadedChunk } from './chunk-loader.postgres.js';
import { ChunkQueue } from './chunk-queue.js';
import { LoadError } from './load.errors.js';
import { partitionKey, positionOf, remaining, type LogPartition, type Positions } from './log-partition.js';
import { plan } from './plan.js';
import type { LogPositions } from './positions.postgres.js';
import { Trouble } from './trouble.js';

export const GROUP_ID = 'hailstream-batch';

/** How often the positions are looked at: other processes move them too. */
const POLL_MS = 200;
/** A load of which nothing moved for so long has failed: long enough for Postgres to recover and the group to settle. */
export const NO_PROGRESS_MS = 90_000;
/** After which the partitions of a process that was killed go to the others. */
const SESSION_TIMEOUT_MS = 10_000;

const topics = [...tablesByTopic.keys()];

export interface LoadDependencies {
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly positions: LogPositions;
  readonly loader: ChunkLoader;
  /** Chunks in memory, at most. */
  readonly chunksInHand: number;
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

/** What one load did to one topic. */
export interface TopicResult {
  /** Rows this load wrote. */
  rows: number;
  /** Records it could not load, which are in `ride.rejects`. */
  rejects: number;
  /** Positions of all partitions together, before and after, whichever process moved them. */
  from: number;
  to: number;
}

export interface LoadResult {
  readonly topics: Readonly<Record<string, TopicResult>>;
  readonly rows: number;
  readonly rejects: number;
  readonly seconds: number;
}

/**
 * Loads everything that the log holds now, in topics that must be there, together with whichever processes do the same:
 * partitions are shared through a consumer group, and the load ends once the database says that all of them are done.
 *
 * @throws LoadError where it was stopped, or nothing moved for {@link NO_PROGRESS_MS}; LogError
 */
export async function load(
  dependencies: LoadDependencies,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void = () => {},
): Promise<LoadResult> {
  const startedAt = performance.now();
  const partitions = await plan({ ...dependencies, topics });
  const run = new LoadRun(dependencies, partitions);
  const positions = await run.toTheEnd(signal, onProgress);
  const results = Object.fromEntries(topics.map((topic) => [topic, run.resultOf(topic, positions)]));
  const sum = (pick: (result: TopicResult) => number): number =>
    Object.values(results).reduce((total, result) => total + pick(result), 0);
  return {
    topics: results,
    rows: sum(({ rows }) => rows),
    rejects: sum(({ rejects }) => rejects),
    seconds: Math.round(performance.now() - startedAt) / 1_000,
  };
}

class LoadRun {
  private readonly written = new Map<string, { rows: number; rejects: number }>();
  private readonly queue: ChunkQueue;
  private readonly targets: ReadonlyMap<string, bigint>;
  /** Where the next batch of each partition starts, as far as this process knows. */
  private readonly nextOffsets = new Map<string, bigint>();
  /** What ends the run at once. */
  private readonly failed: Promise<never>;
  private fail!: (reason: unknown) => void;
  private lastFailure: Error | undefined;
  private readonly trouble = new Trouble();
  /** Ends the wait between two looks at the positions. */
  private look: () => void = () => {};

  constructor(
    private readonly dependencies: LoadDependencies,
    private readonly partitions: readonly LogPartition[],
  ) {
    this.targets = new Map(partitions.map((each) => [partitionKey(each), each.target]));
    const { loader, chunksInHand, maxAgeDays } = dependencies;
    this.queue = new ChunkQueue({
      loader,
      chunksInHand,
      maxAgeDays,
      onLoaded: (chunk, loaded) => this.count(chunk, loaded),
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
  async toTheEnd(signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<Positions> {
    const atStart = await this.dependencies.positions.read(topics);
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
      await Promise.race([this.untilNextLook(), this.failed]);
      if (signal.aborted) throw new LoadError('STOPPED', `stopped with ${left} records to go`);
    }
  }

  resultOf(topic: string, positions: Positions): TopicResult {
    const ofTopic = this.partitions.filter((each) => each.topic === topic);
    const total = (pick: (each: LogPartition) => bigint): number =>
      Number(ofTopic.reduce((sum, each) => sum + pick(each), 0n));
    const { rows, rejects } = this.written.get(topic) ?? { rows: 0, rejects: 0 };
    return {
      rows,
      rejects,
      from: total(({ from }) => from),
      to: total((each) => positionOf(each, positions)),
    };
  }

  private createConsumer(): BatchConsumer {
    const { connection, positions, logger, chunkRecords, chunkBytes } = this.dependencies;
    const consumer = createBatchConsumer({
      connection,
      logger: logger.child({ component: 'consumer' }),
      groupId: GROUP_ID,
      topics,
      offsets: {
        kind: 'handler-owned',
        position: async (topic, partition) => {
          const position = (await positions.read([topic])).get(partitionKey({ topic, partition }));
          if (position !== undefined) this.nextOffsets.set(partitionKey({ topic, partition }), position);
          return position;
        },
      },
      handler: (batch) => this.handle(batch, consumer),
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
  private async handle(batch: RecordBatch, consumer: BatchConsumer): Promise<void> {
    const { topic, partition, records, nextOffset } = batch;
    const key = partitionKey(batch);
    const from = this.nextOffsets.get(key) ?? records[0]!.offset;
    const target = this.targets.get(key) ?? 0n;
    if (from < target) {
      const wanted = nextOffset <= target ? batch : cutAt(batch, target);
      await this.queue.push(tablesByTopic.get(topic)!, wanted, from);
      this.nextOffsets.set(key, wanted.nextOffset);
    }
    if (nextOffset >= target) consumer.pause([{ topic, partition }]);
  }

  private count({ topic }: Chunk, { rows, rejects }: LoadedChunk): void {
    this.trouble.ended();
    const before = this.written.get(topic) ?? { rows: 0, rejects: 0 };
    this.written.set(topic, { rows: before.rows + rows, rejects: before.rejects + rejects });
  }

  private chunkFailed(error: Error): void {
    const level = this.trouble.failed(Date.now()) ? 'warn' : 'debug';
    const { failures } = this.trouble;
    this.dependencies.logger[level]({ err: error, failures }, 'a chunk was not loaded, and is tried again');
    this.lastFailure = error;
    if (error instanceof LoadError) this.fail(error);
  }

  /** `undefined` while the database can't be asked. */
  private async readPositions(): Promise<Positions | undefined> {
    try {
      return await this.dependencies.positions.read(topics);
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

function cutAt(batch: RecordBatch, nextOffset: bigint): RecordBatch {
  return { ...batch, records: batch.records.filter(({ offset }) => offset < nextOffset), nextOffset };
}
