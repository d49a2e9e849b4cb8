import { NotReadyError } from '@hailstream/service/not-ready';
import type { JobFailure } from './job.js';

/** Failures in a row after which a job counts as blocked, if the first of them is also this long ago. */
export const BLOCKED_FAILURES = 3;
export const BLOCKED_AFTER_MS = 60_000;

/** A job, and why its deliveries fail; `null` if they do not, or if it is paused. */
interface JobProgress {
  readonly name: string;
  readonly failure: JobFailure | null;
}

/** @throws NotReadyError if some jobs make no progress: with the reason of each, and the time since when the first does not */
export function requireProgress(jobs: readonly JobProgress[], nowMs: number): void {
  const blocked = jobs.flatMap(({ name, failure }) =>
    failure !== null && isBlocked(failure, nowMs) ? [{ name, ...failure }] : [],
  );
  if (blocked.length === 0) return;
  const reasons = blocked.map(
    ({ name, failures, since, reason }) =>
      `job "${name}" makes no progress since ${since} (${failures} failures): ${reason}`,
  );
  throw new NotReadyError(reasons.join('; '), Math.min(...blocked.map(({ since }) => Date.parse(since))));
}

function isBlocked({ failures, since }: JobFailure, nowMs: number): boolean {
  return failures >= BLOCKED_FAILURES && nowMs - Date.parse(since) >= BLOCKED_AFTER_MS;
}
