import { telemetryFamily } from '@hailstream/events';
import type { HistoryRange, PastVehicleList } from '@hailstream/events/live';
import { deleteRecords, startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { Random, until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { CityState, timeOf, type CityEvent } from '../src/fold/city-state.js';
import { id, OTHER_PROVIDER, PROVIDER, telemetry, vehicleEvent } from '../src/fold/events.fixture.js';
import { vehicleSummary } from '../src/views/vehicle-detail.js';
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

interface Received {
  readonly input: CityEvent;
  readonly receivedAt: number;
}
interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly { readonly field: string }[];
}

/** The last half hour: 20 vehicles, some events an hour late, some of a clock that is ahead. */
function halfHour(now: number): Received[] {
  const source = new Random(42);
  const random = (): number => source.fraction();
  const received: Received[] = [];
  for (let n = 0; n < 1_500; n += 1) {
    const receivedAt = now - 30 * MINUTE_MS + Math.floor((n / 1_500) * 30 * MINUTE_MS);
    const lateMs = random() < 0.1 ? Math.floor(random() * 60 * MINUTE_MS) : Math.floor(random() * 3_000);
    const timestamp = receivedAt - lateMs + (random() < 0.02 ? 60_000 : 0);
    const device_id = id(1 + Math.floor(random() * 20));
    const provider_id = random() < 0.3 ? OTHER_PROVIDER : PROVIDER;
    const location = {
      lat: 43.7 + random() / 10,
      lng: 7.4 + random() / 10,
      speed: Math.floor(random() * 20),
    };
    const input =
      random() < 0.3
        ? vehicleEvent({ device_id, provider_id, timestamp, location, trip_ids: [id(100 + (n % 30))] })
        : telemetry({ device_id, provider_id, timestamp, location });
    received.push({ input, receivedAt });
  }
  return received;
}

async function appendAll(broker: TestBroker, records: readonly Received[]): Promise<void> {
  for (let at = 0; at < records.length; at += 50) {
    const part = records.slice(at, at + 50);
    await append(
      broker.address,
      part.map(({ input }) => input),
      part.map(({ receivedAt }) => receivedAt),
    );
  }
}

/** The vehicles at a moment by the definition: every record whose time is not after it. */
function model(records: readonly Received[], by: 'event' | 'received', at: number, provider: string | null) {
  const city = new CityState();
  for (const { input, receivedAt } of records) {
    const time = by === 'event' ? timeOf(input, receivedAt) : receivedAt;
    if (time !== null && time <= at) city.fold(input, { receivedAt, now: at });
  }
  return ordered(
    [...city.vehicles(provider)]
      .filter(({ position }) => position !== null)
      .map((vehicle) => ({ ...vehicleSummary(vehicle, at) })),
  );
}

function ordered<T extends { readonly device_id: string; readonly provider_id: string }>(
  vehicles: readonly T[],
) {
  return vehicles.toSorted((a, b) =>
    `${a.provider_id}${a.device_id}` < `${b.provider_id}${b.device_id}` ? -1 : 1,
  );
}

const start = (broker: TestBroker, folder: string, env: Record<string, string> = {}): Promise<Realtime> =>
  startRealtime(broker.address, { REALTIME_HISTORY_DIR: folder, REALTIME_KEYFRAME_MS: '1s', ...env });

const untilFolded = (realtime: Realtime, count: number) =>
  until(async () => (await metric(realtime, 'realtime_records_total')) >= count, { what: 'all records' });

const pastOf = async ({ url }: Realtime, at: number, query = '', token?: string) =>
  getJson<PastVehicleList & Problem>(`${url}/vehicles?at=${new Date(at).toISOString()}${query}`, token);

describe('GET /vehicles?at=', () => {
  it('is the fold of every record whose time is not after the moment, in both orders, with and without keyframes', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const records = halfHour(now);
    const half = records.slice(0, 800);
    {
      await using realtime = await start(broker, folder.path);
      await untilReady(realtime);
      await appendAll(broker, half);
      await untilFolded(realtime, half.length);
      await untilInKeyframe(folder.path, half.length);
    }
    await appendAll(broker, records.slice(800));
    await using realtime = await start(broker, folder.path);
    await untilReady(realtime);
    for (const by of ['event', 'received'] as const) {
      for (const minutes of [29.5, 20, 14.1, 14, 7.77, 1, 0]) {
        const at = now - Math.floor(minutes * MINUTE_MS);
        const { status, body } = await pastOf(realtime, at, `&by=${by}`);
        expect([by, minutes, status]).toEqual([by, minutes, 200]);
        expect(body).toMatchObject({ asOf: at, moment: { at, by }, count: body.vehicles.length });
        expect(ordered(body.vehicles), `${by}, ${minutes} minutes ago`).toEqual(model(records, by, at, null));
      }
    }
    const at = now - 5 * MINUTE_MS;
    const { body } = await pastOf(realtime, at, '&bbox=7.4,43.7,7.45,43.75');
    const inside = model(records, 'event', at, null).filter(
      ({ location }) => location!.lat <= 43.75 && location!.lng <= 7.45,
    );
    expect(ordered(body.vehicles)).toEqual(inside);
    expect(await metric(realtime, 'realtime_history_seek_seconds_count')).toBe(15);
  });

  it('shows a token with a provider only the vehicles and the activity of the provider', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const records = halfHour(now).slice(-300);
    await using realtime = await start(broker, folder.path, { AUTH_JWT_SECRET: SECRET });
    await untilReady(realtime);
    await appendAll(broker, records);
    await untilFolded(realtime, records.length);
    const token = await makeToken(SECRET, { scopes: ['read'], providerId: OTHER_PROVIDER }, '1h');
    const { body } = await pastOf(realtime, now, '', token);
    expect(body.count).toBeGreaterThan(0);
    expect(ordered(body.vehicles)).toEqual(model(records, 'event', now, OTHER_PROVIDER));
    const { body: range } = await getJson<HistoryRange>(`${realtime.url}/history`, token);
    expect(range.activity.counts.reduce((a, b) => a + b, 0)).toBe(
      records.filter(({ input, receivedAt }) => {
        return input.event.provider_id === OTHER_PROVIDER && timeOf(input, receivedAt) !== null;
      }).length,
    );
    expect((await getJson(`${realtime.url}/history`)).status).toBe(401);
    expect((await pastOf(realtime, now)).status).toBe(401);
  });

  it('refuses a moment that is invalid, in the future, or before the first one', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await using realtime = await start(broker, folder.path);
    await untilReady(realtime);
    const now = Date.now();
    expect((await pastOf(realtime, now)).body).toMatchObject({
      status: 400,
      detail: 'at: the log has no event that can be shown yet',
    });
    await append(broker.address, [telemetry({ timestamp: now })]);
    await untilFolded(realtime, 1);
    const { body: range } = await getJson<HistoryRange>(`${realtime.url}/history`);
    for (const [at, detail] of [
      ['yesterday', /at: expected an ISO 8601 time with a time zone/],
      ['2026-01-01T00:00:00', /with a time zone/],
      [new Date(now + 3_600_000).toISOString(), /is in the future: expected a time from/],
      [
        new Date(now - 3_600_000).toISOString(),
        new RegExp(`before the earliest moment .* from ${new Date(range.earliest!).toISOString()}`),
      ],
    ] as const) {
      const { status, body, headers } = await getJson<Problem>(`${realtime.url}/vehicles?at=${at}`);
      expect([at, status, headers.get('content-type')]).toEqual([
        at,
        400,
        expect.stringMatching('application/problem\\+json'),
      ]);
      expect(body.detail).toMatch(detail);
      expect(body.errors[0]?.field).toBe('at');
    }
    expect((await pastOf(realtime, now, '&by=luck')).body).toMatchObject({
      status: 400,
      errors: [{ field: 'by' }],
    });
    expect((await pastOf(realtime, now, '&bbox=1,2')).body).toMatchObject({
      status: 400,
      errors: [{ field: 'bbox' }],
    });
    expect((await pastOf(realtime, Date.now())).body).toMatchObject({ count: 1 });
  });

  it('is not found without a folder for keyframes', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    expect((await pastOf(realtime, Date.now())).body).toMatchObject({ status: 404 });
  });

  it('answers 503 while the log is unreachable, and 400 once its records were deleted', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    await using realtime = await start(broker, folder.path, { REALTIME_KEYFRAME_MS: '1h' });
    await untilReady(realtime);
    await append(broker.address, [telemetry({ timestamp: now })]);
    await untilFolded(realtime, 1);
    await broker.kill();
    expect((await pastOf(realtime, now)).body).toMatchObject({ status: 503 });
    await broker.restart();
    await until(async () => (await pastOf(realtime, now)).status === 200, { what: 'the moment' });
    for (let partition = 0; partition < telemetryFamily.topic.partitions; partition += 1) {
      await deleteRecords(broker, { topic: telemetryFamily.topic.name, partition, offset: -1n });
    }
    // In the other order, so that the record is read again.
    const { body } = await pastOf(realtime, Date.now(), '&by=received');
    expect(body).toMatchObject({ status: 400, detail: expect.stringMatching(/^at: /) as string });
  });
});

