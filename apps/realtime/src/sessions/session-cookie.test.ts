import { describe, expect, it } from 'vitest';
import { cookieValue, cookieValues, isSecureRequest, setCookie } from './session-cookie.js';

describe(setCookie, () => {
  it('sets a cookie that neither scripts nor other sites can use', () => {
    const cookie = { value: 'abc', maxAgeMs: 61_500 };
    expect(setCookie({ name: 'session', isSecure: false }, cookie)).toBe(
      'session=abc; Path=/; Max-Age=61; HttpOnly; SameSite=Strict',
    );
    expect(setCookie({ name: 'session', isSecure: true }, cookie)).toBe(
      '__Host-session=abc; Path=/; Max-Age=61; HttpOnly; SameSite=Strict; Secure',
    );
    expect(setCookie({ name: 'session', isSecure: false, sameSite: 'Lax' }, cookie)).toBe(
      'session=abc; Path=/; Max-Age=61; HttpOnly; SameSite=Lax',
    );
  });
});

describe(cookieValues, () => {
  it.each([
    [undefined, []],
    ['other=1', []],
    ['session=a', ['a']],
    ['other=1; session=a; session2=b', ['a']],
    ['session=a; __Host-session=b', ['b', 'a']],
    ['session', ['']],
    ['xsession=a', []],
  ])('finds in %j %j', (cookie, expected) => {
    expect(cookieValues({ ...(cookie !== undefined && { cookie }) }, 'session')).toEqual(expected);
  });
});

describe(cookieValue, () => {
  it('is not that of a connection with less protection', () => {
    const headers = { cookie: 'session=a' };
    expect(cookieValue(headers, { name: 'session', isSecure: false })).toBe('a');
    expect(cookieValue(headers, { name: 'session', isSecure: true })).toBeUndefined();
  });
});

describe(isSecureRequest, () => {
  it.each([
    [{}, 'http://here', false],
    [{}, 'https://here', true],
    [{ 'x-forwarded-proto': 'https' }, 'http://here', true],
    [{ 'x-forwarded-proto': 'HTTPS, http' }, 'http://here', true],
    [{ 'x-forwarded-proto': 'http, https' }, 'http://here', false],
  ])('of %j at %s is %s', (headers, publicUrl, expected) => {
    expect(isSecureRequest(headers, publicUrl)).toBe(expected);
  });
});
