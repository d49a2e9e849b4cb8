import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable } from '@nestjs/common';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { refreshAggregates } from './refresh-aggregates.postgres.js';

/** Interval at which a long refresh logs its progress. */
const PROGRESS_MS = 10_000;

/** Brings the aggregates up to date after rows were written. */
@Injectable()
export class AggregateRefresher {
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Continues until no quarter is marked or the signal is aborted. A failure is only logged: the rows are loaded, and their
   * quarters remain marked for the next refresh. Returns whether all aggregates are up to date.
   */
  async refresh(signal: AbortSignal): Promise<boolean> {
    let loggedAt = performance.now();
    try {
      await refreshAggregates(this.pool, {
        signal,
        onRefreshed: ({ done, left }) => {
          if (performance.now() - loggedAt < PROGRESS_MS) return;
          loggedAt = performance.now();
          this.logger.info({ quarters: done, left }, 'calculating aggregates');
        },
      });
      return !signal.aborted;
    } catch (error) {
      this.logger.warn(
        { err: error },
        'could not calculate the aggregates, will retry after the next load; views of schema analysis are not up to date',
      );
      return false;
    }
  }
}
