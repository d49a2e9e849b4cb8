import { eventRegistry, deadLetterTopic, telemetryTopic } from '@hailstream/events';
import type { Frame, VehicleDetail } from '@hailstream/events/live';
import { createAdmin } from '@hailstream/log';
import { startTestBroker } from '@hailstream/log/testing';
import { makeToken } from '@hailstream/service/tokens';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
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
  appendRecords,
  getJson,
  openSocket,
  SECRET,
  startRealtime,
  untilReady,
  type Realtime,
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

interface VehicleList {
  readonly asOf: number;
  readonly count: number;
  readonly vehicles: Record<string, unknown>[];
}

const monaco = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };
const DAY_MS = 86_400_000;

async function makeTopics(address: string): Promise<void> {
  await using admin = createAdmin({
    connection: { brokers: [address], clientId: 'test' },
    logger: pino({ level: 'silent' }),
  });
  await admin.ensureTopics(eventRegistry.topics);
}

/** Events of one minute: positions, states, ride requests and a cancellation. */
function minute(now: number): CityEvent[] {
  return [
    ...Array.from({ length: 40 }, (_, n) =>
      telemetry({
        device_id: id((n % 8) + 1),
        timestamp: now - n * 1_000,
        location: { lat: 43.73 + n / 1024, lng: 7.42 },
      }),
    ),
    vehicleEvent({ device_id: id(1), timestamp: now - 500 }),
    vehicleEvent({
      device_id: id(2),
      timestamp: now - 900,
      vehicle_state: 'available',
      event_types: ['service_start'],
    }),
    riderEvent({ timestamp: now - 30_000 }),
    riderEvent({ trip_id: id(101), timestamp: now - 20_000 }),
    riderEvent({ trip_id: id(102), timestamp: now - 19_000 }),
    riderEvent({ trip_id: id(102), timestamp: now - 9_000, event_type: 'ride_cancel' }),
  ];
}

const statsOf = async ({ url }: Realtime) => (await getJson<Stats>(`${url}/stats`)).body;
const vehiclesOf = async ({ url }: Realtime, query = '') =>
  (await getJson<VehicleList>(`${url}/vehicles${query}`)).body;

