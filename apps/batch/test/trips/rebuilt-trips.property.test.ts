import { Random } from '@hailstream/service/testing';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../src/database/migrate.postgres.js';
import { markLoaded } from '../../src/trips/rebuild/mark-loaded.postgres.js';
import { rebuildTrips, type RebuildCounts } from '../../src/trips/rebuild/rebuild-trips.postgres.js';
import { createTestDatabase, DAY_MS, type TestDatabase } from '../_util.js';
import { bruteForce, type ExpectedTrip } from './_brute-force.js';
import { FLEET_STARTS, makeFleet, type FleetEvent } from './_fleet.js';
import { clear, contents, loadEvents, readRebuilt, type StoredTrip } from './_store.js';

/** Some trips that are still open then had their last event more than 24 hours before. */
const NOW = FLEET_STARTS + 1.75 * DAY_MS;
const never = new AbortController().signal;

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => {});
  await migrate(pool);
});

beforeEach(() => clear(database));

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

const rebuild = (): Promise<RebuildCounts> => rebuildTrips(pool, { signal: never, nowMs: NOW });

async function loadAndRebuild(events: readonly FleetEvent[], chunkRecords = 10_000): Promise<void> {
  await loadEvents(pool, events, { chunkRecords });
  await rebuild();
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index -= 1) {
    const other = random.below(index + 1);
    [result[index], result[other]] = [result[other]!, result[index]!];
  }
  return result;
}

/** Late and repeated: in parts of any size, each of which may repeat what was sent before. */
async function loadInAnyOrder(events: readonly FleetEvent[], random: Random): Promise<void> {
  const order = shuffled(events, random);
  for (let start = 0; start < order.length;) {
    const end = start + 1 + random.below(order.length / 2);
    const repeats = Array.from({ length: random.below(50) }, () => random.pick(order.slice(0, end)));
    await loadEvents(pool, shuffled([...order.slice(start, end), ...repeats], random), {
      chunkRecords: 1 + random.below(500),
    });
    if (random.chance(0.7)) await rebuild();
    start = end;
  }
  await rebuild();
}

function facts(trip: StoredTrip): Omit<ExpectedTrip, 'distance_meters'> {
  const ms = (at: Date | null): number | null => at?.getTime() ?? null;
  return {
    provider_id: trip.provider_id,
    trip_id: trip.trip_id,
    state: trip.state,
    device_id: trip.device_id,
    requested_at: ms(trip.requested_at),
    assigned_at: ms(trip.assigned_at),
    picked_up_at: ms(trip.picked_up_at),
    dropped_off_at: ms(trip.dropped_off_at),
    cancelled_at: ms(trip.cancelled_at),
    cancelled_by: trip.cancelled_by,
    events: trip.events,
  };
}

function expectToEqual(stored: readonly StoredTrip[], expected: readonly ExpectedTrip[]): void {
  expect(stored.map(facts)).toEqual(expected.map(({ distance_meters: _, ...trip }) => trip));
  for (const [index, { distance_meters: meters }] of stored.entries()) {
    const driven = expected[index]!.distance_meters;
    if (driven === null) expect(meters).toBeNull();
    else expect(Math.abs(meters! - driven), `${meters} and ${driven} m`).toBeLessThan(1 + driven * 0.002);
  }
}

