import { randomUUID } from 'node:crypto';
import {
  deadLetterTopic,
  eventRegistry,
  DEFAULT_MAX_AGE_DAYS,
  type RiderEvent,
  type Telemetry,
  type Trip,
  type VehicleEvent,
} from '@hailstream/events';
import {
  createAdmin,
  createProducer,
  createRangeReader,
  readDeadLetter,
  type DeadLetterOrigin,
  type LogConnection,
} from '@hailstream/log';
import type {} from '@hailstream/tools/test-postgres';
import pg from 'pg';
import { pino, type Logger } from 'pino';
import { inject } from 'vitest';
import { Backfiller, type BackfillOptions, type BackfillResult } from '../src/backfill/backfiller.service.js';
import type { Progress } from '../src/load/load-run.js';
import { CommandModule, createCommandContext } from '../src/commands/command.module.js';
import type { LoadConfig } from '../src/config.js';
import { SchemaMigrator } from '../src/database/schema-migrator.service.js';
import type { LoadedEvents } from '../src/load/load.module.js';
import { LoadRunner } from '../src/load/load-runner.service.js';
import { PositionTools } from '../src/positions/position-tools.js';
import { RejectRetrier } from '../src/rejects/reject-retrier.service.js';
import { Verifier, type VerifyOptions } from '../src/verify/verifier.service.js';
import type { VerifyResult } from '../src/verify/verify-result.js';
import { RetentionRunner } from '../src/retention/apply/retention-runner.service.js';
import { expiringTables } from '../src/retention/expiring-tables.js';
import { parseRetention, type Retention } from '../src/retention/retention.js';
import { tablesByTopic } from '../src/rows/tables.js';

export const silent = pino({ level: 'silent' });

export const DAY_MS = 86_400_000;

/** Midnight, UTC, of yesterday. Events have times on that day. */
export const YESTERDAY = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS;

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  query<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>;
  /** The only column of the only row. */
  one<T>(sql: string, values?: unknown[]): Promise<T>;
}

/** A separate database on the test run's Postgres. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `batch_${randomUUID().replaceAll('-', '')}`;
  const server = inject('databaseUrl');
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 2 });
  pool.on('error', () => {});
  const query = async <T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> =>
    (await pool.query<T>(sql, values)).rows;
  return {
    url: url.href,
    query,
    one: async <T>(sql: string, values: unknown[] = []) =>
      Object.values((await query(sql, values))[0]!)[0] as T,
    async [Symbol.asyncDispose]() {
      await pool.end();
      // Only a superuser may end a worker of autovacuum; without FORCE, the server ends it itself.
      await admin
        .query(`DROP DATABASE ${name} WITH (FORCE)`)
        .catch(() => admin.query(`DROP DATABASE ${name}`));
      await admin.end();
    },
  };
}

export function connectionTo(broker: { readonly address: string }): LogConnection {
  return { brokers: [broker.address], clientId: 'batch-test' };
}

interface TestSettings {
  chunkRecords?: number;
  maxAgeDays?: number;
  repeatWindowDays?: number;
  retention?: string;
  cities?: LoadConfig['cities'];
}

export function loadConfigOf(
  broker: { readonly address: string },
  database: Pick<TestDatabase, 'url'>,
  settings: TestSettings = {},
): LoadConfig {
  return {
    connection: connectionTo(broker),
    databaseUrl: database.url,
    topicPolicy: { missing: 'create' },
    postgresConnections: 4,
    chunkRecords: settings.chunkRecords ?? 1_000,
    chunkBytes: 1_048_576,
    maxAgeDays: settings.maxAgeDays ?? DEFAULT_MAX_AGE_DAYS,
    repeatWindowDays: settings.repeatWindowDays ?? 31,
    retention: retentionOf(settings.retention),
    cities: settings.cities ?? [],
  };
}

interface TestRunner extends AsyncDisposable {
  readonly load: LoadRunner['load'];
  readonly lag: LoadRunner['lag'];
  readonly migrate: SchemaMigrator['migrate'];
  readonly positionTools: PositionTools;
  readonly retryRejects: () => Promise<unknown>;
  readonly backfill: (
    options: BackfillOptions,
    signal?: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ) => Promise<BackfillResult>;
  readonly verify: (options: VerifyOptions) => Promise<VerifyResult>;
  readonly retention: RetentionRunner;
}

/** The providers of batch, as its commands use them. */
export async function createLoadRunner(
  broker: { readonly address: string },
  database: Pick<TestDatabase, 'url'>,
  settings: TestSettings & { events?: LoadedEvents; logger?: Logger } = {},
): Promise<TestRunner> {
  const app = await createCommandContext(
    CommandModule.forRoot(
      loadConfigOf(broker, database, settings),
      settings.logger ?? silent,
      settings.events,
    ),
  );
  const runner = app.get(LoadRunner);
  return {
    load: (...args) => runner.load(...args),
    lag: () => runner.lag(),
    migrate: () => app.get(SchemaMigrator).migrate(),
    positionTools: app.get(PositionTools),
    retryRejects: () => app.get(RejectRetrier).retry({ isDryRun: false }, new AbortController().signal),
    backfill: (options, signal = new AbortController().signal, onProgress) =>
      app.get(Backfiller).backfill(options, signal, onProgress),
    verify: (options) => app.get(Verifier).verify(options, new AbortController().signal),
    retention: app.get(RetentionRunner),
    [Symbol.asyncDispose]: () => app.close(),
  };
}

