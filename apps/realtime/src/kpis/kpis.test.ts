import { describe, expect, it } from 'vitest';
import { CityState, type CityEvent } from '../fold/city-state.js';
import {
  id,
  NOW as SOME_TIME,
  OTHER_PROVIDER,
  riderEvent,
  telemetry,
  vehicleEvent,
} from '../fold/events.fixture.js';
import { TRIP_LIMITS, type TripLimits } from '../fold/fleet-trips.js';
import { MANY_PACKS, readCity, writeCity } from '../fold/written-city.fixture.js';
import { kpis, withEvents } from './kpis.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** At the end of a quarter of an hour. */
const NOW = Math.ceil(SOME_TIME / 900_000) * 900_000;

/** A trip that was requested, reserved, started and ended so many minutes before `NOW`. */
function trip(n: number, [requested, reserved, started, ended]: readonly (number | null)[]): CityEvent[] {
  const at = (minutes: number) => NOW - minutes * MINUTE_MS;
  const of = { device_id: id(n), trip_ids: [id(1_000 + n)] };
  const vehicle = (minutes: number | null | undefined, change: Parameters<typeof vehicleEvent>[0]) =>
    minutes === null || minutes === undefined
      ? []
      : [vehicleEvent({ ...of, timestamp: at(minutes), ...change })];
  return [
    ...(requested === null || requested === undefined
      ? []
      : [riderEvent({ trip_id: id(1_000 + n), timestamp: at(requested) })]),
    ...vehicle(reserved, {}),
    ...vehicle(started, { vehicle_state: 'on_trip', event_types: ['trip_start'] }),
    ...vehicle(ended, { vehicle_state: 'available', event_types: ['trip_end'] }),
  ];
}

function cityOf(events: readonly CityEvent[], now = NOW, limits?: TripLimits): CityState {
  const city = new CityState(limits);
  for (const input of events) city.fold(input, { receivedAt: now, now });
  city.advance(now);
  return city;
}

const hour = (city: CityState, now = NOW) => kpis(city, { provider: null, window: 'hour' }, now);
const day = (city: CityState, now = NOW) => kpis(city, { provider: null, window: 'day' }, now);

/** Three trips of the last hour: one is over, one is under way, and one rider waits. */
const events = [
  ...trip(1, [40, 38, 34, 20]),
  ...trip(2, [12, 10, 2, null]),
  ...trip(3, [6, null, null, null]),
];

