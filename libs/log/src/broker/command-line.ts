import { parseArgs } from 'node:util';
import { pino } from 'pino';
import type { BrokerOptions } from './broker.js';
import { readProperties } from './config/properties-file.js';
import { listOf, SettingError } from './config/settings.js';
import { VERSION } from './version.js';

const DEFAULT_DATA_DIR = '.hailstream/broker';
const HIGHEST_PORT = 65_535;

const HELP = `hailstream-broker ${VERSION}: a broker of Kafka's protocol, one node, one process.

usage: hailstream-broker [options]

  --host HOST           where to listen (127.0.0.1); elsewhere than on this machine only with authentication
  --port PORT           0 takes a free one (9092)
  --data-dir DIR        where the log is kept; made where it is missing (${DEFAULT_DATA_DIR})
  --config FILE         settings in the form of Kafka's server.properties
  --set NAME=VALUE      one setting by Kafka's own name; goes before the file's; may come often
  --metrics-port PORT   serves /metrics, /health/live and /health/ready on 127.0.0.1; 0 takes a free port
  --log-level LEVEL     ${Object.keys(pino.levels.values).join(', ')} or silent (info)
  --help, --version

Settings, what they do and what they default to: SETTINGS.md beside the package's README. A few:

  --set num.partitions=12                partitions of a topic whose maker does not say
  --set auto.create.topics.enable=false  no topics by accident
  --set log.retention.hours=24           how long records are kept
  --set log.flush.interval.messages=1    acknowledged means on disk, not only with the operating system
  --set listeners=SASL_SSL://0.0.0.0:9092 --set advertised.listeners=SASL_SSL://broker.example:9092

Once it serves, one line says where: 'listening on HOST:PORT, data in DIR'. Its log is JSON, a line each, on standard
output. SIGTERM or Ctrl-C: what was asked is answered, everything is brought to disk, exit code 0.
`;

/** What the command was asked for. */
export type Command =
  | { readonly kind: 'tell'; readonly text: string }
  | { readonly kind: 'run'; readonly options: BrokerOptions; readonly logLevel: string };

/** @throws Error that says which option is wrong */
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
    throw new Error(`${option} must be a number up to ${HIGHEST_PORT}, not '${text}'`);
  }
  return port;
}

function parseSetting(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new Error(`--set takes NAME=VALUE, not '${text}'`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function dataDirIn(settings: Readonly<Record<string, string>>): string | undefined {
  const dirs = listOf(settings['log.dirs'] ?? settings['log.dir'] ?? '');
  if (dirs.length > 1) throw new SettingError(`log.dirs must be one folder, not '${settings['log.dirs']}'`);
  return dirs[0];
}
