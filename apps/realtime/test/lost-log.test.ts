import { mkdir, rm } from 'node:fs/promises';
import { telemetryFamily, vehicleEventFamily } from '@hailstream/events';
import type { Frame, ServiceStatus, StatusMessage } from '@hailstream/events/live';
import { deleteTopic, startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import type { CityEvent } from '../src/fold/city-state.js';
import { id, telemetry, vehicleEvent } from '../src/fold/events.fixture.js';
import {
  append,
  appendRecords,
  createTopics,
  getJson,
  monaco,
  openSocket,
  startRealtime,
  untilReady,
  type Realtime,
} from './_util.js';

interface Stats {
  readonly devicesSeen: number;
  readonly eventsSeen: number;
  readonly lagRecords: number;
  readonly status: ServiceStatus;
}

interface NotRebuilt {
  readonly status: number;
  readonly detail: string;
  readonly rebuild: { readonly percent: number; readonly recordsRead: number; readonly recordsInLog: number };
}

interface Readiness {
  readonly checks: Readonly<Record<string, { readonly status: string; readonly reason?: string }>>;
}

/** One telemetry point of each of `count` vehicles. */
function points(count: number, first = 1): CityEvent[] {
  const timestamp = Date.now();
  return Array.from({ length: count }, (_, n) => telemetry({ device_id: id(first + n), timestamp }));
}

/** Restarts the broker with an empty data folder. */
async function replaceDataFolder(broker: TestBroker): Promise<void> {
  await broker.kill();
  await rm(broker.dataDir, { recursive: true });
  await mkdir(broker.dataDir);
  await broker.restart();
}

const statsOf = ({ url }: Realtime) => getJson<Stats & NotRebuilt>(`${url}/stats`);
const readinessOf = ({ url }: Realtime) => getJson<Readiness>(`${url}/health/ready`);

async function devicesSeen(realtime: Realtime): Promise<number | null> {
  const { status, body } = await statsOf(realtime);
  return status === 200 ? body.devicesSeen : null;
}

describe('a log that is lost while realtime reads it', () => {
  it('is replaced by the new log, which is folded from its start', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, points(40));
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    using page = openSocket(realtime.url);
    const statuses: StatusMessage[] = [];
    const shown = new Set<string>();
    const show = ({ vehicles }: Frame): void => {
      for (const [deviceId] of vehicles) shown.add(deviceId);
    };
    page.on('status', (message) => statuses.push(message));
    page.on('snapshot', (frame) => {
      shown.clear();
      show(frame);
    });
    page.on('frame', show);
    page.emit('viewport', monaco);
    await until(() => shown.has(id(1)), { what: 'the first snapshot' });

    await replaceDataFolder(broker);
    await createTopics(broker.address);
    await append(broker.address, points(3, 500));
    expect(await until(async () => (await devicesSeen(realtime)) === 3, { what: 'the new vehicles' })).toBe(
      true,
    );
    await untilReady(realtime);
    await append(broker.address, points(1, 600));
    await until(async () => (await devicesSeen(realtime)) === 4, { what: 'a later vehicle' });

    // Messages to the page follow a little later than the answers over HTTP.
    await until(() => [500, 501, 502].every((n) => shown.has(id(n))), {
      what: 'the new vehicles on the page',
    });
    expect(shown).not.toContain(id(1));
    await until(() => statuses.at(-1)?.status.kind === 'following', { what: 'the last status' });
    const kinds = statuses.map(({ status }) => status.kind);
    expect(kinds.some((kind) => kind === 'rebuilding' || kind === 'waiting')).toBe(true);
  });

  it('is replaced if one topic was deleted and created again', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, [...points(40), vehicleEvent({ timestamp: Date.now() })]);
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    expect(await devicesSeen(realtime)).toBe(40);

    await deleteTopic(broker, telemetryFamily.topic.name);
    await createTopics(broker.address);
    await append(broker.address, points(5, 500));
    // The vehicle's events are in a topic that was not deleted.
    await until(async () => (await devicesSeen(realtime)) === 6, {
      what: 'the new vehicles, and the old one',
    });
    await untilReady(realtime);
  });
});

