import {
  isValidArrival,
  riderEventTypes,
  vehicleEventTypes,
  vehicleStates,
  type VehicleEventType,
} from '@hailstream/events';
import fc from 'fast-check';
import type { CityEvent } from './city-state.js';
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
  fc
    .record({
      device_id,
      provider_id,
      timestamp,
      location,
      battery: fc.option(fc.integer({ min: 0, max: 100 })),
    })
    .map(({ battery, ...change }) =>
      telemetry({ ...change, ...(battery !== null && { battery_percent: battery }) }),
    ),
  fc
    .record({
      device_id,
      provider_id,
      timestamp,
      location,
      trip_ids: fc.array(trip_id, { minLength: 1, maxLength: 2 }),
    })
    .chain((change) =>
      stateAndType.map(([vehicle_state, by]) =>
        vehicleEvent({ ...change, vehicle_state, event_types: [by] }),
      ),
    ),
  fc
    .record({ provider_id, trip_id, timestamp, event_type: fc.constantFrom(...riderEventTypes) })
    .map((change) => riderEvent({ ...change, ...(change.event_type === 'ride_rating' && { rating: 5 }) })),
  fc
    .record({ provider_id, trip_id, device_id, end_time: timestamp })
    .map((change) => tripReport({ ...change, start_time: change.end_time - 600_000 })),
);

/** A record of the log. Some are of devices whose clocks are ahead, and sent again they are received at another time. */
export interface Received {
  readonly input: CityEvent;
  readonly receivedAt: number;
}
export const received: fc.Arbitrary<Received> = fc.record({
  input: event,
  receivedAt: fc.oneof(
    { weight: 3, arbitrary: fc.constant(NOW) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 30 }).map((n) => NOW - n * 1_000) },
  ),
});
export function eventTime({ input }: Received): number {
  return input.kind === 'trips' ? input.event.end_time : input.event.timestamp;
}
