import { batchGroup, deadLetterTopic } from '@hailstream/events';
import { createProducer, redriveHeaders, type Producer } from '@hailstream/log';
import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable } from '@nestjs/common';
import { AggregateRefresher } from '../aggregates/aggregate-refresher.service.js';
import { LOAD_CONFIG, type LoadConfig } from '../config.js';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
import { TABLES, type Tables } from '../rows/tables.js';
import {
  retryRejects,
  type ResolvedReject,
  type RetryCounts,
  type RetryFilter,
} from './retry-rejects.postgres.js';

/** Loads rejects again. */
@Injectable()
export class RejectRetrier {
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    private readonly migrator: SchemaMigrator,
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(LOAD_CONFIG) private readonly config: LoadConfig,
    private readonly aggregates: AggregateRefresher,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Returns the result for each topic that has rejects. */
  async retry(filter: RetryFilter, signal: AbortSignal): Promise<ReadonlyMap<string, RetryCounts>> {
    await this.migrator.migrate();
    const { maxAgeDays, connection, retention } = this.config;
    await using producer = createProducer({ connection, logger: this.logger });
    const onResolved = (resolved: readonly ResolvedReject[]) => this.mark(producer, resolved);
    const options = { ...filter, maxAgeDays, retention, tables: this.tables, onResolved };
    const counts = await retryRejects(this.pool, options, signal);
    await this.aggregates.refresh(signal);
    return counts;
  }

  /** Marks dead letters as redriven, for those who read the dead-letter topic. Postgres decides what is loaded again. */
  private async mark(producer: Producer, resolved: readonly ResolvedReject[]): Promise<void> {
    const marks = resolved.map(({ id, key }) => ({
      topic: deadLetterTopic.name,
      key,
      value: null,
      headers: redriveHeaders({ id, groupId: batchGroup, count: 1 }),
    }));
    for (const result of await producer.send(marks)) {
      if (result.kind === 'appended') continue;
      const fields = { err: result.error, records: resolved.length };
      this.logger.warn(fields, 'rejects were loaded, but the dead-letter topic does not have that');
      return;
    }
  }
}
