import { allTopics } from '@hailstream/events';
import { createAdmin, LogError, type Admin } from '@hailstream/log';
import type { Logger } from 'pino';
import type { LoadConfig } from '../config.js';
import { migrate } from '../database/migrate.postgres.js';
import { createPool, type Pool } from '../database/pool.postgres.js';
import { ChunkLoader } from './chunk-loader.postgres.js';
import { lagRecords } from './lag.js';
import { load, type LoadResult, type Progress } from './load-run.js';
import { LogPositions } from './positions.postgres.js';

/** One that is being written, and one that is ready when it was. */
const CHUNKS_PER_CONNECTION = 2;

/** Makes loads, one after the other: the connections that they share, and the schema that they need. */
export class Loads implements AsyncDisposable {
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
  async load(signal: AbortSignal, onProgress?: (progress: Progress) => void): Promise<LoadResult> {
    await this.prepare();
    try {
      await this.ensureTopics();
      return await this.loadWhatIsThere(signal, onProgress);
    } catch (error) {
      if (error instanceof LogError && error.code === 'UNKNOWN_TOPIC') this.hasTopics = false;
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
    await this.admin.ensureTopics(allTopics);
    this.hasTopics = true;
  }

  private loadWhatIsThere(
    signal: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ): Promise<LoadResult> {
    const { connection, postgresConnections, chunkRecords, chunkBytes, maxAgeDays } = this.config;
    const { pool, admin, logger } = this;
    const positions = new LogPositions(pool);
    const loader = new ChunkLoader(pool);
    return load(
      {
        connection,
        admin,
        positions,
        loader,
        chunksInHand: postgresConnections * CHUNKS_PER_CONNECTION,
        chunkRecords,
        chunkBytes,
        maxAgeDays,
        logger,
      },
      signal,
      onProgress,
    );
  }
}
