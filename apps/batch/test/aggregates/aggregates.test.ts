import type { VehicleEventType, VehicleState } from '@hailstream/events';
import { until } from '@hailstream/service/testing';
import fc from 'fast-check';
import { latLngToCell } from 'h3-js';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { refreshAggregates } from '../../src/aggregates/refresh-aggregates.postgres.js';
import { migrate } from '../../src/database/migrate.postgres.js';
import { storeZones } from '../../src/zones/zones.postgres.js';
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
} from '../_util.js';
import { expectedAggregates, type Events } from './_expected.js';
import {
  EXPECTED_VIOLATIONS,
  LAST_WITHOUT_AGGREGATES,
  migrateWithPreviousViews,
  STORED_VIOLATIONS,
  storedAggregates,
  viewRows,
  writeEvents,
} from './_util.js';

const MINUTE_MS = 60_000;
const OTHER = 'f7b2c3d4-0000-4000-8000-000000000002';
const id = (kind: number, index: number): string =>
  `${kind.toString(16).padStart(8, '0')}-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 6 });
  pool.on('error', () => {});
  await migrateWithPreviousViews(pool);
});

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await clear();
  await createZones();
});

async function clear(): Promise<void> {
  const names = ['telemetry', 'vehicle_events', 'rider_events', 'trips'].flatMap((name) => [
    name,
    `${name}_seen`,
  ]);
  const aggregates = [
    'stale_quarters',
    'vehicle_quarters',
    'state_periods',
    'state_hours',
    'state_violations',
    'cell_quarters',
    'cell_hours',
    'cell_supply',
    'cell_totals',
    'zone_quarters',
    'zone_hours',
    'position_days',
    'state_days',
    'provider_quarters',
    'ride_outcomes',
  ];
  await database.query(`TRUNCATE ${[...names, ...aggregates].map((name) => `ride.${name}`).join(', ')}`);
}

/** Three places in two cells. */
const PLACES = [
  { lat: 43.735, lng: 7.421 },
  { lat: 43.7351, lng: 7.4211 },
  { lat: 43.745, lng: 7.433 },
];

const CHANGES: readonly [VehicleState, VehicleEventType[]][] = [
  ['available', ['service_start']],
  ['non_operational', ['service_end']],
  ['reserved', ['reservation_start']],
  ['on_trip', ['trip_start']],
  ['available', ['trip_end']],
  ['available', ['driver_cancellation']],
  ['available', ['passenger_cancellation']],
  ['on_trip', ['reservation_start', 'reservation_stop', 'trip_start']],
  ['available', ['trip_stop', 'trip_end']],
];

/** Mostly around midnight, with equal times, and sometimes days apart. */
const times = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -90, max: 90 }).map((step) => YESTERDAY + step * 30_000) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 180 * MINUTE_MS }).map((ms) => YESTERDAY - 90 * MINUTE_MS + ms),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 4 * DAY_MS }).map((ms) => YESTERDAY + DAY_MS - ms) },
);
const providers = fc.constantFrom(PROVIDER, PROVIDER, OTHER);
const places = fc.constantFrom(...PLACES);
const index = (max: number) => fc.integer({ min: 0, max });

const eventsOf: fc.Arbitrary<Events> = fc.record({
  telemetry: fc
    .array(
      fc.record({
        vehicle: index(2),
        provider_id: providers,
        timestamp: times,
        place: places,
        speed: fc.constantFrom(null, 0, 0.5, 1, 8.25),
      }),
      { maxLength: 60, size: 'max' },
    )
    .map((points) =>
      points.map(({ vehicle, place, speed, ...given }, number) =>
        makeTelemetry({
          ...given,
          telemetry_id: id(1, number),
          device_id: id(9, vehicle),
          location: { ...place, ...(speed !== null && { speed }) },
        }),
      ),
    ),
  vehicleEvents: fc
    .array(
      fc.record({
        vehicle: index(2),
        provider_id: providers,
        timestamp: times,
        place: places,
        change: fc.constantFrom(...CHANGES),
        trip: index(4),
      }),
      { maxLength: 20, size: 'max' },
    )
    .map((events) =>
      events.map(({ vehicle, place, change: [vehicle_state, event_types], trip, ...given }, number) =>
        makeVehicleEvent({
          ...given,
          event_id: id(2, (number * 7) % 31),
          device_id: id(9, vehicle),
          location: place,
          vehicle_state,
          event_types,
          trip_ids: [id(8, trip)],
        }),
      ),
    ),
  riderEvents: fc
    .array(
      fc.record({
        provider_id: providers,
        timestamp: times,
        place: places,
        trip: index(4),
        event_type: fc.constantFrom('ride_request', 'ride_request', 'ride_cancel'),
      }),
      { maxLength: 12, size: 'max' },
    )
    .map((events) =>
      events.map(({ place, trip, event_type, ...given }, number) =>
        makeRiderEvent({
          ...given,
          event_id: id(3, number),
          trip_id: id(8, trip),
          location: place,
          event_type,
        }),
      ),
    ),
  trips: fc
    .uniqueArray(
      fc.record({ trip: index(4), provider_id: providers, start_time: times, duration: index(5_000) }),
      { maxLength: 4, selector: ({ trip, provider_id }) => `${trip}${provider_id}` },
    )
    .map((trips) =>
      trips.map(({ trip, start_time, duration, provider_id }) =>
        makeTrip({
          provider_id,
          trip_id: id(8, trip),
          start_time,
          end_time: start_time + duration * 1_000,
          duration,
          actual_cost: duration,
        }),
      ),
    ),
});

const TABLES = {
  telemetry: 'telemetry',
  vehicleEvents: 'vehicle_events',
  riderEvents: 'rider_events',
  trips: 'trips',
} as const;
type Family = keyof typeof TABLES;
const families = Object.keys(TABLES) as Family[];

/** Events and, for each, the loads in which it is sent, in an order of their own. */
const loadsOf = eventsOf.chain((events) => {
  const all = families.flatMap((family) => events[family].map((event) => ({ family, event })));
  return fc.record({
    events: fc.constant(events),
    order: fc.shuffledSubarray([...all.keys()], { minLength: all.length }),
    load: fc.array(index(3), { minLength: all.length, maxLength: all.length }),
    repeated: fc.array(fc.boolean(), { minLength: all.length, maxLength: all.length }),
    all: fc.constant(all),
  });
});

async function write(sent: readonly { family: Family; event: object }[]): Promise<void> {
  for (const family of families) {
    const events = sent.filter((each) => each.family === family).map(({ event }) => event);
    if (events.length > 0) await writeEvents(pool, TABLES[family], events);
  }
}

/** Tables that the views read, and whose rows an earlier release has. */
const CALCULATED = [
  'zones',
  'zone_cells',
  'vehicle_quarters',
  'state_periods',
  'state_hours',
  'cell_quarters',
  'provider_quarters',
  'ride_outcomes',
];

/** Two zones with the cell of the first place. The other cell is in no zone. */
async function createZones(): Promise<void> {
  const { lat, lng } = PLACES[0]!;
  await database.query('DELETE FROM ride.zones');
  await database.query(
    `WITH stored AS (
       INSERT INTO ride.zones (zone_id, name, geometry) VALUES ('one', 'One', '{}'), ('two', 'Two', '{}') RETURNING zone_id
     )
     INSERT INTO ride.zone_cells (zone_id, h3_cell) SELECT zone_id, $1::bigint FROM stored`,
    [BigInt(`0x${latLngToCell(lat, lng, 9)}`).toString()],
  );
}

/** Writes the sample with the most events of riders. */
async function writeSample(): Promise<void> {
  const samples = fc.sample(eventsOf, { numRuns: 20, seed: 5 });
  const [events] = samples.toSorted((a, b) => b.riderEvents.length - a.riderEvents.length);
  await write(families.flatMap((family) => events![family].map((event) => ({ family, event }))));
}

describe(refreshAggregates, () => {
  it('has the same result for late, repeated, shuffled and cross-midnight events as a calculation from all of them', async () => {
    await fc.assert(
      fc.asyncProperty(loadsOf, async ({ events, order, load, repeated, all }) => {
        await clear();
        for (let number = 0; number <= 4; number += 1) {
          const sent = order.filter(
            (each) => load[each] === number || (number > load[each]! && repeated[each]),
          );
          await write(sent.map((each) => all[each]!));
          await refreshAggregates(pool);
          expect(await database.query(STORED_VIOLATIONS)).toEqual(await database.query(EXPECTED_VIOLATIONS));
          expect(await viewRows(database, 'analysis')).toEqual(await viewRows(database, 'previous'));
        }
        expect(await storedAggregates(database)).toEqual(expectedAggregates(events));
        expect(await database.query('SELECT * FROM ride.stale_quarters')).toEqual([]);
      }),
      { numRuns: 40 },
    );
  }, 300_000);

  it('is continued after it was stopped, or its process was killed', async () => {
    const [sample] = fc.sample(eventsOf, { numRuns: 1, seed: 7 });
    // More quarters than the first transaction calculates.
    const track = Array.from({ length: 20 }, (_, quarter) =>
      makeTelemetry({ timestamp: YESTERDAY + quarter * 15 * MINUTE_MS }),
    );
    const events = { ...sample!, telemetry: [...sample!.telemetry, ...track] };
    await write(families.flatMap((family) => events[family].map((event) => ({ family, event }))));
    const stop = new AbortController();
    await refreshAggregates(pool, { signal: stop.signal, onRefreshed: () => stop.abort() });
    const marked = Number(await database.one('SELECT count(*) FROM ride.stale_quarters'));
    expect(marked).toBeGreaterThan(0);

    // The refresh waits for the lock in the middle of its transaction.
    const holder = await pool.connect();
    await holder.query('BEGIN; LOCK TABLE ride.cell_quarters');
    const killed = refreshAggregates(pool).catch((error: Error & { code?: string }) => error.code);
    const waiting = `SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'ride.cell_quarters'::regclass`;
    const { pid } = await until(async () => (await database.query<{ pid: number }>(waiting))[0]);
    await database.query('SELECT pg_terminate_backend($1)', [pid]);
    expect(await killed).toBe('57P01');
    await holder.query('ROLLBACK');
    holder.release();
    expect(Number(await database.one('SELECT count(*) FROM ride.stale_quarters'))).toBe(marked);

    await refreshAggregates(pool);
    expect(await storedAggregates(database)).toEqual(expectedAggregates(events));
  });

  it('has the same result with concurrent loads and refreshes', async () => {
    const [events] = fc.sample(eventsOf, { numRuns: 1, seed: 11 });
    const all = families.flatMap((family) => events![family].map((event) => ({ family, event })));
    const process = async (part: number): Promise<void> => {
      for (let start = part; start < all.length; start += 8) {
        await write(all.slice(start, start + 4));
        await refreshAggregates(pool);
      }
    };
    await Promise.all([process(0), process(4)]);
    expect(await storedAggregates(database)).toEqual(expectedAggregates(events!));
  });

  it('counts the rows of each provider', async () => {
    const timestamp = YESTERDAY + MINUTE_MS;
    await writeEvents(pool, 'vehicle_events', [
      makeVehicleEvent({ timestamp }),
      makeVehicleEvent({ timestamp, provider_id: OTHER }),
    ]);
    await writeEvents(pool, 'rider_events', [
      makeRiderEvent({ timestamp }),
      makeRiderEvent({ timestamp: timestamp + 1 }),
    ]);
    await writeEvents(pool, 'trips', [makeTrip({ start_time: timestamp, end_time: timestamp })]);
    await refreshAggregates(pool);
    expect(await database.query('SELECT * FROM ride.provider_quarters ORDER BY provider_id')).toEqual([
      { quarter: new Date(YESTERDAY), provider_id: PROVIDER, vehicle_events: 1, rider_events: 2, trips: 1 },
      { quarter: new Date(YESTERDAY), provider_id: OTHER, vehicle_events: 1, rider_events: 0, trips: 0 },
    ]);
  });

  it('has the violations of state periods that an earlier release calculated', async () => {
    await using earlier = await createTestDatabase();
    const connections = new pg.Pool({ connectionString: earlier.url, max: 2 });
    // Of connections that are still closing when the database is dropped.
    connections.on('error', () => {});
    try {
      await migrate(connections, { until: 16 });
      const samples = fc.sample(eventsOf, { numRuns: 20, seed: 5 });
      const [sample] = samples.toSorted((a, b) => b.vehicleEvents.length - a.vehicleEvents.length);
      await writeEvents(connections, 'vehicle_events', sample!.vehicleEvents);
      await earlier.query(
        `INSERT INTO ride.state_periods (provider_id, device_id, event_at, event_id, hour, starts_at, ends_at, vehicle_state)
         SELECT provider_id, device_id, "timestamp", event_id, date_bin('1 hour', "timestamp", 'epoch'), "timestamp", "timestamp",
           vehicle_state
         FROM ride.vehicle_events`,
      );
      await migrate(connections);
    } finally {
      await connections.end();
    }
    const violations = await earlier.query(EXPECTED_VIOLATIONS);
    expect(violations.length).toBeGreaterThan(3);
    expect(await earlier.query(STORED_VIOLATIONS)).toEqual(violations);
  });

  it('has the zones that were loaded last, for all times', async () => {
    await writeSample();
    const timestamp = YESTERDAY + 600 * MINUTE_MS;
    const requests = [PLACES[0]!, PLACES[2]!].map((location) => makeRiderEvent({ timestamp, location }));
    await writeEvents(pool, 'rider_events', requests);
    await refreshAggregates(pool);
    const cells = [latLngToCell(PLACES[2]!.lat, PLACES[2]!.lng, 9)];
    const geometry = { type: 'Polygon', coordinates: [] } as const;
    await storeZones(pool, [{ id: 'three', name: 'Three', geometry, cells }]);
    expect(await viewRows(database, 'analysis')).toEqual(await viewRows(database, 'previous'));
    for (const view of ['zone_supply_demand', 'waits']) {
      const zones = `SELECT DISTINCT zone_id FROM analysis.${view} ORDER BY 1`;
      expect(await database.query(zones)).toEqual([{ zone_id: 'three' }, { zone_id: null }]);
    }
  });

  it('includes what a process of an earlier release calculates, once its quarters are marked', async () => {
    await writeSample();
    const marks = await database.query<{ quarter: Date }>('SELECT quarter FROM ride.stale_quarters');
    await refreshAggregates(pool);
    // It does not write these tables and columns.
    await database.query(
      `TRUNCATE ride.cell_supply, ride.cell_totals, ride.zone_quarters, ride.zone_hours, ride.position_days, ride.state_days`,
    );
    await database.query('UPDATE ride.cell_quarters SET unmet_requests = 0');
    await database.query('UPDATE ride.state_periods SET period_ends_at = NULL');
    await database.query('INSERT INTO ride.stale_quarters SELECT unnest($1::timestamptz[])', [
      marks.map(({ quarter }) => quarter),
    ]);
    await refreshAggregates(pool);
    expect(await viewRows(database, 'analysis')).toEqual(await viewRows(database, 'previous'));
  });

  it('has what an earlier release calculated', async () => {
    await writeSample();
    await refreshAggregates(pool);
    await using earlier = await createTestDatabase();
    const connections = new pg.Pool({ connectionString: earlier.url, max: 2 });
    try {
      await migrate(connections, { until: LAST_WITHOUT_AGGREGATES });
      for (const table of CALCULATED) {
        const rows = await database.one(`SELECT jsonb_agg(stored) FROM ride.${table} AS stored`);
        const columns = await earlier.one<string>(
          `SELECT string_agg(column_name, ', ') FROM information_schema.columns
           WHERE table_schema = 'ride' AND table_name = $1 AND is_generated = 'NEVER'`,
          [table],
        );
        await earlier.query(
          `INSERT INTO ride.${table} (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::ride.${table}, $1)`,
          [JSON.stringify(rows)],
        );
      }
      const before = await viewRows(earlier, 'analysis');
      expect(Math.min(...Object.values(before).map((rows) => rows.length))).toBeGreaterThan(0);
      await migrate(connections);
      expect(await viewRows(earlier, 'analysis')).toEqual(before);
    } finally {
      await connections.end();
    }
    const unmet = 'SELECT sum(unmet_requests) FROM analysis.cell_supply_demand';
    expect(Number(await earlier.one(unmet))).toBeGreaterThan(0);
  });
});
