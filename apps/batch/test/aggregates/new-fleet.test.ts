import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { beginRefresh, refreshAggregates } from '../../src/aggregates/refresh-aggregates.postgres.js';
import { refreshStatePeriods } from '../../src/aggregates/state-periods.postgres.js';
import { QUARTER_MS } from '../../src/aggregates/time-ranges.js';
import { refreshVehicleQuarters } from '../../src/aggregates/vehicle-quarters.postgres.js';
import { migrate } from '../../src/database/migrate.postgres.js';
import { createTestDatabase, makeTelemetry, makeVehicleEvent, YESTERDAY } from '../_util.js';
import { writeEvents } from './_util.js';

const VEHICLES = 2_000;
/** Rows of the aggregates that a refresh may read for each vehicle. It reads some twenty, and without new statistics those of all vehicles. */
const MAX_ROWS_PER_VEHICLE = 400;

describe('a refresh of the first vehicles after one', () => {
  it('reads few rows for each vehicle, although the statistics of Postgres know only one', async () => {
    await using database = await createTestDatabase();
    const pool = new pg.Pool({ connectionString: database.url });
    pool.on('error', () => {});
    await migrate(pool);
    const start = YESTERDAY + 6 * 3_600_000;
    const at = (quarter: number): number => start + quarter * QUARTER_MS + 60_000;
    const write = async (devices: readonly string[], timestamp: number): Promise<void> => {
      const each = devices.map((device_id) => ({ device_id, timestamp }));
      await writeEvents(pool, 'telemetry', each.map(makeTelemetry));
      await writeEvents(pool, 'vehicle_events', each.map(makeVehicleEvent));
    };
    try {
      const aggregates = ['vehicle_quarters', 'state_periods'];
      for (const name of aggregates) {
        await database.query(`ALTER TABLE ride.${name} SET (autovacuum_enabled = off)`);
      }
      const first = [randomUUID()];
      for (let quarter = -20; quarter < 0; quarter += 1) await write(first, at(quarter));
      await refreshAggregates(pool);
      for (const name of aggregates) await database.query(`ANALYZE ride.${name}`);

      const devices = Array.from({ length: VEHICLES }, () => randomUUID());
      for (const quarter of [0, 2]) await write(devices, at(quarter));
      await refreshAggregates(pool);
      // Each vehicle has an earlier and a later quarter, between those of all others.
      await write(devices, at(1));
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await beginRefresh(client);
        const range = { fromMs: start + QUARTER_MS, toMs: start + 2 * QUARTER_MS };
        const { changed } = await refreshVehicleQuarters(client, [range]);
        await refreshStatePeriods(client, [range], changed);
        const { rows } = await client.query<{ name: string; rows: number }>(
          `SELECT relname AS name, (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::integer AS rows
           FROM pg_stat_xact_user_tables WHERE relname = ANY ($1)`,
          [aggregates],
        );
        expect(rows.map(({ name }) => name).toSorted()).toEqual(aggregates.toSorted());
        for (const { rows: read } of rows) expect(read).toBeLessThan(MAX_ROWS_PER_VEHICLE * VEHICLES);
        await client.query('COMMIT');
      } finally {
        client.release();
      }
    } finally {
      await pool.end();
    }
  });
});
