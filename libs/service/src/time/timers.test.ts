import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_NODE_TIMER_MS, setLongInterval, setLongTimeout, sleep } from './timers.js';

const DAY_MS = 86_400_000;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('setLongTimeout', () => {
  it.each([1, 1_000, DAY_MS, MAX_NODE_TIMER_MS, MAX_NODE_TIMER_MS + 1, 30 * DAY_MS, 100 * DAY_MS])(
    'fires once after %d ms and not before',
    (delayMs) => {
      const callback = vi.fn();
      setLongTimeout(callback, delayMs);
      vi.advanceTimersByTime(delayMs - 1);
      expect(callback).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(callback).toHaveBeenCalledTimes(1);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it('never fires after Infinity', () => {
    const callback = vi.fn();
    const timer = setLongTimeout(callback, Infinity);
    vi.advanceTimersByTime(400 * DAY_MS);
    expect(callback).not.toHaveBeenCalled();
    timer.clear();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not fire once it is cleared, in any part of the wait', () => {
    const callback = vi.fn();
    const timer = setLongTimeout(callback, 60 * DAY_MS);
    vi.advanceTimersByTime(30 * DAY_MS);
    timer.clear();
    vi.advanceTimersByTime(60 * DAY_MS);
    expect(callback).not.toHaveBeenCalled();
  });

  it('refuses a delay that is not a number', () => {
    expect(() => setLongTimeout(() => {}, NaN)).toThrow(RangeError);
  });
});

describe('setLongInterval', () => {
  it('fires every 30 days', () => {
    const callback = vi.fn();
    const timer = setLongInterval(callback, 30 * DAY_MS);
    vi.advanceTimersByTime(95 * DAY_MS);
    expect(callback).toHaveBeenCalledTimes(3);
    timer.clear();
    vi.advanceTimersByTime(95 * DAY_MS);
    expect(callback).toHaveBeenCalledTimes(3);
  });

  it('never fires with an interval of Long.MAX within a year', () => {
    const callback = vi.fn();
    const timer = setLongInterval(callback, Number(2n ** 63n - 1n));
    vi.advanceTimersByTime(365 * DAY_MS);
    expect(callback).not.toHaveBeenCalled();
    timer.clear();
  });

  it('can be cleared by its own callback', () => {
    const timer = setLongInterval(() => timer.clear(), 10);
    vi.advanceTimersByTime(100);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('sleep', () => {
  it('resolves after a wait that one Node timer cannot hold', async () => {
    const woke = vi.fn();
    void sleep(40 * DAY_MS).then(woke);
    await vi.advanceTimersByTimeAsync(40 * DAY_MS - 1);
    expect(woke).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(woke).toHaveBeenCalledTimes(1);
  });

  it('resolves when its signal is aborted', async () => {
    const abort = new AbortController();
    const sleeping = sleep(Infinity, abort.signal);
    abort.abort();
    await sleeping;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('resolves at once if its signal is already aborted', async () => {
    await sleep(DAY_MS, AbortSignal.abort());
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no listener on its signal', async () => {
    const abort = new AbortController();
    const sleeping = sleep(5, abort.signal);
    await vi.advanceTimersByTimeAsync(5);
    await sleeping;
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  });
});
