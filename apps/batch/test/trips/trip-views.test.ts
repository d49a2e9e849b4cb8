import { randomUUID } from 'node:crypto';
import {
  isValidArrival,
  isValidChange,
  transitions,
  tripFamily,
  vehicleEventTypes,
  vehicleStates,
  type Trip,
  type VehicleEvent,
  type VehicleEventType,
  type VehicleState,
} from '@hailstream/events';
import type { CityFile } from '@hailstream/events/city-file';
import { startTestBroker } from '@hailstream/log/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refreshAggregates } from '../../src/aggregates/refresh-aggregates.postgres.js';
import { migrate } from '../../src/database/migrate.postgres.js';
import { RouteMatcher } from '../../src/trips/matching/route-matcher.js';
import { rebuildTrips } from '../../src/trips/rebuild/rebuild-trips.postgres.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  PROVIDER,
  YESTERDAY,
  type TestDatabase,
} from '../_util.js';
import type { FleetEvent } from './_fleet.js';
import { loadEvents } from './_store.js';

const MINUTE_MS = 60_000;
const STARTS = YESTERDAY + 8 * 60 * MINUTE_MS;
const ENDS = STARTS + 10 * MINUTE_MS;
/** 10 m/s to the north for ten minutes: about 6,000 m. */
const DEGREES_PER_SECOND = 10 / 111_107.1;
const never = new AbortController().signal;

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
  pool.on('error', () => {});
  await migrate(pool);
});

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

async function loadAndRebuild(
  events: readonly FleetEvent[],
  matcher: RouteMatcher | null = null,
): Promise<void> {
  await loadEvents(pool, events, { chunkRecords: 1_000 });
  await rebuildTrips(pool, { signal: never, nowMs: Date.now(), matcher });
}

const placeAt = (at: number) => ({
  lat: 43.7384 + ((at - STARTS) / 1_000) * DEGREES_PER_SECOND,
  lng: 7.4246,
});

/** A road to the north on which the trips are driven. Between two positions of each kilometre, it goes 45 m east and back. */
const curves = [0, 1, 2, 3, 4, 5].flatMap((kilometer) => {
  const at = kilometer * 1_000;
  return [
    [at + 510, 0],
    [at + 525, 45],
    [at + 575, 45],
    [at + 590, 0],
  ];
});
const DETOUR_METERS = 6_010 + 6 * (2 * Math.hypot(15, 45) + 50 - 80);
const detour: CityFile = {
  type: 'FeatureCollection',
  name: 'Detour',
  bbox: [7.4, 43.7, 7.5, 43.9],
  attribution: 'none',
  features: [
    {
      type: 'Feature',
      properties: { highway: 'residential' },
      geometry: {
        type: 'LineString',
        coordinates: [[-2_000, 0], ...curves, [8_000, 0]].map(([north, east]) => [
          7.4246 + east! / 80_557.7,
          43.7384 + north! / 111_107.1,
        ]),
      },
    },
  ],
};

function vehicleEvent(
  types: VehicleEventType[],
  at: number,
  given: { readonly trip_id: string; readonly device_id: string; readonly state?: VehicleState },
): FleetEvent {
  const event = makeVehicleEvent({
    device_id: given.device_id,
    vehicle_state: given.state ?? transitions.find(([, , by]) => by === types.at(-1))![1],
    event_types: types,
    timestamp: at,
    location: placeAt(at),
    trip_ids: [given.trip_id],
  });
  return { kind: 'vehicle-events', event };
}

/** The events of a trip of 6,000 m, with a position every ten seconds. */
function tripEvents(
  given: { readonly trip_id: string; readonly device_id: string },
  silentMinutes = 0,
): FleetEvent[] {
  const events = [
    vehicleEvent(['reservation_start'], STARTS - 2 * MINUTE_MS, given),
    vehicleEvent(['reservation_stop'], STARTS - MINUTE_MS, given),
    vehicleEvent(['trip_start'], STARTS, given),
    vehicleEvent(['trip_stop'], ENDS, given),
    vehicleEvent(['trip_end'], ENDS + 1_000, given),
  ];
  for (let at = STARTS - 2 * MINUTE_MS; at <= ENDS; at += 10_000) {
    if (at > STARTS + MINUTE_MS && at < STARTS + (1 + silentMinutes) * MINUTE_MS) continue;
    const event = makeTelemetry({ device_id: given.device_id, timestamp: at, location: placeAt(at) });
    events.push({ kind: 'telemetry', event });
  }
  return events;
}

