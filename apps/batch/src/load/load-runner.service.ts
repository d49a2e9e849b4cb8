import { deadLetterTopic, erasureTopic, type EventRegistry } from '@hailstream/events';
import { LogError, type Admin, type DeadLetterQueue, type RangeReader } from '@hailstream/log';
import { ADMIN, DEAD_LETTER_QUEUE, LOGGER, RANGE_READER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable } from '@nestjs/common';
import { AggregateRefresher } from '../aggregates/aggregate-refresher.service.js';
import { LOAD_CONFIG, type LoadConfig } from '../config.js';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
import { ErasedIds } from '../erasure/erased-ids.postgres.js';
import { Eraser } from '../erasure/eraser.service.js';
import { KnownRecords } from '../positions/known-records.postgres.js';
import { PositionLeases } from '../positions/position-leases.postgres.js';
import { LogPositions } from '../positions/positions.postgres.js';
import { RejectWriter } from '../rejects/reject-writer.js';
import { RetentionRunner } from '../retention/apply/retention-runner.service.js';
import { REGISTRY, TABLES, type Tables } from '../rows/tables.js';
import { analyzeTables } from '../storage/analyze-tables.postgres.js';
import { expireSeenIds } from '../storage/expire-seen-ids.postgres.js';
import { recordRepeatedRows } from '../storage/repeated-rows.postgres.js';
import { TripRebuilder } from '../trips/trip-rebuilder.service.js';
import { ChunkLoader } from './chunk-loader.postgres.js';
import { loadDeadLetters } from './dead-letter-load.postgres.js';
import { loadErasures } from './erasure-load.postgres.js';
import { lagRecords } from './lag.js';
import { isTransient } from './load.errors.js';
import type { LoadResult } from './load-result.js';
import { load, type LoadObserver, type LoadOptions } from './load-run.js';
import { TimeLimit } from './time-limit.js';

/** Per connection, one chunk is being written and another one is ready. */
const CHUNKS_PER_CONNECTION = 2;

/** Runs loads, one at a time. */
@Injectable()
export class LoadRunner {
  /** Whether the topics are known to exist. Only the first load asks for it, which needs the cluster's controller. */
  private hasTopics = false;
  private readonly erasedIds = new ErasedIds();

