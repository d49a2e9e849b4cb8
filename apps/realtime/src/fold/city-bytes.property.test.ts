import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CityState } from './city-state.js';
import { NOW, OTHER_PROVIDER, telemetry } from './events.fixture.js';
import { TRIP_KEPT_MS } from './fleet-trips.js';
import { received, type Received } from './received.fixture.js';
import { stateOf } from '../views/city-view.fixture.js';
import { MANY_PACKS, readCity, writeCity } from './written-city.fixture.js';

const limits = fc.constantFrom(undefined, MANY_PACKS);

function fold(city: CityState, events: readonly Received[]): void {
  for (const { input, receivedAt } of events) city.fold(input, { receivedAt, now: NOW });
}

/** Writes a city while it folds `meanwhile`, one event per step, and reads it. */
function copyWhileFolding(city: CityState, meanwhile: readonly Received[]): CityState {
  const rest = [...meanwhile];
  const written = writeCity(city, () => fold(city, rest.splice(0, 1)));
  fold(city, rest);
  return readCity(written);
}

/** Without the rate of events, which is not written. */
function figuresOf(city: CityState): unknown {
  return { ...city.summary(null)?.figures, eventsPerSecond: null };
}

describe('a city that was written and read', { timeout: 60_000 }, () => {
  it('is the same city, and the same after further events', () => {
    fc.assert(
      fc.property(
        fc.array(received, { maxLength: 80 }),
        fc.array(received, { maxLength: 20 }),
        fc.nat(1_000_000),
        limits,
        (events, more, later, tripLimits) => {
          const city = new CityState(tripLimits);
          fold(city, events);
          const copy = copyWhileFolding(city, []);
          const counts = (of: CityState) => (of.advance(NOW), of.summary(null)?.totals.eventsSeen);
          expect(counts(copy)).toBe(counts(city));
          expect(stateOf(copy, NOW)).toEqual(stateOf(city, NOW));
          for (const each of [city, copy]) fold(each, more);
          expect(stateOf(copy, NOW + later)).toEqual(stateOf(city, NOW + later));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is the city of one provider if only its fleet is read', () => {
    fc.assert(
      fc.property(fc.array(received, { maxLength: 80 }), limits, (events, tripLimits) => {
        const [city, own] = [new CityState(tripLimits), new CityState(tripLimits)];
        fold(city, events);
        fold(
          own,
          events.filter(({ input }) => input.event.provider_id === OTHER_PROVIDER),
        );
        const copy = readCity(writeCity(city), tripLimits, OTHER_PROVIDER);
        expect(stateOf(copy, NOW)).toEqual(stateOf(own, NOW));
        expect(copy.eventsSeen()).toEqual(own.eventsSeen());
      }),
      { numRuns: 200 },
    );
  });

  it('has the same figures and trips of vehicles at any time, although its trips are decoded when they are needed', () => {
    const times = fc.array(fc.nat(2 * TRIP_KEPT_MS), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(received, { maxLength: 80 }),
        times,
        fc.nat(3),
        limits,
        (events, ages, count, of) => {
          const city = new CityState(of);
          fold(city, events);
          const copy = copyWhileFolding(city, []);
          for (const age of ages.toSorted((a, b) => a - b)) {
            for (const each of [city, copy]) each.advance(NOW + age);
            expect(figuresOf(copy)).toEqual(figuresOf(city));
            copy.unpackTrips(count);
          }
          // Trips that no longer count are dropped by one of them only once it forgets, few packs at a time.
          for (let times = 0; times < 20; times += 1) for (const each of [city, copy]) each.forget();
          const tripsOf = (each: CityState) =>
            [...each.vehicles(null)].map((vehicle) => each.tripOf(vehicle)?.tripId);
          expect(tripsOf(copy)).toEqual(tripsOf(city));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('becomes the same city by the events since the start if it folded events while it was written', () => {
    fc.assert(
      fc.property(
        fc.array(received, { maxLength: 40 }),
        fc.array(received, { maxLength: 20 }),
        limits,
        (events, meanwhile, tripLimits) => {
          const [city, expected] = [new CityState(tripLimits), new CityState()];
          fold(expected, [...events, ...meanwhile]);
          fold(city, events);
          const copy = copyWhileFolding(city, meanwhile);
          fold(copy, meanwhile);
          expect(stateOf(copy, NOW)).toEqual(stateOf(expected, NOW));
          expect(copy.summary(null)?.totals.eventsSeen).toBe(events.length + meanwhile.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each([0, -0, 0.1, 43.738_412_345_678_9, 1e-9, -180, 2 ** 40 + 0.5])('keeps the coordinate %d', (lng) => {
    const city = new CityState();
    const event = telemetry({ location: { lat: 1e-12, lng, heading: 0.123_456, speed: 1e-7 } });
    city.fold(event, { receivedAt: NOW, now: NOW });
    const copy = copyWhileFolding(city, []);
    const [vehicle] = copy.vehicles(null);
    expect(vehicle?.position).toMatchObject({ lat: 1e-12, lng, heading: 0.123_456, speed: 1e-7 });
  });
});