const report = (
  given: { readonly trip_id: string; readonly device_id: string },
  more: Partial<Trip> = {},
): FleetEvent =>
  // `loadEvents` selects the table by the kind.
  ({
    kind: 'trips',
    event: makeTrip({
      start_time: STARTS,
      end_time: ENDS,
      duration: 600,
      distance: 6_050,
      ...given,
      ...more,
    }),
  }) as unknown as FleetEvent;

describe('analysis.trip_comparison', () => {
  const made = () => ({ trip_id: randomUUID(), device_id: randomUUID() });
  const cases: Readonly<
    Record<string, { readonly events: (of: ReturnType<typeof made>) => FleetEvent[]; readonly row: object }>
  > = {
    'a trip that was reported as it was': {
      events: (of) => [...tripEvents(of), report(of)],
      row: { verdict: 'matches', differences: [], explanation: '', state: 'completed' },
    },
    'a completed trip that was not reported': {
      events: (of) => tripEvents(of),
      row: {
        verdict: 'missing',
        differences: ['missing'],
        explanation: expect.stringMatching(
          /^the trip ended at .*, and the provider has not reported it$/,
        ) as unknown,
      },
    },
    'a report of a trip without events': {
      events: (of) => [report(of, { actual_cost: 1_450, currency: 'EUR' })],
      row: {
        verdict: 'extra',
        differences: ['extra', 'fare_without_trip'],
        explanation:
          'the trip was reported, and no event names it; a fare of 1450 minor units of EUR was reported for it',
        reported_cost: '1450',
      },
    },
    'a report of a cancelled trip': {
      events: (of) => [
        vehicleEvent(['reservation_start'], STARTS, of),
        vehicleEvent(['driver_cancellation'], ENDS, of),
        report(of),
      ],
      row: {
        verdict: 'extra',
        differences: ['extra'],
        explanation: expect.stringMatching(
          /^the trip was reported, and cancelled by the driver at /,
        ) as unknown,
      },
    },
    'a trip that was reported as cancelled': {
      events: (of) => [
        vehicleEvent(['reservation_start'], STARTS, of),
        vehicleEvent(['passenger_cancellation'], ENDS, of),
        report(of, {
          standard_cost: 500,
          trip_attributes: {
            hail_type: 'app',
            passenger_count: 0,
            requested_time: STARTS,
            quoted_trip_start_time: ENDS,
            cancellation_reason: 'changed plans',
          },
        }),
      ],
      row: { verdict: 'matches', differences: [], state: 'cancelled' },
    },
    'a trip without its drop-off': {
      events: (of) => [vehicleEvent(['trip_start'], STARTS, of), report(of, { standard_cost: 100 })],
      row: {
        verdict: 'differs',
        differences: ['events_missing', 'fare_without_trip'],
        explanation: expect.stringMatching(
          /^the trip was reported, and no event has its drop-off; a fare/,
        ) as unknown,
      },
    },
    'a longer distance and another vehicle': {
      events: (of) => [...tripEvents(of), report(of, { distance: 6_800, device_id: randomUUID() })],
      row: {
        verdict: 'differs',
        differences: ['vehicle', 'distance'],
        explanation: expect.stringMatching(/; 6800 m were reported, and 60\d\d m were driven$/) as unknown,
        distance_difference_percent: expect.closeTo(13, 0) as unknown,
      },
    },
    'times that are more than a minute off': {
      events: (of) => [
        ...tripEvents(of),
        report(of, { start_time: STARTS - 90_000, end_time: ENDS + 5 * MINUTE_MS }),
      ],
      row: {
        verdict: 'differs',
        differences: ['start_time', 'end_time'],
        start_difference_seconds: -90,
        end_difference_seconds: 299,
        explanation:
          'it was reported to start 90 s before its pick-up; it was reported to end 299 s after its drop-off',
      },
    },
  };

  it.each(Object.entries(cases))('explains %s', async (_, { events, row }) => {
    const of = made();
    await loadAndRebuild(events(of));
    const rows = await database.query('SELECT * FROM analysis.trip_comparison WHERE trip_id = $1', [
      of.trip_id,
    ]);
    expect(rows).toEqual([expect.objectContaining(row)]);
  });

  it('compares distances with the way on the roads if it is known', async () => {
    const [of, other] = [made(), made()];
    const events = [...tripEvents(of), report(of, { distance: 6_700 })];
    await loadAndRebuild([...events, ...tripEvents(other)], new RouteMatcher([detour]));
    const read = async () =>
      (
        await database.query(
          `SELECT matched_distance, distance_meters, distance_difference_meters, compared_with, differences, explanation
           FROM analysis.trip_comparison WHERE trip_id = $1`,
          [of.trip_id],
        )
      )[0]!;
    const row = await read();
    expect(row['distance_meters']).toBeCloseTo(6_010, 0);
    // Each kilometre has a curve, which straight lines between the positions cut.
    expect(row['matched_distance']).toBeCloseTo(DETOUR_METERS, 0);
    expect(row).toMatchObject({ compared_with: 'roads', differences: [], explanation: '' });
    expect(row['distance_difference_meters']).toBeCloseTo(6_700 - DETOUR_METERS, 0);

    // A process without roads keeps the distance, until the route changes.
    await loadAndRebuild([vehicleEvent(['trip_end'], ENDS + 1_500, of)]);
    expect(await read()).toMatchObject({
      matched_distance: null,
      compared_with: 'telemetry',
      differences: ['distance'],
    });
    const sql = 'SELECT matched_distance, updated_at FROM ride.rebuilt_trips WHERE trip_id = $1';
    const before = await database.query(sql, [other.trip_id]);
    expect(before[0]!['matched_distance']).toBeCloseTo(DETOUR_METERS, 0);
    const mark = 'INSERT INTO ride.trip_marks (provider_id, trip_id) VALUES ($1, $2)';
    await pool.query(mark, [PROVIDER, other.trip_id]);
    await loadAndRebuild([]);
    expect(await database.query(sql, [other.trip_id])).toEqual(before);
  });

  it('has neither trips that are in progress nor cancelled ones that were not reported', async () => {
    const [open, cancelled] = [made(), made()];
    await loadAndRebuild([
      vehicleEvent(['trip_start'], STARTS, open),
      vehicleEvent(['reservation_start'], STARTS, cancelled),
      vehicleEvent(['provider_cancellation'], ENDS, cancelled),
    ]);
    expect(
      await database.query('SELECT * FROM analysis.trip_comparison WHERE trip_id = ANY ($1)', [
        [open.trip_id, cancelled.trip_id],
      ]),
    ).toEqual([]);
  });
});

