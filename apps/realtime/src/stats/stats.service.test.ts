import { inspect } from 'node:util';
import { Registry } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { CityState } from '../fold/city-state.js';
import { STALE_AFTER_MS } from '../fold/vehicle.js';
import { id, NOW, riderEvent, telemetry, vehicleEvent } from '../fold/events.fixture.js';
import { RealtimeMetrics } from '../metrics/realtime-metrics.service.js';
import type { RebuildService } from '../rebuild/rebuild.service.js';
import { QueryParameters } from '../query/query-parameters.js';
import { parseVehicleQuery } from '../vehicles/vehicle-query.js';
import { VehiclesService } from '../vehicles/vehicles.service.js';
import { StatsService } from './stats.service.js';

function setUp() {
  const city = new CityState();
  const registry = new Registry();
  const metrics = new RealtimeMetrics(registry, city);
  const rebuild = { lagRecords: 0n, status: { kind: 'following' }, requireRebuilt: () => undefined };
  const stats = new StatsService(city, metrics, rebuild as unknown as RebuildService);
  return {
    city,
    rebuild,
    registry,
    stats,
    vehicles: new VehiclesService(city),
    tick: (now: number) => {
      city.advance(now);
      stats.noteTick();
    },
  };
}

/** All fields of the city, private ones included. */
const stateOf = (city: CityState): string =>
  inspect(city, { depth: null, maxArrayLength: null, maxStringLength: null });

describe('StatsService', () => {
  it('returns the counts of the last tick, all of the same moment', () => {
    const { city, rebuild, stats, tick } = setUp();
    tick(NOW);
    rebuild.lagRecords = 3n;
    city.fold(vehicleEvent(), { receivedAt: NOW, now: NOW });
    expect(stats.read(null)).toMatchObject({ asOf: NOW, devicesSeen: 0, eventsSeen: 0, lagRecords: 0 });
    tick(NOW + 500);
    expect(stats.read(null)).toMatchObject({
      asOf: NOW + 500,
      devicesSeen: 1,
      eventsSeen: 1,
      lagRecords: 3,
      byState: { reserved: 1 },
    });
  });

  it('changes nothing in the city, however often it is read', async () => {
    vi.useFakeTimers({ now: NOW });
    try {
      const { city, registry, stats, vehicles, tick } = setUp();
      for (const event of [telemetry(), vehicleEvent(), riderEvent(), telemetry({ device_id: id(2) })]) {
        city.fold(event, { receivedAt: NOW, now: NOW });
      }
      tick(NOW);
      // By now both vehicles would be stale, and the rate is of another second.
      vi.setSystemTime(NOW + STALE_AFTER_MS + 1);
      const advance = vi.spyOn(city, 'advance');
      const before = stateOf(city);
      const first = stats.read(null);
      expect(stats.read(null)).toEqual(first);
      vehicles.list(parseVehicleQuery(new QueryParameters({}), null), Date.now());
      vehicles.detail(vehicles.withId(id(1), null)[0]!, Date.now());
      await registry.metrics();
      expect(advance).not.toHaveBeenCalled();
      advance.mockRestore();
      expect(stateOf(city)).toBe(before);
    } finally {
      vi.useRealTimers();
    }
  });
});
