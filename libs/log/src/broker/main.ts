#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { startBroker, type BrokerOptions } from './index.js';

const USAGE =
  'usage: hailstream-broker [--host HOST] [--port PORT] [--data-dir DIR] [--log-level LEVEL] [--set KEY=VALUE ...]';
const DEFAULT_DATA_DIR = '.hailstream/broker';
const HIGHEST_PORT = 65_535;

await run();

async function run(): Promise<void> {
  try {
    const { logLevel, ...options } = parse(process.argv.slice(2));
    const logger = pino({ name: 'broker', level: logLevel });
    const broker = await startBroker({ ...options, logger });
    const stop = () => {
      broker.stop().catch((error: unknown) => fail(error));
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    process.stdout.write(`listening on ${broker.address}, data in ${options.dataDir}\n`);
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  process.stderr.write(`hailstream-broker: ${(error as Error).message}\n`);
  process.exitCode = 1;
}

/** @throws Error that says which option is wrong */
function parse(args: string[]): BrokerOptions & { logLevel: string } {
  const { values } = parseArgs({
    args,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '9092' },
      'data-dir': { type: 'string', default: DEFAULT_DATA_DIR },
      'log-level': { type: 'string', default: 'warn' },
      set: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) throw new Error(USAGE);
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > HIGHEST_PORT) {
    throw new Error(`--port must be a number up to ${HIGHEST_PORT}, not '${values.port}'`);
  }
  if (!(values['log-level'] in pino.levels.values) && values['log-level'] !== 'silent') {
    throw new Error(`--log-level must be one of ${Object.keys(pino.levels.values).join(', ')}, silent`);
  }
  return {
    host: values.host,
    port,
    dataDir: values['data-dir'],
    logLevel: values['log-level'],
    settings: Object.fromEntries(values.set.map(parseSetting)),
  };
}

function parseSetting(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new Error(`--set takes KEY=VALUE, not '${text}'`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}
