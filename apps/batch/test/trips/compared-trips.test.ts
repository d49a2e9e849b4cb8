import { randomUUID } from 'node:crypto';
import type { Trip } from '@hailstream/events';
import { Random } from '@hailstream/service/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../src/database/migrate.postgres.js';
import { createPool, type Pool } from '../../src/database/pool.postgres.js';
import { coarsenTrips, eraseFrom } from '../../src/erasure/erase-rows.postgres.js';
import { personalTables } from '../../src/erasure/personal-columns.postgres.js';
import { deleteRows } from '../../src/retention/apply/delete-rows.postgres.js';
import { dropPartitions } from '../../src/retention/apply/drop-partitions.postgres.js';
import { compareTrips } from '../../src/trips/comparison/compare-trips.postgres.js';
import { markLoaded } from '../../src/trips/rebuild/mark-loaded.postgres.js';
import { rebuildTrips } from '../../src/trips/rebuild/rebuild-trips.postgres.js';
import { failingAfter } from '../_failing-pool.js';
import { createTestDatabase, DAY_MS, makeTrip, PROVIDER, silent, type TestDatabase } from '../_util.js';
import { bruteForce, type ExpectedTrip } from './_brute-force.js';
import { FLEET_STARTS, makeFleet, type FleetEvent } from './_fleet.js';
import { clear, loadEvents } from './_store.js';

/** The last migration with which the view compared all trips. */
const LAST_OF_ALL_TRIPS = 19;
const NOW = FLEET_STARTS + 1.75 * DAY_MS;
const FIRST_DAY = Math.floor(FLEET_STARTS / DAY_MS);
const never = new AbortController().signal;

let database: TestDatabase;
let pool: Pool;
/** The view that joins all trips, as of {@link LAST_OF_ALL_TRIPS}. */
let joined: string;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, size: 5, logger: silent });
  await migrate(pool, { until: LAST_OF_ALL_TRIPS });
  joined = await database.one<string>(`SELECT pg_get_viewdef('analysis.trip_comparison'::regclass)`);
  await database.query(`CREATE SCHEMA expected; CREATE VIEW expected.trip_comparison AS ${joined}`);
  await migrate(pool);
});

beforeEach(() => clear(database));

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

const rebuild = (from = pool) => rebuildTrips(from, { signal: never, nowMs: NOW });
const load = (events: readonly FleetEvent[]) => loadEvents(pool, events, { chunkRecords: 200 });

/** Compares the kept comparison with the join of all trips, while nothing is marked. Returns the number of rows. */
async function expectToBeComplete(): Promise<number> {
  const listed = (schema: string) =>
    database.query(
      `SELECT * FROM ${schema}.trip_comparison ORDER BY provider_id, trip_id, reported_end_time`,
    );
  const expected = await listed('expected');
  expect(await listed('analysis')).toEqual(expected);
  expect(await database.one('SELECT count(*)::integer FROM ride.comparison_marks')).toBe(0);
  return expected.length;
}

/** At any time, what differs from the join of all trips is marked. */
async function expectDifferencesToBeMarked(): Promise<void> {
  const [kept, all] = ['analysis', 'expected'].map((schema) => `SELECT * FROM ${schema}.trip_comparison`);
  const unmarked = await database.query(
    `SELECT provider_id, trip_id FROM ((${kept} EXCEPT ${all}) UNION ALL (${all} EXCEPT ${kept})) AS differing
     EXCEPT SELECT provider_id, trip_id FROM ride.comparison_marks`,
  );
  expect(unmarked).toEqual([]);
}

/** The trips of an operator: some are missing, some were reported twice or without events, and some differ. */
function reportsOf(trips: readonly ExpectedTrip[], random: Random): FleetEvent[] {
  const reports = trips
    .filter(() => random.chance(0.85))
    .flatMap((trip) => {
      const report = reportOf(trip, random);
      if (random.chance(0.8)) return [report];
      return [report, { ...report, end_time: report.end_time + random.pick([90_000, DAY_MS]) }];
    });
  reports.push(makeTrip({ start_time: FLEET_STARTS, end_time: FLEET_STARTS + 60_000 }));
  // `loadEvents` selects the table by the kind.
  return reports.map((event) => ({ kind: 'trips', event }) as unknown as FleetEvent);
}

