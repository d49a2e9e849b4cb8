import { parseArgs } from 'node:util';
import { firstSentence } from '../first-sentence.js';

const USAGE = 'usage: replay FILE [--speed N|max] [--end-at ISO] [--json]';

/** The command line can't be followed: the message says what is wrong with it and how it goes. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
  readonly retryable = false;
}

export interface ReplayArgs {
  readonly path: string;
  /** Times the trace's own pace. */
  readonly speed: number | 'max';
  /** When the trace is to end, with `max`; the last full hour where it is not said. */
  readonly endMs: number | undefined;
  readonly json: boolean;
}

/** @throws {UsageError} */
export function parseReplayArgs(args: readonly string[]): ReplayArgs {
  const { values, positionals } = parse(args);
  const [path, ...others] = positionals;
  if (path === undefined || others.length > 0) throw new UsageError(`takes one trace; ${USAGE}`);
  const speed = speedOf(values.speed ?? 'max');
  const endAt = values['end-at'];
  if (endAt !== undefined && speed !== 'max') {
    throw new UsageError(`--end-at goes with --speed max: at a pace, the trace happens now; ${USAGE}`);
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
  throw new UsageError(`--speed is ${JSON.stringify(text)}, not a number above 0 or max; ${USAGE}`);
}

function timeOf(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return time;
  throw new UsageError(
    `--end-at is ${JSON.stringify(text)}, not an ISO 8601 time such as 2026-03-01T12:00:00Z; ${USAGE}`,
  );
}
