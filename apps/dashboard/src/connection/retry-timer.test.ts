import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RetryTimer } from './retry-timer.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const retry = vi.fn<() => void>();
  return { retry, timer: new RetryTimer(retry, () => 1) };
}

describe('RetryTimer', () => {
  it('retries once, however often a retry is scheduled meanwhile', () => {
    const { retry, timer } = setUp();
    timer.schedule();
    timer.schedule();
    vi.advanceTimersByTime(999);
    expect(retry).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10_000);
    expect(retry).toHaveBeenCalledTimes(1);
  });

  it('waits longer for each retry, until it is reset', () => {
    const { retry, timer } = setUp();
    timer.schedule();
    vi.advanceTimersByTime(1_000);
    timer.schedule();
    vi.advanceTimersByTime(1_999);
    expect(retry).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1);
    expect(retry).toHaveBeenCalledTimes(2);
    timer.reset();
    timer.schedule();
    vi.advanceTimersByTime(1_000);
    expect(retry).toHaveBeenCalledTimes(3);
  });

  it('does not retry after a reset', () => {
    const { retry, timer } = setUp();
    timer.schedule();
    timer.reset();
    vi.advanceTimersByTime(10_000);
    expect(retry).not.toHaveBeenCalled();
  });
});
