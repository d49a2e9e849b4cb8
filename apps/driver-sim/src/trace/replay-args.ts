import { parseArgs } from 'node:util';
import { UsageError } from '@hailstream/service/command-line';
import { firstSentence } from '../config.js';

const USAGE = 'usage: replay FILE [--speed N|max] [--end-at ISO] [--json]';

export interface ReplayArgs {
  readonly path: string;
  /** Factor of the trace's own pace. */
  readonly speed: number | 'max';
  /** End of the trace with `max`; `undefined`: the last full hour. */
  readonly endMs: number | undefined;
  readonly json: boolean;
}

/** @throws UsageError */
export function parseReplayArgs(args: readonly string[]): ReplayArgs {
  const { values, positionals } = parse(args);
  const [path, ...others] = positionals;
  if (path === undefined || others.length > 0) throw new UsageError(`expected one trace; ${USAGE}`);
  const speed = speedOf(values.speed ?? 'max');
  const endAt = values['end-at'];
  if (endAt !== undefined && speed !== 'max') {
    throw new UsageError(`--end-at requires --speed max; ${USAGE}`);
  }
  return {
    path,
    speed,
    endMs: endAt === undefined ? undefined : timeOf(endAt),
    json: values.json ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { speed: { type: 'string' }, 'end-at': { type: 'string' }, json: { type: 'boolean' } },
    });
  } catch (error) {
    const reason = firstSentence(error);
    throw new UsageError(`${reason}; ${USAGE}`, { cause: error });
  }
}

function speedOf(text: string): number | 'max' {
  if (text === 'max') return text;
  const speed = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && speed > 0) return speed;
  throw new UsageError(`--speed: expected a number above 0 or max, got ${JSON.stringify(text)}; ${USAGE}`);
}

function timeOf(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `--end-at: expected an ISO 8601 time such as 2026-03-01T12:00:00Z, got ${JSON.stringify(text)}; ${USAGE}`,
  );
}
