import { describe, expect, it } from 'vitest';
import { Turnstile } from './turnstile.js';

function setUp(limits: { perTick: number; maxWaiting: number }) {
  const turnstile = new Turnstile(limits);
  const entered: number[] = [];
  const gone = new Set<number>();
  return {
    turnstile,
    entered,
    gone,
    request: (n: number, of = '') =>
      turnstile.request({ of, isGone: () => gone.has(n), enter: () => entered.push(n) }),
  };
}

describe('Turnstile', () => {
  it('lets a bounded number enter per tick, in the order of their arrival', () => {
    const { turnstile, entered, request } = setUp({ perTick: 2, maxWaiting: 10 });
    for (const n of [1, 2, 3, 4, 5]) expect(request(n)).toBe(true);
    expect(entered).toEqual([1, 2]);
    turnstile.advance();
    expect(entered).toEqual([1, 2, 3, 4]);
    turnstile.advance();
    expect(entered).toEqual([1, 2, 3, 4, 5]);
    request(6);
    request(7);
    expect(entered).toEqual([1, 2, 3, 4, 5, 6]);
    expect(turnstile.waitingCount).toBe(1);
  });

  it('refuses those beyond the number that may wait', () => {
    const { turnstile, entered, gone, request } = setUp({ perTick: 1, maxWaiting: 1 });
    expect([request(1), request(2), request(3)]).toEqual([true, true, false]);
    gone.add(2);
    expect(request(4)).toBe(true);
    turnstile.advance();
    turnstile.advance();
    expect(entered).toEqual([1, 4]);
  });

  it('skips those that have gone, without taking the turn of another', () => {
    const { turnstile, entered, gone, request } = setUp({ perTick: 1, maxWaiting: 10 });
    for (const n of [1, 2, 3]) request(n);
    gone.add(2);
    turnstile.advance();
    expect(entered).toEqual([1, 3]);
  });

  it('lets those of several enter in turn, and leaves each of them room to wait', () => {
    const { turnstile, entered, request } = setUp({ perTick: 2, maxWaiting: 9 });
    const isAccepted = Array.from({ length: 9 }, (_, n) => request(n, 'greedy'));
    expect(isAccepted.filter(Boolean)).toHaveLength(2 + 5);
    expect([request(101, 'one'), request(102, 'other')]).toEqual([true, true]);
    turnstile.advance();
    expect(entered).toEqual([0, 1, 2, 101]);
    turnstile.advance();
    expect(entered).toEqual([0, 1, 2, 101, 102, 3]);
    for (let ticks = 0; ticks < 3; ticks += 1) turnstile.advance();
    expect(entered).toEqual([0, 1, 2, 101, 102, 3, 4, 5, 6]);
    expect(turnstile.waitingCount).toBe(0);
  });
});
