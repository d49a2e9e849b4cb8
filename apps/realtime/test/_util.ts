import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import { decodeKeyframe } from '../src/archive/keyframe.js';
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
  await app.listen(Number(env['PORT'] ?? 0), '127.0.0.1');
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

/** Waits for a keyframe in a folder that contains so many records of a log. */
export async function untilInKeyframe(folder: string, records: number): Promise<void> {
  const recordsOf = async (name: string): Promise<number> => {
    const { topics } = decodeKeyframe(await readFile(join(folder, name))).header;
    const offsets = Object.values(topics).flatMap((topic) => Object.values(topic.offsets));
    return offsets.reduce((sum, next) => sum + Number(next), 0);
  };
  const isWritten = async (): Promise<boolean> => {
    const names = await readdir(folder, { recursive: true });
    const newest = names
      .filter((name) => name.endsWith('.keyframe'))
      .sort()
      .at(-1);
    return newest !== undefined && (await recordsOf(newest)) >= records;
  };
  await until(isWritten, { what: `a keyframe with ${records} records` });
}

/** Creates the topics of all event families, as ingest does. */
export async function createTopics(brokerAddress: string): Promise<void> {
  await using admin = createAdmin({
    connection: { brokers: [brokerAddress], clientId: 'test' },
    logger: pino({ level: 'silent' }),
  });
  await admin.ensureTopics(eventRegistry.topics);
}

/** Appends events as ingest does, received now or at `receivedAt`, which is one time or one for each event. */
export async function append(
  brokerAddress: string,
  events: readonly CityEvent[],
  receivedAt?: number | readonly number[],
): Promise<void> {
  await appendRecords(
    brokerAddress,
    events.map((event, index) => ({
      ...recordOf(event),
      ...(receivedAt !== undefined && {
        timestampMs: typeof receivedAt === 'number' ? receivedAt : receivedAt[index]!,
      }),
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
  const results = await producer.send(records);
  const failed = results.find((result) => result.kind === 'failed');
  if (failed !== undefined) throw failed.error;
}

function recordOf({ kind, event }: CityEvent): OutgoingRecord {
  const { topic, key } = eventRegistry.byName.get(kind)!;
  return { topic: topic.name, key: key(event), value: Buffer.from(JSON.stringify(event)) };
}

/** Opens a socket as the page does. */
export function openSocket(
  url: string,
  auth: { token?: string; binary?: number } = {},
): PageSocket & Disposable {
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

/** A folder that is removed at the end of a test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'hailstream-history-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The sum of a metric over its labels. */
export async function metric({ url }: Realtime, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}
