import {
  isValidArrival,
  riderEventTypes,
  vehicleEventTypes,
  vehicleStates,
  type VehicleEventType,
} from '@hailstream/events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vehicleDetail } from '../views/vehicle-detail.js';
import { vehicleRow } from '../views/frame.js';
import { CityState, type CityEvent } from './city-state.js';
import { TRIP_KEPT_MS } from './fleet.js';
import {
  id,
  NOW,
  OTHER_PROVIDER,
  PROVIDER,
  riderEvent,
  telemetry,
  tripReport,
  vehicleEvent,
} from './events.fixture.js';

const NIGHT_MS = 8 * 3_600_000;

/** Mostly of the last minutes, often equal; some from hours ago. */
const timestamp = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 20 }).map((n) => NOW - n * 1_000) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 1_200_000 }).map((n) => NOW - n) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: NIGHT_MS }).map((n) => NOW - n) },
);
const device_id = fc.integer({ min: 1, max: 3 }).map(id);
const trip_id = fc.integer({ min: 100, max: 103 }).map(id);
const provider_id = fc.constantFrom(PROVIDER, PROVIDER, OTHER_PROVIDER);
const location = fc.record({
  lat: fc.integer({ min: -89, max: 89 }),
  lng: fc.integer({ min: -179, max: 179 }),
  speed: fc.integer({ min: 0, max: 30 }),
});
const stateAndType = fc.constantFrom(
  ...vehicleStates.flatMap((vehicle_state) =>
    vehicleEventTypes
      .filter((eventType) => isValidArrival(vehicle_state, eventType))
      .map((eventType): [typeof vehicle_state, VehicleEventType] => [vehicle_state, eventType]),
  ),
);

const event: fc.Arbitrary<CityEvent> = fc.oneof(
  fc.record({ device_id, provider_id, timestamp, location }).map(telemetry),
  fc
    .record({ device_id, provider_id, timestamp, location, trip_ids: fc.array(trip_id, { maxLength: 2 }) })
    .chain((change) =>
      stateAndType.map(([vehicle_state, by]) =>
        vehicleEvent({ ...change, vehicle_state, event_types: [by] }),
      ),
    ),
  fc
    .record({ provider_id, trip_id, timestamp, event_type: fc.constantFrom(...riderEventTypes) })
    .map(riderEvent),
  fc.record({ provider_id, trip_id, device_id, end_time: timestamp }).map(tripReport),
);

/** A record of the log. Some are of devices whose clocks are ahead, and sent again they are received at another time. */
interface Received {
  readonly input: CityEvent;
  readonly receivedAt: number;
}
const received: fc.Arbitrary<Received> = fc.record({
  input: event,
  receivedAt: fc.oneof(
    { weight: 3, arbitrary: fc.constant(NOW) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 30 }).map((n) => NOW - n * 1_000) },
  ),
});
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

/** The state of the city, without the counts of records, which include repeated ones. */
function stateOf(city: CityState, now: number) {
  const filters = [null, PROVIDER, OTHER_PROVIDER] as const;
  const vehicles = [...city.vehicles(null)].toSorted((a, b) =>
    `${a.providerId}${a.deviceId}` < `${b.providerId}${b.deviceId}` ? -1 : 1,
  );
  city.advance(now);
  const summaries = filters.map((filter) => city.summary(filter)!);
  return {
    figures: summaries.map(({ figures }) => ({ ...figures, eventsPerSecond: 0 })),
    totals: summaries.map(({ totals }) => ({ ...totals, eventsSeen: 0 })),
    rows: vehicles.map((vehicle) => [vehicle.providerId, vehicleRow(vehicle, 0, now)]),
    details: vehicles.map((vehicle) => vehicleDetail(city, vehicle, now)),
  };
}

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
        interrupted.forget(NOW);
        interrupted.takeChangedVehicles();
        fold(interrupted, shuffled.slice(half));
        atOnce.forget(NOW);
        interrupted.forget(NOW);
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

function eventTime({ input }: Received): number {
  return input.kind === 'trips' ? input.event.end_time : input.event.timestamp;
}
