import { describe, expect, it } from 'vitest';
import { LoadHealth, UNREADY_AFTER_MS, UNREADY_FAILURES } from './load-health.js';

const STARTED_AT_MS = Date.UTC(2026, 10, 30);

/** The clocks at a monotonic time. */
const at = (monotonicMs: number) => ({ monotonicMs, wallMs: STARTED_AT_MS + monotonicMs });

const passing = { reason: 'no broker responds', isTransient: true };

describe('LoadHealth', () => {
  it('is healthy before the first load and after one that succeeded', () => {
    const health = new LoadHealth('loads');
    expect(() => health.check(at(0))).not.toThrow();
    health.failed({ reason: 'refused', isTransient: false }, 0);
    health.succeeded();
    expect(() => health.check(at(1e9))).not.toThrow();
  });

  it('is unhealthy immediately if the failure requires intervention', () => {
    const health = new LoadHealth('loads');
    health.failed({ reason: 'positions refused', isTransient: false }, 0);
    expect(() => health.check(at(0))).toThrow(/^loads fail and require intervention: positions refused$/);
  });

  it('is unhealthy once enough consecutive loads have failed for long enough', () => {
    const health = new LoadHealth('loads');
    for (let failure = 1; failure < UNREADY_FAILURES; failure += 1) health.failed(passing, 0);
    expect(() => health.check(at(UNREADY_AFTER_MS))).not.toThrow();
    health.failed(passing, 1);
    expect(() => health.check(at(UNREADY_AFTER_MS - 1))).not.toThrow();
    expect(() => health.check(at(UNREADY_AFTER_MS))).toThrow(
      expect.objectContaining({
        message: '3 consecutive loads failed, the first 60 s ago: no broker responds',
        sinceMs: STARTED_AT_MS,
      }),
    );
  });

  it('restarts the count after a success', () => {
    const health = new LoadHealth('loads');
    for (let failure = 0; failure < UNREADY_FAILURES; failure += 1) health.failed(passing, 0);
    health.succeeded();
    health.failed(passing, UNREADY_AFTER_MS);
    expect(() => health.check(at(UNREADY_AFTER_MS * 2))).not.toThrow();
  });
});
