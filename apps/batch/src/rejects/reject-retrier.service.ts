import { Inject, Injectable } from '@nestjs/common';
import { LOAD_CONFIG, type LoadConfig } from '../config.js';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
import { TABLES, type Tables } from '../rows/tables.js';
import { retryRejects, type RetryCounts, type RetryFilter } from './retry-rejects.postgres.js';

/** Loads rejects again. */
@Injectable()
export class RejectRetrier {
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    private readonly migrator: SchemaMigrator,
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(LOAD_CONFIG) private readonly config: LoadConfig,
  ) {}

  /** Returns the result for each topic that has rejects. */
  async retry(filter: RetryFilter, signal: AbortSignal): Promise<ReadonlyMap<string, RetryCounts>> {
    await this.migrator.migrate();
    const { maxAgeDays } = this.config;
    return retryRejects(this.pool, { ...filter, maxAgeDays, tables: this.tables }, signal);
  }
}
