import { parseOptions, UsageError } from '@hailstream/service/command-line';
import type { Backfiller, BackfillOptions, BackfillResult } from '../backfill/backfiller.service.js';
import { ProgressDisplay } from './progress-display.js';
import { parseLogWindow, RANGE_OPTIONS } from './range-options.js';

export const BACKFILL_USAGE = [
  'backfill --topic TOPIC --from earliest|OFFSET|TIME --to latest|OFFSET|TIME [--partition N] [--dry-run] [--json]',
  '    loads the records of a range that are neither rows nor rejects, up to the positions, which do not move. It can be',
  '    repeated. TIME is when the record was received; --to is exclusive. --dry-run counts what would be loaded.',
  '    Exit code: 0 complete, 1 failed, 2 invalid options',
];

interface BackfillArgs extends BackfillOptions {
  readonly isJson: boolean;
}

/** @throws UsageError */
export function parseBackfillArgs(args: readonly string[], topics: readonly string[]): BackfillArgs {
  const values = parseOptions(args, {
    ...RANGE_OPTIONS,
    'dry-run': { type: 'boolean' },
    json: { type: 'boolean' },
  });
  for (const name of ['topic', 'from', 'to'] as const) {
    if (values[name] === undefined) throw new UsageError(`backfill: expected --${name}`);
  }
  const { topic, ...window } = parseLogWindow(values, topics);
  const { 'dry-run': isDryRun = false, json: isJson = false } = values;
  return { topic: topic!, ...window, isDryRun, isJson };
}

/** Runs `backfill` and returns the exit code. */
export async function runBackfill(
  backfiller: Backfiller,
  { isJson, ...options }: BackfillArgs,
  signal: AbortSignal,
): Promise<number> {
  const result = await backfillWithProgress(backfiller, options, signal);
  process.stdout.write(`${isJson ? JSON.stringify({ ok: true, ...result }) : report(result)}\n`);
  return 0;
}

async function backfillWithProgress(
  backfiller: Backfiller,
  options: BackfillOptions,
  signal: AbortSignal,
): Promise<BackfillResult> {
  using display = new ProgressDisplay(process.stderr, options.isDryRun ? 'reading' : 'loading');
  return await backfiller.backfill(options, signal, (progress) => display.show(progress));
}

function report({
  topic,
  partitions,
  read,
  rows,
  duplicates,
  rejects,
  expired,
  erased,
  dryRun,
  seconds,
}: BackfillResult): string {
  const lines = Object.entries(partitions).map(
    ([partition, { from, to }]) => `${topic}/${partition}: offsets ${from} to ${to - 1}`,
  );
  lines.push(
    `${read} records in ${seconds.toFixed(1)} s: ${rows} rows ${dryRun ? 'are missing' : 'loaded'}, ` +
      `${duplicates} have a row, ${rejects} are rejects, ${expired} are expired, ${erased} are erased`,
  );
  if (dryRun) lines.push('dry run: no changes were made');
  return lines.join('\n');
}