  constructor(
    @Inject(LOAD_CONFIG) private readonly config: LoadConfig,
    @Inject(REGISTRY) private readonly registry: EventRegistry,
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(RANGE_READER) private readonly reader: RangeReader,
    @Inject(DEAD_LETTER_QUEUE) private readonly deadLetters: DeadLetterQueue,
    private readonly migrator: SchemaMigrator,
    private readonly positions: LogPositions,
    private readonly known: KnownRecords,
    private readonly trips: TripRebuilder,
    private readonly retention: RetentionRunner,
    private readonly eraser: Eraser,
    private readonly aggregates: AggregateRefresher,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws LoadError, LogError, MigrationError or pg.DatabaseError if the load fails; what it loaded remains loaded */
  async load(
    signal: AbortSignal,
    { followUpMs = Infinity, ...observer }: LoadOptions = {},
  ): Promise<LoadResult> {
    await this.migrator.migrate();
    try {
      await this.retention.storeCutoffs(Date.now());
      await this.ensureTopics();
      await this.loadErasures(signal);
      const result = await this.loadPresent(signal, observer);
      await this.loadDeadLetters(signal);
      const areAggregated = await this.refreshAggregates(signal, followUpMs);
      await this.expireSeenIds();
      await this.recordRepeatedRows();
      const rebuilt = await this.rebuildTrips(signal, followUpMs, observer);
      // After the aggregates and the trips, which are calculated from the rows.
      if (areAggregated) await this.retention.runAfterLoad(signal);
      await this.analyzeTables();
      return { ...result, ...rebuilt };
    } catch (error) {
      if (error instanceof LogError && error.code === 'UNKNOWN_TOPIC') this.hasTopics = false;
      if (isSchemaMissing(error)) this.migrator.invalidate();
      throw error;
    }
  }

  /**
   * Number of records in the log that no process has loaded yet.
   *
   * @throws LogError or pg.DatabaseError if the log or Postgres does not respond
   */
  async lag(): Promise<number> {
    return lagRecords(this.admin, this.positions, [...this.tables.keys()]);
  }

  private async ensureTopics(): Promise<void> {
    if (this.hasTopics) return;
    await this.admin.ensureTopics(this.registry.topics);
    this.hasTopics = true;
  }

  /** Before the events, so that those of erased ids are not loaded into a new database. */
  private loadErasures(signal: AbortSignal): Promise<void> {
    const { pool, admin, reader, positions, eraser, logger } = this;
    const topic = erasureTopic.name;
    return loadErasures({ pool, admin, reader, positions, eraser, topic, logger }, signal);
  }

  /** After the events, so that `ride.rejects` has what this load rejected. */
  private loadDeadLetters(signal: AbortSignal): Promise<void> {
    const { pool, admin, reader, positions, erasedIds, logger } = this;
    const topic = deadLetterTopic.name;
    return loadDeadLetters({ pool, admin, reader, positions, erasedIds, topic, logger }, signal);
  }

  /** A failure does not fail the load, which is complete: the keys are deleted after a later one. */
  private async expireSeenIds(): Promise<void> {
    const names = [...this.tables.values()].map(({ name }) => name);
    try {
      const expired = await expireSeenIds(this.pool, names, this.config.repeatWindowDays);
      if (expired > 0) this.logger.info({ expired }, 'expired ids deleted');
    } catch (error) {
      this.logger.warn({ err: error }, 'could not delete expired ids, will retry after the next load');
    }
  }

  /** A failure does not fail the load, which is complete: the days are checked after a later one. */
  private async recordRepeatedRows(): Promise<void> {
    try {
      const recorded = await recordRepeatedRows(this.pool, [...this.tables.values()], Date.now());
      if (recorded > 0) this.logger.info({ rows: recorded }, 'rows with repeated ids found');
    } catch (error) {
      this.logger.warn({ err: error }, 'could not look for repeated ids, will retry after the next load');
    }
  }

  /** A failure does not fail the load, which is complete: a later one analyses the tables. */
  private async analyzeTables(): Promise<void> {
    const names = [...this.tables.values()].map(({ name }) => name);
    try {
      const analyzed = await analyzeTables(this.pool, names);
      if (analyzed.length > 0) this.logger.info({ tables: analyzed }, 'tables analysed');
    } catch (error) {
      this.logger.warn({ err: error }, 'could not analyse tables, will retry after the next load');
    }
  }

  /** Returns whether all aggregates are up to date. */
  private async refreshAggregates(signal: AbortSignal, maxMs: number): Promise<boolean> {
    using limit = new TimeLimit(signal, maxMs);
    const areCurrent = await this.aggregates.refresh(limit.signal);
    if (limit.signal.aborted && !signal.aborted) {
      this.logger.warn('aggregates of earlier times are not up to date, will continue after the next load');
    }
    return areCurrent;
  }

  /** A failure does not fail the load, which is complete: a later one rebuilds the trips that are still marked. */
  private async rebuildTrips(
    signal: AbortSignal,
    maxMs: number,
    { onTripsRebuilt, onRebuildFailed }: LoadObserver,
  ): Promise<Pick<LoadResult, 'rebuiltTrips'>> {
    using limit = new TimeLimit(signal, maxMs);
    try {
      const observer = { ...(onTripsRebuilt && { onRebuilt: onTripsRebuilt }) };
      return { rebuiltTrips: await this.trips.rebuildMarked(limit.signal, observer) };
    } catch (error) {
      const level = isTransient(error) ? 'warn' : 'error';
      this.logger[level]({ err: error }, 'could not rebuild trips, will retry after the next load');
      onRebuildFailed?.(error);
      return {};
    }
  }

  private loadPresent(signal: AbortSignal, observer?: LoadObserver): Promise<LoadResult> {
    const { postgresConnections, chunkRecords, chunkBytes, maxAgeDays, retention } = this.config;
    const { pool, admin, reader, positions, known, tables, logger } = this;
    const leases = new PositionLeases(pool);
    return load(
      {
        admin,
        reader,
        leases,
        positions,
        known,
        tables,
        loader: new ChunkLoader(pool, leases.holder, new RejectWriter(this.deadLetters), this.erasedIds),
        maxReads: postgresConnections,
        maxChunks: postgresConnections * CHUNKS_PER_CONNECTION,
        chunkRecords,
        chunkBytes,
        maxAgeDays,
        retention,
        logger,
      },
      signal,
      observer,
    );
  }
}

/** Undefined schema, table or column: the database was restored from a backup or replaced. */
function isSchemaMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(3F000|42P01|42703)$/.test(String(error.code));
}