describe('analysis.trip_gaps', () => {
  it('has the times of a trip without telemetry for more than two minutes', async () => {
    const [silent, short] = [
      { trip_id: randomUUID(), device_id: randomUUID() },
      { trip_id: randomUUID(), device_id: randomUUID() },
    ];
    await loadAndRebuild([...tripEvents(silent, 3), ...tripEvents(short, 2)]);
    expect(
      await database.query('SELECT * FROM analysis.trip_gaps WHERE trip_id = ANY ($1)', [
        [silent.trip_id, short.trip_id],
      ]),
    ).toEqual([
      {
        provider_id: PROVIDER,
        ...silent,
        starts_at: new Date(STARTS + MINUTE_MS),
        ends_at: new Date(STARTS + 4 * MINUTE_MS),
        seconds: 180,
      },
    ]);
  });
});

describe('analysis.state_violations', () => {
  it('has the transitions of the event contracts', async () => {
    const rows = await database.query<Record<string, string>>('SELECT * FROM analysis.vehicle_transitions');
    expect(rows.map((row) => [row['from_state'], row['to_state'], row['event_type']])).toEqual(transitions);
  });

  it('has exactly the events that cannot follow the event before them', async () => {
    const multiple: VehicleEventType[][] = [
      ['reservation_start', 'reservation_stop', 'trip_start'],
      ['trip_stop', 'trip_end'],
      ['comms_restored', 'trip_stop', 'trip_end'],
      ['trip_start', 'trip_end'],
    ];
    const types = [...vehicleEventTypes.map((type) => [type]), ...multiple];
    const events: FleetEvent[] = [];
    const expected: object[] = [];
    for (const from of vehicleStates) {
      const arrival = transitions.find(([, to]) => to === from)![2];
      for (const to of vehicleStates) {
        for (const eventTypes of types.filter((each) => isValidArrival(to, each.at(-1)!))) {
          const given = { trip_id: randomUUID(), device_id: randomUUID() };
          const before = vehicleEvent([arrival], STARTS, { ...given, state: from });
          const after = vehicleEvent(eventTypes, STARTS + 1_000, { ...given, state: to });
          events.push(after, before);
          if (isValidChange({ from, to, eventTypes })) continue;
          const [{ event_id: previous_event_id }, { event_id }] = [before, after].map(
            ({ event }) => event as VehicleEvent,
          ) as [VehicleEvent, VehicleEvent];
          expected.push({
            device_id: given.device_id,
            previous_event_id,
            previous_state: from,
            event_id,
            vehicle_state: to,
          });
        }
      }
    }
    expect(expected.length).toBeGreaterThan(100);
    await loadEvents(pool, events, { chunkRecords: 1_000 });
    await refreshAggregates(pool);
    const found = await database.query<{ device_id: string }>(
      `SELECT device_id, previous_event_id, previous_state, event_id, vehicle_state FROM analysis.state_violations
       WHERE device_id = ANY ($1)`,
      [events.map(({ event }) => (event as VehicleEvent).device_id)],
    );
    const byId = (one: object, other: object) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);
    expect(found.toSorted(byId)).toEqual(expected.toSorted(byId));
  });
});