describe('rebuilt trips', () => {
  it(
    'are the same whatever the order, repetition and chunks of their events',
    { timeout: 180_000 },
    async () => {
      const states = new Set<string>();
      await fc.assert(
        fc.asyncProperty(fc.nat(), async (seed) => {
          const random = new Random(seed);
          const fleet = makeFleet(random, { vehicles: 2, trips: 8 });
          await clear(database);
          await loadAndRebuild(fleet.events);
          const inOrder = await readRebuilt(database);
          expectToEqual(inOrder, bruteForce(fleet, NOW));
          await clear(database);
          await loadInAnyOrder(fleet.events, random);
          expect(contents(await readRebuilt(database))).toEqual(contents(inOrder));
          for (const { state } of inOrder) states.add(state);
        }),
        { numRuns: 12 },
      );
      expect(states).toEqual(new Set(['completed', 'cancelled', 'in_progress', 'incomplete']));
    },
  );

  it(
    'change once because of an event that arrives late, and no other trip changes',
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(), fc.nat(), async (seed, pick) => {
          const { events } = makeFleet(new Random(seed), { vehicles: 2, trips: 4 });
          const late = new Random(pick).pick(
            events.filter(({ kind }) => kind !== 'telemetry' || pick % 3 === 0),
          );
          await clear(database);
          await loadAndRebuild(events.filter((event) => event !== late));
          const before = await readRebuilt(database);
          await loadAndRebuild([late]);
          const after = await readRebuilt(database);
          const changed = after.filter((row) => {
            const earlier = before.find(
              ({ trip_id, provider_id }) => trip_id === row.trip_id && provider_id === row.provider_id,
            );
            return earlier?.updated_at.getTime() !== row.updated_at.getTime();
          });
          for (const trip of changed) expect(concerns(late, trip), JSON.stringify([late, trip])).toBe(true);
          const unchanged = after.filter((row) => !changed.includes(row));
          expect(before).toEqual(expect.arrayContaining(unchanged));
          // Of a trip that it names, at least the number of events changes.
          const named = after.filter((trip) => names(late, trip));
          expect(changed).toEqual(expect.arrayContaining(named));

          await loadAndRebuild([late]);
          expect(await readRebuilt(database)).toEqual(after);
          await database.query('TRUNCATE ride.rebuilt_trips');
          await markAll();
          await rebuild();
          expect(contents(await readRebuilt(database))).toEqual(contents(after));
        }),
        { numRuns: 12 },
      );
    },
  );

  it('are complete after a rebuild that was cut off anywhere', { timeout: 120_000 }, async () => {
    const fleet = makeFleet(new Random(7), { vehicles: 3, trips: 6 });
    const expected = bruteForce(fleet, NOW);
    let cuts = 0;
    for (let statements = 1; ; statements += 2) {
      await clear(database);
      await loadEvents(pool, fleet.events, { chunkRecords: 1_000 });
      const isCut = await rebuildCutAfter(statements);
      if (!isCut) break;
      cuts += 1;
      await rebuild();
      expectToEqual(await readRebuilt(database), expected);
    }
    expect(cuts).toBeGreaterThan(8);
  });

  it(
    'are complete after several processes have loaded and rebuilt at once',
    { timeout: 120_000 },
    async () => {
      const random = new Random(11);
      const fleet = makeFleet(random, { vehicles: 4, trips: 10 });
      const order = shuffled(fleet.events, random);
      const parts = [0, 1, 2].map((part) => order.filter((_, index) => index % 3 === part));
      await Promise.all(
        parts.map(async (events) => {
          for (let start = 0; start < events.length; start += 400) {
            await loadEvents(pool, events.slice(start, start + 400), { chunkRecords: 100 });
            await rebuild();
          }
        }),
      );
      expectToEqual(await readRebuilt(database), bruteForce(fleet, NOW));
      expect(await database.one('SELECT count(*)::integer FROM ride.trip_marks')).toBe(0);
      expect(await database.one('SELECT count(*)::integer FROM ride.vehicle_marks')).toBe(0);
    },
  );
});

function names({ kind, event }: FleetEvent, trip: StoredTrip): boolean {
  if (event.provider_id !== trip.provider_id || kind === 'telemetry') return false;
  return kind === 'rider-events'
    ? event.trip_id === trip.trip_id
    : event.trip_ids?.includes(trip.trip_id) === true;
}

