import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { VERSION, type BrokerOptions } from './broker.js';
import { readProperties } from './config/properties-file.js';
import { listOf, SettingError } from './config/settings/settings.js';

const DEFAULT_DATA_DIR = '.hailstream/broker';
const HIGHEST_PORT = 65_535;

const HELP = `hailstream-broker ${VERSION}: a broker for the Kafka protocol, one node, one process.

usage: hailstream-broker [options]

  --host HOST           address to listen on (127.0.0.1); others than loopback require authentication
  --port PORT           port to listen on, 0 for any free port (9092)
  --data-dir DIR        data directory, created if missing (${DEFAULT_DATA_DIR})
  --config FILE         settings in the format of Kafka's server.properties
  --set NAME=VALUE      one setting by Kafka's name, overrides the file; repeatable
  --metrics-port PORT   serves /metrics, /health/live and /health/ready on 127.0.0.1, 0 for any free port
  --log-level LEVEL     ${Object.keys(pino.levels.values).join(', ')} or silent (info)
  --help, --version

All settings with their defaults are in SETTINGS.md of the package. Examples:

  --set num.partitions=12                default number of partitions of a topic
  --set auto.create.topics.enable=false  topics are created explicitly only
  --set log.retention.hours=24           retention time of records
  --set log.flush.interval.messages=1    sync every batch before it is acknowledged
  --set listeners=SASL_SSL://0.0.0.0:9092 --set advertised.listeners=SASL_SSL://broker.example:9092

Once it accepts requests, it prints 'listening on HOST:PORT, data in DIR'. It logs JSON lines to standard output. On
SIGTERM or Ctrl-C it answers the requests in progress, syncs the log and exits with code 0.
`;

/** The parsed command line. */
type Command =
  | { readonly kind: 'tell'; readonly text: string }
  | { readonly kind: 'run'; readonly options: BrokerOptions; readonly logLevel: string };

/** @throws Error if an option is invalid */
export function parseCommand(args: readonly string[]): Command {
  const { values } = parseArgs({
    args: [...args],
    options: {
      host: { type: 'string' },
      port: { type: 'string' },
      'data-dir': { type: 'string' },
      config: { type: 'string' },
      'metrics-port': { type: 'string' },
      'log-level': { type: 'string', default: 'info' },
      set: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
      version: { type: 'boolean', default: false },
    },
  });
  if (values.help) return { kind: 'tell', text: HELP };
  if (values.version) return { kind: 'tell', text: `${VERSION}\n` };
  const logLevel = values['log-level'];
  if (!(logLevel in pino.levels.values) && logLevel !== 'silent') {
    throw new Error(`--log-level must be one of ${Object.keys(pino.levels.values).join(', ')}, silent`);
  }
  const metricsPort = values['metrics-port'];
  const settings = {
    ...(values.config === undefined ? {} : readProperties(values.config)),
    ...Object.fromEntries(values.set.map(parseSetting)),
    ...(metricsPort === undefined ? {} : { 'metrics.port': String(portIn('--metrics-port', metricsPort)) }),
  };
  const options = {
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.port === undefined ? {} : { port: portIn('--port', values.port) }),
    dataDir: values['data-dir'] ?? dataDirIn(settings) ?? DEFAULT_DATA_DIR,
    settings,
  };
  return { kind: 'run', options, logLevel };
}

function portIn(option: string, text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > HIGHEST_PORT) {
    throw new Error(`${option} must be a number up to ${HIGHEST_PORT}, got '${text}'`);
  }
  return port;
}

function parseSetting(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new Error(`--set must be NAME=VALUE, got '${text}'`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function dataDirIn(settings: Readonly<Record<string, string>>): string | undefined {
  const dirs = listOf(settings['log.dirs'] ?? settings['log.dir'] ?? '');
  if (dirs.length > 1)
    throw new SettingError(`log.dirs must be one directory, got '${settings['log.dirs']}'`);
  return dirs[0];
}
