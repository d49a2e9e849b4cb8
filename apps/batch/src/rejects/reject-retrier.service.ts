import { Inject, Injectable } from '@nestjs/common';
import type { LoadConfig } from '../config.js';
import { LOAD_CONFIG } from '../config.tokens.js';
import { POOL } from '../database/database.tokens.js';
import type { Pool } from '../database/pool.postgres.js';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
import type { Tables } from '../rows/tables.js';
import { TABLES } from '../rows/tables.tokens.js';
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
