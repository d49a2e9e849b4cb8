import { DEFAULT_MAX_AGE_DAYS, HIGHEST_MAX_AGE_DAYS } from '@hailstream/events';
import {
  canCompress,
  COMPRESSIONS,
  type Compression,
  type LogConnection,
  type TopicPolicy,
} from '@hailstream/log';
import {
  authEnv,
  ConfigError,
  Env,
  httpEnv,
  logEnv,
  readEnv,
  toAuth,
  toLogConnection,
  toTopicPolicy,
  type LogLevel,
} from '@hailstream/service/config';
import type { ConnectionLimits } from '@hailstream/nest';
import type { AuthOptions } from '@hailstream/service/tokens';
import Type from 'typebox';
import type { AdmissionLimits } from './admission/admission.js';
import type { RateLimit } from '@hailstream/service/token-bucket';

const MEBIBYTE = 1_048_576;

/** Maximum delivery timeout: callers do not wait longer. */
const MAX_DELIVERY_TIMEOUT_MS = 30_000;

/** Maximum number of processes that share the port: one per core of a large machine. */
const MAX_WORKERS = 128;

/** Number of bodies of maximum size that must fit into each buffer. With less, such a body could never be written. */
const BODIES_BUFFERED = 2;

/** Burst of a provider if none is set: as many events as its rate allows in this time. */
const DEFAULT_BURST_SECONDS = 10;

const ingestEnv = Type.Object({
  ...httpEnv(4000),
  ...logEnv,
  ...authEnv,
  EVENTS_MAX_AGE_DAYS: Env.Int({ default: DEFAULT_MAX_AGE_DAYS, minimum: 1, maximum: HIGHEST_MAX_AGE_DAYS }),
  INGEST_WORKERS: Env.Int({ default: 1, minimum: 1, maximum: MAX_WORKERS }),
  INGEST_HTTP_BODY_LIMIT_BYTES: Env.Int({ default: 2 * MEBIBYTE, minimum: 1_024, maximum: 64 * MEBIBYTE }),
  INGEST_HTTP_BODIES_BYTES: Env.Int({ default: 128 * MEBIBYTE }),
  INGEST_HTTP_CONNECTIONS: Env.Int({ default: 20_000, minimum: 1 }),
  INGEST_HTTP_CONNECTIONS_PER_ADDRESS: Env.Int({ default: 10_000, minimum: 1 }),
  INGEST_PROVIDER_EVENTS_PER_SECOND: Env.Int({ default: 0, minimum: 0 }),
  INGEST_PROVIDER_BURST_EVENTS: Type.Optional(Env.Int({ minimum: 1 })),
  INGEST_PROVIDER_SHARE_PERCENT: Env.Int({ default: 50, minimum: 1, maximum: 100 }),
  INGEST_MAX_QUEUEING_MS: Env.Int({ default: 2_000, minimum: 10, maximum: MAX_DELIVERY_TIMEOUT_MS }),
  INGEST_LOG_LINGER_MS: Env.Int({ default: 2, minimum: 0, maximum: 1_000 }),
  INGEST_LOG_COMPRESSION: Type.Enum<Compression[]>(COMPRESSIONS.filter(canCompress), { default: 'none' }),
  INGEST_LOG_BUFFER_BYTES: Env.Int({ default: 32 * MEBIBYTE }),
  INGEST_LOG_DELIVERY_TIMEOUT_MS: Env.Int({ default: 3_000, minimum: 100, maximum: MAX_DELIVERY_TIMEOUT_MS }),
});

export interface IngestConfig {
  readonly logLevel: LogLevel;
  /** Number of processes that share the port. */
  readonly workers: number;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly bodyLimitBytes: number;
    readonly connections: ConnectionLimits;
  };
  readonly admission: AdmissionLimits;
  readonly auth: AuthOptions;
  readonly events: { readonly maxAgeDays: number };
  readonly log: {
    readonly connection: LogConnection;
    readonly topicPolicy: TopicPolicy;
    readonly lingerMs: number;
    readonly compression: Compression;
    readonly bufferBytes: number;
    readonly deliveryTimeoutMs: number;
  };
}

/** @throws ConfigError if a variable is invalid; it names all of them */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): IngestConfig {
  const env = readEnv(ingestEnv, environment);
  requireBuffers(env);
  return Object.freeze({
    logLevel: env.LOG_LEVEL,
    workers: env.INGEST_WORKERS,
    http: {
      host: env.HOST,
      port: env.PORT,
      bodyLimitBytes: env.INGEST_HTTP_BODY_LIMIT_BYTES,
      connections: {
        total: env.INGEST_HTTP_CONNECTIONS,
        perAddress: env.INGEST_HTTP_CONNECTIONS_PER_ADDRESS,
      },
    },
    admission: {
      providerRate: toRate(env),
      providerShare: env.INGEST_PROVIDER_SHARE_PERCENT / 100,
      bodiesBytes: env.INGEST_HTTP_BODIES_BYTES,
      logBufferBytes: env.INGEST_LOG_BUFFER_BYTES,
      maxQueueingMs: env.INGEST_MAX_QUEUEING_MS,
    },
    auth: toAuth(env),
    events: { maxAgeDays: env.EVENTS_MAX_AGE_DAYS },
    log: {
      connection: toLogConnection(env, { clientId: 'ingest' }),
      topicPolicy: toTopicPolicy(env),
      lingerMs: env.INGEST_LOG_LINGER_MS,
      compression: env.INGEST_LOG_COMPRESSION,
      bufferBytes: env.INGEST_LOG_BUFFER_BYTES,
      deliveryTimeoutMs: env.INGEST_LOG_DELIVERY_TIMEOUT_MS,
    },
  });
}

type IngestEnv = Type.Static<typeof ingestEnv>;

function requireBuffers(env: IngestEnv): void {
  const leastBytes = BODIES_BUFFERED * env.INGEST_HTTP_BODY_LIMIT_BYTES;
  const issues = (['INGEST_LOG_BUFFER_BYTES', 'INGEST_HTTP_BODIES_BYTES'] as const)
    .filter((variable) => env[variable] < leastBytes)
    .map((variable) => ({
      variable,
      expected: `at least ${leastBytes}: ${BODIES_BUFFERED} times INGEST_HTTP_BODY_LIMIT_BYTES`,
      got: String(env[variable]),
    }));
  if (issues.length > 0) throw new ConfigError(issues);
}

/** The rate of each provider in this process: connections are distributed evenly to the workers, and so is the rate. */
function toRate(env: IngestEnv): RateLimit | null {
  const perSecond = env.INGEST_PROVIDER_EVENTS_PER_SECOND;
  const burst = env.INGEST_PROVIDER_BURST_EVENTS ?? DEFAULT_BURST_SECONDS * perSecond;
  if (perSecond === 0) return null;
  const part = (events: number): number => Math.max(1, Math.ceil(events / env.INGEST_WORKERS));
  return { perSecond: part(perSecond), burst: part(burst) };
}
