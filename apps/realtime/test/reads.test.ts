import type { DemandMap, FleetCount, Kpis, SpeedingList, StillnessList } from '@hailstream/events/live';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import type { CityEvent } from '../src/fold/city-state.js';
import {
  id,
  OTHER_PROVIDER,
  PROVIDER,
  riderEvent,
  telemetry,
  vehicleEvent,
} from '../src/fold/events.fixture.js';
import {
  append,
  createTopics,
  getJson,
  metric,
  SECRET,
  startRealtime,
  temporaryFolder,
  untilReady,
  type Realtime,
} from './_util.js';

const MINUTE_MS = 60_000;

/** 12 vehicles, of which the last 3 are of another provider, and 6 requests. Vehicle n has a battery level of 5 n percent. */
function cityEvents(now: number): CityEvent[] {
  const vehicles = Array.from({ length: 12 }, (_, index) => index + 1).flatMap((n) => {
    const whose = { device_id: id(n), provider_id: n > 9 ? OTHER_PROVIDER : PROVIDER };
    const location = { lat: 43.73 + n / 1_000, lng: 7.42 };
    const isOnTrip = n % 3 === 0;
    return [
      ...Array.from({ length: 20 }, (_, minute) =>
        telemetry({
          ...whose,
          timestamp: now - minute * MINUTE_MS,
          // Odd ones stand still.
          location: {
            ...location,
            lat: location.lat + (n % 2) * 0 + (1 - (n % 2)) * minute * 0.002,
            speed: n * 2,
          },
          battery_percent: n * 5,
        }),
      ),
      vehicleEvent({
        ...whose,
        timestamp: now - 21 * MINUTE_MS,
        location,
        ...(isOnTrip
          ? { vehicle_state: 'on_trip', event_types: ['trip_start'], trip_ids: [id(100 + n)] }
          : { vehicle_state: 'available', event_types: ['service_start'], trip_ids: null }),
      }),
    ];
  });
  const requests = Array.from({ length: 6 }, (_, n) =>
    riderEvent({
      trip_id: id(200 + n),
      provider_id: n > 3 ? OTHER_PROVIDER : PROVIDER,
      timestamp: now - (n + 1) * 2 * MINUTE_MS,
    }),
  );
  return [...vehicles, ...requests];
}

interface Problem {
  readonly status: number;
  readonly detail: string;
}

async function startWith(
  broker: TestBroker,
  folder: string,
  events: readonly CityEvent[],
): Promise<Realtime> {
  const realtime = await startRealtime(broker.address, {
    REALTIME_HISTORY_DIR: folder,
    REALTIME_KEYFRAME_MS: '1s',
    AUTH_JWT_SECRET: SECRET,
  });
  await untilReady(realtime);
  for (let at = 0; at < events.length; at += 50) await append(broker.address, events.slice(at, at + 50));
  await until(async () => (await metric(realtime, 'realtime_records_total')) >= events.length, {
    what: 'all records',
  });
  return realtime;
}