describe('realtime', () => {
  it('folds the log and serves the city over HTTP', async () => {
    await using broker = await startTestBroker();
    await makeTopics(broker.address);
    const now = Date.now();
    await append(broker.address, minute(now));
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

  it('sends a page a snapshot, then changes, and the watched vehicle', async () => {
    await using broker = await startTestBroker();
    await makeTopics(broker.address);
    await append(broker.address, minute(Date.now()));
    await using realtime = await startRealtime(broker.address);
    using page = openSocket(realtime.url);
    const snapshots: Frame[] = [];
    const frames: Frame[] = [];
    const details: VehicleDetail[] = [];
    page.on('snapshot', (frame) => snapshots.push(frame));
    page.on('frame', (frame) => frames.push(frame));
    page.on('vehicle', (detail) => details.push(detail));
    page.emit('viewport', monaco);
    page.emit('watch', { deviceId: id(3), providerId: PROVIDER });
    await until(() => snapshots.length > 0 && details.length > 0, { what: 'a snapshot and a detail' });
    expect(snapshots[0]!.vehicles.length).toBe(8);
    expect(snapshots[0]).toMatchObject({ tickMs: 50, figures: { requestsWaiting: 1, cancellations: 1 } });

    const moved = Date.now();
    await append(broker.address, [
      telemetry({ device_id: id(3), timestamp: moved, location: { lat: 43.75, lng: 7.43 } }),
    ]);
    const row = await until(() => frames.flatMap(({ vehicles }) => vehicles)[0], { what: 'a change' });
    expect(row.slice(0, 3)).toEqual([id(3), 43.75, 7.43]);
    await until(() => details.at(-1)?.located_at === moved, { what: 'the detail' });

    await append(broker.address, [
      telemetry({ device_id: id(3), timestamp: moved + 1, location: { lat: 44.5, lng: 7.43 } }),
    ]);
    expect(await until(() => frames.flatMap(({ gone }) => gone)[0], { what: 'a departure' })).toEqual([
      id(3),
      0,
    ]);
    expect(snapshots.length).toBe(1);
    const count = frames.length;
    await until(() => frames.length > count + 2, { what: 'frames with figures alone' });
    expect(frames.at(-1)).toMatchObject({ vehicles: [], gone: [] });
  });

  it('reaches the same state after a restart', async () => {
    await using broker = await startTestBroker();
    await makeTopics(broker.address);
    const now = Date.now();
    const events = minute(now);
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
    await makeTopics(broker.address);
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
    await makeTopics(broker.address);
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const topic = telemetryTopic.name;
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
    await makeTopics(broker.address);
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

  it('serves only what the token allows, and refuses with a reason', async () => {
    await using broker = await startTestBroker();
    await makeTopics(broker.address);
    const timestamp = Date.now();
    await append(broker.address, [
      telemetry({ timestamp }),
      telemetry({ timestamp, device_id: id(2), provider_id: OTHER_PROVIDER }),
    ]);
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    await untilReady(realtime);
    const token = await makeToken(SECRET, { scopes: ['read'], providerId: OTHER_PROVIDER }, '1 hour');
    const expired = await makeToken(SECRET, { scopes: ['read'] }, '-1 hour');
    const writer = await makeToken(SECRET, { scopes: ['write'], providerId: PROVIDER }, '1 hour');
    const { url } = realtime;
    for (const path of ['/vehicles', '/stats', '/city']) {
      expect(await getJson(`${url}${path}`)).toMatchObject({ status: 401 });
    }
    expect((await getJson(`${url}/vehicles`, token)).body).toMatchObject({ count: 1 });
    expect((await getJson(`${url}/vehicles/${id(1)}`, token)).status).toBe(404);
    expect((await getJson(`${url}/stats`, token)).body).toMatchObject({ devicesSeen: 1, eventsSeen: 1 });
    expect((await fetch(`${url}/metrics`)).status).toBe(200);

    const refusal = (auth: { token?: string }) =>
      new Promise<Error>((resolve) => openSocket(url, auth).on('connect_error', resolve));
    expect((await refusal({})).message).toMatch(/a bearer token is required/);
    expect((await refusal({ token: expired })).message).toMatch(/expired/);
    expect((await refusal({ token: writer })).message).toMatch(/lacks the scope read/);

    using page = openSocket(url, { token });
    const snapshot = new Promise<Frame>((resolve) => page.on('snapshot', resolve));
    page.emit('viewport', { west: -180, south: -90, east: 180, north: 90 });
    expect((await snapshot).vehicles.map(([deviceId]) => deviceId)).toEqual([id(2)]);
  });

  it('separates vehicles of two providers with the same device id', async () => {
    await using broker = await startTestBroker();
    await makeTopics(broker.address);
    const timestamp = Date.now();
    await append(broker.address, [
      telemetry({ timestamp, location: { lat: 43.74, lng: 7.42 } }),
      telemetry({ timestamp, provider_id: OTHER_PROVIDER, location: { lat: 43.75, lng: 7.43 } }),
      telemetry({ timestamp, device_id: id(2) }),
    ]);
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    await untilReady(realtime);
    const everyone = await makeToken(SECRET, { scopes: ['read'] }, '1 hour');
    const own = await makeToken(SECRET, { scopes: ['read'], providerId: PROVIDER }, '1 hour');
    const ask = (path: string, token: string) => getJson(`${realtime.url}/vehicles/${path}`, token);

    expect((await ask(id(1), own)).body).toMatchObject({ provider_id: PROVIDER, location: { lat: 43.74 } });
    const several = await ask(id(1), everyone);
    expect(several).toMatchObject({ status: 409, body: { detail: expect.stringMatching(/provider_id/) } });
    expect(several.body['vehicles']).toMatchObject([
      { provider_id: PROVIDER, location: { lat: 43.74 } },
      { provider_id: OTHER_PROVIDER, location: { lat: 43.75 } },
    ]);
    expect((await ask(`${id(1)}?provider_id=${OTHER_PROVIDER}`, everyone)).body).toMatchObject({
      provider_id: OTHER_PROVIDER,
      location: { lat: 43.75 },
    });
    expect((await ask(`${id(1)}?provider_id=${OTHER_PROVIDER}`, own)).status).toBe(404);
    expect((await ask(id(2), everyone)).body).toMatchObject({ provider_id: PROVIDER });
    const { body } = await getJson<VehicleList>(`${realtime.url}/vehicles`, everyone);
    expect(body.vehicles.filter((vehicle) => vehicle['device_id'] === id(1)).length).toBe(2);
  });

  it('disconnects a page whose token has expired, and refuses it with the reason', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    // It expired 27 s ago, and is accepted for 30 s beyond its time.
    const token = await makeToken(SECRET, { scopes: ['read'] }, '-27s');
    using page = openSocket(realtime.url, { token });
    const seen: string[] = [];
    page.on('connect', () => seen.push('connected'));
    page.on('disconnect', (reason) => seen.push(reason));
    page.on('connect_error', ({ message }) => seen.push(message));
    await until(() => seen.length === 2, { what: 'the end' });
    page.connect();
    await until(() => seen.length === 3, { what: 'the refusal' });
    expect(seen).toEqual([
      'connected',
      'io server disconnect',
      expect.stringMatching(/the token expired at 20\d\d-/),
    ]);
  });

  it('refuses invalid messages with a reason, and disconnects a page that sends too many', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    using page = openSocket(realtime.url);
    const refusals: unknown[] = [];
    const reasons: string[] = [];
    page.on('refused', (refusal) => refusals.push(refusal));
    page.on('disconnect', (reason) => reasons.push(reason));
    page.emit('viewport', { ...monaco, north: 100 });
    page.emit('watch', { deviceId: 'cab-7', providerId: PROVIDER });
    await until(() => refusals.length === 2, { what: 'refusals' });
    expect(refusals).toEqual([
      { message: 'viewport', reason: 'north must be <= 90' },
      { message: 'watch', reason: 'must be a device id, { deviceId, providerId } or null' },
    ]);
    for (let count = 0; count < 5_000; count += 1) page.emit('viewport', monaco);
    await until(() => reasons.length > 0, { what: 'the end' });
    expect(reasons).toEqual(['io server disconnect']);
  });

  it('exports metrics', async () => {
    await using broker = await startTestBroker();
    await makeTopics(broker.address);
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
