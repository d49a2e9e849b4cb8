import { parseOptions } from '@hailstream/service/command-line';
import type { Verifier, VerifyOptions } from '../verify/verifier.service.js';
import { isConsistent, type TopicVerification, type VerifyResult } from '../verify/verify-result.js';
import { ProgressDisplay } from './progress-display.js';
import { parseLogWindow, RANGE_OPTIONS } from './range-options.js';
import { formatTable } from './text-table.js';

export const VERIFY_USAGE = [
  'verify [--topic TOPIC] [--partition N] [--from earliest|OFFSET|TIME] [--to latest|OFFSET|TIME] [--json [--partitions]]',
  '    compares the records that the log has before the positions with rows and rejects, in one snapshot. Reads only.',
  '    Exit code: 0 they agree, 1 they differ or could not be compared, 2 invalid options',
];

interface VerifyArgs extends VerifyOptions {
  readonly isJson: boolean;
  /** Whether the JSON has the result of each partition. */
  readonly hasPartitions: boolean;
}

/** @throws UsageError */
export function parseVerifyArgs(args: readonly string[], topics: readonly string[]): VerifyArgs {
  const flags = { json: { type: 'boolean' }, partitions: { type: 'boolean' } } as const;
  const { partitions, ...values } = parseOptions(args, { ...RANGE_OPTIONS, ...flags });
  const { topic, ...window } = parseLogWindow(values, topics);
  return {
    topics: topic === undefined ? topics : [topic],
    ...window,
    isJson: values.json ?? false,
    hasPartitions: partitions ?? false,
  };
}

/** Runs `verify` and returns the exit code. */
export async function runVerify(
  verifier: Verifier,
  { isJson, hasPartitions, ...options }: VerifyArgs,
  signal: AbortSignal,
): Promise<number> {
  const result = await verifyWithProgress(verifier, options, signal);
  const json = (): string => JSON.stringify(hasPartitions ? result : withoutPartitions(result));
  process.stdout.write(`${isJson ? json() : report(result)}\n`);
  return result.ok ? 0 : 1;
}

function withoutPartitions({ topics, ...result }: VerifyResult): object {
  const short = Object.entries(topics).map(([topic, { partitions: _, ...counts }]) => [topic, counts]);
  return { ...result, topics: Object.fromEntries(short) as object };
}

async function verifyWithProgress(
  verifier: Verifier,
  options: VerifyOptions,
  signal: AbortSignal,
): Promise<VerifyResult> {
  using display = new ProgressDisplay(process.stderr, 'comparing');
  return await verifier.verify(options, signal, (progress) => display.show(progress));
}

/** Formats the result as text. */
function report({ ok, topics, seconds }: VerifyResult): string {
  const rows = Object.entries(topics).map(([topic, result]) => [
    topic,
    ...[
      result.log,
      result.rows,
      result.repeats,
      result.rejects,
      result.removed,
      result.missing,
      result.extra ?? '?',
    ].map(String),
  ]);
  const counts = ['records', 'rows', 'repeats', 'rejects', 'removed', 'missing', 'extra'];
  const lines = formatTable(['topic', ...counts], rows, ['left', ...counts.map(() => 'right' as const)]);
  for (const [topic, result] of Object.entries(topics)) lines.push(...details(topic, result));
  lines.push('', `${ok ? 'ok' : 'NOT OK'}: compared in ${seconds.toFixed(1)} s`);
  return lines.join('\n');
}

function details(topic: string, result: TopicVerification): string[] {
  const lines: string[] = [];
  const { findings, notes, firstMissing, firstExtra, missing, extra } = result;
  for (const finding of findings) lines.push(`  ${finding}`);
  if (missing > 0) lines.push(...byDay('missing', result));
  for (const { partition, offset, day, id } of firstMissing) {
    lines.push(`  missing: partition ${partition}, offset ${offset}, day ${day}, ${id ?? 'no readable id'}`);
  }
  if (missing > firstMissing.length) lines.push(`  … ${missing - firstMissing.length} more missing`);
  if ((extra ?? 0) > 0) lines.push(...byDay('extra', result));
  for (const { id, providerId, time, receivedAt } of firstExtra) {
    lines.push(
      `  extra: ${id} of provider ${providerId}, ${time}, received ${receivedAt ?? 'at an unknown time'}`,
    );
  }
  if ((extra ?? 0) > firstExtra.length) lines.push(`  … ${extra! - firstExtra.length} more extra`);
  if (!isConsistent(result)) for (const note of notes) lines.push(`  ${note}`);
  return lines.length === 0 ? [] : ['', topic, ...lines];
}

function byDay(name: 'missing' | 'extra', { days }: TopicVerification): string[] {
  const counts = Object.entries(days).flatMap(([day, each]) =>
    (each[name] ?? 0) > 0 ? [`${day}: ${each[name]}`] : [],
  );
  return [`  ${name} by event day: ${counts.join(', ')}`];
}
