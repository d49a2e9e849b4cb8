import { describe, expect, it } from 'vitest';
import { id, NOW, OTHER_PROVIDER, PROVIDER, telemetry } from '../fold/events.fixture.js';
import { SILENT_AFTER_MS, STALE_AFTER_MS, Vehicle } from '../fold/vehicle.js';
import { QueryParameters } from '../query/query-parameters.js';
import { isSelected, parseVehicleQuery, sortVehicles } from './vehicle-query.js';

const parse = (query: Record<string, unknown>, allowed: string | null = null) =>
  parseVehicleQuery(new QueryParameters(query), allowed);

describe('parseVehicleQuery', () => {
  it('selects everything by default', () => {
    const nothing = {
      provider: null,
      bbox: null,
      states: null,
      contacts: null,
      batteryBelow: null,
      sort: null,
      offset: 0,
      limit: null,
    };
    expect(parse({})).toEqual(nothing);
    expect(parse({}, PROVIDER)).toEqual({ ...nothing, provider: PROVIDER });
  });

  it('parses filters, the order and the page', () => {
    const query = {
      state: 'on_trip,unknown',
      contact: 'live,stale',
      battery_below: '20',
      provider_id: PROVIDER,
      sort: '-speed',
      limit: '50',
      offset: '100',
    };
    expect(parse(query)).toEqual({
      provider: PROVIDER,
      bbox: null,
      states: new Set(['on_trip', 'unknown']),
      contacts: new Set(['live', 'stale']),
      batteryBelow: 20,
      sort: { key: 'speed', isDescending: true },
      offset: 100,
      limit: 50,
    });
  });

  it.each([
    [{ state: 'flying' }, /one or more of .*on_trip.*got "flying"/],
    [{ contact: 'lost' }, /one or more of live, stale, silent/],
    [{ battery_below: '0' }, /an integer from 1 to 100/],
    [{ battery_below: 'low' }, /an integer from 1 to 100/],
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

describe('isSelected', () => {
  const vehicleWith = (battery: number | null) => {
    const vehicle = new Vehicle(id(1), PROVIDER);
    const { event } = telemetry(battery === null ? {} : { battery_percent: battery });
    vehicle.foldTelemetry(event as Parameters<Vehicle['foldTelemetry']>[0], NOW);
    return vehicle;
  };

  it('selects known battery levels below the limit', () => {
    const selection = parse({ battery_below: '20' });
    const selected = [19, 20, 0, null].map((battery) => isSelected(vehicleWith(battery), selection, NOW));
    expect(selected).toEqual([true, false, true, false]);
  });

  it('selects by the time of the last event', () => {
    const ages = [0, STALE_AFTER_MS, SILENT_AFTER_MS];
    const at = (query: string) =>
      ages.map((age) => isSelected(vehicleWith(null), parse({ contact: query }), NOW + age));
    expect(at('live')).toEqual([true, false, false]);
    expect(at('stale,silent')).toEqual([false, true, true]);
  });
});

/** The number of steps is returned as well. */
function sortInSteps(...args: Parameters<typeof sortVehicles>): { vehicles: Vehicle[]; steps: number } {
  const sorting = sortVehicles(...args);
  for (let steps = 0; ; steps += 1) {
    const step = sorting.next();
    if (step.done === true) return { vehicles: step.value, steps };
  }
}

const sorted = (...args: Parameters<typeof sortVehicles>): Vehicle[] => sortInSteps(...args).vehicles;

describe('sortVehicles', () => {
  const vehicles = [3, null, 1, 2].map((speed, index) => {
    const vehicle = new Vehicle(id(index + 1), PROVIDER);
    const { event } = telemetry({ location: { lat: 1, lng: 2, ...(speed !== null && { speed }) } });
    vehicle.foldTelemetry(event as Parameters<Vehicle['foldTelemetry']>[0], 1);
    return vehicle;
  });
  const order = (key: 'speed' | 'short_id' | 'lat', isDescending: boolean) =>
    sorted(vehicles, { key, isDescending }).map(
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

  it('sorts many in steps, in the same order', () => {
    const many = Array.from({ length: 9_000 }, (_, n) => {
      const vehicle = new Vehicle(id((n * 7_919) % 9_000), PROVIDER);
      const { event } = telemetry({ location: { lat: n % 7, lng: 2 } });
      vehicle.foldTelemetry(event as Parameters<Vehicle['foldTelemetry']>[0], 1);
      return vehicle;
    });
    const { vehicles: inSteps, steps } = sortInSteps(many, { key: 'lat', isDescending: true });
    expect(steps).toBeGreaterThan(10);
    const latOf = ({ position }: Vehicle): number => position?.lat ?? Number.NaN;
    const expected = many.toSorted(
      (one, other) => latOf(other) - latOf(one) || (one.deviceId < other.deviceId ? -1 : 1),
    );
    expect(inSteps.map(({ deviceId }) => deviceId)).toEqual(expected.map(({ deviceId }) => deviceId));
  });
});
