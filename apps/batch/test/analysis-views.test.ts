import { randomUUID } from 'node:crypto';
import { telemetryFamily, vehicleEventFamily } from '@hailstream/events';
import { startTestBroker } from '@hailstream/log/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  beach,
  cancelled,
  first,
  harbour,
  loadHour,
  MINUTE_MS,
  refused,
  ridden,
} from './_analysis-hour.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  makeTelemetry,
  makeVehicleEvent,
  PROVIDER,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await loadHour();
}, 60_000);

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

const hour = at(0);
const provider_id = PROVIDER;

describe('schema analysis', () => {
  it('rides: has each ride with its times and outcome', async () => {
    const rides = await database.query(
      `SELECT trip_id, device_id, requested_at, requested_hour, h3_cell, outcome, cancelled_by, wait_seconds, approach_seconds,
         ride_seconds, cancelled_after_seconds FROM analysis.rides ORDER BY requested_at`,
    );
    const none = { wait_seconds: null, approach_seconds: null, ride_seconds: null, device_id: null };
    expect(rides).toEqual([
      {
        trip_id: ridden,
        device_id: first,
        requested_at: at(4),
        requested_hour: hour,
        h3_cell: harbour,
        outcome: 'completed',
        cancelled_by: null,
        wait_seconds: 360,
        approach_seconds: 300,
        ride_seconds: 720,
        cancelled_after_seconds: null,
      },
      {
        ...none,
        trip_id: cancelled,
        requested_at: at(30),
        requested_hour: hour,
        h3_cell: harbour,
        outcome: 'cancelled',
        cancelled_by: 'rider',
        cancelled_after_seconds: 180,
      },
      {
        ...none,
        trip_id: refused,
        requested_at: at(40),
        requested_hour: hour,
        h3_cell: beach,
        outcome: 'cancelled',
        cancelled_by: 'driver',
        cancelled_after_seconds: 240,
      },
    ]);
  });

  it('waits and completion: count by hour and zone', async () => {
    expect(await database.query('SELECT * FROM analysis.waits ORDER BY zone_id DESC')).toEqual([
      {
        hour,
        provider_id,
        zone_id: 'harbour',
        requests: '2',
        picked_up: '1',
        median_wait_seconds: 360,
        p90_wait_seconds: 360,
      },
      {
        hour,
        provider_id,
        zone_id: 'beach',
        requests: '1',
        picked_up: '0',
        median_wait_seconds: null,
        p90_wait_seconds: null,
      },
    ]);
    const none = { hour, provider_id, on_trip: '0', open: '0', cancelled_by_provider: '0', cancelled: '1' };
    expect(await database.query('SELECT * FROM analysis.completion ORDER BY zone_id DESC')).toEqual([
      {
        ...none,
        zone_id: 'harbour',
        requests: '2',
        completed: '1',
        cancelled_by_rider: '1',
        cancelled_by_driver: '0',
        completion_share: 0.5,
        median_cancelled_after_seconds: 180,
      },
      {
        ...none,
        zone_id: 'beach',
        requests: '1',
        completed: '0',
        cancelled_by_rider: '0',
        cancelled_by_driver: '1',
        completion_share: 0,
        median_cancelled_after_seconds: 240,
      },
    ]);
  });

  it('utilisation and earnings: divide the hour among states', async () => {
    expect(await database.query('SELECT * FROM analysis.utilisation')).toEqual([
      {
        hour,
        provider_id,
        available_seconds: 3_540,
        reserved_seconds: 480,
        on_trip_seconds: 600,
        stopped_seconds: 120,
        working_seconds: 4_740,
        off_seconds: 0,
        working_vehicles: 4_740 / 3_600,
        utilisation_share: 720 / 4_740,
        dead_heading_share: 4_020 / 4_740,
      },
    ]);
    expect(await database.query('SELECT * FROM analysis.earnings')).toEqual([
      {
        hour,
        provider_id,
        currency: 'EUR',
        trips: '1',
        total_cost: '1450',
        mean_cost: 1_450,
        working_vehicles: 4_740 / 3_600,
        cost_per_vehicle_hour: 1_450 / (4_740 / 3_600),
      },
    ]);
  });

  it('supply, demand and idle time: count positions until the next one, at most 2 minutes', async () => {
    const none = {
      provider_id,
      available_vehicles: '0',
      mean_available_vehicles: 0,
      unmet_requests: '0',
      pick_ups: '0',
      drop_offs: '0',
      requests: '0',
    };
    expect(
      await database.query('SELECT * FROM analysis.cell_supply_demand ORDER BY quarter, h3_cell = $1 DESC', [
        harbour,
      ]),
    ).toEqual([
      // One minute, two minutes, and one minute until the reservation.
      {
        ...none,
        quarter: at(0),
        h3_cell: harbour,
        available_vehicles: '1',
        mean_available_vehicles: 240 / 900,
        requests: '1',
        pick_ups: '1',
      },
      { ...none, quarter: at(15), h3_cell: harbour, drop_offs: '1' },
      { ...none, quarter: at(30), h3_cell: harbour, requests: '1', unmet_requests: '1' },
      { ...none, quarter: at(30), h3_cell: beach, requests: '1', unmet_requests: '1' },
    ]);
    expect(
      await database.query(
        'SELECT zone_id, quarter, mean_available_vehicles, requests, unmet_requests FROM analysis.zone_supply_demand WHERE unmet_requests > 0 ORDER BY 1',
      ),
    ).toEqual(
      ['beach', 'harbour'].map((zone_id) => ({
        zone_id,
        quarter: at(30),
        mean_available_vehicles: 0,
        requests: '1',
        unmet_requests: '1',
      })),
    );
    expect(await database.query('SELECT * FROM analysis.idle_hot_spots')).toEqual([
      {
        hour,
        provider_id,
        h3_cell: harbour,
        idle_seconds: 240,
        requests: '2',
        idle_seconds_per_request: 120,
      },
    ]);
    expect(await database.query('SELECT * FROM analysis.cell_speeds')).toEqual([
      {
        hour,
        provider_id,
        h3_cell: harbour,
        positions: '2',
        mean_speed: 5,
        moving_positions: '1',
        mean_moving_speed: 10,
      },
    ]);
  });

  it('fleet_needed: is the smallest fleet with which the mean wait is at most the target', async () => {
    // Erlang C with 0.85 busy vehicles: one would mean a wait of 5,780 s for it, and two of 225 s, in addition to 300 s of driving.
    expect(
      await database.query(
        'SELECT target_wait_seconds, requests, mean_busy_seconds, mean_approach_seconds, vehicles_needed FROM analysis.fleet_needed ORDER BY 1',
      ),
    ).toEqual(
      [
        [180, null],
        [300, null],
        [600, 2],
      ].map(([target_wait_seconds, vehicles_needed]) => ({
        target_wait_seconds,
        requests: '3',
        mean_busy_seconds: 1_020,
        mean_approach_seconds: 300,
        vehicles_needed,
      })),
    );
  });

  it.each([
    [12, 600, 60, 90],
    [300, 900, 120, 180],
    [2_000, 1_100, 200, 240],
    [0.5, 600, 30, 600],
  ])(
    'fleet_needed: equals the sum formula of Erlang C for %d requests of %d s',
    async (requests, busy, approach, target) => {
      const offered = (requests * busy) / 3_600;
      const waitWith = (vehicles: number): number => {
        if (vehicles <= offered) return Infinity;
        let term = 1;
        let sum = 1;
        for (let count = 1; count < vehicles; count += 1) sum += term *= offered / count;
        const queued = (term * (offered / vehicles) * vehicles) / (vehicles - offered);
        return ((queued / (sum + queued)) * busy) / (vehicles - offered);
      };
      let vehicles = 1;
      while (approach + waitWith(vehicles) > target) vehicles += 1;
      expect(
        await database.one('SELECT ride.vehicles_needed($1, $2, $3, $4)', [requests, busy, approach, target]),
      ).toBe(vehicles);
    },
  );

  it('data_quality: counts what was received, by provider', async () => {
    const day = new Date(YESTERDAY).toISOString().slice(0, 10);
    expect(
      await database.query(
        'SELECT data_quality.*, day::text FROM analysis.data_quality ORDER BY provider_id',
      ),
    ).toEqual([
      {
        day,
        provider_id,
        positions: '3',
        vehicle_events: '8',
        rider_events: '4',
        trips: '1',
        vehicles: '1',
        rejects: '1',
        silences: '0',
        silence_seconds: 0,
        late_1m: '3',
        late_10m: '0',
        late_1h: '0',
        late_1d: '0',
        mean_lateness_seconds: 120,
        max_lateness_seconds: 120,
        duplicates: '0',
      },
      expect.objectContaining({
        day,
        provider_id: null,
        rejects: '1',
        positions: '0',
        mean_lateness_seconds: null,
      }),
    ]);
  });
});

