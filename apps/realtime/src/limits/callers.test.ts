import { describe, expect, it } from 'vitest';
import { callerOf, hasRoom } from './callers.js';

describe(callerOf, () => {
  const scopes = new Set(['read'] as const);

  it('is the same for all tokens of a provider, and of a name', () => {
    const provider = { scopes, providerId: 'P', name: 'one' };
    expect(callerOf(provider, 'a')).toBe(callerOf({ ...provider, name: 'two' }, 'b'));
    expect(callerOf({ scopes, name: 'Kim' }, 'a')).toBe(callerOf({ scopes, name: 'Kim' }, 'b'));
    expect(callerOf({ scopes }, 'a')).not.toBe(callerOf({ scopes }, 'b'));
    expect(callerOf({ scopes, name: 'P' }, 'a')).not.toBe(callerOf(provider, 'a'));
  });

  it('is unknown without a token', () => {
    expect(callerOf({ scopes }, undefined)).toBeUndefined();
  });
});

describe(hasRoom, () => {
  it('leaves room for one more, whatever the number of greedy ones', () => {
    const limit = 100;
    for (let greedy = 1; greedy < 60; greedy += 1) {
      const own = Array.from({ length: greedy }, () => 0);
      const used = () => own.reduce((sum, count) => sum + count, 0);
      for (let turn = 0; turn < 10_000; turn += 1) {
        const at = turn % greedy;
        if (hasRoom({ own: own[at]!, used: used(), limit })) own[at]! += 1;
      }
      expect(hasRoom({ own: 0, used: used(), limit })).toBe(true);
    }
  });
});
