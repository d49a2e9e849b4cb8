import { describe, expect, it } from 'vitest';
import { FORGET_AFTER_MS, UNREADY_AFTER_MS, WriteHealth } from './write-health.js';

describe(WriteHealth, () => {
  function failingFor(durationMs: number): WriteHealth {
    const health = new WriteHealth();
    health.failed('not enough replicas', 1_000);
    health.failed('not enough in-sync replicas', 1_000 + durationMs);
    return health;
  }

  it('is unhealthy with the last reason once writes have failed for some time', () => {
    expect(() => failingFor(UNREADY_AFTER_MS - 1).check(1_000 + UNREADY_AFTER_MS)).not.toThrow();
    expect(() => failingFor(UNREADY_AFTER_MS).check(1_000 + UNREADY_AFTER_MS)).toThrow(
      expect.objectContaining({
        message: 'the log stores no events: not enough in-sync replicas',
        sinceMs: 1_000,
      }),
    );
  });

  it('is healthy after a write that succeeded', () => {
    const health = failingFor(UNREADY_AFTER_MS);
    health.succeeded();
    expect(() => health.check(1_000 + UNREADY_AFTER_MS)).not.toThrow();
  });

  it('is healthy if nothing was written recently, so that it receives requests again', () => {
    const health = failingFor(UNREADY_AFTER_MS);
    const laterMs = 1_000 + UNREADY_AFTER_MS + FORGET_AFTER_MS;
    expect(() => health.check(laterMs - 1)).toThrow('the log stores no events');
    expect(() => health.check(laterMs)).not.toThrow();
    health.failed('not enough replicas', laterMs);
    expect(() => health.check(laterMs)).not.toThrow();
  });
});
