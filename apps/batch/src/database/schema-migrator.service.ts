import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable } from '@nestjs/common';
import { migrate } from './migrate.postgres.js';
import { buildPartitionIndexes } from './partition-indexes.postgres.js';
import { POOL, type Pool } from './pool.postgres.js';

/** Brings the schema up to date once per process. */
@Injectable()
export class SchemaMigrator {
  private isMigrated = false;

  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Applies the migrations that the database does not have yet, and builds the indexes that they declare for existing
   * partitions. Returns the names of the migrations.
   *
   * @throws MigrationError if a right is missing or a migration fails
   */
  async migrate(): Promise<readonly string[]> {
    if (this.isMigrated) return [];
    const applied = await migrate(this.pool);
    if (applied.length > 0) this.logger.info({ applied }, 'migrations applied');
    await buildPartitionIndexes(this.pool, (index) => this.logger.info({ index }, 'index built'));
    this.isMigrated = true;
    return applied;
  }

  /** Makes the next call of {@link migrate} check the database again. */
  invalidate(): void {
    this.isMigrated = false;
  }

  /** @throws Error if Postgres does not respond, or if the schema is not up to date */
  async check(): Promise<void> {
    await this.pool.query('SELECT 1');
    if (!this.isMigrated) throw new Error('the schema is not up to date');
  }
}
