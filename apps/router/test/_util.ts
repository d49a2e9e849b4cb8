import { randomUUID } from 'node:crypto';
import { deadLetterTopic, eventRegistry, telemetryFamily } from '@hailstream/events';
import {
  createAdmin,
  createProducer,
  createRangeReader,
  DEAD_LETTER_HEADERS,
  type LogConnection,
} from '@hailstream/log';
import { pino } from 'pino';
import { deliverAll, type RunResult } from '../src/commands/deliver-all.js';
import { verifyAll, type VerifyResult } from '../src/commands/verify-all.js';
import { parseRouterFile, type JobSpec } from '../src/router-file/router-file.js';
import type { SinkCredentials } from '../src/sinks/credentials.js';
import type { TestOpenSearchServer } from './_opensearch-server.js';
import type { TestS3Server } from './_s3-server.js';

// Any credentials do: the test server does not check signatures.
process.env['AWS_ACCESS_KEY_ID'] ??= 'test';
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'test-secret';

export const silent = pino({ level: 'silent' });
export const TELEMETRY = telemetryFamily.topic.name;
export const HOUR_MS = 3_600_000;
/** 2026-03-01, 08:00 UTC. */
export const MORNING = Date.UTC(2026, 2, 1, 8);

export function connectionTo(broker: { readonly address: string }): LogConnection {
  return { brokers: [broker.address], clientId: 'router-test' };
}

/** A job that delivers telemetry to the server's bucket. */
export function s3Job(
  s3: Pick<TestS3Server, 'endpoint' | 'bucket'>,
  settings: { sink?: object; batching?: object; name?: string } = {},
): JobSpec {
  const sink = {
    type: 's3',
    endpoint: s3.endpoint,
    bucket: s3.bucket,
    forcePathStyle: true,
    prefix: 'lake/',
    ...settings.sink,
  };
  const job = { name: settings.name ?? 'lake', topics: [TELEMETRY], sink, batching: settings.batching };
  const [spec] = parseRouterFile(JSON.stringify({ jobs: [job] }), 'router.yaml');
  return spec!;
}

/** A job that stores telemetry in the server's indexes. */
export function searchJob(
  server: Pick<TestOpenSearchServer, 'url'>,
  settings: { name?: string; batching?: object; concurrency?: number } = {},
): JobSpec {
  const sink = { type: 'opensearch', url: server.url, index: 'ride-telemetry-{yyyy.MM.dd}' };
  const job = { name: 'search', topics: [TELEMETRY], sink, ...settings };
  const [spec] = parseRouterFile(JSON.stringify({ jobs: [job] }), 'router.yaml');
  return spec!;
}

interface TestPoint {
  readonly deviceId?: string;
  readonly timeMs?: number;
  readonly receivedMs?: number;
  /** Instead of a telemetry point. */
  readonly value?: Buffer | null;
}

/** Appends telemetry points. */
export async function appendPoints(
  broker: { readonly address: string },
  points: readonly TestPoint[],
): Promise<void> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  await admin.ensureTopics(eventRegistry.topics);
  await using producer = createProducer({ connection, logger: silent });
  for (let start = 0; start < points.length; start += 5_000) {
    const results = await producer.send(
      points
        .slice(start, start + 5_000)
        .map(({ deviceId = randomUUID(), timeMs = MORNING, receivedMs, value }) => ({
          topic: TELEMETRY,
          key: deviceId,
          value: value === undefined ? Buffer.from(JSON.stringify(point(deviceId, timeMs))) : value,
          timestampMs: receivedMs ?? timeMs,
        })),
    );
    for (const result of results) if (result.kind === 'failed') throw result.error;
  }
}

/** What the dead-letter queue has: why, and the value. */
export async function deadLettersOf(broker: {
  readonly address: string;
}): Promise<{ readonly reason: string; readonly value: string | undefined }[]> {
  await using reader = createRangeReader({ connection: connectionTo(broker), logger: silent });
  const ranges = [{ topic: deadLetterTopic.name, from: 'earliest', to: 'latest' }] as const;
  const found = [];
  for await (const { records } of await reader.readRange({ ranges })) {
    for (const { headers, value } of records) {
      found.push({
        reason: String(headers[DEAD_LETTER_HEADERS.error]),
        value: value?.toString('utf8'),
      });
    }
  }
  return found;
}

export function point(deviceId: string, timeMs: number): Record<string, unknown> {
  return { ...telemetryFamily.example, device_id: deviceId, telemetry_id: randomUUID(), timestamp: timeMs };
}

/** Some jobs of a run have failed. */
export class FailedRunError extends Error {
  override readonly name = 'FailedRunError';

  constructor(readonly result: RunResult) {
    super(Object.values(result.failed ?? {}).join('; '));
  }
}

/** Delivers everything that the log has now. @throws FailedRunError if a job fails */
export async function run(
  broker: { readonly address: string },
  jobs: readonly JobSpec[],
  options: {
    readonly stallTimeoutMs?: number;
    readonly signal?: AbortSignal;
    readonly credentials?: SinkCredentials;
  } = {},
): Promise<RunResult> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  const signal = options.signal ?? new AbortController().signal;
  const result = await deliverAll({
    connection,
    credentials: {},
    jobs,
    admin,
    logger: silent,
    ...options,
    signal,
  });
  if (result.failed) throw new FailedRunError(result);
  return result;
}

export async function verify(
  broker: { readonly address: string },
  jobs: readonly JobSpec[],
): Promise<VerifyResult> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  return await verifyAll({ connection, jobs, admin, logger: silent, signal: new AbortController().signal });
}
