import { describe, expect, it } from 'vitest';
import { frameToken, signIn, takeProviderSignIn, takeToken } from './session.js';

function storageWith(kept: string | null) {
  const items = new Map<string, string>(kept === null ? [] : [['hailstream.token', kept]]);
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
}

function pageAt(hash: string) {
  const replaced: string[] = [];
  return {
    replaced,
    location: { hash, pathname: '/', search: '?a=1' },
    history: {
      state: null,
      replaceState: (_: unknown, __: string, url?: string | URL | null) => void replaced.push(String(url)),
    },
  };
}

describe('takeToken', () => {
  it('returns the token of a sign-in link and removes it from the address', () => {
    const page = pageAt('#token=abc.def.ghi');
    expect(takeToken(page)).toBe('abc.def.ghi');
    expect(page.replaced).toEqual(['/?a=1']);
  });

  it.each(['', '#', '#token=', '#token=%20', '#place=1'])('returns no token for %j', (hash) => {
    const page = pageAt(hash);
    expect(takeToken(page)).toBeNull();
    expect(page.replaced).toEqual([]);
  });
});

describe('takeProviderSignIn', () => {
  it.each(['done', 'switched', 'expired', 'refused', 'unavailable', 'invalid', 'not-permitted', 'busy'])(
    'returns %s and removes it from the address',
    (outcome) => {
      const page = pageAt(`#sign-in=${outcome}`);
      expect(takeProviderSignIn(page)).toBe(outcome);
      expect(page.replaced).toEqual(['/?a=1']);
    },
  );

  it.each(['', '#', '#sign-in', '#sign-in=<b>', '#sign-in=Done', '#token=done'])(
    'returns nothing for %j',
    (hash) => {
      const page = pageAt(hash);
      expect(takeProviderSignIn(page)).toBeNull();
      expect(page.replaced).toEqual([]);
    },
  );
});

describe('frameToken', () => {
  it('is the one of the address, and the same one after a reload', () => {
    const storage = storageWith(null);
    expect(frameToken(null, storage)).toBeNull();
    expect(frameToken('abc', storage)).toBe('abc');
    expect(frameToken(null, storage)).toBe('abc');
    expect(frameToken('def', storage)).toBe('def');
    expect([...storage.items.values()]).toEqual(['def']);
  });

  it('ends with the page if storage is disabled', () => {
    const refuse = () => {
      throw new DOMException('denied', 'SecurityError');
    };
    const storage = { getItem: refuse, setItem: refuse };
    expect([frameToken('abc', storage), frameToken(null, storage)]).toEqual(['abc', null]);
    expect([frameToken('abc', null), frameToken(null, null)]).toEqual(['abc', null]);
  });
});

describe('signIn', () => {
  const user = { name: 'Kim', providerId: null, scopes: ['read'] };
  const answering =
    (status: number, body: object = {}): typeof fetch =>
    () =>
      Promise.resolve(new Response(JSON.stringify(body), { status }));

  it.each([
    [200, { isRequired: true, user, expiresAt: 1 }, 'signed-in'],
    [401, {}, 'invalid'],
    [409, { current: user, offered: { ...user, name: 'Lou' } }, 'other'],
    [503, {}, 'failed'],
  ])('converts status %i', async (status, body, kind) => {
    expect(await signIn('abc', { replaces: false }, answering(status, body))).toMatchObject({ kind });
  });

  it('tells how long to wait after too many attempts', async () => {
    const send = () => Promise.resolve(new Response('', { status: 429, headers: { 'retry-after': '7' } }));
    expect(await signIn('abc', { replaces: false }, send)).toEqual({ kind: 'limited', waitMs: 7_000 });
    expect(await signIn('abc', { replaces: false }, answering(429))).toEqual({
      kind: 'limited',
      waitMs: 60_000,
    });
  });

  it('fails without a response, so that it can be repeated', async () => {
    const send = () => Promise.reject(new TypeError('Failed to fetch'));
    expect(await signIn('abc', { replaces: false }, send)).toEqual({ kind: 'failed' });
  });

  it('sends the token in a header, and replaces a session only if it is told to', async () => {
    const sent: [unknown, RequestInit | undefined][] = [];
    const send: typeof fetch = (input, init) => {
      sent.push([input, init]);
      return answering(200)(input);
    };
    await signIn('abc', { replaces: false }, send);
    await signIn('abc', { replaces: true }, send);
    expect(sent.map(([url]) => url)).toEqual(['/session', '/session?replace=true']);
    expect(sent[0]?.[1]).toMatchObject({ method: 'POST', headers: { Authorization: 'Bearer abc' } });
  });
});
