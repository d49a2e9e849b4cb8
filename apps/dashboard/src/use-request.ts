import { useEffect, useState } from 'react';
import type { Answer } from './connection/request.js';
import { useDashboard } from './dashboard.js';

/** After this long, a failed request is repeated if it is not repeated earlier. */
const RETRY_AFTER_MS = 10_000;

/** What was received last; `failure`: why the last request failed, if it did. */
export interface Received<T> {
  readonly body: T | null;
  readonly failure: string | null;
  /** The status of the response of the last request if it failed; `null` without a response. */
  readonly status: number | null;
}

const NOTHING = { body: null, failure: null, status: null };

/**
 * The response to a request, which is repeated at an interval, if one is given, and when `revision` changes. If the path
 * changes, the last response is kept until the next one. A path of `null` requests nothing.
 */
export function useRequest<T>(
  path: string | null,
  refreshEveryMs: number | null,
  revision?: number,
): Received<T> {
  const { connection } = useDashboard();
  const [received, setReceived] = useState<Received<T>>(NOTHING);
  useEffect(() => {
    if (path === null) {
      setReceived(NOTHING);
      return;
    }
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      const answer: Answer<T> = await connection.request<T>(path, stop.signal);
      if (stop.signal.aborted || answer.kind === 'refused') return;
      setReceived(({ body }) =>
        answer.kind === 'ok'
          ? { body: answer.body, failure: null, status: null }
          : { body, failure: answer.reason, status: answer.status },
      );
      if (refreshEveryMs !== null || answer.kind === 'failed') {
        timer = setTimeout(() => void load(), refreshEveryMs ?? RETRY_AFTER_MS);
      }
    };
    void load();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [connection, path, refreshEveryMs, revision]);
  return received;
}
