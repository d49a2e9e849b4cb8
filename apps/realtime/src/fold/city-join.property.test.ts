import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../encoding/byte-reader.js';
import { stateOf } from '../views/city-view.fixture.js';
import { CityState } from './city-state.js';
import { id, NOW, riderEvent, telemetry, tripReport, vehicleEvent } from './events.fixture.js';
import { TRIP_KEPT_MS } from './fleet-trips.js';
import { eventTime, received, type Received } from './received.fixture.js';
import { MANY_PACKS, readCity, reread, writeCity } from './written-city.fixture.js';

const HOUR_MS = 3_600_000;

function fold(city: CityState, events: readonly Received[]): void {
  for (const { input, receivedAt } of events) city.fold(input, { receivedAt, now: NOW });
}

/** Joins a city while events are folded, one per step. */
function join(
  city: CityState,
  earlier: CityState,
  {
    seenBefore = new Map(),
    meanwhile = [],
  }: { readonly seenBefore?: ReadonlyMap<string, number>; readonly meanwhile?: readonly Received[] } = {},
): void {
  const rest = [...meanwhile];
  const { bytes, packs } = writeCity(earlier);
  for (const _ of city.join(new ByteReader(bytes), reread(packs), seenBefore)) {
    fold(city, rest.splice(0, 1));
    city.forget();
  }
  fold(city, rest);
}

const isKept = (each: Received): boolean => eventTime(each) > NOW - TRIP_KEPT_MS;
const events = fc.array(received, { maxLength: 40 }).map((all) => all.filter(isKept));

// Folds hundreds of cities, which takes long on a busy machine.
describe('a city that an earlier one was joined to', { timeout: 60_000 }, () => {
  it('is the fold of the events of both, whatever they have in common and what is folded meanwhile', () => {
    fc.assert(
      fc.property(events, events, events, events, fc.boolean(), fc.boolean(), (...values) => {
        const [before, common, after, meanwhile, isRestored, isPacked] = values;
        const limits = isPacked ? MANY_PACKS : undefined;
        const [earlier, expected] = [new CityState(limits), new CityState()];
        let city = new CityState(limits);
        fold(expected, [...before, ...common, ...after, ...meanwhile]);
        fold(earlier, [...before, ...common]);
        earlier.forget();
        fold(city, common);
        const seenBefore = city.eventsSeen();
        fold(city, after);
        city.forget();
        if (isRestored) city = readCity(writeCity(city), limits);
        join(city, earlier, { seenBefore, meanwhile });
        for (const each of [city, expected]) each.forget();
        expect(stateOf(city, NOW)).toEqual(stateOf(expected, NOW));
        expect(stateOf(readCity(writeCity(city)), NOW)).toEqual(stateOf(expected, NOW));
        const seen = (of: CityState) => [...of.eventsSeen()].filter(([, count]) => count > 0).sort();
        expect(seen(city)).toEqual(seen(expected));
      }),
      { numRuns: 300 },
    );
  });

  it('counts each trip once that one of them has dropped, and those that were under way between them', () => {
    const at = (hours: number): number => NOW - hours * HOUR_MS;
    const trip = (n: number, from: number, to: number): Received[] => [
      { input: riderEvent({ trip_id: id(n), timestamp: from }), receivedAt: from },
      {
        input: vehicleEvent({ trip_ids: [id(n)], timestamp: from + 60_000 }),
        receivedAt: from + 60_000,
      },
      { input: tripReport({ trip_id: id(n), start_time: from, end_time: to }), receivedAt: to },
    ];
    const all = [
      ...trip(101, at(20), at(19.5)),
      ...trip(102, at(9), at(8)),
      ...trip(103, at(7.2), at(6.8)),
      ...trip(104, at(1), at(0.5)),
    ].toSorted((a, b) => a.receivedAt - b.receivedAt);
    const foldInOrder = (part: readonly Received[]): CityState => {
      const city = new CityState();
      for (const each of part) {
        fold(city, [each]);
        city.forget();
      }
      return city;
    };
    const now: Received = { input: telemetry({ timestamp: NOW }), receivedAt: NOW };
    const expected = foldInOrder([...all, now]);
    // The city was rebuilt from 7 hours ago, in the middle of a trip that it has dropped since.
    const city = foldInOrder([...all.filter(({ receivedAt }) => receivedAt > at(7)), now]);
    const earlier = foldInOrder(all.filter(({ receivedAt }) => receivedAt < at(0.2)));
    join(city, earlier);
    for (const each of [city, expected]) each.forget();
    expect(stateOf(city, NOW).counts).toEqual(stateOf(expected, NOW).counts);
  });
});
