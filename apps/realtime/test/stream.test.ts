import { get, type IncomingMessage } from 'node:http';
import type { LiveFrame, StatusMessage, VehicleDetail } from '@hailstream/events/live';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { CityState } from '../src/fold/city-state.js';
import { id, OTHER_PROVIDER, PROVIDER, telemetry } from '../src/fold/events.fixture.js';
import { MAX_BACKLOG_BYTES } from '../src/live/broadcaster.js';
import { MAX_STREAMS_PER_TOKEN } from '../src/stream/stream.service.js';
import {
  append,
  createTopics,
  getJson,
  metric,
  openSocket,
  SECRET,
  startRealtime,
  untilReady,
  type Realtime,
} from './_util.js';

interface StreamEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

interface Reader extends Disposable {
  readonly response: IncomingMessage;
  readonly events: StreamEvent[];
  readonly isClosed: boolean;
  of<T>(event: string): T[];
}

/** Reads `GET /stream` and parses its events. */
async function openStream(
  { url }: Realtime,
  query = '',
  headers: Record<string, string> = {},
): Promise<Reader> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${url}/stream${query}`, { headers, agent: false }, resolve).on('error', reject);
  });
  const events: StreamEvent[] = [];
  let text = '';
  let isClosed = false;
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const data = field('data');
      if (data !== undefined)
        events.push({ event: field('event')!, id: field('id'), data: JSON.parse(data) });
    }
  });
  response.on('error', () => undefined);
  response.on('close', () => (isClosed = true));
  return {
    response,
    events,
    get isClosed() {
      return isClosed;
    },
    of: <T>(event: string) => events.filter((each) => each.event === event).map(({ data }) => data as T),
    [Symbol.dispose]: () => void response.destroy(),
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('GET /stream', () => {
  it('sends what a socket with the same filters is sent', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const timestamp = Date.now();
    await append(broker.address, [
      telemetry({ timestamp, location: { lat: 43.74, lng: 7.42 } }),
      telemetry({ timestamp, device_id: id(2), location: { lat: 40, lng: 7.42 } }),
      telemetry({ timestamp, device_id: id(3), provider_id: OTHER_PROVIDER }),
    ]);
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const box = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };
    using socket = openSocket(realtime.url);
    const sent: LiveFrame[] = [];
    socket.on('frame', (frame) => sent.push(frame as LiveFrame));
    socket.emit('viewport', { ...box, providerId: PROVIDER });
    using stream = await openStream(
      realtime,
      `?bbox=7.4,43.72,7.45,43.76&provider_id=${PROVIDER}&device_id=${id(1)}`,
    );
    expect(stream.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    await until(() => stream.of('frame').length > 1 && sent.length > 1, { what: 'frames' });
    expect(stream.of<StatusMessage>('status')[0]?.status.kind).toBe('following');
    const [snapshot] = stream.of<LiveFrame>('snapshot');
    expect(snapshot?.vehicles.map(([deviceId]) => deviceId)).toEqual([id(1)]);
    expect(stream.of<VehicleDetail>('vehicle')[0]?.device_id).toBe(id(1));

    await append(broker.address, [
      telemetry({ timestamp: timestamp + 1_000, location: { lat: 43.741, lng: 7.42 } }),
    ]);
    const moved = (frames: LiveFrame[]) => frames.find(({ vehicles }) => vehicles.length > 0);
    await until(() => moved(stream.of('frame')) && moved(sent), { what: 'the change' });
    expect(moved(stream.of('frame'))).toEqual(moved(sent));
    await until(() => stream.of<VehicleDetail>('vehicle').at(-1)?.location?.lat === 43.741);
    const { id: eventId, data } = stream.events.findLast(({ event }) => event === 'frame')!;
    const { epoch, sequence, view } = data as LiveFrame;
    expect(eventId).toBe(`${epoch}-${sequence}-${view}`);
  });

  it('continues after the last event, or starts with a snapshot if its id is of another service', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, [telemetry({ timestamp: Date.now() })]);
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    using first = await openStream(realtime);
    await until(() => first.of('frame').length > 0);
    const lastId = first.events.at(-1)!.id!;
    first[Symbol.dispose]();
    using second = await openStream(realtime, '', { 'last-event-id': lastId });
    await until(() => second.events.filter(({ id: eventId }) => eventId !== undefined).length > 1);
    const ids = second.events.flatMap(({ id: eventId }) => eventId ?? []);
    const sequenceOf = (eventId: string) => Number(eventId.split('-')[1]);
    expect(sequenceOf(ids[0]!)).toBeGreaterThanOrEqual(sequenceOf(lastId));
    expect(second.of('snapshot')).toEqual([]);
    using third = await openStream(realtime, '', { 'last-event-id': '1-2-all' });
    await until(() => third.of('snapshot').length > 0);
    expect(third.events.find(({ event }) => event !== 'status')?.event).toBe('snapshot');
  });

  it('shows only what the token allows, and refuses with a problem', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const timestamp = Date.now();
    await append(broker.address, [
      telemetry({ timestamp }),
      telemetry({ timestamp, device_id: id(2), provider_id: OTHER_PROVIDER }),
    ]);
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    await untilReady(realtime);
    const { url } = realtime;
    const own = await makeToken(SECRET, { scopes: ['read'], providerId: OTHER_PROVIDER }, '1 hour');
    expect(await getJson(`${url}/stream`)).toMatchObject({ status: 401 });
    expect(await getJson(`${url}/stream?bbox=1,2,3`, own)).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'bbox' }] },
    });
    expect((await getJson(`${url}/stream?provider_id=${PROVIDER}`, own)).status).toBe(400);

    using stream = await openStream(realtime, `?device_id=${id(1)}`, bearer(own));
    await until(() => stream.of('frame').length > 0);
    expect(stream.of<LiveFrame>('snapshot')[0]?.vehicles.map(([deviceId]) => deviceId)).toEqual([id(2)]);
    expect(stream.of('vehicle')).toEqual([]);
    await append(broker.address, [telemetry({ timestamp: timestamp + 1_000 })]);
    const before = stream.of('frame').length;
    await until(() => stream.of('frame').length > before + 3);
    expect(stream.of<LiveFrame>('frame').flatMap(({ vehicles }) => vehicles)).toEqual([]);
    expect(stream.of<LiveFrame>('frame').at(-1)?.figures.byState.unknown).toBe(1);
  });

  it('bounds the streams of a token', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    const token = await makeToken(SECRET, { scopes: ['read'] }, '1 hour');
    const other = await makeToken(SECRET, { scopes: ['read'] }, '2 hours');
    const open = () => openStream(realtime, '', bearer(token));
    const streams = await Promise.all(Array.from({ length: MAX_STREAMS_PER_TOKEN }, open));
    const refused = await getJson(`${realtime.url}/stream`, token);
    expect(refused).toMatchObject({ status: 429, body: { detail: /already open with this token/ } });
    expect(refused.headers.get('retry-after')).toBe('5');
    using another = await openStream(realtime, '', bearer(other));
    expect(another.response.statusCode).toBe(200);
    streams[0]![Symbol.dispose]();
    await until(async () => {
      using again = await open();
      return again.response.statusCode === 200;
    });
    for (const stream of streams) stream[Symbol.dispose]();
    another[Symbol.dispose]();
    await until(async () => (await metric(realtime, 'realtime_sockets')) === 0);
  });

  it('ends when its token expires, and when the service closes', async () => {
    await using broker = await startTestBroker();
    const realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    // It expired 27 s ago, and is accepted for 30 s beyond its time.
    const expiring = await makeToken(SECRET, { scopes: ['read'] }, '-27s');
    const token = await makeToken(SECRET, { scopes: ['read'] }, '1 hour');
    using short = await openStream(realtime, '', bearer(expiring));
    using long = await openStream(realtime, '', bearer(token));
    expect(short.response.statusCode).toBe(200);
    await until(() => short.isClosed, { timeoutMs: 15_000 });
    expect(long.isClosed).toBe(false);
    const closed = realtime[Symbol.asyncDispose]();
    await until(() => long.isClosed);
    expect(long.response.complete).toBe(true);
    await closed;
  });

  it('skips frames for a reader that is behind, and sends it what changed once it has drained', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const city = realtime.app.get(CityState);
    const now = Date.now();
    let step = 0;
    const moveAll = () => {
      step += 1;
      for (let n = 0; n < 3_000; n += 1) {
        const location = { lat: 43.725 + ((n + step) % 3_000) / 1e5, lng: 7.41 };
        city.fold(telemetry({ device_id: id(n + 1), timestamp: now + step, location }), {
          receivedAt: now,
          now,
        });
      }
    };
    moveAll();
    using slow = await openStream(realtime);
    using fast = await openStream(realtime);
    await until(() => slow.of('snapshot').length === 1 && fast.of('snapshot').length === 1);
    slow.response.pause();
    const skipped = () => metric(realtime, 'realtime_frames_skipped_total');
    const moving = setInterval(moveAll, 50);
    try {
      await until(async () => (await skipped()) > 5, { timeoutMs: 60_000, what: 'skipped frames' });
    } finally {
      clearInterval(moving);
    }
    const backlog = /^realtime_backlog_bytes_max (\S+)$/m;
    const metrics = await (await fetch(`${realtime.url}/metrics`)).text();
    const bytes = Number(backlog.exec(metrics)?.[1] ?? 0);
    expect(bytes).toBeLessThan(MAX_BACKLOG_BYTES + 2_000_000);
    expect(fast.of('snapshot').length).toBe(1);
    slow.response.resume();
    const hasGap = (frames: LiveFrame[]) =>
      frames.some(({ sequence }, at) => at > 0 && sequence > frames[at - 1]!.sequence + 1);
    await until(() => hasGap(slow.of('frame')), {
      timeoutMs: 20_000,
      what: 'a frame that follows skipped ones',
    });
    expect(slow.of('snapshot').length).toBe(1);
    const seen = (reader: Reader) => {
      const rows = new Map<string, unknown>();
      for (const { event, data } of reader.events) {
        if (event === 'snapshot') rows.clear();
        if (event === 'snapshot' || event === 'frame')
          for (const row of (data as LiveFrame).vehicles) rows.set(row[0], row.slice(1, 3));
      }
      return rows;
    };
    await until(() => JSON.stringify([...seen(slow)].sort()) === JSON.stringify([...seen(fast)].sort()));
    expect(seen(slow).size).toBe(3_000);
  }, 120_000);
});
