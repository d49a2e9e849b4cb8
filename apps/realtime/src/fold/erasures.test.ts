import { describe, expect, it } from 'vitest';
import { CityState, type CityEvent } from './city-state.js';
import { id, NOW, OTHER_PROVIDER, PROVIDER, riderEvent, telemetry, vehicleEvent } from './events.fixture.js';

const erased = { kind: 'device', id: id(1) } as const;
const at = { receivedAt: NOW, now: NOW };

const ofVehicle = (number: number, provider = PROVIDER): CityEvent[] => {
  const of = { device_id: id(number), provider_id: provider };
  return [
    telemetry({ ...of, timestamp: NOW - 3_000 }),
    vehicleEvent({
      ...of,
      trip_ids: [id(100 + number)],
      event_types: ['trip_start'],
      vehicle_state: 'on_trip',
      timestamp: NOW - 2_000,
    }),
  ];
};
const others = [...ofVehicle(2), ...ofVehicle(3, OTHER_PROVIDER)];
const events = [...ofVehicle(1), ...others, ...ofVehicle(1, OTHER_PROVIDER)];

function foldAll(city: CityState, all: readonly CityEvent[]): CityState {
  for (const event of all) city.fold(event, at);
  return city;
}

function contents(city: CityState) {
  city.advance(NOW);
  const { figures, totals } = city.summary(null)!;
  return {
    vehicles: [...city.vehicles(null)].map(({ deviceId, providerId }) => `${deviceId} ${providerId}`).sort(),
    trips: [...city.trips(null)].map(({ trip }) => trip.tripId).sort(),
    byState: figures.byState,
    tripsNow: figures.tripsNow,
    devicesSeen: totals.devicesSeen,
  };
}

describe('CityState.erase', () => {
  const expected = contents(foldAll(new CityState(), others));

  it('has the result of a city without the events of the device, whenever it is erased', () => {
    for (let before = 0; before <= events.length; before += 1) {
      const city = foldAll(new CityState(), events.slice(0, before));
      city.erase(erased);
      foldAll(city, events.slice(before));
      expect(contents(city)).toEqual(expected);
    }
  });

  it('passes the vehicle on as one that changed and has no position', () => {
    const city = foldAll(new CityState(), events);
    city.takeChangedVehicles();
    city.erase(erased);
    const changed = city.takeChangedVehicles();
    expect(changed.map(({ deviceId, position, contact }) => ({ deviceId, position, contact }))).toEqual([
      { deviceId: erased.id, position: null, contact: 'silent' },
      { deviceId: erased.id, position: null, contact: 'silent' },
    ]);
    expect(city.vehiclesWithId(erased.id, null)).toEqual([]);
  });

  it('does not count events of an erased rider', () => {
    const city = new CityState();
    city.erase({ kind: 'rider', id: id(21) });
    expect(city.fold(riderEvent({ rider_id: id(21) }), at)).toBe('erased');
    expect(city.fold(riderEvent({ rider_id: id(22) }), at)).toBe('folded');
  });
});
