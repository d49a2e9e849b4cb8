import { ConfigError } from '@hailstream/service/config';
import { createLogger } from '@hailstream/service/logging';
import { pino } from 'pino';
import { loadConfig } from '../config.js';
import type { LoadResult } from '../load/load-result.js';
import { LoadRunner } from '../load/load-runner.js';
import { parsePositionsArgs, POSITIONS_USAGE, runPositions } from './positions-command.js';
import { ProgressDisplay } from './progress-display.js';
import { parseRetryRejectsArgs, retryReport, RETRY_REJECTS_USAGE } from './retry-rejects-command.js';
import { UsageError } from './usage.errors.js';

const USAGE = [
  'usage: npm run batch -- COMMAND (node main.js COMMAND in a container)',
  'run [--json]',
  '    one load of what the log holds now. Exit code 0: complete, 1: failed, 2: loaded, but the log had deleted records',
  '    before they were loaded',
  'migrate',
  '    brings the schema up to date and loads nothing',
  ...POSITIONS_USAGE,
  ...RETRY_REJECTS_USAGE,
].join('\n');

/** Exit code of a load that is done although the log had deleted records before they were loaded. */
const INCOMPLETE = 2;

/** Runs one command and returns the exit code. */
export async function runOneShot(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  try {
    const command = parseCommand(args);
    if (command === undefined) {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    const config = loadConfig();
    // Failures only: standard output has the result, and standard error the progress.
    const level = config.logLevel === 'info' ? 'warn' : config.logLevel;
    const logger = createLogger({ name: 'batch', level }, pino.destination({ dest: 2, sync: true }));
    await using loads = new LoadRunner(config.load, logger);
    return await command(loads, stop.signal);
  } catch (error) {
    return failure(error instanceof UsageError ? `${error.message}\n${USAGE}` : reasonOf(error));
  }
}

type Command = (loads: LoadRunner, signal: AbortSignal) => Promise<number>;

/** `undefined` if help is asked for. */
function parseCommand(args: readonly string[]): Command | undefined {
  const [command = '', ...options] = args;
  if (command === 'help' || args.includes('--help')) return undefined;
  switch (command) {
    case 'run':
      if (options.some((option) => option !== '--json')) break;
      return (loads, signal) => runLoad(loads, signal, { isJson: options.length > 0 });
    case 'migrate':
      if (options.length > 0) break;
      return migrate;
    case 'retry-rejects': {
      const parsed = parseRetryRejectsArgs(options);
      return async (loads, signal) => {
        process.stdout.write(`${retryReport(await loads.retryRejects(parsed.options, signal), parsed)}\n`);
        return 0;
      };
    }
    case 'positions': {
      const parsed = parsePositionsArgs(options);
      return async (loads) => {
        await loads.prepare();
        return runPositions(loads.positionTools, parsed);
      };
    }
  }
  throw new UsageError(`unknown command or option: ${args.join(' ')}`);
}

async function migrate(loads: LoadRunner): Promise<number> {
  const applied = await loads.prepare();
  process.stdout.write(`${applied.map((name) => `applied ${name}\n`).join('')}the schema is up to date\n`);
  return 0;
}

async function runLoad(
  loads: LoadRunner,
  signal: AbortSignal,
  { isJson }: { readonly isJson: boolean },
): Promise<number> {
  try {
    const result = await loadShown(loads, signal);
    process.stdout.write(`${isJson ? JSON.stringify(result) : summary(result)}\n`);
    return result.outcome === 'complete' ? 0 : INCOMPLETE;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null;
    const failed = { outcome: 'failed', code, reason: reasonOf(error) };
    if (isJson) process.stdout.write(`${JSON.stringify(failed)}\n`);
    throw error;
  }
}

async function loadShown(loads: LoadRunner, signal: AbortSignal): Promise<LoadResult> {
  using display = new ProgressDisplay(process.stderr);
  return await loads.load(signal, { onProgress: (progress) => display.show(progress) });
}

function summary({ topics, rows, rejects, duplicates, lost, seconds }: LoadResult): string {
  const lines = Object.entries(topics).map(
    ([topic, result]) => `${topic.padEnd(24)}${String(result.rows).padStart(12)} rows`,
  );
  lines.push(`${rows} rows in ${seconds.toFixed(1)} s`);
  if (duplicates > 0) lines.push(`${duplicates} records had been loaded before (duplicates)`);
  if (rejects > 0) lines.push(`${rejects} records could not be loaded: ride.rejects says why`);
  if (lost > 0)
    lines.push(`${lost} records were LOST: the log had deleted them before they were loaded (ride.log_gaps)`);
  return lines.join('\n');
}

function failure(reason: string): number {
  for (const line of reason.split('\n')) process.stderr.write(`batch: ${line}\n`);
  return 1;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ConfigError) return error.message;
  // node-postgres tries every address of a host, and says what each one answered.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('\n');
  return error.message;
}
