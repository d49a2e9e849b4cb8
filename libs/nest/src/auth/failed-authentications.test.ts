import { AuthError } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { ProblemError } from '../http/problem.js';
import { FailedAuthentications } from './failed-authentications.js';

describe(FailedAuthentications, () => {
  function failures() {
    let now = 0;
    const limited = new FailedAuthentications({ perSecond: 10, trustedProxies: ['10.0.0.0/8'] }, () => now);
    const error = new AuthError('TOKEN_INVALID', 'the token is malformed');
    const fail = (remoteAddress: string, forwarded?: string, cause: Error = error): number | undefined => {
      const headers = { ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }) };
      const answer = limited.count(cause, { socket: { remoteAddress }, headers } as never);
      return answer instanceof ProblemError ? answer.problem.status : undefined;
    };
    /** How many of many failures at once are not refused. */
    const allowed = (address: (index: number) => [string, string?]): number =>
      Array.from({ length: 500 }, (_, index) => fail(...address(index))).filter(
        (status) => status === undefined,
      ).length;
    return { limited, fail, allowed, pass: (ms: number) => void (now += ms) };
  }

  it('answers 429 beyond the rate of an address, and not to others', () => {
    const { allowed, fail, pass } = failures();
    expect(allowed(() => ['192.0.2.1'])).toBe(100);
    expect(fail('192.0.2.1')).toBe(429);
    expect(fail('192.0.2.2')).toBeUndefined();
    pass(1_000);
    expect(allowed(() => ['192.0.2.1'])).toBe(10);
  });

  it('says when to retry, and what was wrong', () => {
    const { limited, allowed } = failures();
    allowed(() => ['192.0.2.1']);
    const request = { socket: { remoteAddress: '192.0.2.1' }, headers: {} } as never;
    expect(limited.count(new AuthError('TOKEN_EXPIRED', 'the token expired'), request)).toMatchObject({
      problem: {
        status: 429,
        detail: expect.stringMatching(/the token expired$/) as string,
        headers: { 'retry-after': '1' },
      },
    });
  });

  it('treats a network of IPv6 as one address', () => {
    const { allowed, fail } = failures();
    expect(allowed((index) => [`2001:db8:1:2:${index.toString(16)}::1`])).toBe(100);
    expect(fail('2001:db8:1:3::1')).toBeUndefined();
  });

  it('knows the clients of trusted proxies, and believes no others', () => {
    const { allowed, fail } = failures();
    expect(allowed((index) => ['10.0.0.1', `192.0.2.${index}, 198.51.100.1`])).toBe(100);
    expect(fail('10.0.0.1', '198.51.100.2')).toBeUndefined();
    expect(allowed((index) => ['203.0.113.1', `192.0.2.${index}`])).toBe(100);
  });

  it('does not count failures of known callers, and of the service', () => {
    const { allowed, fail } = failures();
    for (let index = 0; index < 500; index += 1) {
      fail('192.0.2.1', undefined, new AuthError('SCOPE_MISSING', 'the token lacks a scope'));
      fail('192.0.2.1', undefined, new AuthError('KEYS_UNAVAILABLE', 'no keys'));
      fail('192.0.2.1', undefined, new Error('other'));
    }
    expect(allowed(() => ['192.0.2.1'])).toBe(100);
  });

  it('remembers a bounded number of addresses', () => {
    const { limited, fail } = failures();
    for (let index = 0; index < 30_000; index += 1)
      fail(`198.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);
    expect((limited as unknown as { buckets: Map<string, unknown> }).buckets.size).toBe(10_000);
  });
});
