import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CityState, type CityEvent } from './city-state.js';
import { NOW } from './events.fixture.js';
import { received, type Received } from './received.fixture.js';
import { stateOf } from '../views/city-view.fixture.js';
import { MANY_PACKS, readCity, writeCity, type WrittenCity } from './written-city.fixture.js';

const HOUR_MS = 3_600_000;

/** The same event as if it had happened later. */
function shifted({ input, receivedAt }: Received, ms: number): Received {
  const event =
    input.kind === 'trips'
      ? { ...input.event, start_time: input.event.start_time + ms, end_time: input.event.end_time + ms }
      : { ...input.event, timestamp: input.event.timestamp + ms };
  return { input: { ...input, event } as CityEvent, receivedAt: receivedAt + ms };
}

function fold(city: CityState, events: readonly Received[]): void {
  for (const { input, receivedAt } of events) city.fold(input, { receivedAt, now: NOW });
}

/** After a restart, few packs are decoded at once. */
function forget(city: CityState): void {
  for (let times = 0; times < 20; times += 1) city.forget();
}

/** What happens between two keyframes, and what is folded while the second one is written. */
const interval = fc.record({
  laterHours: fc.integer({ min: 0, max: 4 }),
  events: fc.array(received, { maxLength: 25 }),
  meanwhile: fc.array(received, { maxLength: 6 }),
  forgets: fc.boolean(),
  isRestarted: fc.boolean(),
  unpacked: fc.nat(3),
});

/** A keyframe, what was folded while it was written, and the city after that. */
interface Kept {
  readonly written: WrittenCity;
  readonly meanwhile: readonly Received[];
  readonly at: number;
  readonly state: ReturnType<typeof stateOf>;
}

describe('a series of keyframes whose trips are packed', { timeout: 120_000 }, () => {
  it('has the city at each of them, with late events of packed trips, restarts and trips that were dropped', () => {
    fc.assert(
      fc.property(fc.array(interval, { minLength: 2, maxLength: 6 }), (intervals) => {
        let city = new CityState(MANY_PACKS);
        const expected = new CityState();
        const kept: Kept[] = [];
        let [at, hours] = [NOW, 0];
        for (const { laterHours, events, meanwhile, forgets, isRestarted, unpacked } of intervals) {
          hours += laterHours;
          at = NOW + hours * HOUR_MS;
          const later = (each: Received): Received => shifted(each, hours * HOUR_MS);
          for (const each of [city, expected]) {
            fold(each, events.map(later));
            if (forgets) forget(each);
          }
          const during = meanwhile.map(later);
          const rest = [...during];
          const written = writeCity(city, () => fold(city, rest.splice(0, 1)));
          fold(city, rest);
          fold(expected, during);
          kept.push({ written, meanwhile: during, at, state: stateOf(expected, at) });
          if (isRestarted) {
            city = readCity(written, MANY_PACKS);
            city.unpackTrips(unpacked);
            fold(city, during);
          }
        }
        // After the later ones were written.
        for (const { written, meanwhile, at: then, state } of kept) {
          const copy = readCity(written);
          fold(copy, meanwhile);
          expect(stateOf(copy, then)).toEqual(state);
        }
        for (const each of [city, expected]) forget(each);
        expect(stateOf(city, at)).toEqual(stateOf(expected, at));
      }),
      { numRuns: 300 },
    );
  });

  it('does not read trips from packs again that were dropped for want of room', () => {
    const limits = { ...MANY_PACKS, trips: 2 };
    fc.assert(
      fc.property(fc.array(fc.array(received, { maxLength: 15 }), { maxLength: 6 }), (parts) => {
        const city = new CityState(limits);
        for (const part of parts) {
          fold(city, part);
          const copy = readCity(writeCity(city), limits);
          expect(stateOf(copy, NOW)).toEqual(stateOf(city, NOW));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the packs of keyframes', () => {
  it('are the same ones as long as no trip has changed', () => {
    const city = new CityState(MANY_PACKS);
    const trips = fc.sample(received, { numRuns: 60, seed: 1 });
    fold(city, trips);
    const first = writeCity(city);
    const second = writeCity(city);
    expect(first.packs.size).toBeGreaterThan(0);
    expect([...second.packs.keys()]).toEqual([...first.packs.keys()]);
    expect([...writeCity(readCity(second, MANY_PACKS)).packs.keys()]).toEqual([...first.packs.keys()]);
  });
});
