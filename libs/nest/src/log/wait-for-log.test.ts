import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { waitForLog } from './wait-for-log.js';

describe(waitForLog, () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('retries with growing waits until the attempt succeeds', async () => {
    const waits: number[] = [];
    let attempts = 0;
    const result = waitForLog(
      () => {
        attempts += 1;
        return attempts <= 6 ? Promise.reject(new Error('unreachable')) : Promise.resolve(attempts);
      },
      { signal: new AbortController().signal, onFailure: (_, retryMs) => waits.push(retryMs) },
    );
    await vi.runAllTimersAsync();
    expect(await result).toBe(7);
    expect(waits).toEqual([200, 400, 800, 1_600, 3_000, 3_000]);
  });

  it('resolves to null once it is aborted, without waiting', async () => {
    const abort = new AbortController();
    const result = waitForLog(() => Promise.reject(new Error('unreachable')), {
      signal: abort.signal,
      onFailure: () => abort.abort(),
    });
    expect(await result).toBeNull();
  });

  it('gives up with the error that onFailure throws', async () => {
    const result = waitForLog(() => Promise.reject(new Error('topic mismatch')), {
      signal: new AbortController().signal,
      onFailure: (error) => {
        throw error;
      },
    });
    await expect(result).rejects.toThrow('topic mismatch');
  });
});
