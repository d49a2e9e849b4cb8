import { describe, expect, it } from 'vitest';
import { ExchangeLimit } from './exchange-limit.js';

const attempt = (state: number, expiresAtMs = 600_000) => ({ state: String(state), expiresAtMs });

describe(ExchangeLimit, () => {
  it('allows 100 in a row, then one per 100 ms', () => {
    let now = 0;
    const limit = new ExchangeLimit(() => now);
    const allowed = (at: number): number => {
      now = at;
      const begun = Array.from({ length: 200 }, (_, index) => {
        const isAllowed = limit.begin(attempt(index), 0);
        if (isAllowed) limit.end();
        return isAllowed;
      });
      return begun.filter(Boolean).length;
    };
    expect([allowed(0), allowed(99), allowed(101), allowed(352), allowed(60_000)]).toEqual([
      100, 0, 1, 2, 100,
    ]);
  });

  it('allows 32 at the same time', () => {
    const limit = new ExchangeLimit();
    const begun = Array.from({ length: 40 }, (_, index) => limit.begin(attempt(index), 0));
    expect(begun.filter(Boolean)).toHaveLength(32);
    limit.end();
    expect([limit.begin(attempt(40), 0), limit.begin(attempt(41), 0)]).toEqual([true, false]);
  });

  it('remembers attempts until they would have expired', () => {
    const limit = new ExchangeLimit();
    limit.begin(attempt(1, 1_000), 0);
    limit.end();
    expect([limit.isUsed('1'), limit.isUsed('2')]).toEqual([true, false]);
    limit.begin(attempt(2, 2_000), 1_000);
    expect([limit.isUsed('1'), limit.isUsed('2')]).toEqual([false, true]);
  });
});
