import { DEFAULT_MAX_AGE_DAYS, HIGHEST_MAX_AGE_DAYS } from '@hailstream/events';
import { CityFileError, readCityFile, type CityFile } from '@hailstream/events/city-file';
import type { LogConnection, TopicPolicy } from '@hailstream/log';
import {
  authEnv,
  ConfigError,
  databaseEnv,
  Env,
  httpEnv,
  logEnv,
  readEnv,
  toAuth,
  toDatabaseUrl,
  toLogConnection,
  toTopicPolicy,
  type LogLevel,
} from '@hailstream/service/config';
import type { AuthOptions } from '@hailstream/service/tokens';
import Type from 'typebox';
import { expiringTables } from './retention/expiring-tables.js';
import { parseRetention, RETENTION_EXPECTED, type Retention } from './retention/retention.js';
import { tablesByTopic } from './rows/tables.js';
import { parseSchedule, SCHEDULE_EXPECTED, type Schedule } from './schedule/schedule.js';

const MEBIBYTE = 1_048_576;

const batchEnv = Type.Object({
  ...httpEnv(4002),
  ...logEnv,
  ...authEnv,
  ...databaseEnv,
  EVENTS_MAX_AGE_DAYS: Env.Int({ default: DEFAULT_MAX_AGE_DAYS, minimum: 1, maximum: HIGHEST_MAX_AGE_DAYS }),
  BATCH_EVERY: Type.String({ default: '60s' }),
  BATCH_POSTGRES_CONNECTIONS: Env.Int({ default: 4, minimum: 1, maximum: 64 }),
  BATCH_REPEAT_WINDOW_DAYS: Env.Int({ default: 31, minimum: 1, maximum: 36_500 }),
  BATCH_RETENTION: Type.String({ default: '' }),
  BATCH_CITY: Type.Optional(Env.List({ description: 'city files, separated by commas' })),
  BATCH_CHUNK_RECORDS: Env.Int({ default: 10_000, minimum: 1, maximum: 100_000 }),
  BATCH_CHUNK_BYTES: Env.Int({ default: 4 * MEBIBYTE, minimum: 65_536, maximum: 64 * MEBIBYTE }),
});

/** Injects the {@link LoadConfig}. */
export const LOAD_CONFIG = Symbol('LoadConfig');

export interface LoadConfig {
  readonly connection: LogConnection;
  readonly topicPolicy: TopicPolicy;
  readonly databaseUrl: string;
  readonly postgresConnections: number;
  readonly chunkRecords: number;
  readonly chunkBytes: number;
  /** Age of an event at its receipt beyond which it is rejected. */
  readonly maxAgeDays: number;
  /** Days after its load for which an event is recognised by its id alone. */
  readonly repeatWindowDays: number;
  /** Which rows expire, and when. */
  readonly retention: Retention;
  /** The cities to whose roads the routes of trips are matched. */
  readonly cities: readonly CityFile[];
}

export interface BatchConfig {
  readonly logLevel: LogLevel;
  readonly http: { readonly host: string; readonly port: number };
  readonly auth: AuthOptions;
  readonly schedule: Schedule;
  readonly load: LoadConfig;
}

/** @throws ConfigError if a variable is invalid; it names all of them */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): BatchConfig {
  const env = readEnv(batchEnv, environment);
  return Object.freeze({
    logLevel: env.LOG_LEVEL,
    http: { host: env.HOST, port: env.PORT },
    auth: toAuth(env),
    schedule: toSchedule(env.BATCH_EVERY),
    load: {
      connection: toLogConnection(env, { clientId: 'batch' }),
      topicPolicy: toTopicPolicy(env),
      databaseUrl: toDatabaseUrl(env),
      postgresConnections: env.BATCH_POSTGRES_CONNECTIONS,
      chunkRecords: env.BATCH_CHUNK_RECORDS,
      chunkBytes: env.BATCH_CHUNK_BYTES,
      maxAgeDays: env.EVENTS_MAX_AGE_DAYS,
      repeatWindowDays: env.BATCH_REPEAT_WINDOW_DAYS,
      retention: toRetention(env.BATCH_RETENTION),
      cities: (env.BATCH_CITY ?? []).map(toCity),
    },
  });
}

function toRetention(text: string): Retention {
  const retention = parseRetention(text, expiringTables(tablesByTopic));
  if (typeof retention !== 'string') return retention;
  throw new ConfigError([
    {
      variable: 'BATCH_RETENTION',
      expected: RETENTION_EXPECTED,
      got: `${JSON.stringify(text)} (${retention})`,
    },
  ]);
}

function toSchedule(text: string): Schedule {
  const schedule = parseSchedule(text);
  if (schedule) return schedule;
  throw new ConfigError([
    { variable: 'BATCH_EVERY', expected: SCHEDULE_EXPECTED, got: JSON.stringify(text) },
  ]);
}

function toCity(path: string): CityFile {
  try {
    return readCityFile(path);
  } catch (error) {
    if (!(error instanceof CityFileError)) throw error;
    throw new ConfigError([
      { variable: 'BATCH_CITY', expected: 'a city file in GeoJSON', got: error.message },
    ]);
  }
}
