import { deadLetterTopic, erasureTopic } from '@hailstream/events';
import { CommandHelp, UsageError } from '@hailstream/service/command-line';
import { ConfigError } from '@hailstream/service/config';
import { createLogger } from '@hailstream/service/logging';
import { pino } from 'pino';
import { Backfiller } from '../backfill/backfiller.service.js';
import { loadConfig } from '../config.js';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { grantReader } from '../database/reader-role.postgres.js';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
import { Eraser } from '../erasure/eraser.service.js';
import type { LoadResult } from '../load/load-result.js';
import { LoadRunner } from '../load/load-runner.service.js';
import { PositionTools } from '../positions/position-tools.js';
import { RejectRetrier } from '../rejects/reject-retrier.service.js';
import { RetentionRunner } from '../retention/apply/retention-runner.service.js';
import { tablesByTopic } from '../rows/tables.js';
import { TripRebuilder } from '../trips/trip-rebuilder.service.js';
import { Verifier } from '../verify/verifier.service.js';
import { BACKUP_USAGE, parseBackupArgs, parseRestoreArgs, runBackup, runRestore } from './backup-command.js';
import { BACKFILL_USAGE, parseBackfillArgs, runBackfill } from './backfill-command.js';
import { CommandModule, createCommandContext, type CommandContext } from './command.module.js';
import { EXPORT_USAGE, parseExportArgs, runExport } from './export-command.js';
import { ERASE_USAGE, parseEraseArgs, runErase } from './erase-command.js';
import { parseZonesArgs, runZones, ZONES_USAGE } from './zones-command.js';
import { parsePositionsArgs, POSITIONS_USAGE, runPositions } from './positions-command.js';
import { ProgressDisplay } from './progress-display.js';
import { parseRebuildTripsArgs, REBUILD_TRIPS_USAGE, runRebuildTrips } from './rebuild-trips-command.js';
import { parseVerifyArgs, runVerify, VERIFY_USAGE } from './verify-command.js';
import { parseReportArgs, REPORT_USAGE, runReport } from './report-command.js';
import { parseRetentionArgs, RETENTION_USAGE, runRetention } from './retention-command.js';
import { parseRetryRejectsArgs, retryReport, RETRY_REJECTS_USAGE } from './retry-rejects-command.js';

const USAGE = [
  'usage: npm run batch -- COMMAND (in a container: node main.js COMMAND)',
  'Exit code of every command: 0 done, 1 failed, 2 unknown command or invalid option',
  'run [--json]',
  '    loads all records that the log has now. Exit code: 0 complete, 1 failed, 2 incomplete: the log had deleted',
  '    records before they were loaded',
  'migrate',
  '    brings the schema up to date',
  ...REBUILD_TRIPS_USAGE,
  'grant-reader ROLE',
  '    grants an existing role SELECT on all tables and views, also on those that are created later',
  ...POSITIONS_USAGE,
  ...RETRY_REJECTS_USAGE,
  ...EXPORT_USAGE,
  ...REPORT_USAGE,
  ...VERIFY_USAGE,
  ...BACKFILL_USAGE,
  ...BACKUP_USAGE,
  ...RETENTION_USAGE,
  ...ERASE_USAGE,
  ...ZONES_USAGE,
].join('\n');

const help = new CommandHelp({ usage: USAGE, program: 'npm run batch --' });

/** Exit code of a load before which the log had deleted records that were not loaded. */
const INCOMPLETE = 2;
/** Exit code of an unknown command or an invalid option. */
const INVALID_USAGE = 2;

/** Runs one command and returns the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  try {
    if (args[0] === 'help' || args.includes('--help')) {
      process.stdout.write(`${help.requested(args)}\n`);
      return 0;
    }
    const command = parseCommand(args, [...tablesByTopic.keys()]);
    const config = loadConfig();
    // Results are written to standard output and progress to standard error: only problems are logged.
    const level = config.logLevel === 'info' ? 'warn' : config.logLevel;
    const logger = createLogger({ name: 'batch', level }, pino.destination({ dest: 2, sync: true }));
    const app = await createCommandContext(CommandModule.forRoot(config.load, logger));
    try {
      return await command(app, stop.signal);
    } finally {
      await app.close();
    }
  } catch (error) {
    if (!(error instanceof UsageError)) return failure(reasonOf(error));
    failure(error.message);
    process.stderr.write(`${help.afterError(args[0])}\n`);
    return INVALID_USAGE;
  }
}

type Command = (app: CommandContext, signal: AbortSignal) => Promise<number>;

/** Returns `undefined` if an option is not known. */
type ParseCommand = (options: readonly string[], topics: readonly string[]) => Command | undefined;

