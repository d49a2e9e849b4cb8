import { isAlive } from '@hailstream/service/processes';
import pg from 'pg';

/** Interval of the checks of the server's process. */
const PROCESS_CHECK_MS = 500;
/** Interval and time limit of the queries that check whether the server responds. */
const ANSWER_CHECK_MS = 10_000;
const ANSWER_TIMEOUT_MS = 10_000;
/** Consecutive failed queries that are tolerated, about a minute: a busy machine recovers. */
const MAX_MISSED_ANSWERS = 5;

/** SQLSTATEs of a working server that accepts no connection: it is starting, recovering or stopping, or has too many. */
const ALIVE_STATES: ReadonlySet<unknown> = new Set(['57P03', '53300', '57P01', '57P02']);

/** Why a server failed. */
export type ServerEnd = 'ended' | 'hung';

/** A running watch of a server. */
export interface ServerWatch extends Disposable {
  /** Resolves when the server's process has exited, or has not responded for about a minute. */
  readonly failed: Promise<ServerEnd>;
}

/** Intervals, which tests shorten. */
interface WatchIntervals {
  /** @default 500 */
  readonly processCheckMs?: number;
  /** Interval and time limit of the queries. @default 10,000 */
  readonly answerCheckMs?: number;
}

/** Watches a server by its process id: it is not a child of this process, so no event reports its exit. */
export function watchServer(
  { pid, url }: { readonly pid: number; readonly url: string },
  { processCheckMs = PROCESS_CHECK_MS, answerCheckMs = ANSWER_CHECK_MS }: WatchIntervals = {},
): ServerWatch {
  let fail: (end: ServerEnd) => void = () => undefined;
  const failed = new Promise<ServerEnd>((resolve) => (fail = resolve));
  let missed = 0;
  let isAsking = false;
  const look = (): void => {
    if (!isAlive(pid)) fail('ended');
  };
  const ask = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    missed = (await answers(url, Math.min(answerCheckMs, ANSWER_TIMEOUT_MS))) ? 0 : missed + 1;
    isAsking = false;
    if (missed > MAX_MISSED_ANSWERS) fail('hung');
  };
  const timers = [setInterval(look, processCheckMs), setInterval(() => void ask(), answerCheckMs)];
  return {
    failed,
    [Symbol.dispose]: () => timers.forEach((timer) => clearInterval(timer)),
  };
}

async function answers(url: string, timeoutMs: number): Promise<boolean> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  // An error after the response does not matter.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch (error) {
    return ALIVE_STATES.has((error as { code?: unknown }).code);
  } finally {
    void client.end().catch(() => undefined);
  }
}
