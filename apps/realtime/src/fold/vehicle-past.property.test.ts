import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QueryParameters } from '../query/query-parameters.js';
import { vehicleRow } from '../views/frame.js';
import { stateOf } from '../views/city-view.fixture.js';
import { vehicleDetail } from '../views/vehicle-detail.js';
import { parseSpeedingQuery, speedingList } from '../watchlists/speeding.js';
import { parseStillnessQuery, stillnessList } from '../watchlists/stillness.js';
import { CityState } from './city-state.js';
import { id, NOW } from './events.fixture.js';
import { received, type Received } from './received.fixture.js';
import type { Vehicle } from './vehicle.js';
import { readCity, writeCity } from './written-city.fixture.js';

type Step = (city: CityState) => unknown;

function fold(city: CityState, events: readonly Received[]): void {
  for (const { input, receivedAt } of events) city.fold(input, { receivedAt, now: NOW });
}

const noParameters = new QueryParameters({});
const device = fc.integer({ min: 1, max: 3 }).map(id);

const changedIn = (city: CityState): string[] => city.takeChangedVehicles().map(({ deviceId }) => deviceId);

const vehiclesOf = (city: CityState, deviceId: string): Vehicle[] => city.vehiclesWithId(deviceId, null);

/** What is done with a city, and what is seen of it. Each needs another part of the past of the vehicles. */
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(received, { maxLength: 25 }).map(
      (events): Step =>
        (city) =>
          fold(city, events),
    ),
  },
  device.map((deviceId): Step => (city) => {
    return vehiclesOf(city, deviceId).map((vehicle) => vehicleDetail(city, vehicle, NOW));
  }),
  device.map((deviceId): Step => (city) => {
    return vehiclesOf(city, deviceId).map(({ motion }) => motion.fastest(NOW - 3_600_000));
  }),
  device.map((deviceId): Step => (city) => {
    return vehiclesOf(city, deviceId).map(({ trail, tripIds }) => [trail.points(), tripIds]);
  }),
  fc.constant<Step>((city) => Array.from(city.vehicles(null), (vehicle) => vehicleRow(vehicle, 0, NOW))),
  fc.constant<Step>((city) => speedingList(city, parseSpeedingQuery(noParameters, null), NOW)),
  fc.constant<Step>((city) => stillnessList(city, parseStillnessQuery(noParameters, null), NOW)),
  fc.constant<Step>((city) => {
    city.advance(NOW);
    return city.summary(null);
  }),
  fc.constant<Step>((city) => city.forget()),
  fc.nat(2).map(
    (count): Step =>
      (city) =>
        void city.decodeVehicles(count),
  ),
  device.map(
    (deviceId): Step =>
      (city) =>
        city.erase({ kind: 'device', id: deviceId }),
  ),
);

describe('a city whose vehicles are not decoded', { timeout: 60_000 }, () => {
  it('is the city whose vehicles were decoded at once, after any steps, and is written as the same bytes', () => {
    fc.assert(
      fc.property(
        fc.array(received, { maxLength: 80 }),
        fc.array(fc.array(step, { maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        (events, lives) => {
          const city = new CityState();
          fold(city, events);
          let lazy = city;
          let eager = city;
          for (const steps of lives) {
            lazy = readCity(writeCity(lazy));
            eager = readCity(writeCity(eager));
            while (eager.decodeVehicles(1_000));
            for (const each of steps) {
              expect(each(lazy)).toEqual(each(eager));
              // A vehicle that is not decoded may count as changed if an event or a point of it was known already.
              expect(changedIn(lazy)).toEqual(expect.arrayContaining(changedIn(eager)));
            }
            expect(writeCity(lazy).bytes).toEqual(writeCity(eager).bytes);
          }
          expect(stateOf(lazy, NOW)).toEqual(stateOf(eager, NOW));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('does not refer to the bytes that it was read from once its vehicles and trips are decoded', () => {
    fc.assert(
      fc.property(fc.array(received, { minLength: 1, maxLength: 60 }), (events) => {
        const city = new CityState();
        fold(city, events);
        const written = writeCity(city);
        const copy = readCity(written);
        while (copy.unpackTrips(1));
        while (copy.decodeVehicles(1));
        written.bytes.fill(0xff);
        expect(stateOf(copy, NOW)).toEqual(stateOf(city, NOW));
      }),
    );
  });
});
