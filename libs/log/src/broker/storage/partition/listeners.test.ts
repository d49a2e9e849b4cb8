import { describe, expect, it, vi } from 'vitest';
import { Listeners } from './listeners.js';

describe(Listeners, () => {
  it('calls each listener until it is removed', () => {
    const listeners = new Listeners<[number]>();
    const [first, second] = [vi.fn(), vi.fn()];
    const remove = listeners.add(first);
    listeners.add(second);
    listeners.call(1);
    remove();
    remove();
    listeners.call(2);
    listeners.clear();
    listeners.call(3);
    expect(first.mock.calls).toEqual([[1]]);
    expect(second.mock.calls).toEqual([[1], [2]]);
  });

  it('calls those that were there before the call, if a listener adds or removes some', () => {
    const listeners = new Listeners<[]>();
    const added = vi.fn();
    const removed = vi.fn();
    listeners.add(() => {
      remove();
      listeners.add(added);
    });
    const remove = listeners.add(removed);
    listeners.call();
    expect([removed.mock.calls.length, added.mock.calls.length]).toEqual([1, 0]);
    listeners.call();
    expect([removed.mock.calls.length, added.mock.calls.length]).toEqual([1, 1]);
  });
});
