import { parseOptions } from '@hailstream/service/command-line';
import type { RetentionResult, RetentionRunner } from '../retention/apply/retention-runner.service.js';

export const RETENTION_USAGE = [
  'retention [--dry-run] [--json]',
  '    removes the rows that are older than BATCH_RETENTION, as the service does after each load. Unlike the service, it',
  '    reads all rows before the cutoffs again. Exit code 2 if a partition is in use and could not be dropped',
];

/** Exit code if partitions remain to be dropped. */
const POSTPONED = 2;

const OPTIONS = { 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } } as const;

interface RetentionArgs {
  readonly isDryRun: boolean;
  readonly isJson: boolean;
}

/** @throws UsageError */
export function parseRetentionArgs(args: readonly string[]): RetentionArgs {
  const { 'dry-run': isDryRun = false, json: isJson = false } = parseOptions(args, OPTIONS);
  return { isDryRun, isJson };
}

/** Runs `retention` and returns the exit code. */
export async function runRetention(
  runner: RetentionRunner,
  { isDryRun, isJson }: RetentionArgs,
  signal: AbortSignal,
): Promise<number> {
  const result = await runner.run({
    isDryRun,
    isComplete: true,
    signal,
    onProgress: (each) => {
      const text =
        'bytes' in each
          ? `${isDryRun ? 'would drop' : 'dropped'} ${each.partition}: ${each.rows} rows, ${each.bytes} bytes`
          : `${isDryRun ? 'would delete' : 'deleted'} ${each.rows} rows of ${each.table}`;
      process.stderr.write(`${text}\n`);
    },
  });
  process.stdout.write(`${isJson ? JSON.stringify(result) : report(result)}\n`);
  if (signal.aborted) throw new Error('stopped: run the command again to continue');
  return result.postponed > 0 ? POSTPONED : 0;
}

function report({ tables, partitions, rows, bytes, seconds, dryRun }: RetentionResult): string {
  const lines = Object.entries(tables).flatMap(([table, { cutoffs, postponed }]) => [
    ...Object.entries(cutoffs).map(
      ([provider, cutoff]) =>
        `${table}${provider === 'other' ? '' : `/${provider}`}: keeps ${cutoff === null ? 'all days' : `days from ${cutoff.slice(0, 10)}`}`,
    ),
    ...postponed.map(({ partition, reason }) => `${partition} could not be dropped, run again: ${reason}`),
  ]);
  if (lines.length === 0) lines.push('BATCH_RETENTION is not set: all rows are kept');
  lines.push(`${partitions} partitions with ${bytes} bytes, ${rows} rows in all, in ${seconds.toFixed(1)} s`);
  if (dryRun) lines.push('dry run: no changes were made');
  return lines.join('\n');
}
