import { eventRegistry } from '@hailstream/events';
import { createAdmin, LogError, type Admin } from '@hailstream/log';
import type { Logger } from 'pino';
import type { LoadConfig } from '../config.js';
import { migrate } from '../database/migrate.postgres.js';
import { createPool, type Pool } from '../database/pool.postgres.js';
import { ChunkLoader } from './chunk-loader.postgres.js';
import { expireSeenIds } from './expire-seen-ids.postgres.js';
import { lagRecords } from './lag.js';
import type { LoadResult } from './load-result.js';
import { load, type LoadObserver } from './load-run.js';
import { retryRejects, type RetryCounts, type RetryOptions } from '../rejects/retry-rejects.postgres.js';
import { tablesByTopic } from '../rows/tables.js';
import { KnownRecords } from '../positions/known-records.postgres.js';
import { PositionTools } from '../positions/position-tools.js';
import { PositionRepair } from '../positions/repair.postgres.js';
import { LogPositions } from '../positions/positions.postgres.js';

/** One that is being written, and one that is ready when it was. */
const CHUNKS_PER_CONNECTION = 2;

/** Makes loads, one after the other: the connections that they share, and the schema that they need. */
export class LoadRunner implements AsyncDisposable {
  private readonly pool: Pool;
  private readonly admin: Admin;
  private isMigrated = false;
  /** Asked for once, of the cluster's controller: while that is away, what is there can be loaded all the same. */
  private hasTopics = false;

  constructor(
    private readonly config: LoadConfig,
    private readonly logger: Logger,
  ) {
    this.pool = createPool({ url: config.databaseUrl, size: config.postgresConnections, logger });
    this.admin = createAdmin({
      connection: config.connection,
      topicPolicy: config.topicPolicy,
      logger,
    });
  }

  /** @throws LoadError, LogError, or what Postgres says */
  async load(signal: AbortSignal, observer?: LoadObserver): Promise<LoadResult> {
    await this.prepare();
    try {
      await this.ensureTopics();
      const result = await this.loadWhatIsThere(signal, observer);
      await this.expireSeenIds();
      return result;
    } catch (error) {
      if (error instanceof LogError && error.code === 'UNKNOWN_TOPIC') this.hasTopics = false;
      if (isSchemaMissing(error)) this.isMigrated = false;
      throw error;
    }
  }

  /** Brings the schema up to date, once. Returns the migrations that it took. */
  async prepare(): Promise<readonly string[]> {
    if (this.isMigrated) return [];
    const applied = await migrate(this.pool);
    if (applied.length > 0) this.logger.info({ applied }, 'the schema was migrated');
    this.isMigrated = true;
    return applied;
  }

  /** Loads rejects again. Returns what became of them, by topic. */
  async retryRejects(
    options: Omit<RetryOptions, 'maxAgeDays'>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, RetryCounts>> {
    await this.prepare();
    return retryRejects(this.pool, { ...options, maxAgeDays: this.config.maxAgeDays }, signal);
  }

  /** Shows and sets positions by hand. */
  get positionTools(): PositionTools {
    return new PositionTools(this.admin, new LogPositions(this.pool), new PositionRepair(this.pool));
  }

  /** What no process has loaded yet. Throws where the log or Postgres does not answer. */
  async lag(): Promise<number> {
    return lagRecords(this.admin, new LogPositions(this.pool));
  }

  /** Throws where Postgres does not answer, or has not got the schema yet. */
  async checkPostgres(): Promise<void> {
    await this.pool.query('SELECT 1');
    if (!this.isMigrated) throw new Error('the schema is not up to date yet');
  }

  /** Throws where no broker answers. */
  async checkLog(): Promise<void> {
    if (!(await this.admin.ping())) throw new Error('no broker answers');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin[Symbol.asyncDispose]();
    await this.pool.end();
  }

  private async ensureTopics(): Promise<void> {
    if (this.hasTopics) return;
    await this.admin.ensureTopics(eventRegistry.topics);
    this.hasTopics = true;
  }

  /** A load that is complete has not failed if old keys stay for longer. */
  private async expireSeenIds(): Promise<void> {
    const names = [...tablesByTopic.values()].map(({ name }) => name);
    try {
      const expired = await expireSeenIds(this.pool, names, this.config.repeatWindowDays);
      if (expired > 0) this.logger.info({ expired }, 'expired ids deleted');
    } catch (error) {
      this.logger.warn({ err: error }, 'could not delete expired ids, will retry after the next load');
    }
  }

  private loadWhatIsThere(signal: AbortSignal, observer?: LoadObserver): Promise<LoadResult> {
    const { connection, postgresConnections, chunkRecords, chunkBytes, maxAgeDays } = this.config;
    const { pool, admin, logger } = this;
    const positions = new LogPositions(pool);
    const loader = new ChunkLoader(pool);
    return load(
      {
        connection,
        admin,
        positions,
        known: new KnownRecords(pool),
        loader,
        chunksInHand: postgresConnections * CHUNKS_PER_CONNECTION,
        chunkRecords,
        chunkBytes,
        maxAgeDays,
        logger,
      },
      signal,
      observer,
    );
  }
}

/** Undefined schema, table or column: the database was restored from a backup, or is a new one. */
function isSchemaMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(3F000|42P01|42703)$/.test(String(error.code));
}
