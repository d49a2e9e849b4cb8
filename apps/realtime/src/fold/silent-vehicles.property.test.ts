import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stateOf } from '../views/city-view.fixture.js';
import { CityState, type CityEvent } from './city-state.js';
import { TRIP_KEPT_MS } from './fleet-trips.js';
import { id, NOW, PROVIDER, telemetry, vehicleEvent } from './events.fixture.js';
import { readCity, writeCity } from './written-city.fixture.js';

const MINUTE_MS = 60_000;
const limits = { vehiclesKeptMs: 60 * MINUTE_MS };
const first = { deviceId: id(1), providerId: PROVIDER };

/** An event of one of three vehicles some time after the event before, and what happens after it. */
const step = fc.record({
  device: fc.integer({ min: 1, max: 3 }),
  afterMinutes: fc.oneof(fc.nat(5), fc.nat(90)),
  kind: fc.constantFrom('telemetry', 'vehicle-event'),
  next: fc.constantFrom('nothing', 'nothing', 'forget', 'restart'),
});

function event(kind: string, device: number, timestamp: number): CityEvent {
  const location = { lat: timestamp % 80, lng: device };
  if (kind === 'telemetry') return telemetry({ device_id: id(device), timestamp, location });
  // A trip without an event for TRIP_KEPT_MS is dropped, and starts again with its next event: no trip lasts that long.
  const trip = id(100 + Math.floor((timestamp - NOW) / (TRIP_KEPT_MS / 2)));
  return vehicleEvent({ device_id: id(device), timestamp, location, trip_ids: [trip] });
}

// Folds hundreds of cities, which takes long on a busy machine.
describe('a vehicle that was silent for so long that it is dropped', { timeout: 60_000 }, () => {
  it('is the same when it speaks again as if it had not been dropped, with keyframes and restarts', () => {
    let dropped = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 30 }), (steps) => {
        let city = new CityState(limits);
        const expected = new CityState(limits);
        let now = NOW;
        for (const { device, afterMinutes, kind, next } of steps) {
          now += afterMinutes * MINUTE_MS;
          const input = event(kind, device, now);
          for (const each of [city, expected]) each.fold(input, { receivedAt: now, now });
          const before = city.devicesSeen;
          if (next !== 'nothing') city.forget();
          dropped += before - city.devicesSeen;
          if (next === 'restart') city = readCity(writeCity(city), limits);
        }
        for (const each of [city, expected]) each.forget();
        expect(stateOf(city, now)).toEqual(stateOf(expected, now));
      }),
      { numRuns: 300 },
    );
    expect(dropped).toBeGreaterThan(100);
  });

  it('has no effect of an event of before its silence, whether it arrives before or after', () => {
    const [early, late] = [
      event('vehicle-event', 1, NOW - limits.vehiclesKeptMs),
      event('telemetry', 1, NOW),
    ];
    const states = [
      [early, late],
      [late, early],
    ].map((events) => {
      const city = new CityState(limits);
      for (const each of events) city.fold(each, { receivedAt: NOW, now: NOW });
      return stateOf(city, NOW);
    });
    expect(states[0]).toEqual(states[1]);
    expect(states[0]!.totals[0]!.byState).toMatchObject({ unknown: 1 });
  });

  it('leaves memory, and comes back with its next event', () => {
    const city = new CityState(limits);
    const fold = (device: number, timestamp: number) =>
      city.fold(event('telemetry', device, timestamp), { receivedAt: timestamp, now: timestamp });
    fold(1, NOW);
    fold(2, NOW + limits.vehiclesKeptMs);
    city.forget();
    expect(city.vehicle(first)).not.toBeNull();
    // The clocks of senders may be ahead by some seconds.
    fold(2, NOW + limits.vehiclesKeptMs + 5_000);
    city.forget();
    expect([city.vehicle(first), city.devicesSeen]).toEqual([null, 1]);
    fold(1, NOW + limits.vehiclesKeptMs + 6_000);
    expect(city.vehicle(first)?.position).not.toBeNull();
  });
});
