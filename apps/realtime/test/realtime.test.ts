import { deadLetterTopic, telemetryFamily } from '@hailstream/events';
import type { Frame, VehicleDetail } from '@hailstream/events/live';
import { createAdmin } from '@hailstream/log';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { id, minuteOfEvents, OTHER_PROVIDER, PROVIDER, telemetry } from '../src/fold/events.fixture.js';
import {
  append,
  appendRecords,
  createTopics,
  getJson,
  monaco,
  openSocket,
  SECRET,
  startRealtime,
  untilReady,
  type Realtime,
  type VehicleList,
} from './_util.js';

interface Stats {
  readonly devicesSeen: number;
  readonly eventsSeen: number;
  readonly lagRecords: number;
  readonly silent: number;
  readonly recordsDeadLettered: number;
  readonly byState: Record<string, number>;
  readonly requestsWaiting: number;
  readonly cancellations: number;
}

const DAY_MS = 86_400_000;

const statsOf = async ({ url }: Realtime) => (await getJson<Stats>(`${url}/stats`)).body;
const vehiclesOf = async ({ url }: Realtime, query = '') =>
  (await getJson<VehicleList>(`${url}/vehicles${query}`)).body;

describe('realtime', () => {
  it('folds the log and serves the city over HTTP', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    await append(broker.address, minuteOfEvents(now));
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    expect(await statsOf(realtime)).toMatchObject({
      devicesSeen: 8,
      eventsSeen: 46,
      lagRecords: 0,
      requestsWaiting: 1,
      cancellations: 1,
      byState: { reserved: 1, available: 1, unknown: 6 },
    });
    const all = await vehiclesOf(realtime);
    expect(all).toMatchObject({ count: 8 });
    expect(all.asOf).toBeGreaterThanOrEqual(now);
    expect(all.vehicles.find((vehicle) => vehicle['device_id'] === id(3))).toMatchObject({
      provider_id: PROVIDER,
      vehicle_state: null,
      contact: 'live',
      location: { lat: 43.73 + 2 / 1024, lng: 7.42 },
      located_at: now - 2_000,
    });
    expect(await vehiclesOf(realtime, '?bbox=7.41,43.7308,7.43,43.7330')).toMatchObject({ count: 2 });

    const detail = await getJson<VehicleDetail>(`${realtime.url}/vehicles/${id(1)}`);
    expect(detail.body).toMatchObject({ vehicle_state: 'reserved', trip: { trip_id: id(100) } });
    expect(detail.body.trail.length).toBeGreaterThan(1);
    expect(await getJson(`${realtime.url}/vehicles/${id(99)}`)).toMatchObject({ status: 404 });
    expect(await getJson(`${realtime.url}/vehicles?bbox=1,2,3`)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'bbox' }] },
    });
  });

  it('finds, pages and counts all vehicles over HTTP', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const timestamp = Date.now();
    await append(broker.address, [
      ...minuteOfEvents(timestamp),
      telemetry({
        device_id: id(30),
        provider_id: OTHER_PROVIDER,
        timestamp,
        location: { lat: -17, lng: 179 },
      }),
      telemetry({
        device_id: id(31),
        provider_id: OTHER_PROVIDER,
        timestamp,
        location: { lat: -18, lng: -179 },
      }),
    ]);
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    await untilReady(realtime);
    const { url } = realtime;
    const [all, limited] = await Promise.all(
      [{}, { providerId: OTHER_PROVIDER }].map((whose) =>
        makeToken(SECRET, { scopes: ['read'], ...whose }, '1 hour'),
      ),
    );
    const ids = ({ vehicles }: VehicleList) => vehicles.map((vehicle) => vehicle['device_id']);
    const page = (await getJson<VehicleList>(`${url}/vehicles?sort=-short_id&limit=3&offset=1`, all)).body;
    expect(page).toMatchObject({ count: 3, total: 10 });
    expect(ids(page)).toEqual([id(30), id(8), id(7)]);
    const reserved = (await getJson<VehicleList>(`${url}/vehicles?state=reserved`, all)).body;
    expect(ids(reserved)).toEqual([id(1)]);
    expect(await getJson(`${url}/vehicles/extent?provider_id=${OTHER_PROVIDER}`, all)).toMatchObject({
      status: 200,
      body: { count: 2, bbox: { west: 179, south: -18, east: -179, north: -17 } },
    });
    expect((await getJson(`${url}/providers`, all)).body).toMatchObject({
      providers: [
        { provider_id: PROVIDER, vehicles: 8 },
        { provider_id: OTHER_PROVIDER, vehicles: 2 },
      ],
    });
    expect((await getJson(`${url}/providers`, limited)).body).toMatchObject({
      providers: [{ provider_id: OTHER_PROVIDER, vehicles: 2 }],
    });
    expect((await getJson(`${url}/search?q=vehicle&limit=2`, all)).body).toMatchObject({ total: 10 });
    expect((await getJson(`${url}/search?q=vehicle`, limited)).body).toMatchObject({ total: 2 });
    expect(await getJson(`${url}/search?q=a&provider_id=${PROVIDER}`, limited)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'provider_id' }] },
    });
    for (const path of ['/search?q=a', '/providers', '/vehicles/extent']) {
      expect(await getJson(`${url}${path}`)).toMatchObject({ status: 401 });
    }
  });

  it('reaches the same state after a restart', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const events = minuteOfEvents(now);
    const state = async (realtime: Realtime) => {
      const { vehicles } = await vehiclesOf(realtime);
      const details = await Promise.all(
        vehicles.map(
          async (vehicle) => (await getJson(`${realtime.url}/vehicles/${String(vehicle['device_id'])}`)).body,
        ),
      );
      const { byState, devicesSeen, requestsWaiting, cancellations } = await statsOf(realtime);
      const byId = details.toSorted((a, b) => (String(a['device_id']) < String(b['device_id']) ? -1 : 1));
      return { byId, byState, devicesSeen, requestsWaiting, cancellations };
    };
    let before: Awaited<ReturnType<typeof state>>;
    {
      await using realtime = await startRealtime(broker.address);
      await untilReady(realtime);
      await append(broker.address, events.slice(0, 30));
      await append(broker.address, [...events.slice(10), ...events.slice(0, 5)].toReversed());
      await until(async () => (await statsOf(realtime)).eventsSeen === 30 + 36 + 5, { what: 'all events' });
      before = await state(realtime);
    }
    await using again = await startRealtime(broker.address);
    await untilReady(again);
    expect(await state(again)).toEqual(before);
  });

  it('rebuilds from records received recently, and counts vehicles whose events are two days old', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const longAgo = [telemetry({ device_id: id(900), timestamp: now - DAY_MS })];
    await append(broker.address, longAgo, now - 2 * 3_600_000);
    const devices = Array.from({ length: 468 }, (_, n) => id(n + 1));
    await append(
      broker.address,
      devices.map((device_id, n) => telemetry({ device_id, timestamp: now - 2 * DAY_MS - n })),
    );
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    expect(await statsOf(realtime)).toMatchObject({
      devicesSeen: 468,
      eventsSeen: 468,
      silent: 468,
      byState: { unknown: 468 },
    });
    using page = openSocket(realtime.url);
    const snapshot = new Promise<Frame>((resolve) => page.on('snapshot', resolve));
    page.emit('viewport', monaco);
    expect((await snapshot).vehicles).toEqual([]);
  });

  it('skips and counts unreadable records, and writes nothing to the dead-letter topic', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const topic = telemetryFamily.topic.name;
    const value = (text: string) => ({ topic, key: id(1), value: Buffer.from(text) });
    await appendRecords(broker.address, [value('{"lat":'), value('{}'), value('[1]')]);
    await append(broker.address, [telemetry({ timestamp: Date.now() })]);
    await until(async () => (await statsOf(realtime)).devicesSeen === 1, { what: 'the good record' });
    expect(await statsOf(realtime)).toMatchObject({ eventsSeen: 1, recordsUnreadable: 3, lagRecords: 0 });
    await using admin = createAdmin({
      connection: { brokers: [broker.address], clientId: 'test' },
      logger: pino({ level: 'silent' }),
    });
    const ends = await admin.offsets(deadLetterTopic.name);
    expect([...ends.values()].reduce((sum, { latest }) => sum + latest, 0n)).toBe(0n);
  });

  it('is alive but not ready while the log is unreachable, and becomes ready afterwards', async () => {
    await using broker = await startTestBroker();
    await broker.kill();
    await using realtime = await startRealtime(broker.address);
    const readiness = await getJson<{ checks: Record<string, { reason?: string }> }>(
      `${realtime.url}/health/ready`,
    );
    expect(readiness.status).toBe(503);
    expect(readiness.body.checks['rebuild']?.reason).toMatch(/waiting for the log|log unreachable/);
    expect((await fetch(`${realtime.url}/health/live`)).status).toBe(200);
    await broker.restart();
    await untilReady(realtime);
  });

  it('continues at its positions after the log was unreachable, folding each record once', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const timestamp = Date.now();
    await append(
      broker.address,
      Array.from({ length: 20 }, (_, n) => telemetry({ device_id: id(n + 1), timestamp })),
    );
    await until(async () => (await statsOf(realtime)).eventsSeen === 20, { what: 'the events before' });
    await broker.restart();
    await append(
      broker.address,
      Array.from({ length: 30 }, (_, n) => telemetry({ device_id: id(n + 1), timestamp: timestamp + 1 })),
    );
    await until(async () => (await statsOf(realtime)).eventsSeen >= 50, { what: 'the events after' });
    expect(await statsOf(realtime)).toMatchObject({ devicesSeen: 30, eventsSeen: 50, lagRecords: 0 });
  });

  it('exports metrics', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    using page = openSocket(realtime.url);
    let frames = 0;
    page.on('frame', () => (frames += 1));
    page.emit('viewport', monaco);
    await append(broker.address, [telemetry({ timestamp: Date.now() })]);
    await until(() => frames > 3, { what: 'frames' });
    const text = await until(
      async () => {
        const metrics = await (await fetch(`${realtime.url}/metrics`)).text();
        return /realtime_visible_latency_seconds_count [1-9]/.test(metrics) && metrics;
      },
      { what: 'a latency' },
    );
    expect(text).toMatch(/realtime_records_total\{topic="ride.telemetry",outcome="folded"\} 1/);
    expect(text).toMatch(/realtime_sockets 1/);
    expect(text).toMatch(/realtime_rooms 1/);
    expect(text).toMatch(/realtime_frames_sent_total [1-9]/);
    expect(text).toMatch(/realtime_tick_duration_seconds_count [1-9]/);
    expect(text).toMatch(/realtime_lag_records 0/);
    expect(text).toMatch(/realtime_devices_seen 1/);
  });
});
