import { parseArgs } from 'node:util';
import {
  addCounts,
  NOTHING_RETRIED,
  type RetryCounts,
  type RetryOptions,
} from '../rejects/retry-rejects.postgres.js';
import { tablesByTopic } from '../rows/tables.js';
import { UsageError } from './usage.errors.js';

export const RETRY_REJECTS_USAGE = [
  'retry-rejects [--topic TOPIC] [--reason TEXT] [--dry-run] [--json]',
  '    loads the records of ride.rejects again (of a topic, with a reason that contains a text), and removes those that',
  '    are loaded; the others stay, with their reason of now',
];

const OPTIONS = {
  topic: { type: 'string' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

export interface RetryRejectsArgs {
  readonly options: Omit<RetryOptions, 'maxAgeDays'>;
  readonly isJson: boolean;
}

/** @throws UsageError */
export function parseRetryRejectsArgs(args: readonly string[]): RetryRejectsArgs {
  const { topic, reason, 'dry-run': isDryRun = false, json: isJson = false } = parseOptions(args);
  if (topic !== undefined && !tablesByTopic.has(topic)) {
    const names = [...tablesByTopic.keys()].join(', ');
    throw new UsageError(`--topic: expected one of ${names}, got "${topic}"`);
  }
  if (reason === '') throw new UsageError('--reason: expected a text');
  return {
    options: { ...(topic !== undefined && { topic }), ...(reason !== undefined && { reason }), isDryRun },
    isJson,
  };
}

/** What `retry-rejects` prints: with `--json` one line of JSON. */
export function retryReport(
  counts: ReadonlyMap<string, RetryCounts>,
  { options: { isDryRun }, isJson }: RetryRejectsArgs,
): string {
  const total = [...counts.values()].reduce(addCounts, NOTHING_RETRIED);
  if (isJson) return JSON.stringify({ topics: Object.fromEntries(counts), ...total, dryRun: isDryRun });
  const lines = [...counts].map(([topic, each]) => `${topic.padEnd(24)}${describe(each)}`);
  lines.push(`${'all'.padEnd(24)}${describe(total)}`);
  if (isDryRun) lines.push('dry run: nothing was changed');
  return lines.join('\n');
}

function describe({ retried, rows, duplicates, rejects }: RetryCounts): string {
  return `${retried} retried: ${rows} rows, ${duplicates} duplicates, ${rejects} rejected again`;
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(`retry-rejects: ${(error as Error).message}`);
  }
}
