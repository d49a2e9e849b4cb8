import { get, type IncomingMessage } from 'node:http';
import type { ClientToServer, ServerToClient } from '@hailstream/events/live';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { io } from 'socket.io-client';
import type Type from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { CityState } from '../src/fold/city-state.js';
import { id, minuteOfEvents, PROVIDER, telemetry } from '../src/fold/events.fixture.js';
import {
  append,
  createTopics,
  getJson,
  metric,
  monaco,
  SECRET,
  startRealtime,
  temporaryFolder,
  untilReady,
  type PageSocket,
  type Realtime,
} from './_util.js';

interface Document {
  readonly operations: Readonly<Record<string, { readonly messages: readonly { readonly $ref: string }[] }>>;
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly payload: object }>>;
    readonly schemas: Readonly<Record<string, object>>;
  };
}

type Message = readonly [name: string, payload: unknown];

/** A schema that has no other fields than those that it names. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  const isOpen = copy['type'] === 'object' && 'properties' in copy && !('additionalProperties' in copy);
  return isOpen ? { ...copy, additionalProperties: false } : copy;
}

/** What is wrong with a message by the document; empty if nothing is. */
function checker({ components }: Document): (message: Message) => string[] {
  const schemaOf = (payload: object) =>
    '$ref' in payload ? components.schemas[String(payload.$ref).split('/').at(-1)!]! : payload;
  const validators = new Map(
    Object.entries(components.messages).map(([name, { payload }]) => [
      name,
      Compile(closed(schemaOf(payload)) as Type.TSchema),
    ]),
  );
  return ([name, payload]) => {
    // Bytes are not JSON, and their layout has its own tests.
    if (name === 'binary') return payload instanceof Uint8Array ? [] : ['binary: not bytes'];
    const validator = validators.get(name);
    if (validator === undefined) return [`${name}: not in the document`];
    if (validator.Check(payload)) return [];
    return validator.Errors(payload).map((error) => `${name}: ${JSON.stringify(error)}`);
  };
}

const documentOf = async ({ url }: Realtime): Promise<Document> =>
  (await getJson<Document>(`${url}/asyncapi.json`)).body;

const namesOf = (messages: readonly Message[]) => [...new Set(messages.map(([name]) => name))].toSorted();

const namesIn = ({ operations }: Document, operation: string) =>
  operations[operation]!.messages.map(({ $ref }) => $ref.split('/').at(-1)!).toSorted();

/** A socket with all that it sends and is sent. */
function openSocket(url: string, auth: object = {}) {
  const options = { transports: ['websocket'], auth, forceNew: true, reconnection: false };
  const socket: PageSocket = io(url, options);
  const sent: Message[] = [];
  const received: Message[] = [];
  // A message without content has the payload null in the document.
  socket.onAnyOutgoing((name: keyof ClientToServer, payload: unknown = null) => sent.push([name, payload]));
  socket.onAny((name: keyof ServerToClient, payload: unknown = null) => received.push([name, payload]));
  return { socket, sent, received, [Symbol.dispose]: () => void socket.disconnect() };
}

/** Reads server-sent events until the returned object is disposed. */
function openStream(url: string): Disposable & { readonly received: Message[] } {
  const received: Message[] = [];
  let text = '';
  let opened: IncomingMessage | undefined;
  get(url, { agent: false }, (response) => {
    opened = response;
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const [, name, data] = /^event: (.*)$(?:[^]*?)^data: (.*)$/m.exec(block) ?? [];
        if (name !== undefined && data !== undefined) received.push([name, JSON.parse(data)]);
      }
    });
    // It is destroyed below, while the service is sending.
    response.on('error', () => undefined);
  });
  return { received, [Symbol.dispose]: () => void opened?.destroy() };
}