describe('a vehicle that goes silent', () => {
  it('keeps its state for two hours after its last position, whatever other vehicles send', async () => {
    await using own = await createTestDatabase();
    await using broker = await startTestBroker();
    const silent = randomUUID();
    const days = (number: number): number => YESTERDAY - 44 * 86_400_000 + number * 86_400_000;
    await append(broker, vehicleEventFamily.topic.name, [
      {
        key: 'k',
        value: makeVehicleEvent({
          device_id: silent,
          timestamp: days(0),
          vehicle_state: 'on_trip',
          event_types: ['trip_start'],
          trip_ids: [ridden],
        }),
      },
      { key: 'k', value: makeVehicleEvent({ timestamp: days(44) }) },
    ]);
    await append(broker, telemetryFamily.topic.name, [
      { key: 'k', value: makeTelemetry({ device_id: silent, timestamp: days(0) + 30 * MINUTE_MS }) },
    ]);
    await using loads = await createLoadRunner(broker, own);
    await loads.load(new AbortController().signal);
    const period =
      'SELECT extract(epoch FROM ends_at - starts_at)::float8 FROM analysis.vehicle_state_periods WHERE device_id = $1 ORDER BY starts_at LIMIT 1';
    expect(await own.one(period, [silent])).toBe(150 * 60);
    // After days of silence, a later event does not tell how long the state lasted.
    await append(broker, vehicleEventFamily.topic.name, [
      {
        key: 'k',
        value: makeVehicleEvent({
          device_id: silent,
          timestamp: days(44),
          vehicle_state: 'stopped',
          event_types: ['trip_stop'],
          trip_ids: [ridden],
        }),
      },
    ]);
    await loads.load(new AbortController().signal);
    expect(await own.one(period, [silent])).toBe(150 * 60);
  });
});
