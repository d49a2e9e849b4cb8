import { Inject, Injectable } from '@nestjs/common';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
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
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    private readonly migrator: SchemaMigrator,
  ) {}

  /**
   * Rebuilds the trips that loads have marked.
   *
   * @throws DatabaseError if Postgres reports an error; the next rebuild continues
   */
  rebuildMarked(signal: AbortSignal, { onRebuilt }: RebuildObserver = {}): Promise<RebuildCounts> {
    return rebuildTrips(this.pool, { signal, nowMs: Date.now(), ...(onRebuilt && { onRebuilt }) });
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
