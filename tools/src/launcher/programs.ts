import { join } from 'node:path';
import type { Home } from '../home/home.js';
import type { Program } from '../processes/supervised-process.js';
import { BATCH_ALLOCATOR_VARIABLES } from '../processes/allocator-variables.js';
import { BROKER_V8_OPTIONS, INGEST_V8_OPTIONS } from '../processes/v8-options.js';
import { programFile } from '../repository.js';
import { childEnvironment, type ProcessName } from '../processes/child-environment.js';
import { type Listener, LOOPBACK, type StartOptions } from './options.js';
import { printedCommands } from './printed-commands.js';
import { isListening, isServiceReady } from './readiness.js';
import type { Environment } from './environment.js';

/** The addresses of all components, once the ports are known. */
export interface Addresses {
  readonly ports: Readonly<Record<Listener, number>>;
  readonly ingestUrl: string;
  readonly dashboardUrl: string;
  readonly batchUrl: string;
  /** `undefined` without `--router`. */
  readonly routerUrl: string | undefined;
  readonly kafkaBrokers: string;
}

/** The input from which the programs' arguments and environment are made. */
export interface ProgramContext {
  readonly options: StartOptions;
  readonly home: Home;
  readonly environment: Environment;
  readonly addresses: Addresses;
}

/** The name of each process in messages, and of its log file. */
const LABELS: Readonly<Record<ProcessName, string>> = {
  broker: 'broker',
  postgres: 'postgres',
  ingest: 'ingest',
  realtime: 'realtime',
  batch: 'batch',
  driverSim: 'driver-sim',
  router: 'router',
};

/** The embedded broker. It is ready when it listens. */
export function brokerProgram({ home, environment, addresses }: ProgramContext): Program {
  const { broker: port } = addresses.ports;
  return {
    ...named('broker', home),
    script: programFile('libs/log/dist/broker/main.js'),
    nodeOptions: BROKER_V8_OPTIONS,
    args: ['--port', String(port), '--data-dir', home.brokerFolder],
    env: childEnvironment('broker', environment.env),
    isReady: () => isListening(LOOPBACK, port),
  };
}

/** The embedded Postgres. It is ready when it has sent its URL and listens. */
export function postgresProgram(
  { home, environment, addresses }: ProgramContext,
  onUrl: (url: string) => void,
): Program {
  const { postgres: port } = addresses.ports;
  let isReady = false;
  return {
    ...named('postgres', home),
    script: programFile('tools/dist/commands/postgres-server.js'),
    args: [home.postgresFolder, String(port)],
    env: childEnvironment('postgres', environment.env),
    onStart: () => (isReady = false),
    onMessage: (message) => {
      onUrl((message as { url: string }).url);
      isReady = true;
    },
    isReady: async () => isReady && (await isListening(LOOPBACK, port)),
  };
}

export function ingestProgram(context: ProgramContext): Program {
  return { ...service('ingest', 'apps/ingest/dist/main.js', context, {}), nodeOptions: INGEST_V8_OPTIONS };
}

export function realtimeProgram(context: ProgramContext): Program {
  const { home, environment, options, addresses } = context;
  const commands = printedCommands(home.folder);
  return service('realtime', 'apps/realtime/dist/main.js', context, {
    ...city(context),
    REALTIME_HISTORY_DIR: environment.env['REALTIME_HISTORY_DIR'] || home.historyFolder,
    ...(environment.signer !== undefined && { REALTIME_SIGN_IN_COMMAND: commands.signIn }),
    REALTIME_REPLAY_COMMAND: commands.replay,
    REALTIME_BATCH_URL: environment.env['REALTIME_BATCH_URL'] || addresses.batchUrl,
    ...(options.zones !== undefined && { REALTIME_ZONES: options.zones }),
    ...(options.alerts !== undefined && { REALTIME_ALERTS: options.alerts }),
  });
}

export function batchProgram(context: ProgramContext, databaseUrl: string): Program {
  return service('batch', 'apps/batch/dist/main.js', context, {
    ...allocatorVariables(context.environment.env),
    DATABASE_URL: databaseUrl,
    BATCH_EVERY: context.options.batchEvery,
    BATCH_CITY: batchCity(context),
  });
}

/** Those of the user's environment have precedence. */
function allocatorVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(BATCH_ALLOCATOR_VARIABLES).map(([name, value]) => [name, env[name] || value]),
  );
}

export function routerProgram(context: ProgramContext, routerFile: string): Program {
  return service('router', 'apps/router/dist/main.js', context, { ROUTER_CONFIG: routerFile });
}

/** @param tokenFile the file that has the current token; `undefined` if the user has set a token */
export function driverSimProgram(context: ProgramContext, tokenFile: string | undefined): Program {
  const { options, addresses } = context;
  return service('driverSim', 'apps/driver-sim/dist/main.js', context, {
    ...city(context),
    INGEST_URL: addresses.ingestUrl,
    ...(tokenFile !== undefined && { INGEST_TOKEN_FILE: tokenFile }),
    SIM_VEHICLES: String(options.vehicles),
  });
}

function service(
  name: 'ingest' | 'realtime' | 'batch' | 'router' | 'driverSim',
  script: string,
  { options, home, environment, addresses }: ProgramContext,
  env: Readonly<Record<string, string>>,
): Program {
  const port = addresses.ports[name];
  return {
    ...named(name, home),
    script: programFile(script),
    args: [],
    env: childEnvironment(name, {
      ...environment.env,
      KAFKA_BROKERS: addresses.kafkaBrokers,
      HOST: options.host,
      PORT: String(port),
      ...env,
    }),
    isReady: () => isServiceReady(serviceUrl(options.host, port)),
  };
}

function named(name: ProcessName, home: Home): Pick<Program, 'name' | 'logFile'> {
  return { name: LABELS[name], logFile: join(home.logsFolder, `${LABELS[name]}.log`) };
}

function city({ options }: ProgramContext): Record<string, string> {
  return options.cities.length === 0 ? {} : { CITY_FILE: options.cities.join(',') };
}

/** The city files to whose roads batch matches trips: those of the simulator, unless the environment names others. */
export function batchCity({
  options,
  environment: { env },
}: Pick<ProgramContext, 'options' | 'environment'>): string {
  if (env['BATCH_CITY']) return env['BATCH_CITY'];
  if (options.cities.length > 0) return options.cities.join(',');
  return env['CITY_FILE'] || programFile('cities/monaco.geojson');
}

/** The URL of a service that listens on `host`. */
export function serviceUrl(host: string, port: number): string {
  // The wildcard address includes the loopback; an IPv6 address needs brackets.
  if (host === '0.0.0.0' || host === '::') return `http://${LOOPBACK}:${port}`;
  return host.includes(':') ? `http://[${host}]:${port}` : `http://${host}:${port}`;
}
