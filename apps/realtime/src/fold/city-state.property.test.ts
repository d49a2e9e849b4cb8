import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CityState } from './city-state.js';
import { NOW } from './events.fixture.js';
import { TRIP_KEPT_MS } from './fleet-trips.js';
import { eventTime, received, type Received } from './received.fixture.js';
import { stateOf } from '../views/city-view.fixture.js';

const sentOnceOrTwice = fc
  .tuple(received, fc.option(fc.integer({ min: 0, max: 20 }), { freq: 4 }))
  .map(([one, again]) =>
    again === null ? [one] : [one, { ...one, receivedAt: one.receivedAt + again * 1_000 }],
  );

/** The same records twice: once in order, and once in any order with any of them any number of times. */
const twoArrivals = fc.array(sentOnceOrTwice, { minLength: 1, maxLength: 80 }).chain((sent) =>
  fc
    .array(fc.constantFrom(...sent.flat()), { maxLength: 40 })
    .chain((again) => {
      const all = [...sent.flat(), ...again];
      return fc.shuffledSubarray(all, { minLength: all.length });
    })
    .map((shuffled) => ({ events: sent.flat(), shuffled })),
);

function fold(city: CityState, events: readonly Received[]): void {
  for (const { input, receivedAt } of events) city.fold(input, { receivedAt, now: NOW });
}

// Folds hundreds of cities, which takes long on a busy machine.
describe('the fold', { timeout: 60_000 }, () => {
  it('reaches the same state for any order and repetition of events', () => {
    fc.assert(
      fc.property(twoArrivals, fc.integer({ min: 0, max: 1_000_000 }), ({ events, shuffled }, later) => {
        const [inOrder, shuffledCity] = [new CityState(), new CityState()];
        fold(
          inOrder,
          events.toSorted((a, b) => eventTime(a) - eventTime(b)),
        );
        fold(shuffledCity, shuffled);
        expect(stateOf(shuffledCity, NOW)).toEqual(stateOf(inOrder, NOW));
        expect(stateOf(shuffledCity, NOW + later)).toEqual(stateOf(inOrder, NOW + later));
      }),
      { numRuns: 300 },
    );
  });

  it('reaches the same state if it is advanced and forgets old data in between', () => {
    const isKept = (each: Received): boolean => eventTime(each) > NOW - TRIP_KEPT_MS;
    fc.assert(
      fc.property(twoArrivals, fc.nat(60), (arrivals, half) => {
        const [events, shuffled] = [arrivals.events.filter(isKept), arrivals.shuffled.filter(isKept)];
        const [atOnce, interrupted] = [new CityState(), new CityState()];
        fold(atOnce, events);
        fold(interrupted, shuffled.slice(0, half));
        interrupted.advance(NOW);
        interrupted.forget();
        interrupted.takeChangedVehicles();
        fold(interrupted, shuffled.slice(half));
        atOnce.forget();
        interrupted.forget();
        expect(stateOf(interrupted, NOW)).toEqual(stateOf(atOnce, NOW));
      }),
      { numRuns: 300 },
    );
  });

  it('is not changed by events that it has already folded', () => {
    fc.assert(
      fc.property(fc.array(received, { maxLength: 60 }), (events) => {
        const city = new CityState();
        fold(city, events);
        const before = stateOf(city, NOW);
        fold(city, events);
        fold(city, events.toReversed());
        expect(stateOf(city, NOW)).toEqual(before);
      }),
    );
  });
});