describe('kpis', () => {
  it('has the figures of the last hour per minute, with the trips that are under way', () => {
    const { series, now, from, stepMs, previous } = hour(cityOf(events));
    expect([from, stepMs, previous]).toEqual([NOW - HOUR_MS, MINUTE_MS, null]);
    const minutesAgo = (minutes: number) => 60 - minutes;
    expect(series.trips_under_way.slice(minutesAgo(40), minutesAgo(36))).toEqual([0, 0, 1, 1]);
    expect(series.trips_under_way.slice(minutesAgo(21), minutesAgo(19))).toEqual([1, 0]);
    expect(series.trips_under_way.at(-1)).toBe(1);
    expect(series.requests_waiting.slice(minutesAgo(12), minutesAgo(9))).toEqual([1, 1, 0]);
    expect(series.requests_waiting.at(-1)).toBe(1);
    expect(series.completed_per_hour[minutesAgo(20)]).toBe(60);
    expect(Math.abs(series.wait_median_ms[minutesAgo(34)]! / (6 * MINUTE_MS) - 1)).toBeLessThan(0.05);
    // Nothing is known of the time before the first event.
    expect(series.trips_under_way.slice(0, minutesAgo(40))).toEqual(Array.from({ length: 20 }, () => null));
    expect(now).toMatchObject({
      trips_under_way: 1,
      requests_waiting: 1,
      completed_per_hour: 1,
      cancelled_per_hour: 0,
      active_vehicles: 1,
    });
    expect(now.wait_p90_ms).toBeGreaterThan(9.5 * MINUTE_MS);
    expect(now.wait_p90_ms).toBeLessThan(10.5 * MINUTE_MS);
  });

  it('has the share of the time of active vehicles that they were busy', () => {
    const heard = Array.from({ length: 60 }, (_, minutes) => [
      telemetry({ device_id: id(1), timestamp: NOW - (minutes + 1) * MINUTE_MS }),
      telemetry({ device_id: id(9), timestamp: NOW - (minutes + 1) * MINUTE_MS }),
    ]).flat();
    const { series, now } = hour(cityOf([...trip(1, [40, 30, 25, 15]), ...heard]));
    expect(now.utilisation).toBeCloseTo(15 / 120, 2);
    expect(series.utilisation.at(-20)).toBe(0.5);
    expect(series.utilisation.at(-10)).toBe(0);
    expect(series.active_vehicles.at(-30)).toBe(2);
  });

  it('counts a vehicle for ten minutes after an event', () => {
    const { series } = hour(cityOf([telemetry({ timestamp: NOW - 30 * MINUTE_MS })]));
    expect(series.active_vehicles.slice(29, 41)).toEqual([null, ...Array.from({ length: 10 }, () => 1), 0]);
  });

  it('counts a cancelled trip, and not a cancelled reservation that another one followed', () => {
    const cancelled = [
      ...trip(4, [30, 28, null, null]),
      riderEvent({ trip_id: id(1_004), timestamp: NOW - 25 * MINUTE_MS, event_type: 'ride_cancel' }),
      ...trip(5, [30, 20, 15, null]),
      vehicleEvent({
        device_id: id(8),
        trip_ids: [id(1_005)],
        timestamp: NOW - 28 * MINUTE_MS,
        vehicle_state: 'available',
        event_types: ['driver_cancellation'],
      }),
    ];
    expect(hour(cityOf(cancelled)).now.cancelled_per_hour).toBe(1);
  });

  it('has the last day per quarter of an hour, and the day before', () => {
    const city = cityOf([
      ...trip(1, [40, 38, 34, 20]),
      ...trip(2, [24 * 60 + 40, 24 * 60 + 38, 24 * 60 + 34, 24 * 60 + 20]),
    ]);
    const { series, previous, from, stepMs } = day(city);
    expect([from, stepMs, series.completed_per_hour.length]).toEqual([NOW - 24 * HOUR_MS, 900_000, 96]);
    expect(series.completed_per_hour.slice(-3)).toEqual([0, 4, 0]);
    expect(previous!.completed_per_hour.slice(-3)).toEqual([0, 4, 0]);
    expect(previous!.completed_per_hour[0]).toBeNull();
    expect(series.trips_under_way.at(-2)).toBeCloseTo(10 / 15, 2);
  });

  it('keeps the counts of trips that were dropped, also when it was written and read, and counts none twice', () => {
    const expected = day(cityOf(events, NOW + 8 * HOUR_MS), NOW + 8 * HOUR_MS);
    const city = cityOf(
      [...events, telemetry({ device_id: id(50), timestamp: NOW + 8 * HOUR_MS })],
      NOW + 8 * HOUR_MS,
    );
    city.forget();
    expect([...city.trips(null)]).toEqual([]);
    const copy = readCity(writeCity(city));
    for (const each of [city, copy]) {
      // Sent again long after: the trips were counted.
      for (const input of events) each.fold(input, { receivedAt: NOW + 8 * HOUR_MS, now: NOW + 8 * HOUR_MS });
      for (let times = 0; times < 2; times += 1) {
        each.advance(NOW + 8 * HOUR_MS);
        const { series } = day(each, NOW + 8 * HOUR_MS);
        for (const name of [
          'completed_per_hour',
          'trips_under_way',
          'requests_waiting',
          'wait_median_ms',
        ] as const) {
          expect([name, series[name]]).toEqual([name, expected.series[name]]);
        }
        each.forget();
      }
    }
  });

  it.each([
    ['a keyframe', TRIP_LIMITS],
    ['packs', MANY_PACKS],
  ])('counts trips of %s that became too old before they were decoded', (_, limits) => {
    const later = NOW + 8 * HOUR_MS;
    const expected = day(cityOf(events, later), later);
    const city = readCity(writeCity(cityOf(events, NOW, limits)));
    city.fold(telemetry({ device_id: id(50), timestamp: later }), { receivedAt: later, now: later });
    for (let times = 0; times < 3; times += 1) {
      city.forget();
      city.advance(later);
      const { series } = day(city, later);
      expect(series.completed_per_hour).toEqual(expected.series.completed_per_hour);
      expect(series.trips_under_way).toEqual(expected.series.trips_under_way);
      while (city.unpackTrips(1));
    }
    expect([...city.trips(null)]).toEqual([]);
  });

  it('has the figures of one provider', () => {
    const city = cityOf(events);
    const other = kpis(city, { provider: OTHER_PROVIDER, window: 'hour' }, NOW);
    expect(other.now).toMatchObject({ completed_per_hour: 0, active_vehicles: 0, utilisation: null });
    expect(new Set(other.series.trips_under_way)).toEqual(new Set([null]));
  });

  it('adds the rate of events of the time that is known', () => {
    const found = withEvents(hour(cityOf(events)), (from, minutes) =>
      Array.from({ length: minutes }, (_, at) => (from + at * MINUTE_MS === NOW - MINUTE_MS ? 120 : 30)),
    );
    expect(found.now.events_per_second).toBe(2);
    expect(found.series.events_per_second.slice(-2)).toEqual([0.5, 2]);
    expect(found.series.events_per_second[0]).toBeNull();
  });
});
