import { afterEach, describe, expect, it, vi } from 'vitest';
import { HealthChecks } from './health-checks.service.js';

describe(HealthChecks, () => {
  afterEach(() => void vi.useRealTimers());

  it('is ready without checks', async () => {
    expect(await new HealthChecks().readiness()).toEqual({ status: 'ok', checks: {} });
  });

  it('is not ready if a check fails, and reports the reason', async () => {
    const checks = new HealthChecks();
    checks.register('disk', () => undefined);
    checks.register('log', () => Promise.reject(new Error('no broker answers')));
    expect(await checks.readiness()).toEqual({
      status: 'error',
      checks: { disk: { status: 'ok' }, log: { status: 'error', reason: 'no broker answers' } },
    });
  });

  it('fails a check that does not respond in time', async () => {
    vi.useFakeTimers();
    const checks = new HealthChecks();
    checks.register('log', () => new Promise(() => undefined));
    const readiness = checks.readiness();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await readiness).toMatchObject({ checks: { log: { reason: 'no response within 2000 ms' } } });
  });
});
