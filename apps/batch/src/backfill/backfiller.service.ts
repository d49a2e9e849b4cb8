import { deadLetterTopic } from '@hailstream/events';
import {
  partitionName,
  type Admin,
  type ConsumerGap,
  type DeadLetterQueue,
  type RangeReader,
} from '@hailstream/log';
import { ADMIN, DEAD_LETTER_QUEUE, LOGGER, RANGE_READER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable } from '@nestjs/common';
import { AggregateRefresher } from '../aggregates/aggregate-refresher.service.js';
import { LOAD_CONFIG, type LoadConfig } from '../config.js';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
import { ErasedIds } from '../erasure/erased-ids.postgres.js';
import { loadDeadLetters } from '../load/dead-letter-load.postgres.js';
import type { Progress } from '../load/load-run.js';
import { LogPositions } from '../positions/positions.postgres.js';
import { RejectWriter } from '../rejects/reject-writer.js';
import { TABLES, type Tables } from '../rows/tables.js';
import { BackfillError } from './backfill.errors.js';
import { ChunkBackfill, type BackfillCounts } from './chunk-backfill.postgres.js';
import { planBackfill, type BackfillRange, type PlannedRange } from './plan-backfill.js';

export interface BackfillOptions extends BackfillRange {
  readonly isDryRun: boolean;
}

export interface BackfillResult extends BackfillCounts {
  readonly topic: string;
  /** Offsets that were read, by partition; `to` is exclusive. Partitions without offsets are left out. */
  readonly partitions: Readonly<Record<string, { readonly from: number; readonly to: number }>>;
  /** Offsets without a record for batch. */
  readonly skipped: number;
  readonly dryRun: boolean;
  readonly seconds: number;
}

/** Loads records of the log that loads have passed and that are neither rows nor rejects. */
@Injectable()
export class Backfiller {
  constructor(
    @Inject(LOAD_CONFIG) private readonly config: LoadConfig,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(RANGE_READER) private readonly reader: RangeReader,
    @Inject(DEAD_LETTER_QUEUE) private readonly deadLetters: DeadLetterQueue,
    @Inject(TABLES) private readonly tables: Tables,
    private readonly migrator: SchemaMigrator,
    private readonly positions: LogPositions,
    private readonly aggregates: AggregateRefresher,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Positions do not move, and running loads make no difference. If it fails or is killed, what it loaded remains, and a
   * repeated call loads the rest.
   *
   * @throws BackfillError if the log does not have the range, or no longer
   * @throws LogError or pg.DatabaseError if the log or Postgres does not respond
   */
  async backfill(
    { isDryRun, ...range }: BackfillOptions,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void = () => {},
  ): Promise<BackfillResult> {
    const startedAt = performance.now();
    if (!isDryRun) await this.migrator.migrate();
    const { admin, reader, positions, pool } = this;
    const planned = await planBackfill({ admin, reader, positions, range, signal });
    const chunks = new ChunkBackfill({
      pool,
      table: this.tables.get(range.topic)!,
      rejects: new RejectWriter(this.deadLetters),
      maxAgeDays: this.config.maxAgeDays,
      retention: this.config.retention,
      isDryRun,
      signal,
    });
    const counts = await this.read(planned, chunks, { signal, onProgress });
    if (chunks.newRejects > 0) await this.loadRejects(signal);
    if (!isDryRun) await this.aggregates.refresh(signal);
    const nonEmpty = planned.filter(({ from, to }) => from < to);
    return {
      topic: range.topic,
      partitions: Object.fromEntries(
        nonEmpty.map(({ partition, from, to }) => [partition, { from: Number(from), to: Number(to) }]),
      ),
      ...counts,
      dryRun: isDryRun,
      seconds: Math.round(performance.now() - startedAt) / 1_000,
    };
  }

  private async read(
    planned: readonly PlannedRange[],
    chunks: ChunkBackfill,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: Progress) => void },
  ): Promise<BackfillCounts & { readonly skipped: number }> {
    const ranges = planned.filter(({ from, to }) => from < to);
    const total = Number(ranges.reduce((sum, { from, to }) => sum + to - from, 0n));
    const sum = { read: 0, rows: 0, duplicates: 0, rejects: 0, expired: 0, erased: 0, skipped: 0 };
    let done = 0;
    const pass = (offsets: number, counts: BackfillCounts, skipped: number): void => {
      sum.read += counts.read;
      sum.rows += counts.rows;
      sum.duplicates += counts.duplicates;
      sum.rejects += counts.rejects;
      sum.expired += counts.expired;
      sum.erased += counts.erased;
      sum.skipped += skipped;
      done += offsets;
      onProgress({ total, done });
    };
    if (ranges.length === 0) return sum;
    const read = await this.reader.readRange({
      ranges,
      signal,
      maxBatchRecords: this.config.chunkRecords,
      maxPartitionBytes: this.config.chunkBytes,
      onGap: (gap) => {
        throw gapError(gap);
      },
      onUndecodable: async (batch) => {
        pass(Number(batch.lastOffset - batch.baseOffset) + 1, await chunks.reject(batch), 0);
      },
    });
    for await (const { topic, partition, from, nextOffset, records } of read) {
      const counts = await chunks.load({ topic, partition }, records);
      const offsets = Number(nextOffset - from);
      pass(offsets, counts, offsets - counts.read);
    }
    return sum;
  }

  /** So that `ride.rejects` has them, as after a load. */
  private loadRejects(signal: AbortSignal): Promise<void> {
    const { pool, admin, reader, positions, logger } = this;
    const options = { pool, admin, reader, positions, erasedIds: new ErasedIds(), logger };
    return loadDeadLetters({ ...options, topic: deadLetterTopic.name }, signal);
  }
}

function gapError({ topic, partition, expected, found, cause }: ConsumerGap): BackfillError {
  const offsets = `${partitionName(topic, partition)}: offsets ${expected} to ${found - 1n}`;
  const reason = cause === 'unexplained' ? 'left out without a reason' : 'deleted while the range was read';
  return new BackfillError(
    'LOG_GAP',
    `${offsets} were ${reason}. What was read before is loaded. To load the rest: --partition ${partition} --from ${found}`,
  );
}
