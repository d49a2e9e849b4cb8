import { Inject, Injectable } from '@nestjs/common';
import { LOAD_CONFIG, type LoadConfig } from '../config.js';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
import { RouteMatcher } from './matching/route-matcher.js';
import { markLoaded, type Period } from './rebuild/mark-loaded.postgres.js';
import { rebuildTrips, type RebuildCounts } from './rebuild/rebuild-trips.postgres.js';

/** Receives the progress of a rebuild. */
interface RebuildObserver {
  readonly onMarked?: (day: Date, trips: number) => void;
  readonly onRebuilt?: (counts: RebuildCounts) => void;
}

/** Brings `ride.rebuilt_trips` up to date. */
@Injectable()
export class TripRebuilder {
  /** `null` without cities. */
  private readonly matcher: RouteMatcher | null;

  constructor(
    @Inject(LOAD_CONFIG) { cities }: LoadConfig,
    @Inject(POOL) private readonly pool: Pool,
    private readonly migrator: SchemaMigrator,
  ) {
    this.matcher = cities.length === 0 ? null : new RouteMatcher(cities);
  }

  /**
   * Rebuilds the trips that loads have marked.
   *
   * @throws DatabaseError if Postgres reports an error; the next rebuild continues
   */
  rebuildMarked(signal: AbortSignal, { onRebuilt }: RebuildObserver = {}): Promise<RebuildCounts> {
    const { pool, matcher } = this;
    return rebuildTrips(pool, { signal, nowMs: Date.now(), matcher, ...(onRebuilt && { onRebuilt }) });
  }

  /**
   * Rebuilds the trips that have events in a period; by default all.
   *
   * @throws DatabaseError if Postgres reports an error; what was marked is rebuilt by the next rebuild
   */
  async rebuildPeriod(
    period: Partial<Period>,
    signal: AbortSignal,
    observer: RebuildObserver = {},
  ): Promise<RebuildCounts> {
    await this.migrator.migrate();
    const { onMarked } = observer;
    await markLoaded(this.pool, period, { signal, ...(onMarked && { onMarked }) });
    return this.rebuildMarked(signal, observer);
  }
}