function reportOf(trip: ExpectedTrip, random: Random): Trip {
  const starts = trip.picked_up_at ?? trip.requested_at ?? FLEET_STARTS;
  const ends = trip.dropped_off_at ?? trip.cancelled_at ?? starts + 600_000;
  return makeTrip({
    trip_id: trip.trip_id,
    provider_id: trip.provider_id,
    device_id: random.chance(0.8) ? (trip.device_id ?? randomUUID()) : randomUUID(),
    start_time: Math.min(starts, ends) + random.pick([0, 0, 0, -61_000]),
    end_time: ends + random.pick([0, 0, 0, 61_000]),
    distance: Math.round((trip.distance_meters ?? 1_000) * random.pick([1, 1, 1.5])),
    ...(random.chance(0.5) && { standard_cost: 900, currency: 'EUR' }),
    ...(random.chance(0.5) && { actual_cost: 0 }),
    ...(trip.state === 'cancelled' &&
      random.chance(0.5) && {
        trip_attributes: {
          hail_type: 'app',
          passenger_count: 0,
          requested_time: starts,
          quoted_trip_start_time: ends,
          cancellation_reason: 'changed plans',
        },
      }),
  });
}

function makeDay(random: Random): FleetEvent[] {
  const fleet = makeFleet(random, { vehicles: 2, trips: 3 });
  const events = [...fleet.events, ...reportsOf(bruteForce(fleet, NOW), random)];
  return events
    .map((event) => ({ event, place: random.fraction() }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ event }) => event);
}

/** What changes the tables apart from loads and rebuilds. */
const CHANGES: Readonly<
  Record<string, (from: Pool, random: Random, events: readonly FleetEvent[]) => Promise<void>>
> = {
  /** Repeats with another end time are loaded as another trip. */
  'ids expire': async () => {
    await database.query('TRUNCATE ride.trips_seen');
  },
  'a vehicle is erased': async (from, random, events) => {
    const ids = events.flatMap(({ event }) => ('device_id' in event ? [event.device_id] : []));
    const id = random.pick(ids);
    for (const table of await personalTables(pool, 'device'))
      await eraseFrom(from, table, { id, signal: never });
  },
  'a rider is erased': async (from, random, events) => {
    const ids = events.flatMap(({ kind, event }) => (kind === 'rider-events' ? [event.rider_id] : []));
    const id = ids.length === 0 ? randomUUID() : random.pick(ids);
    const trips = (await personalTables(pool, 'device')).find(({ name }) => name === 'trips')!;
    await coarsenTrips(from, trips, id);
    for (const table of await personalTables(pool, 'rider'))
      await eraseFrom(from, table, { id, signal: never });
  },
  'reports of a provider expire': (from, random) =>
    expire(from, { name: 'trips', timeColumn: 'end_time' }, FIRST_DAY + 1 + random.below(2)),
  'rebuilt trips expire': (from, random) =>
    expire(from, { name: 'rebuilt_trips', timeColumn: 'last_event_at' }, FIRST_DAY + 1 + random.below(2)),
  'days of reports are dropped': async (from, random) => {
    await dropPartitions(from, {
      table: 'trips',
      firstKeptDay: FIRST_DAY + 1 + random.below(2),
      isDryRun: false,
      signal: never,
      onDropped: () => {},
    });
  },
};

async function expire(
  from: Pool,
  { name, timeColumn }: { readonly name: string; readonly timeColumn: string },
  day: number,
): Promise<void> {
  await deleteRows(from, {
    table: { name, timeColumn, isPartitioned: name === 'trips', hasProvider: true },
    cutoffs: [{ table: name, providerId: PROVIDER, day, deletedTo: -Infinity }],
    firstKeptDay: -Infinity,
    isComplete: true,
    isDryRun: false,
    signal: never,
    onDeleted: () => {},
  });
}

