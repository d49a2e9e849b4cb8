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
import type { AuthOptions } from '@hailstream/service/tokens';
import Type from 'typebox';

const MEBIBYTE = 1_048_576;

/** Maximum delivery timeout: callers do not wait longer. */
const MAX_DELIVERY_TIMEOUT_MS = 30_000;

/** Maximum number of processes that share the port: one per core of a large machine. */
const MAX_WORKERS = 128;

/** Number of bodies of maximum size that must fit into the buffer. With less, such a body could never be written. */
const BODIES_BUFFERED = 2;

const ingestEnv = Type.Object({
  ...httpEnv(4000),
  ...logEnv,
  ...authEnv,
  EVENTS_MAX_AGE_DAYS: Env.Int({ default: DEFAULT_MAX_AGE_DAYS, minimum: 1, maximum: HIGHEST_MAX_AGE_DAYS }),
  INGEST_WORKERS: Env.Int({ default: 1, minimum: 1, maximum: MAX_WORKERS }),
  INGEST_HTTP_BODY_LIMIT_BYTES: Env.Int({ default: 2 * MEBIBYTE, minimum: 1_024, maximum: 64 * MEBIBYTE }),
  INGEST_LOG_LINGER_MS: Env.Int({ default: 2, minimum: 0, maximum: 1_000 }),
  INGEST_LOG_COMPRESSION: Type.Enum<Compression[]>(COMPRESSIONS.filter(canCompress), { default: 'none' }),
  INGEST_LOG_BUFFER_BYTES: Env.Int({ default: 32 * MEBIBYTE }),
  INGEST_LOG_DELIVERY_TIMEOUT_MS: Env.Int({ default: 3_000, minimum: 100, maximum: MAX_DELIVERY_TIMEOUT_MS }),
});

export interface IngestConfig {
  readonly logLevel: LogLevel;
  /** Number of processes that share the port. */
  readonly workers: number;
  readonly http: { readonly host: string; readonly port: number; readonly bodyLimitBytes: number };
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
  const leastBufferBytes = BODIES_BUFFERED * env.INGEST_HTTP_BODY_LIMIT_BYTES;
  if (env.INGEST_LOG_BUFFER_BYTES < leastBufferBytes) {
    throw new ConfigError([
      {
        variable: 'INGEST_LOG_BUFFER_BYTES',
        expected: `at least ${leastBufferBytes}: ${BODIES_BUFFERED} times INGEST_HTTP_BODY_LIMIT_BYTES`,
        got: String(env.INGEST_LOG_BUFFER_BYTES),
      },
    ]);
  }
  return Object.freeze({
    logLevel: env.LOG_LEVEL,
    workers: env.INGEST_WORKERS,
    http: { host: env.HOST, port: env.PORT, bodyLimitBytes: env.INGEST_HTTP_BODY_LIMIT_BYTES },
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
