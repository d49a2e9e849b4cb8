import { describe, expect, it } from 'vitest';
import { id, OTHER_PROVIDER, PROVIDER, telemetry } from '../fold/events.fixture.js';
import { Vehicle } from '../fold/vehicle.js';
import { QueryParameters } from '../query/query-parameters.js';
import { parseVehicleQuery, sortVehicles } from './vehicle-query.js';

const parse = (query: Record<string, unknown>, allowed: string | null = null) =>
  parseVehicleQuery(new QueryParameters(query), allowed);

describe('parseVehicleQuery', () => {
  it('selects everything by default', () => {
    const nothing = { provider: null, bbox: null, states: null, sort: null, offset: 0, limit: null };
    expect(parse({})).toEqual(nothing);
    expect(parse({}, PROVIDER)).toEqual({ ...nothing, provider: PROVIDER });
  });

  it('parses filters, the order and the page', () => {
    const query = {
      state: 'on_trip,unknown',
      provider_id: PROVIDER,
      sort: '-speed',
      limit: '50',
      offset: '100',
    };
    expect(parse(query)).toEqual({
      provider: PROVIDER,
      bbox: null,
      states: new Set(['on_trip', 'unknown']),
      sort: { key: 'speed', isDescending: true },
      offset: 100,
      limit: 50,
    });
  });

  it.each([
    [{ state: 'flying' }, /one or more of .*on_trip.*got "flying"/],
    [{ sort: 'colour' }, /one or more of short_id/],
    [{ limit: '0' }, /an integer from 1/],
    [{ offset: '-1' }, /an integer from 0/],
    [{ provider_id: 'me' }, /a UUID/],
    [{ bbox: '1,2' }, /four numbers/],
  ])('rejects %j', (query, reason) => {
    expect(() => parse(query)).toThrow(reason);
  });

  it('rejects a provider that the token does not allow', () => {
    expect(() => parse({ provider_id: OTHER_PROVIDER }, PROVIDER)).toThrow(/limited to the provider/);
  });
});

describe('sortVehicles', () => {
  const vehicles = [3, null, 1, 2].map((speed, index) => {
    const vehicle = new Vehicle(id(index + 1), PROVIDER);
    const { event } = telemetry({ location: { lat: 1, lng: 2, ...(speed !== null && { speed }) } });
    vehicle.foldTelemetry(event as Parameters<Vehicle['foldTelemetry']>[0], 1);
    return vehicle;
  });
  const order = (key: 'speed' | 'short_id' | 'lat', isDescending: boolean) =>
    sortVehicles(vehicles, { key, isDescending }).map(
      ({ deviceId }) => vehicles.findIndex((each) => each.deviceId === deviceId) + 1,
    );

  it('sorts in both directions, unknown values last', () => {
    expect(order('speed', false)).toEqual([3, 4, 1, 2]);
    expect(order('speed', true)).toEqual([1, 4, 3, 2]);
    expect(order('short_id', true)).toEqual([4, 3, 2, 1]);
  });

  it('orders equal values by id', () => {
    expect(order('lat', true)).toEqual([1, 2, 3, 4]);
  });
});
