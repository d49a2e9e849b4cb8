import type { AddressInfo } from 'node:net';
import { eventRegistry, type EventRegistry } from '@hailstream/events';
import { createRangeReader, type LogConnection, type LogRecord } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { makeToken } from '@hailstream/service/tokens';
import { until } from '@hailstream/service/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomUUID } from 'node:crypto';
import { Client, type Dispatcher } from 'undici';
import type { Failure } from '../src/events/bulk-response.js';
import { loadConfig } from '../src/config.js';
import { createIngest } from '../src/ingest.module.js';

export const SECRET = 'a secret of the tests, long enough for HS256';
export const PROVIDER = '2411d395-04f2-47c9-ab66-d09e9e3c3251';

const silent = createLogger({ name: 'test', level: 'silent' });

/** Ingest on a free port, with a client. */
export interface TestIngest extends AsyncDisposable {
  readonly app: NestFastifyApplication;
  readonly port: number;
  request(options: TestRequest): Promise<TestResponse>;
  post(path: string, items: unknown, options?: Partial<TestRequest>): Promise<TestResponse>;
}

interface TestRequest {
  readonly method?: Dispatcher.HttpMethod;
  readonly path: string;
  readonly body?: string | Buffer;
  readonly headers?: Record<string, string>;
  /** `null`: no token. @default a token of PROVIDER */
  readonly token?: string | null;
}

export interface TestResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AnswerBody;
}

/** Fields that responses may have. */
interface AnswerBody {
  readonly success?: number;
  readonly total?: number;
  readonly failures: readonly Failure[];
  readonly status?: number | string;
  readonly detail: string;
  readonly checks?: unknown;
}

export async function startIngest(options: {
  readonly port: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly registry?: EventRegistry;
}): Promise<TestIngest> {
  const config = loadConfig({
    KAFKA_BROKERS: `127.0.0.1:${options.port}`,
    AUTH_JWT_SECRET: SECRET,
    ...options.env,
  });
  const app = await createIngest(config, silent, options.registry);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const client = new Client(`http://127.0.0.1:${port}`, { pipelining: 1 });
  const defaultToken = await writeToken();
  const request = async ({ method = 'POST', path, body, headers, token = defaultToken }: TestRequest) => {
    const response = await client.request({
      method,
      path,
      ...(body !== undefined && { body }),
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...headers,
      },
    });
    const text = await response.body.text();
    return { status: response.statusCode, headers: response.headers, body: JSON.parse(text) as AnswerBody };
  };
  return {
    app,
    port,
    request,
    post: (path, items, more) => request({ path, body: JSON.stringify(items), ...more }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await app.close();
    },
  };
}

export function writeToken(providerId = PROVIDER, expiresIn = '1h'): Promise<string> {
  return makeToken(SECRET, { scopes: ['write'], providerId }, expiresIn);
}

/** A valid telemetry point with the current time. */
export function telemetryPoint(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    device_id: randomUUID(),
    provider_id: PROVIDER,
    telemetry_id: randomUUID(),
    timestamp: Date.now(),
    trip_ids: null,
    journey_id: null,
    location: { lat: 43.7347, lng: 7.4206, speed: 8.3, heading: 47 },
    ...changes,
  };
}

export async function ready(ingest: TestIngest): Promise<void> {
  await until(async () => (await ingest.request({ method: 'GET', path: '/health/ready' })).status === 200);
}

/** A copy of a record, with its value parsed. */
interface ReadRecord {
  readonly topic: string;
  readonly key: string;
  readonly bytes: Buffer;
  readonly value: Record<string, unknown>;
  readonly timestampMs: number;
}

/** Reads all events, in the order of each partition. */
export async function readLog(port: number, registry = eventRegistry): Promise<ReadRecord[]> {
  const connection: LogConnection = { brokers: [`127.0.0.1:${port}`], clientId: 'test' };
  const ranges = registry.families.map(
    ({ topic }) => ({ topic: topic.name, from: 'earliest', to: 'latest' }) as const,
  );
  const read: ReadRecord[] = [];
  await using reader = createRangeReader({ connection, logger: silent });
  for await (const { topic, records } of await reader.readRange({ ranges })) {
    read.push(...records.map((record) => readRecord(topic, record)));
  }
  return read;
}

function readRecord(topic: string, { key, value, timestampMs }: LogRecord): ReadRecord {
  return {
    topic,
    key: String(key),
    bytes: Buffer.from(value!),
    value: JSON.parse(String(value)) as Record<string, unknown>,
    timestampMs,
  };
}
