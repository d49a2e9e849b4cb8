import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryBudget } from './memory-budget.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('MemoryBudget', () => {
  it('refuses bytes above the limit until memory is released', () => {
    let inUse = 0;
    const measure = vi.fn(() => inUse);
    const budget = new MemoryBudget(100, measure);
    expect(budget.reserve(60)).toBe(true);
    expect(measure).not.toHaveBeenCalled();
    inUse = 60;
    expect(budget.reserve(41)).toBe(false);
    expect(budget.reserve(40)).toBe(true);
    inUse = 0;
    vi.advanceTimersByTime(1_000);
    expect(budget.reserve(100)).toBe(true);
    expect(budget.reserve(1)).toBe(false);
  });

  it('measures at most once a second', () => {
    const measure = vi.fn(() => 100);
    const budget = new MemoryBudget(100, measure);
    expect(budget.reserve(101)).toBe(false);
    for (let i = 0; i < 100; i++) budget.reserve(1);
    expect(measure).toHaveBeenCalledTimes(1);
  });
});
