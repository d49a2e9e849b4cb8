import { describe, expect, it } from 'vitest';
import { CityState, type CityEvent, type ProviderFilter } from '../fold/city-state.js';
import {
  id,
  NOW,
  OTHER_PROVIDER,
  PROVIDER,
  riderEvent,
  telemetry,
  vehicleEvent,
} from '../fold/events.fixture.js';
import { searchCity } from './search.js';

function cityOf(...events: CityEvent[]): CityState {
  const city = new CityState();
  for (const event of events) city.fold(event, { receivedAt: NOW, now: NOW });
  return city;
}

const find = async (city: CityState, text: string, filter: ProviderFilter = null, limit = 20) => {
  const pause = (): Promise<void> => Promise.resolve();
  const { total, results } = await searchCity(city, { text, filter, limit }, { now: NOW, pause });
  const found = results.map((each) => (each.kind === 'vehicle' ? each.device_id : each.trip_id));
  return { total, found, results };
};

describe('searchCity', () => {
  it('finds a vehicle by its id, the end of it, and a part of it, in this order', async () => {
    const inMiddle = '0195a0c4-7a10-7abc-8000-000000000001';
    const atEnd = '0195a0c4-7a10-7000-8000-000000000abc';
    const city = cityOf(telemetry({ device_id: inMiddle }), telemetry({ device_id: atEnd }));
    expect((await find(city, 'ABC')).found).toEqual([atEnd, inMiddle]);
    expect((await find(city, inMiddle)).found).toEqual([inMiddle]);
    expect((await find(city, 'fff')).found).toEqual([]);
  });

  it('finds vehicles and trips by state, kind and provider', async () => {
    const city = cityOf(
      vehicleEvent({
        device_id: id(1),
        vehicle_state: 'on_trip',
        event_types: ['trip_start'],
        trip_ids: [id(100)],
      }),
      telemetry({ device_id: id(2), provider_id: OTHER_PROVIDER }),
      riderEvent({ trip_id: id(101) }),
    );
    expect((await find(city, 'on trip')).found).toEqual([id(1), id(100)]);
    expect((await find(city, 'vehicle on_trip')).found).toEqual([id(1)]);
    expect((await find(city, 'waiting')).found).toEqual([id(101)]);
    expect((await find(city, 'requested')).found).toEqual([id(101)]);
    expect((await find(city, 'unknown')).found).toEqual([id(2)]);
    expect((await find(city, `vehicle ${OTHER_PROVIDER}`)).found).toEqual([id(2)]);
  });

  it('finds the trip of a vehicle, and where a waiting rider is', async () => {
    const city = cityOf(vehicleEvent({ trip_ids: [id(100)] }), riderEvent({ trip_id: id(101) }));
    expect((await find(city, `trip ${id(1)}`)).found).toEqual([id(100)]);
    expect((await find(city, id(101))).results).toEqual([
      {
        kind: 'trip',
        trip_id: id(101),
        provider_id: PROVIDER,
        stage: 'requested',
        device_id: null,
        requested_at: NOW,
        pickup: { lat: 43.7384, lng: 7.4246 },
        destination: { lat: 43.7311, lng: 7.4189 },
      },
    ]);
  });

  it('lists the best matches up to the limit, and counts all', async () => {
    const city = cityOf(...Array.from({ length: 50 }, (_, n) => telemetry({ device_id: id(n + 1) })));
    const { total, found } = await find(city, 'vehicle', null, 3);
    expect(total).toBe(50);
    expect(found).toEqual([id(1), id(2), id(3)]);
    // The last of the city, and the only one that ends with it.
    expect((await find(city, '32', null, 1)).found).toEqual([id(50)]);
  });

  it('finds nothing of other providers, and nothing without a query', async () => {
    const city = cityOf(telemetry(), telemetry({ device_id: id(2), provider_id: OTHER_PROVIDER }));
    expect((await find(city, 'vehicle', OTHER_PROVIDER)).found).toEqual([id(2)]);
    expect((await find(city, id(1), OTHER_PROVIDER)).total).toBe(0);
    expect((await find(city, '  ')).total).toBe(0);
  });

  it('pauses regularly, so that a large city does not delay other work', async () => {
    const city = cityOf(...Array.from({ length: 5_000 }, (_, n) => telemetry({ device_id: id(n + 1) })));
    let pauses = 0;
    const pause = (): Promise<void> => {
      pauses += 1;
      // Folded while the search is under way.
      city.fold(telemetry({ device_id: id(9_000) }), { receivedAt: NOW, now: NOW });
      return Promise.resolve();
    };
    const query = { text: 'vehicle', filter: null, limit: 1 };
    expect((await searchCity(city, query, { now: NOW, pause })).total).toBe(5_001);
    expect(pauses).toBe(9);
  });
});
