import type { LogConnection, TopicPolicy } from '@hailstream/log';
import {
  authEnv,
  ConfigError,
  Env,
  httpEnv,
  kafkaSecurityEnv,
  logEnv,
  readEnv,
  toAuth,
  toKafkaSecurity,
  toLogConnection,
  toTopicPolicy,
  type LogLevel,
} from '@hailstream/service/config';
import type { AuthOptions } from '@hailstream/service/tokens';
import Type from 'typebox';
import type { SinkCredentials } from './sinks/credentials.js';
import { readRouterFile, RouterFileError, type JobSpec } from './router-file/router-file.js';

const routerEnv = Type.Object({
  ...httpEnv(4004),
  ...logEnv,
  ...authEnv,
  ROUTER_CONFIG: Type.String({ description: 'the path of a YAML file with jobs' }),
  OPENSEARCH_USERNAME: Type.Optional(Type.String()),
  OPENSEARCH_PASSWORD: Type.Optional(Env.Secret()),
  WEBHOOK_SECRET: Type.Optional(Env.Secret({ minLength: 16 })),
  ...kafkaSecurityEnv('TARGET_KAFKA_'),
});

const commandEnv = Type.Object({ ...httpEnv(4004), ...logEnv });

/** Settings of commands that do not concern jobs. */
export type CommandConfig = Pick<RouterConfig, 'logLevel' | 'connection'>;

export interface RouterConfig {
  readonly logLevel: LogLevel;
  readonly http: { readonly host: string; readonly port: number };
  readonly auth: AuthOptions;
  readonly connection: LogConnection;
  readonly topicPolicy: TopicPolicy;
  readonly credentials: SinkCredentials;
  readonly jobs: readonly JobSpec[];
}

/**
 * @param routerFile path of the router file, instead of `ROUTER_CONFIG`
 * @throws ConfigError if a variable or the router file is invalid
 */
export function loadConfig(routerFile?: string, environment: NodeJS.ProcessEnv = process.env): RouterConfig {
  const env = readEnv(routerEnv, {
    ...environment,
    ...(routerFile !== undefined && { ROUTER_CONFIG: routerFile }),
  });
  return Object.freeze({
    logLevel: env.LOG_LEVEL,
    http: { host: env.HOST, port: env.PORT },
    auth: toAuth(env),
    connection: toLogConnection(env, { clientId: 'router' }),
    topicPolicy: toTopicPolicy(env),
    credentials: toCredentials(env),
    jobs: readJobs(env.ROUTER_CONFIG),
  });
}

/** @throws ConfigError if a variable is invalid */
export function loadCommandConfig(environment: NodeJS.ProcessEnv = process.env): CommandConfig {
  const env = readEnv(commandEnv, environment);
  return Object.freeze({
    logLevel: env.LOG_LEVEL,
    connection: toLogConnection(env, { clientId: 'router' }),
  });
}

function toCredentials(env: Type.Static<typeof routerEnv>): SinkCredentials {
  const openSearch = toOpenSearchCredentials(env);
  return {
    targetKafka: toKafkaSecurity(env, 'TARGET_KAFKA_'),
    ...(env.WEBHOOK_SECRET !== undefined && { webhookSecret: env.WEBHOOK_SECRET }),
    ...(openSearch && { openSearch }),
  };
}

function toOpenSearchCredentials({
  OPENSEARCH_USERNAME: username,
  OPENSEARCH_PASSWORD: password,
}: Type.Static<typeof routerEnv>): SinkCredentials['openSearch'] {
  if (username === undefined && password === undefined) return undefined;
  if (username !== undefined && password !== undefined) return { username, password };
  throw new ConfigError([
    {
      variable: username === undefined ? 'OPENSEARCH_USERNAME' : 'OPENSEARCH_PASSWORD',
      expected: 'a value, because the other one of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD is set',
      got: 'nothing',
    },
  ]);
}

function readJobs(path: string): readonly JobSpec[] {
  try {
    return readRouterFile(path);
  } catch (error) {
    if (!(error instanceof RouterFileError)) throw error;
    throw new ConfigError([
      {
        variable: 'ROUTER_CONFIG',
        expected: 'a valid router file',
        got: error.message.split('\n').join('; '),
      },
    ]);
  }
}