const commands: ReadonlyMap<string, ParseCommand> = new Map<string, ParseCommand>([
  [
    'run',
    (options) => {
      if (options.some((option) => option !== '--json')) return undefined;
      return (app, signal) => runLoad(app.get(LoadRunner), signal, { isJson: options.length > 0 });
    },
  ],
  ['migrate', (options) => (options.length > 0 ? undefined : migrate)],
  [
    'rebuild-trips',
    (options) => {
      const parsed = parseRebuildTripsArgs(options);
      return (app, signal) => runRebuildTrips(app.get(TripRebuilder), parsed, signal);
    },
  ],
  [
    'grant-reader',
    ([role, ...others]) => {
      if (role === undefined || role.startsWith('-') || others.length > 0) return undefined;
      return migrated(async (app) => {
        await grantReader(app.get<Pool>(POOL), role);
        process.stdout.write(`role ${role} can read the schemas ride and analysis\n`);
        return 0;
      });
    },
  ],
  [
    'retry-rejects',
    (options, topics) => {
      const parsed = parseRetryRejectsArgs(options, topics);
      return async (app, signal) => {
        const counts = await app.get(RejectRetrier).retry(parsed.filter, signal);
        process.stdout.write(`${retryReport(counts, parsed)}\n`);
        return 0;
      };
    },
  ],
  [
    'report',
    (options) => {
      const parsed = parseReportArgs(options);
      return (app) => runReport(app, parsed);
    },
  ],
  [
    'export',
    (options) => {
      const parsed = parseExportArgs(options);
      return (app, signal) => runExport(app, parsed, signal);
    },
  ],
  [
    'verify',
    (options, topics) => {
      const parsed = parseVerifyArgs(options, topics);
      return (app, signal) => reportingFailure(parsed, () => runVerify(app.get(Verifier), parsed, signal));
    },
  ],
  [
    'backfill',
    (options, topics) => {
      const parsed = parseBackfillArgs(options, topics);
      return (app, signal) =>
        reportingFailure(parsed, () => runBackfill(app.get(Backfiller), parsed, signal));
    },
  ],
  [
    'backup',
    (options) => {
      const parsed = parseBackupArgs(options);
      return migrated((app, signal) => runBackup(app, parsed, signal));
    },
  ],
  [
    'restore',
    (options) => {
      const parsed = parseRestoreArgs(options);
      return (app, signal) => runRestore(app, parsed, signal);
    },
  ],
  [
    'zones',
    (options) => {
      const parsed = parseZonesArgs(options);
      return (app) => runZones(app, parsed);
    },
  ],
  [
    'retention',
    (options) => {
      const parsed = parseRetentionArgs(options);
      return migrated((app, signal) => runRetention(app.get(RetentionRunner), parsed, signal));
    },
  ],
  [
    'erase',
    (options) => {
      const parsed = parseEraseArgs(options);
      return migrated((app, signal) => runErase(app.get(Eraser), parsed, signal));
    },
  ],
  [
    'positions',
    (options, topics) => {
      const parsed = parsePositionsArgs(options, [...topics, erasureTopic.name, deadLetterTopic.name]);
      return migrated((app) => runPositions(app.get(PositionTools), parsed));
    },
  ],
]);

function parseCommand([name = '', ...options]: readonly string[], topics: readonly string[]): Command {
  const parse = commands.get(name);
  if (parse === undefined) throw new UsageError(`unknown command: ${name}`);
  const command = parse(options, topics);
  if (command === undefined) throw new UsageError(`invalid options: ${options.join(' ') || 'none'}`);
  return command;
}

/** The command, after the schema was brought up to date. */
function migrated(command: Command): Command {
  return async (app, signal) => {
    await app.get(SchemaMigrator).migrate();
    return command(app, signal);
  };
}

async function migrate(app: CommandContext): Promise<number> {
  const applied = await app.get(SchemaMigrator).migrate();
  process.stdout.write(`${applied.map((name) => `applied ${name}\n`).join('')}the schema is up to date\n`);
  return 0;
}

/** With `--json`, a failure is also the last line of the output. */
async function reportingFailure(
  { isJson }: { readonly isJson: boolean },
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null;
    if (isJson) process.stdout.write(`${JSON.stringify({ ok: false, code, reason: reasonOf(error) })}\n`);
    throw error;
  }
}

async function runLoad(
  runner: LoadRunner,
  signal: AbortSignal,
  { isJson }: { readonly isJson: boolean },
): Promise<number> {
  try {
    const result = await loadWithProgress(runner, signal);
    process.stdout.write(`${isJson ? JSON.stringify(result) : summary(result)}\n`);
    return result.outcome === 'complete' ? 0 : INCOMPLETE;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null;
    const failed = { outcome: 'failed', code, reason: reasonOf(error) };
    if (isJson) process.stdout.write(`${JSON.stringify(failed)}\n`);
    throw error;
  }
}

async function loadWithProgress(runner: LoadRunner, signal: AbortSignal): Promise<LoadResult> {
  using display = new ProgressDisplay(process.stderr);
  return await runner.load(signal, {
    onProgress: (progress) => display.show(progress),
    onTripsRebuilt: ({ rebuilt }) => display.showRebuilt(rebuilt),
  });
}

function summary({
  topics,
  rows,
  rejects,
  duplicates,
  expired,
  erased,
  lost,
  seconds,
  rebuiltTrips,
}: LoadResult): string {
  const lines = Object.entries(topics).map(
    ([topic, result]) => `${topic.padEnd(24)}${String(result.rows).padStart(12)} rows`,
  );
  lines.push(`${rows} rows in ${seconds.toFixed(1)} s`);
  if (rebuiltTrips === undefined) lines.push('trips could not be rebuilt: the next load rebuilds them');
  else if (rebuiltTrips.changed > 0) lines.push(`${rebuiltTrips.changed} rebuilt trips changed`);
  if (duplicates > 0) lines.push(`${duplicates} duplicates: events that had been loaded before`);
  if (expired > 0) lines.push(`${expired} expired events: older than BATCH_RETENTION, not loaded`);
  if (erased > 0) lines.push(`${erased} events of erased riders or devices, not loaded`);
  if (rejects > 0) lines.push(`${rejects} rejects: see ride.rejects for the reasons`);
  if (lost > 0)
    lines.push(`${lost} records LOST: deleted by the log before they were loaded, see ride.log_gaps`);
  return lines.join('\n');
}

function failure(reason: string): number {
  for (const line of reason.split('\n')) process.stderr.write(`batch: ${line}\n`);
  return 1;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ConfigError) return error.message;
  // node-postgres tries every address of a host, and reports an error for each.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('\n');
  return error.message;
}