/** `BATCH_RETENTION` as the configuration reads it. @default all rows are kept */
export function retentionOf(text = ''): Retention {
  const retention = parseRetention(text, expiringTables(tablesByTopic));
  if (typeof retention === 'string') throw new Error(retention);
  return retention;
}

export interface TestRecord {
  readonly key: string;
  /** An event, or the bytes of something else. */
  readonly value: object | Buffer;
  readonly timestampMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Appends records to a topic. Resolves after the log has acknowledged all of them. */
export async function append(
  broker: { readonly address: string },
  topic: string,
  records: readonly TestRecord[],
): Promise<void> {
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  await admin.ensureTopics(eventRegistry.topics);
  await using producer = createProducer({ connection: connectionTo(broker), logger: silent });
  for (let start = 0; start < records.length; start += 5_000) {
    const results = await producer.send(
      records.slice(start, start + 5_000).map(({ key, value, timestampMs, headers }) => ({
        topic,
        key,
        ...(timestampMs !== undefined && { timestampMs }),
        ...(headers && { headers }),
        value: Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
      })),
    );
    for (const result of results) if (result.kind === 'failed') throw result.error;
  }
}

/** The origins of the records of the dead-letter topic; `undefined` for one without an origin. */
export async function readDeadLetters(broker: {
  readonly address: string;
}): Promise<(DeadLetterOrigin | undefined)[]> {
  await using reader = createRangeReader({ connection: connectionTo(broker), logger: silent });
  const ranges = [{ topic: deadLetterTopic.name, from: 'earliest', to: 'latest' } as const];
  const origins: (DeadLetterOrigin | undefined)[] = [];
  for await (const { records } of await reader.readRange({ ranges }))
    origins.push(...records.map(readDeadLetter));
  return origins;
}

export const PROVIDER = 'f7b2c3d4-0000-4000-8000-000000000001';
const MONACO = { lat: 43.7384, lng: 7.4246 };

export function makeTelemetry(given: Partial<Telemetry> = {}): Telemetry {
  return {
    device_id: randomUUID(),
    provider_id: PROVIDER,
    telemetry_id: randomUUID(),
    timestamp: YESTERDAY + 3_600_000,
    location: { ...MONACO, heading: 270.5, speed: 8.25 },
    ...given,
  };
}

/** One point per second of each device, one device after another. */
export function makeTrack({ points, devices }: { points: number; devices: number }): Telemetry[] {
  const ids = Array.from({ length: devices }, () => randomUUID());
  return Array.from({ length: points }, (_, index) =>
    makeTelemetry({ device_id: ids[index % devices]!, timestamp: YESTERDAY + index * 1_000 }),
  );
}

export function toRecords(points: readonly Telemetry[]): TestRecord[] {
  return points.map((value) => ({ key: value.device_id, value }));
}

export function makeVehicleEvent(given: Partial<VehicleEvent> = {}): VehicleEvent {
  return {
    device_id: randomUUID(),
    provider_id: PROVIDER,
    event_id: randomUUID(),
    vehicle_state: 'available',
    event_types: ['service_start'],
    timestamp: YESTERDAY + 3_600_000,
    location: MONACO,
    ...given,
  };
}

export function makeRiderEvent(given: Partial<RiderEvent> = {}): RiderEvent {
  return {
    event_id: randomUUID(),
    provider_id: PROVIDER,
    rider_id: randomUUID(),
    trip_id: randomUUID(),
    event_type: 'ride_request',
    timestamp: YESTERDAY + 3_600_000,
    location: MONACO,
    destination: { lat: 43.7311, lng: 7.4197 },
    ...given,
  };
}

export function makeTrip(given: Partial<Trip> = {}): Trip {
  return {
    provider_id: PROVIDER,
    device_id: randomUUID(),
    trip_id: randomUUID(),
    start_time: YESTERDAY + 3_600_000,
    end_time: YESTERDAY + 4_200_000,
    start_location: MONACO,
    end_location: { lat: 43.7311, lng: 7.4197 },
    duration: 600,
    distance: 2_400,
    ...given,
  };
}