/** Whether an event may change a trip: by the definition of what belongs to a trip. */
function concerns(late: FleetEvent, trip: StoredTrip): boolean {
  if (names(late, trip)) return true;
  const { kind, event } = late;
  if (kind === 'rider-events') return false;
  if (event.provider_id !== trip.provider_id || event.device_id !== trip.device_id) return false;
  if (kind === 'vehicle-events') return trip.state === 'incomplete';
  const [from, to] = [trip.assigned_at ?? trip.picked_up_at, trip.dropped_off_at ?? trip.cancelled_at];
  return from !== null && to !== null && event.timestamp >= from.getTime() && event.timestamp <= to.getTime();
}

/** Marks all trips, as if all of their events had been loaded again. */
async function markAll(): Promise<void> {
  await database.query(
    `INSERT INTO ride.trip_marks (provider_id, trip_id, device_id, from_time, to_time)
     SELECT provider_id, unnest(trip_ids), device_id, "timestamp", "timestamp" FROM ride.vehicle_events
     UNION ALL SELECT provider_id, trip_id, NULL, "timestamp", "timestamp" FROM ride.rider_events`,
  );
}

/** Rebuilds with connections that end after a number of statements. Returns whether the rebuild was cut off. */
async function rebuildCutAfter(statements: number): Promise<boolean> {
  const cut = new pg.Pool({ connectionString: database.url, max: 1 });
  cut.on('error', () => {});
  cut.on('connect', (client) => client.on('error', () => {}));
  let count = 0;
  const connect = cut.connect.bind(cut) as () => Promise<pg.PoolClient>;
  const cutting = {
    query: (sql: string) => cut.query(sql),
    connect: async () => {
      const client = await connect();
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
      const { processID: pid } = client as unknown as { processID: number };
      client.query = (async (...args: unknown[]) => {
        count += 1;
        if (count > statements) await database.query('SELECT pg_terminate_backend($1)', [pid]);
        return query(...args);
      }) as typeof client.query;
      const release = client.release.bind(client);
      client.release = (error) => {
        client.query = query as typeof client.query;
        release(error);
      };
      return client;
    },
  } as unknown as pg.Pool;
  try {
    await rebuildTrips(cutting, { signal: never, nowMs: NOW });
    return false;
  } catch (error) {
    if (count <= statements) throw error;
    return true;
  } finally {
    await cut.end();
  }
}

describe(markLoaded, () => {
  it('marks all trips of rows that were loaded before trips were rebuilt', async () => {
    const fleet = makeFleet(new Random(5), { vehicles: 3, trips: 6 });
    await loadEvents(pool, fleet.events, { chunkRecords: 1_000 });
    await database.query('TRUNCATE ride.trip_marks, ride.vehicle_marks');
    await markLoaded(pool, {}, { signal: never });
    await rebuild();
    expectToEqual(await readRebuilt(database), bruteForce(fleet, NOW));
  });

  it('marks the trips of a period, with their events before and after it', async () => {
    const fleet = makeFleet(new Random(6), { vehicles: 3, trips: 6 });
    await loadEvents(pool, fleet.events, { chunkRecords: 1_000 });
    await database.query('TRUNCATE ride.trip_marks, ride.vehicle_marks');
    const period = { fromMs: FLEET_STARTS + 9 * 3_600_000, toMs: FLEET_STARTS + 14 * 3_600_000 };
    await markLoaded(pool, period, { signal: never });
    await rebuild();
    const inPeriod = new Set(
      fleet.events
        .filter(
          ({ event }) =>
            'timestamp' in event && event.timestamp >= period.fromMs && event.timestamp < period.toMs,
        )
        .flatMap(({ kind, event }) =>
          kind === 'vehicle-events' ? (event.trip_ids ?? []) : kind === 'rider-events' ? [event.trip_id] : [],
        ),
    );
    const expected = bruteForce(fleet, NOW).filter(({ trip_id }) => inPeriod.has(trip_id));
    expect(expected.length).toBeGreaterThan(3);
    expectToEqual(await readRebuilt(database), expected);
  });
});
