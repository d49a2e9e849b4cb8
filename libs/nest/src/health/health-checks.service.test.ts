import { NotReadyError } from '@hailstream/service/not-ready';
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
      checks: {
        disk: { status: 'ok' },
        log: { status: 'error', reason: 'no broker answers', since: expect.any(String) as string },
      },
    });
  });

  it('reports since when a check fails, until it succeeds', async () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 30) });
    const checks = new HealthChecks();
    const failWith = (error: Error) =>
      checks.register('log', () => {
        throw error;
      });
    const since = async (): Promise<string | undefined> => {
      const { log } = (await checks.readiness()).checks;
      return log?.status === 'error' ? log.since : undefined;
    };
    failWith(new Error('no broker answers'));
    expect(await since()).toBe('2026-11-30T00:00:00.000Z');
    vi.setSystemTime(Date.UTC(2026, 10, 30, 1));
    expect(await since()).toBe('2026-11-30T00:00:00.000Z');
    failWith(new NotReadyError('no broker answers', Date.UTC(2026, 10, 29)));
    expect(await since()).toBe('2026-11-29T00:00:00.000Z');
    checks.register('log', () => undefined);
    expect(await since()).toBeUndefined();
    failWith(new Error('no broker answers'));
    expect(await since()).toBe('2026-11-30T01:00:00.000Z');
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
