import { describe, expect, it } from 'vitest';
import { BLOCKED_AFTER_MS, BLOCKED_FAILURES, requireProgress } from './job-progress.js';

const since = '2026-11-30T10:00:00.000Z';
const failure = { code: 'REFUSED', reason: 'the bucket does not exist', since, failures: BLOCKED_FAILURES };
const lateMs = Date.parse(since) + BLOCKED_AFTER_MS;

describe('requireProgress', () => {
  it('accepts jobs that do not fail, and those that have failed for a short time or rarely', () => {
    expect(() => requireProgress([{ name: 'lake', failure: null }], lateMs)).not.toThrow();
    expect(() => requireProgress([{ name: 'lake', failure }], lateMs - 1)).not.toThrow();
    const rarely = { ...failure, failures: BLOCKED_FAILURES - 1 };
    expect(() => requireProgress([{ name: 'lake', failure: rarely }], lateMs)).not.toThrow();
  });

  it('refuses with the reason of each blocked job, and the earliest time', () => {
    const later = { ...failure, since: '2026-11-30T10:00:01.000Z', reason: 'denied', failures: 7 };
    const jobs = [
      { name: 'search', failure: later },
      { name: 'copy', failure: null },
      { name: 'lake', failure },
    ];
    expect(() => requireProgress(jobs, lateMs + 1_000)).toThrow(
      expect.objectContaining({
        message:
          'job "search" makes no progress since 2026-11-30T10:00:01.000Z (7 failures): denied; ' +
          'job "lake" makes no progress since 2026-11-30T10:00:00.000Z (3 failures): the bucket does not exist',
        sinceMs: Date.parse(since),
      }),
    );
  });
});