describe('compared trips', () => {
  it(
    'are those of the join of all trips, whatever is loaded, late, repeated, erased, expired and dropped',
    { timeout: 180_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(), async (seed) => {
          const random = new Random(seed);
          await clear(database);
          const events = makeDay(random);
          for (let start = 0; start < events.length;) {
            const end = start + 1 + random.below(events.length / 2);
            const repeats = Array.from({ length: random.below(20) }, () => random.pick(events.slice(0, end)));
            await load([...events.slice(start, end), ...repeats]);
            await expectDifferencesToBeMarked();
            if (random.chance(0.3)) {
              await compareTrips(pool, never);
              await expectToBeComplete();
            }
            if (random.chance(0.8)) await rebuild();
            for (const change of Object.values(CHANGES)) {
              if (random.chance(0.8)) continue;
              await change(pool, random, events);
              await expectDifferencesToBeMarked();
            }
            await compareTrips(pool, never);
            await expectToBeComplete();
            start = end;
          }
          await rebuild();
          await expectToBeComplete();
        }),
        { numRuns: 12 },
      );
    },
  );

  it('are complete after a rebuild that was killed before any statement', { timeout: 120_000 }, async () => {
    const events = makeDay(new Random(3));
    let start = 0;
    for (let statements = 0; ; statements += 1) {
      await load(events.slice(start, (start += 12)));
      const isKilled = await isKilledAfter(statements, rebuild);
      await expectDifferencesToBeMarked();
      if (!isKilled && start >= events.length) break;
    }
    expect(await expectToBeComplete()).toBeGreaterThan(5);
  });

  it.each(Object.keys(CHANGES).filter((name) => name !== 'ids expire'))(
    'are complete if %s, and that was killed before any statement',
    { timeout: 120_000 },
    async (name) => {
      const events = makeDay(new Random(4));
      await load(events);
      await rebuild();
      const change = (from: Pool) => CHANGES[name]!(from, new Random(1), events);
      for (let statements = 0; await isKilledAfter(statements, change); statements += 1) {
        // The reports of a partition that was detached are marked when it is dropped.
        if (!name.includes('dropped')) await expectDifferencesToBeMarked();
      }
      await compareTrips(pool, never);
      await expectToBeComplete();
    },
  );

  it('are complete after several processes have loaded, rebuilt and deleted at once', async () => {
    const random = new Random(5);
    const events = makeDay(random);
    const part = Math.ceil(events.length / 9);
    await Promise.all(
      [0, 1, 2].map(async (process) => {
        for (let start = process * part; start < events.length; start += 3 * part) {
          await load(events.slice(start, start + part));
          await rebuild();
          await CHANGES['reports of a provider expire']!(pool, random, events);
          await compareTrips(pool, never);
        }
      }),
    );
    await rebuild();
    expect(await expectToBeComplete()).toBeGreaterThan(5);
  });

  it('are compared again by rebuild-trips, also those that were written without batch', async () => {
    await load(makeDay(new Random(6)));
    await rebuild();
    const compared = await expectToBeComplete();
    await database.query(
      `DELETE FROM ride.trips WHERE trip_id IN (SELECT trip_id FROM ride.trips ORDER BY trip_id LIMIT 2);
       DELETE FROM ride.compared_trips WHERE trip_id IN (SELECT trip_id FROM ride.compared_trips ORDER BY trip_id DESC LIMIT 3);
       UPDATE ride.trips SET distance = distance + 10000`,
    );
    await markLoaded(pool, {}, { signal: never });
    await rebuild();
    expect(await expectToBeComplete()).toBeGreaterThan(compared - 3);
  });

  it('are those of the trips that existed before the migration', async () => {
    await load(makeDay(new Random(8)));
    await rebuild();
    const compared = await expectToBeComplete();
    await database.query(
      `CREATE OR REPLACE VIEW analysis.trip_comparison AS ${joined};
       DROP TABLE ride.compared_trips, ride.comparison_marks;
       DELETE FROM ride.hailstream_migrations WHERE version = ${LAST_OF_ALL_TRIPS + 1}`,
    );
    await migrate(pool);
    expect(await expectToBeComplete()).toBe(compared);
  });
});

/** Runs work of which no statement after a number of them reaches Postgres. Returns whether it failed. */
async function isKilledAfter(statements: number, work: (from: Pool) => Promise<unknown>): Promise<boolean> {
  try {
    await work(failingAfter(pool, statements));
    return false;
  } catch (error) {
    expect((error as Error).message).toBe('killed');
    return true;
  }
}
