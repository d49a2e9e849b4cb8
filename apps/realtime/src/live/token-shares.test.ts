import { describe, expect, it } from 'vitest';
import { TokenShares } from './token-shares.js';

const limits = { socketsPerToken: 2, viewportsPerSecond: 3, watchesPerSecond: 1 };

describe('TokenShares', () => {
  it('limits the sockets of each token, and counts those that were closed no more', () => {
    const shares = new TokenShares(limits);
    expect([shares.addSocket('a'), shares.addSocket('a'), shares.addSocket('a')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(shares.addSocket('b')).toBe(true);
    shares.removeSocket('a');
    expect([shares.addSocket('a'), shares.addSocket('a')]).toEqual([true, false]);
  });

  it('limits the viewports and watches per second of all sockets of a token together', () => {
    const shares = new TokenShares(limits);
    for (const token of ['a', 'a', 'b']) shares.addSocket(token);
    const viewports = (token: string) => [1, 2, 3, 4].map(() => shares.allow(token, 'viewport', 5_000));
    expect(viewports('a')).toEqual([true, true, true, false]);
    expect(viewports('b')).toEqual([true, true, true, false]);
    expect(shares.allow('a', 'watch', 5_000)).toBe(true);
    expect(shares.allow('a', 'watch', 5_999)).toBe(false);
    expect(shares.allow('a', 'watch', 6_000)).toBe(true);
  });

  it('does not limit clients without a token', () => {
    const shares = new TokenShares(limits);
    const added = Array.from({ length: 5 }, () => shares.addSocket(undefined));
    expect(new Set(added)).toEqual(new Set([true]));
    expect([1, 2].map(() => shares.allow(undefined, 'watch', 0))).toEqual([true, true]);
  });
});
