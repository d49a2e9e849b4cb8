import { ConfigError, createLogger } from '@hailstream/nest';
import { pino } from 'pino';
import { loadConfig } from '../config.js';
import type { LoadResult } from '../load/load-run.js';
import { Loads } from '../load/loads.js';
import { ProgressDisplay } from './progress-display.js';

const USAGE = 'usage: main.js run [--json] | migrate';

/**
 * `run` loads once what the log holds now, `migrate` brings the schema up to date and loads nothing. Says what came of
 * it. Returns the exit code.
 */
export async function runOneShot(args: readonly string[]): Promise<number> {
  const [command, ...options] = args;
  const isMigration = command === 'migrate' && options.length === 0;
  const isRun = command === 'run' && options.every((option) => option === '--json');
  if (!isMigration && !isRun) return failure(USAGE);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  try {
    const config = loadConfig();
    // Trouble only: standard output has the result, and standard error the progress.
    const level = config.logLevel === 'info' ? 'warn' : config.logLevel;
    const logger = createLogger({ name: 'batch', level }, pino.destination({ dest: 2, sync: true }));
    await using loads = new Loads(config.load, logger);
    if (isMigration) {
      const applied = await loads.prepare();
      process.stdout.write(
        `${applied.map((name) => `applied ${name}\n`).join('')}the schema is up to date\n`,
      );
      return 0;
    }
    const result = await loadShown(loads, stop.signal);
    process.stdout.write(`${options.includes('--json') ? JSON.stringify(result) : summary(result)}\n`);
    return 0;
  } catch (error) {
    return failure(reasonOf(error));
  }
}

async function loadShown(loads: Loads, signal: AbortSignal): Promise<LoadResult> {
  using display = new ProgressDisplay(process.stderr);
  return await loads.load(signal, (progress) => display.show(progress));
}

function summary({ topics, rows, rejects, seconds }: LoadResult): string {
  const lines = Object.entries(topics).map(
    ([topic, result]) => `${topic.padEnd(24)}${String(result.rows).padStart(12)} rows`,
  );
  lines.push(`${rows} rows in ${seconds.toFixed(1)} s`);
  if (rejects > 0) lines.push(`${rejects} records could not be loaded: ride.rejects says why`);
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
