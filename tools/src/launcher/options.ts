import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { UsageError } from '@hailstream/service/command-line';
import { homeFolder } from '../home/home.js';

/** The option that sets each port, and its default. */
export const PORT_OPTIONS = {
  ingest: { option: 'ingest-port', port: 4000 },
  realtime: { option: 'dashboard-port', port: 4001 },
  batch: { option: 'batch-port', port: 4002 },
  driverSim: { option: 'sim-port', port: 4003 },
  router: { option: 'router-port', port: 4004 },
  broker: { option: 'broker-port', port: 9092 },
  postgres: { option: 'postgres-port', port: 54320 },
} as const;

export type Listener = keyof typeof PORT_OPTIONS;

/** The options of `npm start`. */
export interface StartOptions {
  /** Folder of all persistent data. */
  readonly home: string;
  /** Address on which the services listen. The embedded broker and Postgres always listen on the loopback address. */
  readonly host: string;
  /** 0 chooses a free port. */
  readonly ports: Readonly<Record<Listener, number>>;
  /** City files, extracts of OpenStreetMap or GeoJSON with the roads to drive on. Without any: Monaco. */
  readonly cities: readonly string[];
  readonly vehicles: number;
  readonly simulate: boolean;
  /** `60s`, `15m` or a cron expression: the batch app validates it. */
  readonly batchEvery: string;
  /** The router file; without it, the router is not started. */
  readonly router: string | undefined;
  /** GeoJSON file of the geofences. */
  readonly zones: string | undefined;
  /** File of the alert rules. */
  readonly alerts: string | undefined;
}

export const START_USAGE = `usage: npm start [-- OPTIONS]
  --home DIR             folder of all persistent data (.hailstream)
  --host ADDRESS         address on which the services listen (127.0.0.1)
  --ingest-port N        4000; 0 chooses a free port, also below
  --dashboard-port N     4001
  --batch-port N         4002
  --sim-port N           4003
  --router-port N        4004; used only with --router
  --broker-port N        9092; not used if KAFKA_BROKERS is set
  --postgres-port N      54320; not used if DATABASE_URL is set
  --city FILE            roads to drive on (Monaco): a city file, an OpenStreetMap extract (.osm, .osm.gz, .osm.pbf) or
                         GeoJSON; repeat it for several cities
  --vehicles N           number of simulated vehicles (250)
  --no-sim               do not run the simulator
  --batch-every SPAN     interval of the loads into Postgres (60s), or a cron expression
  --router FILE          run the jobs of this router file: they deliver topics to object storage and other sinks
  --zones FILE           geofences as GeoJSON, shown on the map with what vehicles do in them
  --alerts FILE          rules of alerts, YAML or JSON: see docs/operate.md`;

export const LOOPBACK = '127.0.0.1';

const MAX_PORT = 65_535;
/** Maximum number of vehicles of one simulator process. */
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
  const file = (name: string): string | undefined => {
    const path = text(name);
    return path === undefined ? undefined : resolve(folders.cwd, path);
  };
  return {
    home: homeFolder(text('home'), folders),
    host: text('host') ?? LOOPBACK,
    ports: Object.fromEntries(ports) as Record<Listener, number>,
    cities: ((values['city'] ?? []) as string[]).map((city) => resolve(folders.cwd, city)),
    vehicles: integer('vehicles', text('vehicles'), { fallback: 250, min: 1, max: MAX_VEHICLES }),
    simulate: values['no-sim'] !== true,
    batchEvery: text('batch-every') ?? '60s',
    router: file('router'),
    zones: file('zones'),
    alerts: file('alerts'),
  };
}

function parse(args: readonly string[]): OptionValues {
  const names = [
    'home',
    'host',
    'vehicles',
    'batch-every',
    'router',
    'zones',
    'alerts',
    ...Object.values(PORT_OPTIONS).map((it) => it.option),
  ];
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  return parseOptions(args, {
    ...options,
    city: { type: 'string', multiple: true },
    'no-sim': { type: 'boolean' },
  });
}

type OptionTypes = Readonly<
  Record<string, { readonly type: 'string' | 'boolean'; readonly multiple?: boolean }>
>;

type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** Parses the options of a command. @throws UsageError if an option is unknown or lacks its value */
function parseOptions(args: readonly string[], options: OptionTypes): OptionValues {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Node's message continues with advice about "--" that does not apply here.
    const [sentence = ''] = (error as Error).message.split(/\.?\n|\. /);
    throw new UsageError(
      `${sentence}; known options: ${Object.keys(options)
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
