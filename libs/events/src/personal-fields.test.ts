import { describe, expect, it } from 'vitest';
import { eventRegistry } from './event-registry.js';
import { tripFamily } from './families/trip.js';
import { anonymousTrip, isTrip, personalIdFields } from './personal-fields.js';

const { example } = tripFamily;
const trip = {
  ...example,
  journey_id: example.trip_id,
  start_location: { lat: 43.73471, lng: 7.42063, altitude: 12 },
  trip_attributes: { ...example.trip_attributes!, driver_id: 'driver 7', pickup_address: '1 Quai' },
};
const isErased = (_: string, id: string) => id === trip.device_id;

describe(anonymousTrip, () => {
  it('removes what identifies the driver and keeps what is counted', () => {
    const anonymous = anonymousTrip(trip, isErased);
    expect(JSON.stringify(anonymous)).not.toMatch(/driver 7|1 Quai|altitude|journey_id/);
    expect(JSON.stringify(anonymous)).not.toContain(trip.device_id);
    expect(anonymous).toMatchObject({
      trip_id: trip.trip_id,
      distance: trip.distance,
      start_location: { lat: 43.73, lng: 7.42 },
      trip_attributes: { hail_type: 'app', passenger_count: 2 },
    });
    expect(tripFamily.validator.issues(anonymous)).toEqual([]);
  });

  it('has another id for each trip, and the same one each time', () => {
    const other = { ...trip, trip_id: trip.provider_id };
    const ids = [trip, trip, other].map((each) => anonymousTrip(each, isErased)['device_id']);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it('does not change a trip that is anonymous', () => {
    const anonymous = anonymousTrip(trip, isErased);
    expect(anonymousTrip(anonymous, isErased)).toEqual(anonymous);
  });

  it('keeps the id of a device that was not erased', () => {
    expect(anonymousTrip(trip, () => false)['device_id']).toBe(trip.device_id);
  });
});

describe(isTrip, () => {
  it.each(eventRegistry.families.map((family) => [family.name, family] as const))(
    'tells trips from %s',
    (name, family) => {
      expect(isTrip({ ...family.example })).toBe(name === tripFamily.name);
    },
  );
});

it('finds the fields with ids in the schemas', () => {
  expect(personalIdFields).toEqual({ rider: ['rider_id'], device: ['device_id'] });
});
