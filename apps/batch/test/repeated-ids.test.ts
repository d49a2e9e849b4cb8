import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../src/database/migrate.postgres.js';
import { tablesByTopic } from '../src/rows/tables.js';
import { expireSeenIds } from '../src/storage/expire-seen-ids.postgres.js';
import { recordRepeatedRows } from '../src/storage/repeated-rows.postgres.js';
import { writeEvents } from './aggregates/_util.js';
import {
  createTestDatabase,
  DAY_MS,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  PROVIDER,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const OTHER = 'f7b2c3d4-0000-4000-8000-000000000002';
const WINDOW_DAYS = 31;
/** The last migration with which the view compared all rows. */
const LAST_OF_ALL_ROWS = 18;

const tables = [...tablesByTopic.values()];
const id = (number: number): string => `00000001-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;

/** Events of a few ids, so that they repeat. */
const MAKERS = {
  telemetry: ({ number, ...given }: Drawn) => makeTelemetry({ ...given, telemetry_id: id(number) }),
  vehicle_events: ({ number, ...given }: Drawn) => makeVehicleEvent({ ...given, event_id: id(number) }),
  rider_events: ({ number, ...given }: Drawn) => makeRiderEvent({ ...given, event_id: id(number) }),
  trips: ({ number, timestamp, ...given }: Drawn) =>
    makeTrip({ ...given, trip_id: id(number), start_time: timestamp - 60_000, end_time: timestamp }),
};
type Name = keyof typeof MAKERS;
interface Drawn {
  readonly number: number;
  readonly provider_id: string;
  readonly timestamp: number;
}

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 3 });
  pool.on('error', () => {});
  await migrate(pool, { until: LAST_OF_ALL_ROWS });
  const all = await database.one<string>(`SELECT pg_get_viewdef('analysis.repeated_ids'::regclass)`);
  await migrate(pool);
  await database.query(`CREATE VIEW ride.all_repeated_ids AS ${all}`);
});

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

beforeEach(clear);

async function clear(): Promise<void> {
  const names = tables.flatMap(({ name }) => [`ride.${name}`, `ride.${name}_seen`]);
  await database.query(`TRUNCATE ${names.join(', ')}, ride.repeated_rows, ride.repeat_checks`);
}

/** Lets a number of days pass: everything was loaded, expired and checked earlier. */
async function age(days: number): Promise<void> {
  for (const { name } of tables) {
    await database.query(`UPDATE ride.${name}_seen SET seen_on = seen_on - ${days}::integer`);
  }
  await database.query(
    `UPDATE ride.repeat_checks SET checked_on = checked_on - ${days}::integer, expired_on = expired_on - ${days}::integer`,
  );
}

const expire = () =>
  expireSeenIds(
    pool,
    tables.map(({ name }) => name),
    WINDOW_DAYS,
  );
/** As on the next day, when the loads of this day can be checked. */
const check = () => recordRepeatedRows(pool, tables, Date.now() + DAY_MS + 3_600_000);

const listed = (view: string) => database.query(`SELECT * FROM ${view} ORDER BY table_name, id, provider_id`);
async function expectAllListed(): Promise<number> {
  const repeated = await listed('ride.all_repeated_ids');
  expect(await listed('analysis.repeated_ids')).toEqual(repeated);
  return repeated.length;
}

/** Longer ago than all that passes, so that an event can be loaded before any key expires. */
const past = fc.integer({ min: 0, max: 40 }).map((step) => YESTERDAY - 300 * DAY_MS + step * 3 * 3_600_000);
const recent = fc.integer({ min: 0, max: 8 }).map((step) => YESTERDAY + step * 3 * 3_600_000);
const eventsAt = (timestamp: fc.Arbitrary<number>) =>
  fc.array(
    fc.record({
      name: fc.constantFrom<Name>('telemetry', 'telemetry', 'vehicle_events', 'rider_events', 'trips'),
      number: fc.integer({ min: 1, max: 6 }),
      provider_id: fc.constantFrom(PROVIDER, PROVIDER, OTHER),
      timestamp,
    }),
    { maxLength: 12, size: 'max' },
  );

async function load(events: readonly ({ readonly name: Name } & Drawn)[]): Promise<void> {
  for (const { name, ...event } of events) await writeEvents(pool, name, [MAKERS[name](event)]);
}

describe(recordRepeatedRows, () => {
  it('finds what a comparison of all rows finds, whatever is loaded, expires and is removed in between', async () => {
    const phases = fc.record({
      past: fc.array(fc.record({ events: eventsAt(past), days: fc.constantFrom(0, 1, 20, 32, 40) }), {
        maxLength: 4,
      }),
      recent: eventsAt(fc.oneof(past, recent)),
      removed: fc.integer({ min: 1, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(phases, async (drawn) => {
        await clear();
        for (const { events, days } of drawn.past) {
          await load(events);
          if (days > 0) await check();
          await age(days);
          await expire();
        }
        await load(drawn.recent);
        await check();
        await expectAllListed();
        // As an erasure or the retention does, in tables of which the next check has no new keys.
        await database.query('DELETE FROM ride.telemetry WHERE telemetry_id = $1', [id(drawn.removed)]);
        await database.query('DELETE FROM ride.trips WHERE end_time < $1', [
          new Date(YESTERDAY - 298 * DAY_MS),
        ]);
        await expectAllListed();
      }),
      { numRuns: 30 },
    );
  }, 300_000);

  /** Two rows of an id in each table, loaded 32 days apart. */
  async function loadTwice(times: readonly [number, number]): Promise<void> {
    for (const [load_, timestamp] of times.entries()) {
      for (const name of Object.keys(MAKERS) as Name[]) {
        await load([{ name, number: 1, provider_id: PROVIDER, timestamp }]);
      }
      if (load_ === 1) break;
      await age(32);
      await expire();
    }
  }

  it('finds a repeat of each table, at a recent time and in the partition of the first row', async () => {
    for (const second of [YESTERDAY, YESTERDAY - 100 * DAY_MS + 1]) {
      await clear();
      await loadTwice([YESTERDAY - 100 * DAY_MS, second]);
      expect(await check()).toBe(8);
      expect(await expectAllListed()).toBe(4);
    }
  });

  it('deletes the rows that were removed', async () => {
    await loadTwice([YESTERDAY - 100 * DAY_MS, YESTERDAY]);
    await check();
    await database.query('DELETE FROM ride.telemetry');
    await age(1);
    await check();
    expect(await database.one('SELECT count(*)::integer FROM ride.repeated_rows')).toBe(6);
    expect(await expectAllListed()).toBe(3);
  });

  it('checks a day once it is complete, and no day again', async () => {
    await loadTwice([YESTERDAY - 100 * DAY_MS, YESTERDAY]);
    expect(await recordRepeatedRows(pool, tables, Date.now())).toBe(0);
    expect(await check()).toBe(8);
    await database.query('TRUNCATE ride.repeated_rows');
    expect(await check()).toBe(0);
  });

  it('has the repeats that were loaded before the upgrade, and finds those of keys that had expired before', async () => {
    await using earlier = await createTestDatabase();
    const connections = new pg.Pool({ connectionString: earlier.url, max: 2 });
    // Of connections that are still closing when the database is dropped.
    connections.on('error', () => {});
    try {
      await migrate(connections, { until: LAST_OF_ALL_ROWS });
      const first = makeTelemetry({ timestamp: YESTERDAY - 3 * DAY_MS });
      const other = makeTelemetry({ timestamp: YESTERDAY - 3 * DAY_MS });
      await writeEvents(connections, 'telemetry', [first, other]);
      await earlier.query('DELETE FROM ride.telemetry_seen');
      await writeEvents(connections, 'telemetry', [{ ...first, timestamp: YESTERDAY }]);
      const expected = await earlier.query('SELECT * FROM analysis.repeated_ids');
      expect(expected).toHaveLength(1);
      await migrate(connections);
      expect(await earlier.query('SELECT * FROM analysis.repeated_ids')).toEqual(expected);
      await writeEvents(connections, 'telemetry', [{ ...other, timestamp: YESTERDAY }]);
      await recordRepeatedRows(connections, tables, Date.now() + DAY_MS + 3_600_000);
      expect(await earlier.query('SELECT * FROM analysis.repeated_ids')).toHaveLength(2);
    } finally {
      await connections.end();
    }
  });
});
