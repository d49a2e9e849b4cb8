import { describe, expect, it } from 'vitest';
import { CallerShares } from './caller-shares.js';

const limits = { sockets: 100, socketsPerToken: 2, viewportsPerSecond: 3, watchesPerSecond: 1 };

describe('CallerShares', () => {
  it('limits the sockets of each caller, and counts those that were closed no more', () => {
    const shares = new CallerShares(limits);
    expect([shares.addSocket('a'), shares.addSocket('a'), shares.addSocket('a')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(shares.addSocket('b')).toBe(true);
    shares.removeSocket('a');
    expect([shares.addSocket('a'), shares.addSocket('a')]).toEqual([true, false]);
  });

  it('limits the viewports and watches per second of all sockets of a caller together', () => {
    const shares = new CallerShares(limits);
    for (const caller of ['a', 'a', 'b']) shares.addSocket(caller);
    const viewports = (caller: string) => [1, 2, 3, 4].map(() => shares.allow(caller, 'viewport', 5_000));
    expect(viewports('a')).toEqual([true, true, true, false]);
    expect(viewports('b')).toEqual([true, true, true, false]);
    expect(shares.allow('a', 'watch', 5_000)).toBe(true);
    expect(shares.allow('a', 'watch', 5_999)).toBe(false);
    expect(shares.allow('a', 'watch', 6_000)).toBe(true);
  });

  it('does not limit clients without a token', () => {
    const shares = new CallerShares(limits);
    const added = Array.from({ length: 5 }, () => shares.addSocket(undefined));
    expect(new Set(added)).toEqual(new Set([true]));
    expect([1, 2].map(() => shares.allow(undefined, 'watch', 0))).toEqual([true, true]);
  });

  it('leaves room for others, whatever the number of sockets of a caller', () => {
    const shares = new CallerShares({ ...limits, sockets: 9, socketsPerToken: 8 });
    const greedy = Array.from({ length: 8 }, () => shares.addSocket('a')).filter(Boolean);
    expect(greedy).toHaveLength(5);
    expect(['b', 'b', 'b'].map((caller) => shares.addSocket(caller))).toEqual([true, true, false]);
    expect(shares.addSocket('c')).toBe(true);
    for (const _ of greedy) shares.removeSocket('a');
    expect(shares.addSocket('b')).toBe(true);
  });
});
