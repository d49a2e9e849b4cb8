import { createAdmin, type Admin, type LogConnection } from '@hailstream/log';
import { eventRegistry } from '@hailstream/events';
import { ConfigError } from '@hailstream/service/config';
import { createLogger, type Logger } from '@hailstream/service/logging';
import { pino } from 'pino';
import { loadCommandConfig, loadConfig, type CommandConfig, type RouterConfig } from '../config.js';
import { readRouterFile } from '../router-file/router-file.js';
import { EncodingPool } from '@hailstream/parquet';
import { CommandHelp, parseOptions, UsageError } from '@hailstream/service/command-line';
import { DEAD_LETTERS_USAGE, parseDeadLetters } from './dead-letters-command.js';
import { deliverAll, type RunResult } from './deliver-all.js';
import { eraseAll, type EraseResult } from './erase-all.js';
import { verifyAll, type VerifyResult } from './verify-all.js';

const USAGE = `usage: npm run router -- COMMAND --config FILE (in a container: node main.js COMMAND --config FILE)
Exit code of every command: 0 done, 1 failed, 2 unknown command or invalid option
run [--json]
    delivers all records that the log has now, and exits. Exit code: 0 delivered, 1 failed
verify [--json]
    compares the objects in the bucket with the log. Exit code: 0 complete, 1 records are missing or stored twice
erase [--dry-run] [--json]
    removes what objects in buckets have of the riders and devices that the log says to erase. Exit code: 0 removed, 1 failed
check
    validates the file, without the log and the sinks. Exit code: 0 valid, 1 not valid
serve
    delivers until it is stopped, with HTTP on PORT: GET /jobs, /health/*, /metrics
${DEAD_LETTERS_USAGE}`;

const help = new CommandHelp({ usage: USAGE, program: 'npm run router --' });

/** Exit code of an unknown command or an invalid option. */
const INVALID_USAGE = 2;

/** The options of the service if the arguments start it: none, or `serve [--config FILE]`. */
export function parseServe(args: readonly string[]): { readonly config?: string } | undefined {
  const [command, option, config, ...rest] = args;
  if (command === undefined) return {};
  if (command !== 'serve' || rest.length > 0) return undefined;
  if (option === undefined) return {};
  return option === '--config' && config !== undefined ? { config } : undefined;
}

/** Runs one command and returns the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  try {
    if (args[0] === 'help' || args.includes('--help')) {
      process.stdout.write(`${help.requested(args)}\n`);
      return 0;
    }
    if (args[0] === 'check') return check(args.slice(1));
    if (args[0] === 'dead-letters') {
      const command = parseDeadLetters(args.slice(1), Date.now());
      const { logLevel, connection } = loadCommandConfig();
      const logger = commandLogger(logLevel);
      await using admin = createAdmin({ connection, logger });
      return await command({ connection, admin, logger, signal: stop.signal });
    }
    const { command, options } = parse(args);
    const config = loadConfig(options.config);
    const logger = commandLogger(config.logLevel);
    return await command({
      config,
      logger,
      isJson: options.json ?? false,
      isDryRun: options['dry-run'] ?? false,
      signal: stop.signal,
    });
  } catch (error) {
    if (!(error instanceof UsageError)) return failure(reasonOf(error));
    failure(error.message);
    process.stderr.write(`${help.afterError(args[0])}\n`);
    return INVALID_USAGE;
  }
}

/** Results are written to standard output: only problems are logged. */
function commandLogger(logLevel: CommandConfig['logLevel']): Logger {
  const level = logLevel === 'info' ? 'warn' : logLevel;
  return createLogger({ name: 'router', level }, pino.destination({ dest: 2, sync: true }));
}

/** How often progress is shown. */
const PROGRESS_MS = 2_000;

interface CommandOptions {
  readonly config: RouterConfig;
  readonly logger: Logger;
  readonly isJson: boolean;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

const OPTIONS = { config: { type: 'string' }, json: { type: 'boolean' } } as const;
const ERASE_OPTIONS = { ...OPTIONS, 'dry-run': { type: 'boolean' } } as const;

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly 'dry-run'?: boolean;
}

type Command = (options: CommandOptions) => Promise<number>;

const commands: Readonly<Record<string, Command>> = { run, verify, erase };