describe('a log that is lost and whose successor already has more records than were read', () => {
  it.each([
    ['the data folder is replaced', (broker: TestBroker) => replaceDataFolder(broker)],
    ['a topic is deleted', (broker: TestBroker) => deleteTopic(broker, telemetryFamily.topic.name)],
  ])('is replaced by the new log after %s', async (_, lose) => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, points(24));
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    expect(await devicesSeen(realtime)).toBe(24);

    await lose(broker);
    await createTopics(broker.address);
    await append(broker.address, points(400, 500));
    const statusOf = async (n: number) => (await getJson(`${realtime.url}/vehicles/${id(n)}`)).status;
    await until(async () => (await statusOf(1)) === 404, { what: 'the old vehicles are forgotten' });
    await until(async () => (await devicesSeen(realtime)) === 400, { what: 'the new vehicles' });
    await untilReady(realtime);
    for (const n of [500, 700, 899]) expect([n, await statusOf(n)]).toEqual([n, 200]);
  });
});

describe('readiness', () => {
  it('is refused, with the reason, while the log is unreachable', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    await broker.kill();
    const reason = await until(
      async () => {
        const { status, body } = await readinessOf(realtime);
        return status === 503 && body.checks['progress']?.reason;
      },
      { what: 'the refusal' },
    );
    expect(reason).toMatch(/log/);
    expect((await statsOf(realtime)).body.status).toMatchObject({
      kind: 'stalled',
      reason: expect.any(String),
      since: expect.closeTo(Date.now(), -5),
    });
    await broker.restart();
    await untilReady(realtime);
    expect((await statsOf(realtime)).body.status).toEqual({ kind: 'following' });
  });

  it('is refused while the city is rebuilt, as are requests for the city', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const timestamp = Date.now();
    const filler = Buffer.from(JSON.stringify({ note: 'x'.repeat(900) }));
    await appendRecords(
      broker.address,
      Array.from({ length: 2_000 }, (_, n) => ({
        topic: vehicleEventFamily.topic.name,
        key: id(n),
        value: filler,
      })),
    );
    await append(broker.address, [telemetry({ timestamp })]);
    broker.inject({ api: 'Fetch', delayMs: 300, times: 1_000 });
    await using realtime = await startRealtime(broker.address);
    const { headers, body } = await until(
      async () => {
        const answer = await statsOf(realtime);
        return answer.status === 503 && answer.body.rebuild.recordsInLog > 0 && answer;
      },
      { what: 'a rebuild that has begun' },
    );
    expect(headers.get('content-type')).toMatch(/application\/problem\+json/);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(body.detail).toMatch(/of 2001 records/);
    expect(body.rebuild).toMatchObject({ recordsInLog: 2_001 });
    expect(body.rebuild.percent).toBeLessThan(100);
    // Every route that reads the city or the log; the others do not.
    const vehicle = `/vehicles/${id(1)}`;
    const paths = [
      '/vehicles',
      '/vehicles/count',
      '/vehicles/extent',
      vehicle,
      `${vehicle}/timeline`,
      '/trips',
    ];
    paths.push(`/trips/${id(1)}`, `/trips/${id(1)}/route`, '/kpis', '/demand', '/speeding', '/stillness');
    paths.push('/search?q=0195', '/feeds', '/zones', '/providers', '/history', '/vehicles?at=1');
    const statuses = await Promise.all(
      paths.map(async (path) => [path, (await getJson(`${realtime.url}${path}`)).status]),
    );
    expect(Object.fromEntries(statuses)).toEqual(Object.fromEntries(paths.map((path) => [path, 503])));
    expect((await readinessOf(realtime)).body.checks['rebuild']?.reason).toMatch(/of 2001 records/);
    broker.clearFaults();
    await untilReady(realtime);
    expect((await statsOf(realtime)).body).toMatchObject({ eventsSeen: 1 });
  });
});
