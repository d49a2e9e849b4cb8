import type { TripList, TripPage, TripRoute, VehicleTimeline } from '@hailstream/events/live';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { OTHER_PROVIDER, PROVIDER, id, telemetry, tripReport } from '../src/fold/events.fixture.js';
import {
  placeAt,
  receivedEvents,
  telemetryTimes,
  trueTrips,
  type ReceivedEvent,
} from '../src/trips/trips.fixture.js';
import {
  append,
  createTopics,
  getJson,
  metric,
  SECRET,
  startRealtime,
  temporaryFolder,
  untilInKeyframe,
  untilReady,
  type Realtime,
} from './_util.js';

const MINUTE_MS = 60_000;

interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly { readonly field: string }[];
}

async function appendAll(broker: TestBroker, events: readonly ReceivedEvent[]): Promise<void> {
  for (let at = 0; at < events.length; at += 500) {
    const part = events.slice(at, at + 500);
    await append(
      broker.address,
      part.map(({ input }) => input),
      part.map(({ receivedAt }) => receivedAt),
    );
  }
}

const start = (broker: TestBroker, folder: string, env: Record<string, string> = {}): Promise<Realtime> =>
  startRealtime(broker.address, { REALTIME_HISTORY_DIR: folder, REALTIME_KEYFRAME_MS: '1s', ...env });

const untilFolded = (realtime: Realtime, count: number) =>
  until(async () => (await metric(realtime, 'realtime_records_total')) >= count, { what: 'all records' });

const iso = (at: number): string => new Date(at).toISOString();

