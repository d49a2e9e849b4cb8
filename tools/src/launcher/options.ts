import { parseArgs } from 'node:util';
import { join, resolve } from 'node:path';
import { UsageError } from '../usage-error.js';

/** Where each port is set, and what it is when it is not. */
export const PORT_OPTIONS = {
  ingest: { option: 'ingest-port', port: 4000 },
  realtime: { option: 'dashboard-port', port: 4001 },
  batch: { option: 'batch-port', port: 4002 },
  driverSim: { option: 'sim-port', port: 4003 },
  broker: { option: 'broker-port', port: 9092 },
  postgres: { option: 'postgres-port', port: 54320 },
} as const;

export type Listener = keyof typeof PORT_OPTIONS;

/** What `npm start` was asked for. */
export interface StartOptions {
  /** Folder with everything that lasts. */
  readonly home: string;
  /** Where the services listen; the embedded broker and Postgres listen on the loopback alone. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly ports: Readonly<Record<Listener, number>>;
  /** Road network to drive on. @default Monaco */
  readonly city: string | undefined;
  readonly vehicles: number;
  readonly simulate: boolean;
  /** `60s`, `15m` or a cron expression: the batch app says what it does not understand. */
  readonly batchEvery: string;
}

export const START_USAGE = `npm start [-- options]
  --home DIR             folder with everything that lasts (.hailstream)
  --host ADDRESS         where the services listen (127.0.0.1)
  --ingest-port N        4000; 0 takes a free one, here and below
  --dashboard-port N     4001
  --batch-port N         4002
  --sim-port N           4003
  --broker-port N        9092; not used where KAFKA_BROKERS is set
  --postgres-port N      54320; not used where DATABASE_URL is set
  --city FILE            GeoJSON of the roads to drive on (Monaco)
  --vehicles N           vehicles to simulate (250)
  --no-sim               without the simulated city
  --batch-every SPAN     how often the log is loaded into Postgres (60s): a span or a cron expression`;

export const LOOPBACK = '127.0.0.1';

const MAX_PORT = 65_535;
/** More than one simulator process can drive. */
const MAX_VEHICLES = 20_000;

/** @throws UsageError */
export function parseStartOptions(
  args: readonly string[],
  folders: { readonly cwd: string; readonly root: string },
): StartOptions {
  const values = parse(args);
  const text = (name: string): string | undefined => values[name] as string | undefined;
  const ports = Object.entries(PORT_OPTIONS).map(([listener, { option, port }]) => [
    listener,
    integer(option, text(option), { fallback: port, min: 0, max: MAX_PORT }),
  ]);
  const city = text('city');
  return {
    home: homeFolder(text('home'), folders),
    host: text('host') ?? LOOPBACK,
    ports: Object.fromEntries(ports) as Record<Listener, number>,
    city: city === undefined ? undefined : resolve(folders.cwd, city),
    vehicles: integer('vehicles', text('vehicles'), { fallback: 250, min: 1, max: MAX_VEHICLES }),
    simulate: values['no-sim'] !== true,
    batchEvery: text('batch-every') ?? '60s',
  };
}

/** The folder named by `--home`, seen from where the user stands; else the one in the repository. */
export function homeFolder(
  home: string | undefined,
  { cwd, root }: { readonly cwd: string; readonly root: string },
): string {
  return home === undefined ? join(root, '.hailstream') : resolve(cwd, home);
}

function parse(args: readonly string[]): Record<string, string | boolean | undefined> {
  const names = [
    'home',
    'host',
    'city',
    'vehicles',
    'batch-every',
    ...Object.values(PORT_OPTIONS).map((it) => it.option),
  ];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  return parseOptions(args, { ...options, 'no-sim': { type: 'boolean' } });
}

type OptionTypes = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>;

/** Options of a command, each given at most once and in one line's worth of words if it is wrong. @throws UsageError */
export function parseOptions(
  args: readonly string[],
  options: OptionTypes,
): Record<string, string | boolean | undefined> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Node's message goes on with advice about "--" that does not fit here.
    const [sentence = ''] = (error as Error).message.split(/\.?\n|\. /);
    throw new UsageError(
      `${sentence}; known are ${Object.keys(options)
        .map((name) => `--${name}`)
        .join(' ')}`,
    );
  }
}

function integer(
  option: string,
  value: string | undefined,
  { fallback, min, max }: { readonly fallback: number; readonly min: number; readonly max: number },
): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= min && number <= max) return number;
  throw new UsageError(`--${option}: expected a whole number from ${min} to ${max}, got "${value}"`);
}
