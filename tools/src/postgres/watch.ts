import { isAlive } from '@hailstream/service/processes';
import pg from 'pg';

/** How often the server's process is looked for. */
const PROCESS_CHECK_MS = 500;
/** How often the server is asked for an answer, and the longest that one may take. */
const ANSWER_CHECK_MS = 10_000;
const ANSWER_TIMEOUT_MS = 10_000;
/** Answers in a row that may fail to come, about a minute: a busy machine is slow, and recovers. */
const MAX_MISSED_ANSWERS = 5;

/** SQLSTATEs of a server that works but lets nobody in: it starts, recovers or stops, or has all its connections. */
const ALIVE_STATES: ReadonlySet<unknown> = new Set(['57P03', '53300', '57P01', '57P02']);

/** Why a server is no use any more. */
export type ServerEnd = 'ended' | 'hung';

/** Watches a server that answered before. */
export interface ServerWatch extends Disposable {
  /** Resolves when the process of the server is no more, or it has given no answer for about a minute. */
  readonly failed: Promise<ServerEnd>;
}

/** Intervals that tests shorten. */
export interface WatchIntervals {
  /** @default 500 */
  readonly processCheckMs?: number;
  /** How often, and for how long, the server is asked. @default 10,000 */
  readonly answerCheckMs?: number;
}

/** Watches the server with this process id. It is not a child of ours: nothing else tells us of its end. */
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
  // A connection that breaks after its answer is nobody's concern.
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
