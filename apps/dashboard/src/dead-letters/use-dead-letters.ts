import type { DeadLetterDetail, DeadLetterPage } from '@hailstream/events/dead-letters';
import { useEffect, useState } from 'react';
import type { Answer } from '../connection/request.js';
import { useDashboard } from '../dashboard.js';

/** How often the list is requested again. */
const REFRESH_EVERY_MS = 10_000;

/** Which dead letters are listed. */
interface DeadLettersFilter {
  readonly group?: string;
  readonly topic?: string;
  /** A part of the reason, or of its pattern. */
  readonly reason: string;
  readonly includesRedriven: boolean;
  readonly limit: number;
}

/** What was received last; `failure`: why the last request failed, if it did. */
interface Received<T> {
  readonly body: T | null;
  readonly failure: string | null;
}

const NOTHING = { body: null, failure: null };

/** The dead letters that match a filter, requested again every ten seconds. */
export function useDeadLetters({
  group = '',
  topic = '',
  reason,
  includesRedriven,
  limit,
}: DeadLettersFilter): Received<DeadLetterPage> {
  const query = new URLSearchParams({
    group,
    topic,
    reason,
    all: String(includesRedriven),
    limit: String(limit),
  });
  return useRequest<DeadLetterPage>(`/dead-letters?${query}`, REFRESH_EVERY_MS);
}

/** One dead letter with its record. */
export function useDeadLetter(id: string): Received<DeadLetterDetail> {
  return useRequest<DeadLetterDetail>(`/dead-letters/record?${new URLSearchParams({ id })}`, null);
}

function useRequest<T>(path: string, refreshEveryMs: number | null): Received<T> {
  const { connection } = useDashboard();
  const [received, setReceived] = useState<Received<T>>(NOTHING);
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      const answer: Answer<T> = await connection.request<T>(path, stop.signal);
      if (stop.signal.aborted || answer.kind === 'refused') return;
      setReceived(({ body }) =>
        answer.kind === 'ok' ? { body: answer.body, failure: null } : { body, failure: answer.reason },
      );
      if (refreshEveryMs !== null || answer.kind === 'failed') {
        timer = setTimeout(() => void load(), refreshEveryMs ?? REFRESH_EVERY_MS);
      }
    };
    void load();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [connection, path, refreshEveryMs]);
  return received;
}