describe('trips of the log', () => {
  it('are listed and shown as they happened, from before and after a restart', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const trips = trueTrips(now);
    const events = receivedEvents(trips, now, 7);
    const half = events.slice(0, events.length / 2);
    {
      await using realtime = await start(broker, folder.path, { REALTIME_REBUILD_MS: '24h' });
      await untilReady(realtime);
      await appendAll(broker, half);
      await untilFolded(realtime, half.length);
      const { body } = await getJson<TripList>(`${realtime.url}/trips`);
      expect(body.total).toBeGreaterThan(30);
      await untilInKeyframe(folder.path, half.length);
    }
    await appendAll(broker, events.slice(half.length));
    await using realtime = await start(broker, folder.path);
    const { url } = realtime;
    await untilReady(realtime);

    const { body: list } = await getJson<TripList>(`${url}/trips?limit=10&offset=5`);
    const latestFirst = trips.toSorted(
      (a, b) => b.requestedAt - a.requestedAt || (a.tripId < b.tripId ? -1 : 1),
    );
    expect(list).toMatchObject({ total: trips.length, count: 10, offset: 5, is_cut: false });
    expect(list.trips.map(({ trip_id: tripId }) => tripId)).toEqual(
      latestFirst.slice(5, 15).map(({ tripId }) => tripId),
    );
    const at = trips[14]!.startedAt ?? trips[14]!.requestedAt;
    const { body: then } = await getJson<TripList>(`${url}/trips?from=${iso(at)}&to=${iso(at)}`);
    expect(then.trips.map(({ trip_id: tripId }) => tripId)).toContain(trips[14]!.tripId);

    for (const trip of [trips[0]!, trips[1]!, trips[2]!, trips[3]!, trips[4]!, trips[5]!]) {
      const path = `${url}/trips/${trip.tripId}?provider_id=${trip.providerId}`;
      const { body } = await getJson<TripPage>(path);
      const { requestedAt, reservedAt, arrivedAt, startedAt, endedAt } = trip;
      expect(body.events.map(({ timestamp }) => timestamp)).toEqual(
        [requestedAt, reservedAt, arrivedAt, startedAt, endedAt].filter((time) => time !== null),
      );
      expect(body.trip).toMatchObject({
        requested_at: requestedAt,
        started_at: startedAt,
        ended_at: endedAt,
      });
      expect(body.report?.trip_id ?? null).toBe(trip.report === null ? null : trip.tripId);
      const { body: route } = await getJson<TripRoute>(path.replace('?', '/route?'));
      const times = telemetryTimes(trip).filter((time) => time <= endedAt!);
      expect(route.points.map(([lat, lng, , time]) => ({ lat, lng, time }))).toEqual(
        times.map((time) => ({ ...placeAt(trip, time), time })),
      );
    }
  });

  it('have the timeline of each vehicle, and late events in it', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const trips = trueTrips(now);
    const events = receivedEvents(trips, now, 8);
    await using realtime = await start(broker, folder.path);
    await untilReady(realtime);
    await appendAll(broker, events);
    await untilFolded(realtime, events.length);
    const { deviceId, providerId } = trips[2]!;
    const path = `${realtime.url}/vehicles/${deviceId}/timeline`;
    const { body } = await getJson<VehicleTimeline>(path);
    expect(body).toMatchObject({ device_id: deviceId, provider_id: providerId });
    expect(body.to - body.from).toBe(24 * 60 * MINUTE_MS);
    const own = trips.filter((trip) => trip.deviceId === deviceId);
    const points = own.flatMap(telemetryTimes);
    expect(body.point_count).toBe(points.length);
    expect(body.states.filter(({ vehicle_state: state }) => state === 'on_trip')).toEqual(
      own
        .filter(({ startedAt }) => startedAt !== null)
        .map(({ startedAt: from, endedAt: to }) => ({ vehicle_state: 'on_trip', from, to })),
    );
    const lateAt = own[1]!.requestedAt - 90_000;
    await append(broker.address, [
      telemetry({ device_id: deviceId, provider_id: providerId, timestamp: lateAt }),
    ]);
    await untilFolded(realtime, events.length + 1);
    const { body: later } = await getJson<VehicleTimeline>(
      `${path}?from=${iso(lateAt - 1)}&to=${iso(lateAt + 1)}`,
    );
    expect(later.point_count).toBe(1);
  });

  it('are visible only with a token of their provider', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const trips = trueTrips(now);
    const events = receivedEvents(trips, now, 9);
    await using realtime = await start(broker, folder.path, { AUTH_JWT_SECRET: SECRET });
    const { url } = realtime;
    await untilReady(realtime);
    await appendAll(broker, events);
    await untilFolded(realtime, events.length);
    const token = await makeToken(SECRET, { scopes: ['read'], providerId: OTHER_PROVIDER }, '1h');
    const everyone = await makeToken(SECRET, { scopes: ['read'] }, '1h');
    const others = trips.filter((trip) => trip.providerId === OTHER_PROVIDER);
    const { body: list } = await getJson<TripList>(`${url}/trips`, token);
    expect(list.total).toBe(others.length);
    expect(new Set(list.trips.map((trip) => trip.provider_id))).toEqual(new Set([OTHER_PROVIDER]));
    const hidden = trips.find((trip) => trip.providerId === PROVIDER && trip.startedAt !== null)!;
    for (const path of [`/trips/${hidden.tripId}`, `/trips/${hidden.tripId}/route`]) {
      if (hidden.tripId === others[0]!.tripId) continue;
      expect([path, (await getJson(`${url}${path}`, token)).status]).toEqual([path, 404]);
      expect((await getJson(`${url}${path}?provider_id=${PROVIDER}`, token)).status).toBe(400);
      expect((await getJson(`${url}${path}`)).status).toBe(401);
    }
    expect((await getJson(`${url}/vehicles/${hidden.deviceId}/timeline`, token)).status).toBe(404);
    expect((await getJson(`${url}/vehicles/${hidden.deviceId}/timeline`, everyone)).status).toBe(200);
    expect((await getJson(`${url}/vehicles/${hidden.deviceId}/timeline`)).status).toBe(401);

    // Both providers have a trip with this id; a token for one of them sees that one.
    const shared = trips[0]!.tripId;
    const { status, body } = await getJson<Problem>(`${url}/trips/${shared}`, everyone);
    expect([status, body.detail]).toEqual([409, expect.stringContaining('select one with provider_id')]);
    const { body: seen } = await getJson<TripPage>(`${url}/trips/${shared}`, token);
    expect(seen.trip.provider_id).toBe(OTHER_PROVIDER);
  });

  it('include one that only the operator has reported', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await using realtime = await start(broker, folder.path);
    await untilReady(realtime);
    const now = Date.now();
    await append(broker.address, [
      tripReport({ trip_id: id(5), start_time: now - 600_000, end_time: now - 1 }),
    ]);
    await untilFolded(realtime, 1);
    const { body } = await getJson<TripPage>(`${realtime.url}/trips/${id(5)}`);
    expect(body).toMatchObject({ verdict: 'extra', events: [], trip: { stage: 'ended', is_reported: true } });
    expect(body.distance_problem).toBe('the log has no telemetry of the ride');
  });

  it('are refused with the reason if a parameter is invalid or there is no history', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    {
      await using realtime = await start(broker, folder.path);
      await untilReady(realtime);
      await append(broker.address, [telemetry({ timestamp: now })]);
      await untilFolded(realtime, 1);
      const week = `from=${iso(now - 8 * 24 * 60 * MINUTE_MS)}&to=${iso(now)}`;
      for (const [path, field] of [
        ['/trips?stage=flying', 'stage'],
        ['/trips?from=yesterday', 'from'],
        [`/trips?from=${iso(now)}&to=${iso(now - 1)}`, 'from'],
        ['/trips?limit=501', 'limit'],
        ['/trips?offset=-1', 'offset'],
        ['/trips?device_id=cab', 'device_id'],
        [`/trips?q=${'x'.repeat(101)}`, 'q'],
        ['/trips/cab', 'trip_id'],
        [`/vehicles/${id(1)}/timeline?${week}`, 'from'],
        ['/vehicles/cab/timeline', 'device_id'],
      ] as const) {
        const { status, body, headers } = await getJson<Problem>(`${realtime.url}${path}`);
        expect([path, status, body.errors[0]?.field]).toEqual([path, 400, field]);
        expect(headers.get('content-type')).toMatch('application/problem+json');
      }
      expect((await getJson(`${realtime.url}/trips/${id(99)}`)).status).toBe(404);
      expect((await getJson(`${realtime.url}/trips/${id(99)}/route`)).status).toBe(404);
      expect((await getJson(`${realtime.url}/vehicles/${id(99)}/timeline`)).status).toBe(404);
      const many = await Promise.all(
        Array.from({ length: 24 }, () => getJson<Problem>(`${realtime.url}/vehicles/${id(1)}/timeline`)),
      );
      const refused = many.filter(({ status }) => status === 503);
      expect(many.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(8);
      expect(refused[0]?.body.detail).toBe('8 requests are being answered');
      await broker.kill();
      expect((await getJson(`${realtime.url}/vehicles/${id(1)}/timeline`)).status).toBe(503);
    }
    await broker.restart();
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    expect((await getJson<Problem>(`${realtime.url}/trips`)).body).toMatchObject({
      status: 404,
      detail: 'this service keeps no history',
    });
  });
});
