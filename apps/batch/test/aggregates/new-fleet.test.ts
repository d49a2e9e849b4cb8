import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { beginRefresh, refreshAggregates } from '../../src/aggregates/refresh-aggregates.postgres.js';
import { refreshStatePeriods } from '../../src/aggregates/state-periods.postgres.js';
import { QUARTER_MS, type TimeRange } from '../../src/aggregates/time-ranges.js';
import { refreshVehicleQuarters } from '../../src/aggregates/vehicle-quarters.postgres.js';
import { migrate } from '../../src/database/migrate.postgres.js';
import type { Pool } from '../../src/database/pool.postgres.js';
import {
  createTestDatabase,
  makeTelemetry,
  makeVehicleEvent,
  YESTERDAY,
  type TestDatabase,
} from '../_util.js';
import { writeEvents } from './_util.js';

const VEHICLES = 2_000;
/** Rows of the aggregates that a refresh may read for each vehicle. It reads some twenty, and without new statistics those of all vehicles. */
const MAX_ROWS_PER_VEHICLE = 400;
const AGGREGATES = ['vehicle_quarters', 'state_periods'];
const START = YESTERDAY + 6 * 3_600_000;

async function write(pool: Pool, devices: readonly string[], quarter: number): Promise<void> {
  const each = devices.map((device_id) => ({ device_id, timestamp: START + quarter * QUARTER_MS + 60_000 }));
  await writeEvents(pool, 'telemetry', each.map(makeTelemetry));
  await writeEvents(pool, 'vehicle_events', each.map(makeVehicleEvent));
}

/** One vehicle, that the statistics of Postgres know. */
async function prepare(pool: Pool, database: TestDatabase): Promise<void> {
  await migrate(pool);
  for (const name of AGGREGATES)
    await database.query(`ALTER TABLE ride.${name} SET (autovacuum_enabled = off)`);
  const first = [randomUUID()];
  for (let quarter = -20; quarter < 0; quarter += 1) await write(pool, first, quarter);
  await refreshAggregates(pool);
  for (const name of AGGREGATES) await database.query(`ANALYZE ride.${name}`);
}

/** Refreshes a range of time in a transaction. Returns the rows of each aggregate that it read. */
async function rowsRead(pool: Pool, range: TimeRange, end: 'COMMIT' | 'ROLLBACK'): Promise<number[]> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await beginRefresh(client);
    const { changed } = await refreshVehicleQuarters(client, [range]);
    await refreshStatePeriods(client, [range], changed);
    const { rows } = await client.query<{ name: string; rows: number }>(
      `SELECT relname AS name, (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::integer AS rows
       FROM pg_stat_xact_user_tables WHERE relname = ANY ($1)`,
      [AGGREGATES],
    );
    await client.query(end);
    expect(rows.map(({ name }) => name).toSorted()).toEqual(AGGREGATES.toSorted());
    return rows.map((each) => each.rows);
  } finally {
    client.release();
  }
}

describe('a refresh of the first vehicles after one', () => {
  it('reads few rows for each vehicle, although the statistics of Postgres know only one', async () => {
    await using database = await createTestDatabase();
    const pool = new pg.Pool({ connectionString: database.url });
    pool.on('error', () => {});
    try {
      await prepare(pool, database);
      const devices = Array.from({ length: VEHICLES }, () => randomUUID());
      for (const quarter of [0, 2]) await write(pool, devices, quarter);
      await refreshAggregates(pool);
      // Each vehicle has an earlier and a later quarter, between those of all others.
      await write(pool, devices, 1);
      const range = { fromMs: START + QUARTER_MS, toMs: START + 2 * QUARTER_MS };
      for (const read of await rowsRead(pool, range, 'COMMIT')) {
        expect(read).toBeLessThan(MAX_ROWS_PER_VEHICLE * VEHICLES);
      }
    } finally {
      await pool.end();
    }
  });

  it('reads few rows after a refresh that was rolled back, of which only the size of the tables is left', async () => {
    await using database = await createTestDatabase();
    const pool = new pg.Pool({ connectionString: database.url });
    pool.on('error', () => {});
    try {
      await prepare(pool, database);
      const devices = Array.from({ length: VEHICLES }, () => randomUUID());
      for (const quarter of [0, 1, 2]) await write(pool, devices, quarter);
      const range = { fromMs: START, toMs: START + 3 * QUARTER_MS };
      await rowsRead(pool, range, 'ROLLBACK');
      // As autovacuum does if a session reads the table: the pages become free, and stay in it.
      for (const name of AGGREGATES) await database.query(`VACUUM (TRUNCATE off) ride.${name}`);
      for (const read of await rowsRead(pool, range, 'COMMIT')) {
        expect(read).toBeLessThan(MAX_ROWS_PER_VEHICLE * VEHICLES);
      }
    } finally {
      await pool.end();
    }
  });
});

describe('the memory of a refresh', () => {
  it('is bounded for each sort and hash table, whatever the server allows', async () => {
    await using database = await createTestDatabase();
    const settings = ["work_mem = '1GB'", 'hash_mem_multiplier = 8'];
    for (const setting of settings) {
      await database.query(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET ${setting}`);
    }
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query('BEGIN');
      await beginRefresh(client);
      const { rows } = await client.query<{ bytes: number }>(
        `SELECT (pg_size_bytes(current_setting('work_mem')) * current_setting('hash_mem_multiplier')::float8)::float8 AS bytes`,
      );
      expect(rows[0]!.bytes).toBeLessThanOrEqual(16 * 1_048_576);
    } finally {
      await client.end();
    }
  });
});
