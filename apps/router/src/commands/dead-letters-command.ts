import { createRangeReader, type Admin, type DeadLetterFilter, type LogConnection } from '@hailstream/log';
import { parsePositionals, UsageError } from '@hailstream/service/command-line';
import type { Logger } from '@hailstream/service/logging';
import { deadLetterList, findDeadLetter, listReport, showReport } from '../dead-letters/list.js';
import { openDeadLetterIndex } from '../dead-letters/open-index.js';
import { redriveDeadLetters, type RedriveSelection } from '../dead-letters/redrive.js';
import { RedriveProgress, redriveReport } from '../dead-letters/redrive-report.js';

export const DEAD_LETTERS_USAGE = `dead-letters list [FILTER] [--all] [--limit N] [--json]
    the dead letters that are not redriven yet (--all: also the others), by consumer group, topic and reason, and the
    N latest of them (default 20)
dead-letters show ID [--json]
    one dead letter with its record
dead-letters redrive ID...|FILTER|--all [--dry-run] [--json]
    appends the records to their topics again, for the consumer group that could not handle them. Exit code: 0 all of them
    are redriven, 1 some are not
    FILTER: [--group GROUP] [--topic TOPIC] [--reason TEXT] [--since TIME] [--until TIME]
    TIME: ISO 8601, or how long ago: 30m, 12h, 7d`;

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100_000;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const FILTER_OPTIONS = {
  group: { type: 'string' },
  topic: { type: 'string' },
  reason: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
} as const;

interface Context {
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

type DeadLettersCommand = (context: Context) => Promise<number>;

/** @throws UsageError */
export function parseDeadLetters(
  [action = '', ...args]: readonly string[],
  nowMs: number,
): DeadLettersCommand {
  switch (action) {
    case 'list':
      return parseList(args, nowMs);
    case 'show':
      return parseShow(args);
    case 'redrive':
      return parseRedrive(args, nowMs);
  }
  throw new UsageError(`dead-letters: expected list, show or redrive, got "${action}"`);
}

function parseList(args: readonly string[], nowMs: number): DeadLettersCommand {
  const options = {
    ...FILTER_OPTIONS,
    all: { type: 'boolean' },
    limit: { type: 'string' },
    json: { type: 'boolean' },
  } as const;
  const { values, positionals } = parsePositionals(args, options);
  if (positionals.length > 0) throw new UsageError(`list: unexpected argument "${positionals[0]}"`);
  const { all: includesRedriven = false, json: isJson = false } = values;
  const filter = { ...toFilter(values, nowMs), includesRedriven };
  const limit = toLimit(values.limit);
  return async (context) => {
    await using reader = createRangeReader(context);
    const index = openDeadLetterIndex({ ...context, reader });
    await index.update(context.signal);
    const list = deadLetterList(index, { filter, limit });
    print(isJson ? JSON.stringify(list) : listReport(list));
    return 0;
  };
}

function parseShow(args: readonly string[]): DeadLettersCommand {
  const { values, positionals } = parsePositionals(args, { json: { type: 'boolean' } } as const);
  const [id, ...others] = positionals;
  if (id === undefined || others.length > 0) throw new UsageError('show: expected one ID');
  return async (context) => {
    await using reader = createRangeReader(context);
    const index = openDeadLetterIndex({ ...context, reader });
    await index.update(context.signal);
    const letter = await findDeadLetter(index, id);
    print(values.json ? JSON.stringify(letter) : showReport(letter));
    return 0;
  };
}

function parseRedrive(args: readonly string[], nowMs: number): DeadLettersCommand {
  const options = {
    ...FILTER_OPTIONS,
    all: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    json: { type: 'boolean' },
  } as const;
  const { values, positionals } = parsePositionals(args, options);
  const { all: isAll = false, 'dry-run': isDryRun = false, json: isJson = false } = values;
  const selection = toSelection(positionals, toFilter(values, nowMs), isAll);
  return async (context) => {
    const progress = new RedriveProgress(process.stderr);
    const result = await redriveDeadLetters({
      ...context,
      selection,
      isDryRun,
      onProgress: (moved) => progress.show(moved),
    });
    print(isJson ? JSON.stringify(result) : redriveReport(result));
    const isRefused = selection.kind === 'ids' && result.refused.length > 0;
    return result.outcome === 'complete' && !isRefused ? 0 : 1;
  };
}

function toSelection(ids: readonly string[], filter: DeadLetterFilter, isAll: boolean): RedriveSelection {
  const hasFilter = Object.keys(filter).length > 0;
  if ([ids.length > 0, hasFilter, isAll].filter(Boolean).length !== 1) {
    throw new UsageError('redrive: expected one of: IDs, a filter, --all');
  }
  return ids.length > 0 ? { kind: 'ids', ids } : { kind: 'filter', filter };
}

function toFilter(
  values: { readonly [option in keyof typeof FILTER_OPTIONS]?: string | undefined },
  nowMs: number,
): DeadLetterFilter {
  const { group: groupId, topic, reason, since, until } = values;
  for (const [option, value] of Object.entries({ group: groupId, topic, reason })) {
    if (value === '') throw new UsageError(`--${option}: expected a non-empty text`);
  }
  return {
    ...(groupId !== undefined && { groupId }),
    ...(topic !== undefined && { topic }),
    ...(reason !== undefined && { reason }),
    ...(since !== undefined && { sinceMs: toTime('since', since, nowMs) }),
    ...(until !== undefined && { untilMs: toTime('until', until, nowMs) }),
  };
}

function toTime(option: string, text: string, nowMs: number): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  const timeMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return timeMs;
  throw new UsageError(`--${option}: expected a time such as 2026-03-01T08:00:00Z, or 12h, got "${text}"`);
}

function toLimit(text: string | undefined): number {
  const limit = text === undefined ? DEFAULT_LIMIT : Number(text);
  if (Number.isInteger(limit) && limit >= 0 && limit <= MAX_LIMIT) return limit;
  throw new UsageError(`--limit: expected an integer from 0 to ${MAX_LIMIT}, got "${text}"`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
