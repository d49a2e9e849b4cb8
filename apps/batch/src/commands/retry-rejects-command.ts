import { parseOptions, UsageError } from '@hailstream/service/command-line';
import {
  addCounts,
  NOTHING_RETRIED,
  type RetryCounts,
  type RetryFilter,
} from '../rejects/retry-rejects.postgres.js';

export const RETRY_REJECTS_USAGE = [
  'retry-rejects [--topic TOPIC] [--reason TEXT] [--dry-run] [--json]',
  '    loads the records of ride.rejects again, optionally only those of a topic or with a reason that contains TEXT.',
  '    Records that are loaded are removed from ride.rejects; the others remain with the new reason',
];

const OPTIONS = {
  topic: { type: 'string' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

interface RetryRejectsArgs {
  readonly filter: RetryFilter;
  readonly isJson: boolean;
}

/** @throws UsageError */
export function parseRetryRejectsArgs(args: readonly string[], topics: readonly string[]): RetryRejectsArgs {
  const values = parseOptions(args, OPTIONS);
  const { topic, reason, 'dry-run': isDryRun = false, json: isJson = false } = values;
  if (topic !== undefined && !topics.includes(topic)) {
    throw new UsageError(`--topic: expected one of ${topics.join(', ')}, got "${topic}"`);
  }
  if (reason === '') throw new UsageError('--reason: expected a non-empty text');
  return {
    filter: { ...(topic !== undefined && { topic }), ...(reason !== undefined && { reason }), isDryRun },
    isJson,
  };
}

/** Formats the output of `retry-rejects`: with `--json`, one line of JSON. */
export function retryReport(
  counts: ReadonlyMap<string, RetryCounts>,
  { filter: { isDryRun }, isJson }: RetryRejectsArgs,
): string {
  const total = [...counts.values()].reduce(addCounts, NOTHING_RETRIED);
  if (isJson) return JSON.stringify({ topics: Object.fromEntries(counts), ...total, dryRun: isDryRun });
  const lines = [...counts].map(([topic, each]) => `${topic.padEnd(24)}${describe(each)}`);
  lines.push(`${'all'.padEnd(24)}${describe(total)}`);
  if (isDryRun) lines.push('dry run: no changes were made');
  return lines.join('\n');
}

function describe({ retried, rows, duplicates, expired, erased, rejects }: RetryCounts): string {
  const old = expired > 0 ? `${expired} expired, ` : '';
  const removed = erased > 0 ? `${erased} erased, ` : '';
  return `${retried} retried: ${rows} rows, ${duplicates} duplicates, ${old}${removed}${rejects} rejected again`;
}
