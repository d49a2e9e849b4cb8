import { UsageError } from '@hailstream/service/command-line';
import { parseResetTarget, RESET_TARGET_EXPECTED, type ResetTarget } from '../positions/reset-target.js';
import { parseMoment } from './shared-options.js';

/** A day, which starts at midnight UTC. */
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Options that select a part of the log. */
export const RANGE_OPTIONS = {
  topic: { type: 'string' },
  partition: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
} as const;

interface RangeValues {
  readonly topic?: string | undefined;
  readonly partition?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

interface LogWindow {
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  readonly from: ResetTarget;
  readonly to: ResetTarget;
}

/** @throws UsageError */
export function parseLogWindow(
  { topic, partition, from = 'earliest', to = 'latest' }: RangeValues,
  topics: readonly string[],
): LogWindow {
  if (topic !== undefined && !topics.includes(topic)) {
    throw new UsageError(`--topic: expected one of ${topics.join(', ')}, got "${topic}"`);
  }
  if (partition !== undefined && !/^\d{1,9}$/.test(partition)) {
    throw new UsageError(`--partition: expected a number, got "${partition}"`);
  }
  const window = {
    topic,
    partition: partition === undefined ? undefined : Number(partition),
    from: parseBound('--from', from),
    to: parseBound('--to', to),
  };
  const isByOffset = [window.from, window.to].some(({ kind }) => kind === 'offset');
  if (topic === undefined && (isByOffset || partition !== undefined)) {
    throw new UsageError('--topic: expected with --partition and with offsets');
  }
  if (isReversed(window.from, window.to)) {
    throw new UsageError(`--to: expected a bound after --from (${from}), got "${to}"`);
  }
  return window;
}

function parseBound(option: string, text: string): ResetTarget {
  if (DATE.test(text)) return { kind: 'time', timestampMs: parseMoment(option, text) };
  const bound = parseResetTarget(text);
  if (bound !== undefined) return bound;
  throw new UsageError(`${option}: expected ${RESET_TARGET_EXPECTED}, got "${text}"`);
}

function isReversed(from: ResetTarget, to: ResetTarget): boolean {
  if (from.kind === 'latest' || to.kind === 'earliest') return true;
  if (from.kind === 'offset' && to.kind === 'offset') return from.offset >= to.offset;
  return from.kind === 'time' && to.kind === 'time' && from.timestampMs >= to.timestampMs;
}
