import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { throttle } from './throttle.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('throttle', () => {
  it('calls at once, then with the newest argument', () => {
    const calls: number[] = [];
    const throttled = throttle((argument: number) => calls.push(argument), 100);
    for (const argument of [1, 2, 3]) throttled(argument);
    expect(calls).toEqual([1]);
    vi.advanceTimersByTime(100);
    expect(calls).toEqual([1, 3]);
    vi.advanceTimersByTime(1000);
    throttled(4);
    expect(calls).toEqual([1, 3, 4]);
  });

  it('drops the pending call when it is cancelled', () => {
    const calls: number[] = [];
    const throttled = throttle((argument: number) => calls.push(argument), 100);
    throttled(1);
    throttled(2);
    throttled.cancel();
    vi.advanceTimersByTime(1000);
    expect(calls).toEqual([1]);
  });
});