function parse([name = '', ...rest]: readonly string[]): {
  readonly command: Command;
  readonly options: Options;
} {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new UsageError(`unknown command: ${name}`);
  return { command, options: parseOptions(rest, name === 'erase' ? ERASE_OPTIONS : OPTIONS) };
}

function check(args: readonly string[]): number {
  const { config } = parseOptions(args, OPTIONS);
  if (config === undefined) throw new UsageError('check requires --config FILE');
  const names = readRouterFile(config).map(({ name }) => name);
  process.stdout.write(`${config} is valid: ${names.length === 1 ? 'job' : 'jobs'} ${names.join(', ')}\n`);
  return 0;
}

async function run({ config, logger, isJson, signal }: CommandOptions): Promise<number> {
  await using admin = await openAdmin(config, logger);
  await using encoding = new EncodingPool();
  const result = await deliverAll({ ...config, admin, logger, signal, encode: encoding.encode });
  process.stdout.write(`${isJson ? JSON.stringify(result) : runSummary(result)}\n`);
  for (const [name, reason] of Object.entries(result.failed ?? {})) {
    process.stderr.write(`router: job "${name}": ${reason}\n`);
  }
  return signal.aborted || result.failed ? 1 : 0;
}

async function verify({ config, logger, isJson, signal }: CommandOptions): Promise<number> {
  await using admin = await openAdmin(config, logger);
  const result = await verifyAll({ ...config, admin, logger, signal });
  process.stdout.write(`${isJson ? JSON.stringify(result) : verifySummary(result)}\n`);
  return result.ok ? 0 : 1;
}

async function erase({ config, logger, isJson, isDryRun, signal }: CommandOptions): Promise<number> {
  await using admin = await openAdmin(config, logger);
  let shownAt = performance.now();
  const result = await eraseAll({
    ...config,
    admin,
    logger,
    isDryRun,
    signal,
    onProgress: (job, { objects, rewritten }) => {
      if (isJson || performance.now() - shownAt < PROGRESS_MS) return;
      shownAt = performance.now();
      process.stderr.write(`${job}: ${objects} objects read, ${rewritten} with records to erase\n`);
    },
  });
  process.stdout.write(`${isJson ? JSON.stringify(result) : eraseSummary(result)}\n`);
  return 0;
}

/** The jobs' topics may be others than the system's, which are created if they are missing. */
async function openAdmin(
  {
    connection,
    topicPolicy,
  }: { readonly connection: LogConnection; readonly topicPolicy: RouterConfig['topicPolicy'] },
  logger: Logger,
): Promise<Admin> {
  const admin = createAdmin({ connection, topicPolicy, logger });
  await admin.ensureTopics(eventRegistry.topics);
  return admin;
}

function runSummary({ jobs, seconds }: RunResult): string {
  const lines = Object.entries(jobs).map(
    ([name, { records, delivered, filtered, deadLettered }]) =>
      `${name.padEnd(24)}${String(records).padStart(12)} records: ${delivered} delivered, ${filtered} filtered out, ${deadLettered} dead letters`,
  );
  return [...lines, `${seconds.toFixed(1)} s`].join('\n');
}

function verifySummary({ ok, jobs }: VerifyResult): string {
  const lines = Object.entries(jobs).map(([name, { objects, records, missing, overlapping, problems }]) =>
    [
      `${name.padEnd(24)}${objects} objects, ${records} records, ${missing} missing, ${overlapping} stored twice`,
      ...problems.map((problem) => `    ${problem}`),
    ].join('\n'),
  );
  return [...lines, ok ? 'complete' : 'NOT COMPLETE'].join('\n');
}

function eraseSummary({ ids, jobs, dryRun }: EraseResult): string {
  const lines = Object.entries(jobs).map(
    ([name, { objects, rewritten, removed, pseudonymised, pendingBlocks }]) =>
      `${name.padEnd(24)}${objects} objects read, ${rewritten} rewritten: ${removed} records removed, ${pseudonymised} trips pseudonymised` +
      (pendingBlocks > 0 ? `; ${pendingBlocks} blocks are being delivered: repeat the command later` : ''),
  );
  return [...lines, `${ids} riders and devices${dryRun ? '; dry run: no changes were made' : ''}`].join('\n');
}

function failure(reason: string): number {
  for (const line of reason.split('\n')) process.stderr.write(`router: ${line}\n`);
  return 1;
}

function reasonOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
