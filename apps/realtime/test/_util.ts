import { once } from 'node:events';
import { connect } from 'node:net';
import { eventRegistry } from '@hailstream/events';
import type { ClientToServer, ServerToClient } from '@hailstream/events/live';
import { createAdmin, createProducer, type OutgoingRecord } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { until } from '@hailstream/service/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { io, type Socket } from 'socket.io-client';
import { loadConfig } from '../src/config.js';
import type { CityEvent } from '../src/fold/city-state.js';
import { createRealtime, followLog } from '../src/realtime.factory.js';

export const SECRET = 'a secret of at least thirty-two characters';

/** The viewport of the pages in tests. */
export const monaco = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };

export type PageSocket = Socket<ServerToClient, ClientToServer>;

export interface Realtime extends AsyncDisposable {
  readonly app: NestFastifyApplication;
  readonly url: string;
}

/** The answer to `GET /vehicles`. */
export interface VehicleList {
  readonly asOf: number;
  readonly count: number;
  readonly vehicles: Record<string, unknown>[];
}

/** Starts a realtime service on a free port that reads from this broker. */
export async function startRealtime(
  brokerAddress: string,
  env: Record<string, string> = {},
): Promise<Realtime> {
  const config = loadConfig({
    KAFKA_BROKERS: brokerAddress,
    PORT: '0',
    REALTIME_TICK_MS: '50',
    ...env,
  });
  const logger = createLogger({ name: 'realtime', level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
  const app = await createRealtime(config, logger);
  await app.listen(0, '127.0.0.1');
  const followed = followLog(app, config, logger);
  return {
    app,
    url: await app.getUrl(),
    async [Symbol.asyncDispose]() {
      await app.close();
      await followed;
    },
  };
}

/** Creates the topics of all event families, as ingest does. */
export async function createTopics(brokerAddress: string): Promise<void> {
  await using admin = createAdmin({
    connection: { brokers: [brokerAddress], clientId: 'test' },
    logger: pino({ level: 'silent' }),
  });
  await admin.ensureTopics(eventRegistry.topics);
}

/** Appends events as ingest does, received now or at `receivedAt`. */
export async function append(
  brokerAddress: string,
  events: readonly CityEvent[],
  receivedAt?: number,
): Promise<void> {
  await appendRecords(
    brokerAddress,
    events.map((event) => ({
      ...recordOf(event),
      ...(receivedAt !== undefined && { timestampMs: receivedAt }),
    })),
  );
}

export async function appendRecords(
  brokerAddress: string,
  records: readonly OutgoingRecord[],
): Promise<void> {
  await using producer = createProducer({
    connection: { brokers: [brokerAddress], clientId: 'test' },
    logger: pino({ level: 'silent' }),
  });
  const fates = await producer.send(records);
  const failed = fates.find((fate) => fate.kind === 'failed');
  if (failed !== undefined) throw failed.error;
}

function recordOf({ kind, event }: CityEvent): OutgoingRecord {
  const { topic, key } = eventRegistry.byName.get(kind)!;
  return { topic: topic.name, key: key(event), value: Buffer.from(JSON.stringify(event)) };
}

/** Opens a socket as the page does. */
export function openSocket(url: string, auth: { token?: string } = {}): PageSocket & Disposable {
  const socket: PageSocket = io(url, {
    transports: ['websocket'],
    auth,
    forceNew: true,
    reconnection: false,
  });
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.disconnect() });
}

export async function getJson<T = Record<string, unknown>>(
  url: string,
  token?: string,
): Promise<{ status: number; body: T; headers: Headers }> {
  const response = await fetch(
    url,
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  );
  return { status: response.status, body: (await response.json()) as T, headers: response.headers };
}

export async function untilReady({ url }: Realtime): Promise<void> {
  await until(async () => (await fetch(`${url}/health/ready`)).status === 200, { what: 'readiness' });
}

/** Deletes a topic, as an administrator would: DeleteTopics version 1 of Kafka's protocol. */
export async function deleteTopic(brokerAddress: string, topic: string): Promise<void> {
  const name = Buffer.from(topic);
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + 4 + 2 + name.length + 4);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(20, 4);
  request.writeInt16BE(1, 6);
  request.writeInt32BE(7, 8);
  request.writeInt16BE(-1, 12);
  request.writeInt32BE(1, 14);
  request.writeInt16BE(name.length, 18);
  name.copy(request, 20);
  request.writeInt32BE(5_000, 20 + name.length);
  const [host, port] = brokerAddress.split(':');
  const socket = connect({ host: host ?? '', port: Number(port) });
  socket.write(request);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  // Size, correlation id, throttle time, one topic, its name, its error code.
  const errorCode = answer.readInt16BE(4 + 4 + 4 + 4 + 2 + name.length);
  if (errorCode !== 0) throw new Error(`the broker did not delete ${topic}: error code ${errorCode}`);
}
