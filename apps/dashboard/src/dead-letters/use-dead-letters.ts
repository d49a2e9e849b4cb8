import type { DeadLetterDetail, DeadLetterPage } from '@hailstream/events/dead-letters';
import { type Received, useRequest } from '../use-request.js';

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
