import { describe, expect, it } from 'vitest';
import { revocationKey, Revocations } from './revocations.js';
import { SignInLimit } from './sign-in-limit.js';

describe(Revocations, () => {
  it('keeps a revocation until the session or token would have expired', () => {
    const revocations = new Revocations();
    expect(revocations.add(revocationKey('session', 'one'), 100)).toBe(true);
    expect(revocations.add(revocationKey('session', 'one'), 50)).toBe(false);
    expect(revocations.hasTokens).toBe(false);
    revocations.add(revocationKey('token', 'two'), 200);
    expect([revocations.has('session', 'one'), revocations.has('token', 'one')]).toEqual([true, false]);
    expect(revocations.forget(99)).toEqual([]);
    expect(revocations.forget(100)).toEqual(['session/one']);
    expect([revocations.has('session', 'one'), revocations.hasTokens]).toEqual([false, true]);
    expect(revocations.forget(200)).toEqual(['token/two']);
    expect([revocations.count, revocations.hasTokens]).toEqual([0, false]);
  });
});

describe(SignInLimit, () => {
  it('allows 50 sessions of a token in a row, then one per 30 s', () => {
    const limit = new SignInLimit();
    const allowed = (token: string, now: number): number =>
      Array.from({ length: 100 }, () => limit.allow(token, now)).filter(Boolean).length;
    expect([allowed('a', 0), allowed('b', 0), allowed('a', 29_999), allowed('a', 30_001)]).toEqual([
      50, 50, 0, 1,
    ]);
    limit.forget(60_002);
    expect(allowed('a', 60_002)).toBe(1);
    expect(allowed('a', 3_600_000)).toBe(50);
  });
});