describe('a load', () => {
  it('rebuilds the trips of its records, and says how many have changed', async () => {
    await using broker = await startTestBroker();
    await using loaded = await createTestDatabase();
    await using runner = await createLoadRunner(broker, loaded);
    const of = { trip_id: randomUUID(), device_id: randomUUID() };
    const events = tripEvents(of);
    const topics = { telemetry: 'ride.telemetry', 'vehicle-events': 'ride.vehicle-events' } as const;
    for (const kind of ['telemetry', 'vehicle-events'] as const) {
      const values = events.filter((each) => each.kind === kind).map(({ event }) => event);
      await append(
        broker,
        topics[kind],
        values.map((value) => ({ key: of.device_id, value })),
      );
    }
    const request = makeRiderEvent({ trip_id: of.trip_id, timestamp: STARTS - 3 * MINUTE_MS });
    await append(broker, 'ride.rider-events', [{ key: of.trip_id, value: request }]);
    const trip = makeTrip({ ...of, start_time: STARTS, end_time: ENDS, distance: 6_000 });
    await append(broker, tripFamily.topic.name, [{ key: of.trip_id, value: trip }]);
    expect(await runner.load(never)).toMatchObject({ rejects: 0, rebuiltTrips: { rebuilt: 1, changed: 1 } });
    expect(await loaded.query('SELECT * FROM ride.rebuilt_trips')).toEqual([
      expect.objectContaining({
        provider_id: PROVIDER,
        ...of,
        state: 'completed',
        wait_seconds: 180,
        duration_seconds: 601,
        distance_meters: expect.closeTo(6_010, -2) as unknown,
        deadhead_seconds: 120,
        deadhead_meters: expect.closeTo(1_200, -1) as unknown,
        dwell_seconds: 0,
        max_speed: null,
        points: 73,
        events: 6,
      }),
    ]);
    expect(await loaded.one('SELECT verdict FROM analysis.trip_comparison')).toBe('matches');
    expect(await runner.load(never)).toMatchObject({ rebuiltTrips: { rebuilt: 0, changed: 0 } });
  });
});