describe('GET /history', () => {
  it('has the moments that can be shown and the events per interval', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const records = halfHour(now);
    await using realtime = await start(broker, folder.path);
    await untilReady(realtime);
    await appendAll(broker, records);
    await untilFolded(realtime, records.length);
    const from = Math.floor((now - 30 * MINUTE_MS) / MINUTE_MS) * MINUTE_MS;
    const query = `by=received&from=${new Date(from).toISOString()}&to=${new Date(now).toISOString()}&intervals=10`;
    const { body } = await getJson<HistoryRange>(`${realtime.url}/history?${query}`);
    expect(body.activity).toMatchObject({ from, stepMs: 4 * MINUTE_MS });
    const counts = body.activity.counts.map(
      (_, n) =>
        records.filter(({ receivedAt }) => Math.floor((receivedAt - from) / (4 * MINUTE_MS)) === n).length,
    );
    expect(body.activity.counts).toEqual(counts);
    const { body: byEvent } = await getJson<HistoryRange>(`${realtime.url}/history`);
    const first = Math.min(...records.map(({ input, receivedAt }) => timeOf(input, receivedAt) ?? Infinity));
    expect(byEvent.earliest).toBe(Math.floor(first / MINUTE_MS) * MINUTE_MS);
    expect(byEvent.latest).toBeGreaterThanOrEqual(now);
    expect(byEvent.activity.counts.length).toBeLessThanOrEqual(200);
  });
});
