import { parseOptions, UsageError } from '@hailstream/service/command-line';
import type { TripRebuilder } from '../trips/trip-rebuilder.service.js';

export const REBUILD_TRIPS_USAGE = [
  'rebuild-trips [--from TIME] [--to TIME] [--json]',
  '    rebuilds the trips that have events from TIME to TIME (ISO 8601, UTC; default: all) from the loaded events. Loads do',
  '    this for what they load: it is needed once for rows that were loaded before trips were rebuilt',
];

const OPTIONS = { from: { type: 'string' }, to: { type: 'string' }, json: { type: 'boolean' } } as const;
const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

interface RebuildTripsArgs {
  readonly period: { readonly fromMs?: number; readonly toMs?: number };
  readonly isJson: boolean;
}

/** @throws UsageError */
export function parseRebuildTripsArgs(args: readonly string[]): RebuildTripsArgs {
  const { from, to, json: isJson = false } = parseOptions(args, OPTIONS);
  const period = {
    ...(from !== undefined && { fromMs: timeOf('--from', from) }),
    ...(to !== undefined && { toMs: timeOf('--to', to) }),
  };
  if (period.fromMs !== undefined && period.toMs !== undefined && period.fromMs >= period.toMs) {
    throw new UsageError(`--to: expected a time after --from, got "${to}"`);
  }
  return { period, isJson };
}

/** Runs the command and writes its progress to standard error. */
export async function runRebuildTrips(
  rebuilder: TripRebuilder,
  { period, isJson }: RebuildTripsArgs,
  signal: AbortSignal,
): Promise<number> {
  const startedAt = performance.now();
  const progress = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  const counts = await rebuilder.rebuildPeriod(period, signal, {
    onMarked: (day, trips) => progress(`${day.toISOString().slice(0, 10)}: ${trips} trips`),
    onRebuilt: ({ rebuilt }) => progress(`${rebuilt} trips rebuilt`),
  });
  const seconds = Math.round(performance.now() - startedAt) / 1_000;
  const { rebuilt, changed } = counts;
  const outcome = signal.aborted ? 'stopped' : 'complete';
  process.stdout.write(
    isJson
      ? `${JSON.stringify({ outcome, ...counts, seconds })}\n`
      : `${rebuilt} trips rebuilt, ${changed} changed, in ${seconds.toFixed(1)} s\n`,
  );
  return signal.aborted ? 1 : 0;
}

function timeOf(option: string, text: string): number {
  const ms = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new UsageError(
    `${option}: expected a time such as 2026-11-22 or 2026-11-22T08:00:00Z, got "${text}"`,
  );
}
