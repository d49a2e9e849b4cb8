import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable } from '@nestjs/common';
import { LOAD_CONFIG, type LoadConfig } from '../../config.js';
import { POOL, type Pool } from '../../database/pool.postgres.js';
import { startOf } from '../../rows/day.js';
import { TABLES, type Tables } from '../../rows/tables.js';
import { compareTrips } from '../../trips/comparison/compare-trips.postgres.js';
import { expiringTables } from '../expiring-tables.js';
import type { ExpiringTable } from '../retention.js';
import { readCutoffs, storeCutoffs, storeDeleted } from './cutoffs.postgres.js';
import { deleteRows, type DeletedRows } from './delete-rows.postgres.js';
import {
  dropPartitions,
  type DroppedPartition,
  type PostponedPartition,
} from './drop-partitions.postgres.js';

/** What the retention removed from one table. */
interface TableRetention {
  /** Start of the first day that is kept, by provider; `null` if every day is. `other` stands for those without a rule. */
  readonly cutoffs: Readonly<Record<string, string | null>>;
  readonly dropped: readonly DroppedPartition[];
  readonly deleted: readonly DeletedRows[];
  readonly postponed: readonly PostponedPartition[];
}

export interface RetentionResult {
  readonly tables: Readonly<Record<string, TableRetention>>;
  /** Number of partitions that were dropped. */
  readonly partitions: number;
  /** Rows of these partitions, and rows that were deleted. */
  readonly rows: number;
  /** Size of the dropped partitions with their indexes. Deleted rows free space for new rows only. */
  readonly bytes: number;
  readonly postponed: number;
  readonly dryRun: boolean;
  readonly seconds: number;
}

interface RetentionOptions {
  readonly isDryRun: boolean;
  /** Reads all rows before the cutoffs, and not only those that have expired since the last run. */
  readonly isComplete: boolean;
  readonly signal: AbortSignal;
  /** Called for each partition that was dropped and each one from which rows were deleted. */
  readonly onProgress?: (removed: DroppedPartition | DeletedRows) => void;
}

/** Removes the rows that are older than `BATCH_RETENTION`. */
@Injectable()
export class RetentionRunner {
  private readonly tables: readonly ExpiringTable[];

  constructor(
    @Inject(LOAD_CONFIG) private readonly config: LoadConfig,
    @Inject(TABLES) tables: Tables,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.tables = expiringTables(tables);
  }

  /** Stores the cutoffs that loads apply from now on. */
  async storeCutoffs(nowMs: number): Promise<void> {
    const { retention } = this.config;
    await storeCutoffs(
      this.pool,
      this.tables.flatMap(({ name }) => retention.cutoffs(name, nowMs)),
    );
  }

  /** Runs after a load. A failure does not fail the load, which is complete. */
  async runAfterLoad(signal: AbortSignal): Promise<void> {
    if (this.config.retention.rules.length === 0) return;
    try {
      const result = await this.run({ isDryRun: false, isComplete: false, signal });
      const { partitions, rows, bytes, seconds } = result;
      if (rows > 0 || partitions > 0) {
        this.logger.info({ partitions, rows, bytes, seconds }, 'expired rows removed');
      }
      for (const [table, { postponed }] of Object.entries(result.tables)) {
        if (postponed.length === 0) continue;
        this.logger.warn(
          { table, postponed },
          'expired partitions could not be dropped, will retry after the next load',
        );
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'could not remove expired rows, will retry after the next load');
    }
  }

  /**
   * A run that failed or was interrupted is continued by the next one.
   *
   * @throws DatabaseError if Postgres reports an error
   */
  async run(options: RetentionOptions): Promise<RetentionResult> {
    const startedAt = performance.now();
    const nowMs = Date.now();
    if (!options.isDryRun) await this.storeCutoffs(nowMs);
    const tables: Record<string, TableRetention> = {};
    for (const table of this.tables) {
      if (options.signal.aborted) break;
      if (this.config.retention.cutoffs(table.name, nowMs).length === 0) continue;
      tables[table.name] = await this.runTable(table, nowMs, options);
    }
    if (!options.isDryRun) await compareTrips(this.pool, options.signal);
    const all = Object.values(tables);
    const dropped = all.flatMap((each) => each.dropped);
    const deleted = all.flatMap((each) => each.deleted);
    return {
      tables,
      partitions: dropped.length,
      rows: sum([...dropped, ...deleted], ({ rows }) => rows),
      bytes: sum(dropped, ({ bytes }) => bytes),
      postponed: sum(all, ({ postponed }) => postponed.length),
      dryRun: options.isDryRun,
      seconds: Math.round(performance.now() - startedAt) / 1_000,
    };
  }

  private async runTable(
    table: ExpiringTable,
    nowMs: number,
    { isDryRun, isComplete, signal, onProgress }: RetentionOptions,
  ): Promise<TableRetention> {
    const { retention } = this.config;
    const dropped: DroppedPartition[] = [];
    const deleted: DeletedRows[] = [];
    const firstKeptDay = retention.firstKeptDay(table.name, nowMs);
    const postponed = table.isPartitioned
      ? await dropPartitions(this.pool, {
          table: table.name,
          firstKeptDay,
          isDryRun,
          signal,
          onDropped: (each) => {
            dropped.push(each);
            onProgress?.(each);
          },
        })
      : [];
    // Stored cutoffs are those of the rules, unless this is a dry run.
    const stored = isDryRun
      ? retention.cutoffs(table.name, nowMs).map((cutoff) => ({ ...cutoff, deletedTo: -Infinity }))
      : (await readCutoffs(this.pool)).filter((cutoff) => cutoff.table === table.name);
    const isDone = await deleteRows(this.pool, {
      table,
      cutoffs: stored,
      firstKeptDay,
      isComplete,
      isDryRun,
      signal,
      onDeleted: (each) => {
        deleted.push(each);
        onProgress?.(each);
      },
    });
    if (isDone && !isDryRun) await storeDeleted(this.pool, stored);
    const cutoffs = stored.map(({ providerId, day }) => [
      providerId ?? 'other',
      day === -Infinity ? null : startOf(day),
    ]);
    return { cutoffs: Object.fromEntries(cutoffs) as TableRetention['cutoffs'], dropped, deleted, postponed };
  }
}

function sum<T>(all: readonly T[], numberOf: (each: T) => number): number {
  return all.reduce((total, each) => total + numberOf(each), 0);
}
