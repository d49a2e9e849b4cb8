import { afterEach, describe, expect, it, vi } from 'vitest';
import { HealthChecks } from './health-checks.service.js';

describe(HealthChecks, () => {
  afterEach(() => void vi.useRealTimers());

  it('is ready where nothing is asked for', async () => {
    expect(await new HealthChecks().readiness()).toEqual({ status: 'ok', checks: {} });
  });

  it('is not ready where one check fails, and says which', async () => {
    const checks = new HealthChecks();
    checks.register('disk', () => undefined);
    checks.register('log', () => Promise.reject(new Error('no broker answers')));
    expect(await checks.readiness()).toEqual({
      status: 'error',
      checks: { disk: { status: 'ok' }, log: { status: 'error', reason: 'no broker answers' } },
    });
  });

  it('gives up on a check that does not answer', async () => {
    vi.useFakeTimers();
    const checks = new HealthChecks();
    checks.register('log', () => new Promise(() => undefined));
    const readiness = checks.readiness();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await readiness).toMatchObject({ checks: { log: { reason: 'no answer within 2000 ms' } } });
  });
});