describe('GET /asyncapi.json', () => {
  it('needs no token', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    const { status, headers, body } = await getJson(`${realtime.url}/asyncapi.json`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(body).toMatchObject({ asyncapi: '3.0.0', channels: { socket: { address: '/socket.io/' } } });
  });

  it('describes every message that sockets and streams exchange with a running service', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    await append(broker.address, minuteOfEvents(now - 1_000), now);
    await using realtime = await startRealtime(broker.address, { REALTIME_HISTORY_DIR: folder.path });
    await untilReady(realtime);
    await until(async () => (await metric(realtime, 'realtime_records_total')) >= 46, { what: 'the events' });
    const document = await documentOf(realtime);
    const check = checker(document);

    using page = openSocket(realtime.url);
    using binary = openSocket(realtime.url, { binary: 1 });
    using stream = openStream(`${realtime.url}/stream?device_id=${id(1)}`);
    const has = (messages: readonly Message[], name: string) =>
      until(() => messages.some(([each]) => each === name), { what: name });

    page.socket.emit('viewport', { ...monaco, counts: true, providerId: PROVIDER });
    page.socket.emit('watch', { deviceId: id(1), providerId: PROVIDER });
    page.socket.emit('viewport', { ...monaco, north: 91 });
    binary.socket.emit('viewport', monaco);
    for (const name of ['snapshot', 'frame', 'vehicle', 'refused']) await has(page.received, name);
    await has(binary.received, 'binary');
    for (const name of ['snapshot', 'frame', 'vehicle', 'status']) await has(stream.received, name);

    const paused = (seek: number) =>
      until(
        () =>
          page.received.some(([name, payload]) => {
            return name === 'historySnapshot' && (payload as { seek: number }).seek === seek;
          }),
        { what: 'the moment' },
      );
    page.socket.emit('openHistory', { seek: 1, at: now - 5_000, by: 'event', viewport: monaco });
    await paused(1);
    page.socket.emit('watchHistory', { deviceId: id(1), providerId: PROVIDER });
    await has(page.received, 'historyVehicle');
    page.socket.emit('historyViewport', { ...monaco, providerId: PROVIDER });
    page.socket.emit('seekHistory', { seek: 2, at: now - 20_000 });
    await paused(2);
    page.socket.emit('playHistory', { speed: 60 });
    await has(page.received, 'historyFrame');
    page.socket.emit('pauseHistory');
    page.socket.emit('closeHistory');
    await until(() =>
      page.received.some(([name, payload]) => {
        return name === 'historyStatus' && (payload as { kind: string }).kind === 'closed';
      }),
    );

    const received = [...page.received, ...binary.received];
    expect(namesOf(received)).toEqual(namesIn(document, 'sendLive'));
    expect(received.flatMap(check)).toEqual([]);
    // A stream that does not ask for something that is refused is sent no refusal.
    expect([...namesOf(stream.received), 'refused'].toSorted()).toEqual(namesIn(document, 'sendStream'));
    expect(stream.received.flatMap(check)).toEqual([]);
    // Only the viewport that was refused is not valid.
    expect(namesOf(page.sent)).toEqual(namesIn(document, 'receiveLive'));
    expect(page.sent.map((message) => check(message).length > 0).filter(Boolean)).toHaveLength(1);
  });

  it('describes cells, which replace many vehicles', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const check = checker(await documentOf(realtime));
    const city = realtime.app.get(CityState);
    const now = Date.now();
    for (let n = 0; n < 12_100; n += 1) {
      const location = { lat: 43.725 + (n % 300) / 1e5, lng: 7.41 + (n % 41) / 1e4 };
      city.fold(telemetry({ device_id: id(n + 1), timestamp: now, location }), { receivedAt: now, now });
    }
    using page = openSocket(realtime.url);
    page.socket.emit('viewport', { ...monaco, counts: true });
    const counted = ([, payload]: Message) => {
      return ((payload as { cells?: readonly unknown[] } | null)?.cells?.length ?? 0) > 0;
    };
    await until(() => page.received.some(counted), { what: 'cells' });
    expect(page.received.flatMap(check)).toEqual([]);
  });

  it('does not allow other fields, values or messages', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    const check = checker(await documentOf(realtime));
    const refusal = { message: 'watch', code: 'AMBIGUOUS', reason: 'two vehicles' };
    expect(check(['refused', refusal])).toEqual([]);
    expect(check(['refused', { ...refusal, more: 1 }])).not.toEqual([]);
    expect(check(['refused', { ...refusal, code: 'OTHER' }])).not.toEqual([]);
    expect(check(['watch', { deviceId: 'x', providerId: null }])).not.toEqual([]);
    expect(check(['other', {}])).toEqual(['other: not in the document']);
  });
});