describe('what is read of the city', () => {
  it('is filtered by provider, paged and validated, and the same at a moment and after a restart', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const events = cityEvents(now);
    const all = await makeToken(SECRET, { scopes: ['read'] }, '1h');
    const other = await makeToken(SECRET, { scopes: ['read'], providerId: OTHER_PROVIDER }, '1h');
    const moment = `at=${new Date(now).toISOString()}`;
    const day = `/kpis?window=day&${moment}`;
    let before: Kpis;
    {
      await using realtime = await startWith(broker, folder.path, events);
      const read = async <T>(path: string, token = all) =>
        (await getJson<T & Problem>(`${realtime.url}${path}`, token)).body;

      for (const more of ['', `&${moment}`]) {
        const count = await read<FleetCount>(
          `/vehicles/count?battery_below=30&state=available,on_trip${more}`,
        );
        expect(count).toMatchObject({ known: 12, matching: 5, drawn: 5, withBattery: 12 });
        expect(await read<FleetCount>(`/vehicles/count?x=1${more}`, other)).toMatchObject({ known: 3 });

        const demand = await read<DemandMap>(`/demand?resolution=8&minutes=7${more}`);
        const sum = (of: DemandMap, at: 1 | 2 | 3) => of.cells.reduce((total, cell) => total + cell[at], 0);
        expect([1, 2, 3].map((at) => sum(demand, at as 1))).toEqual([3, 6, 8]);
        const ofOther = await read<DemandMap>(`/demand?minutes=60${more}`, other);
        expect([1, 2, 3].map((at) => sum(ofOther, at as 1))).toEqual([2, 2, 2]);

        const speeding = await read<SpeedingList>(`/speeding?over_kmh=60&window=hour&limit=2${more}`);
        expect(speeding).toMatchObject({ total: 4, offset: 0 });
        expect(speeding.vehicles.map(({ device_id: device }) => device)).toEqual([id(12), id(11)]);
        expect((await read<SpeedingList>(`/speeding?over_kmh=60${more}`, other)).total).toBe(3);

        const still = await read<StillnessList>(`/stillness?minutes=10&state=on_trip${more}`);
        expect(still.vehicles.map(({ device_id: device }) => device).toSorted()).toEqual([id(3), id(9)]);
        expect(still.byState).toEqual({ available: 4, on_trip: 2 });
        expect((await read<StillnessList>(`/stillness?minutes=10${more}`, other)).byState).toEqual({
          available: 1,
        });

        const kpis = await read<Kpis>(`/kpis?window=hour${more}`);
        expect(kpis.now).toMatchObject({ trips_under_way: 4, requests_waiting: 6, active_vehicles: 12 });
        expect(kpis.series.active_vehicles.at(-2)).toBe(12);
        expect(kpis.series.events_per_second.at(-2)).toBeGreaterThan(0);
        expect((await read<Kpis>(`/kpis?window=hour${more}`, other)).now.active_vehicles).toBe(3);
      }
      before = await read<Kpis>(day);
      expect(before.series.trips_under_way.at(-1)).not.toBeNull();
      const written = await metric(realtime, 'realtime_keyframes');
      await until(async () => (await metric(realtime, 'realtime_keyframes')) >= Math.max(2, written), {
        what: 'a keyframe with the events',
      });

      for (const [path, detail] of [
        ['/vehicles/count?battery_below=101', /battery_below: expected an integer from 1 to 100/],
        ['/demand?resolution=3', /resolution: expected an integer from 4 to 10/],
        ['/demand?minutes=61', /minutes: expected an integer from 1 to 60/],
        ['/kpis?window=year', /window: expected one or more of hour, day/],
        ['/speeding?over_kmh=fast', /over_kmh: expected an integer/],
        ['/stillness?minutes=0', /minutes: expected an integer from 2 to 60/],
        [`/demand?at=yesterday`, /at: expected an ISO 8601 time/],
        [`/demand?${moment}&resolution=3`, /resolution: expected an integer from 4 to 10/],
      ] as const) {
        const { status, body, headers } = await getJson<Problem>(`${realtime.url}${path}`, all);
        expect([path, status, headers.get('content-type')]).toEqual([
          path,
          400,
          expect.stringMatching('application/problem\\+json'),
        ]);
        expect(body.detail).toMatch(detail);
      }
      for (const path of ['/vehicles/count', '/demand', '/kpis', '/speeding', '/stillness']) {
        expect([path, (await getJson(`${realtime.url}${path}`)).status]).toEqual([path, 401]);
        const foreign = await getJson<Problem>(`${realtime.url}${path}?provider_id=${PROVIDER}`, other);
        expect([path, foreign.status]).toEqual([path, 400]);
      }
    }
    await using realtime = await startWith(broker, folder.path, []);
    const { body: after } = await getJson<Kpis>(`${realtime.url}${day}`, all);
    expect(after).toEqual(before);
  });
});
