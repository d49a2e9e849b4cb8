import { describe, expect, it } from 'vitest';
import { closeSession, isSignIn, openSession } from './session.js';

function storageWith(kept: string | null) {
  const items = new Map<string, string>(kept === null ? [] : [['hailstream.token', kept]]);
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}

function browser(hash: string, kept: string | null = null) {
  const storage = storageWith(kept);
  const replaced: string[] = [];
  return {
    items: storage.items,
    replaced,
    location: { hash, pathname: '/', search: '?a=1' },
    history: {
      state: null,
      replaceState: (_: unknown, __: string, url?: string | URL | null) => void replaced.push(String(url)),
    },
    storages: [storage],
  };
}

describe('openSession', () => {
  it('stores the token of a sign-in link and removes it from the address', () => {
    const given = browser('#token=abc.def.ghi', 'older');
    expect(openSession(given)).toEqual({ token: 'abc.def.ghi' });
    expect(given.replaced).toEqual(['/?a=1']);
    expect([...given.items.values()]).toEqual(['abc.def.ghi']);
  });

  it('returns the stored token', () => {
    const given = browser('', 'kept');
    expect(openSession(given)).toEqual({ token: 'kept' });
    expect(given.replaced).toEqual([]);
  });

  it.each(['', '#', '#token=', '#token=%20', '#place=1'])('returns no token for %j', (hash) => {
    expect(openSession(browser(hash))).toEqual({ token: null });
  });

  it('keeps the token until the page is closed if storage is disabled', () => {
    const refuse = () => {
      throw new DOMException('denied', 'SecurityError');
    };
    const storage = { getItem: refuse, setItem: refuse, removeItem: refuse };
    expect(openSession({ ...browser('#token=abc'), storages: [storage] })).toEqual({ token: 'abc' });
    expect(openSession({ ...browser(''), storages: [storage] })).toEqual({ token: null });
    expect(openSession({ ...browser('#token=abc'), storages: [] })).toEqual({ token: 'abc' });
  });

  it('stores the token of a frame apart from that of the user, which it uses if the frame has none', () => {
    const [ofFrame, ofUser] = [storageWith(null), storageWith('own')];
    const storages = [ofFrame, ofUser];
    expect(openSession({ ...browser(''), storages })).toEqual({ token: 'own' });
    expect(openSession({ ...browser('#token=abc'), storages })).toEqual({ token: 'abc' });
    expect([...ofUser.items.values()]).toEqual(['own']);
    expect(openSession({ ...browser(''), storages })).toEqual({ token: 'abc' });
  });

  it('removes the token when the session is closed', () => {
    const given = browser('', 'kept');
    closeSession(given.storages);
    expect(openSession(given)).toEqual({ token: null });
  });
});

describe('isSignIn', () => {
  it('recognizes that another tab has stored a token', () => {
    expect(isSignIn({ key: 'hailstream.token', newValue: 'abc' })).toBe(true);
    expect(isSignIn({ key: 'hailstream.token', newValue: null })).toBe(false);
    expect(isSignIn({ key: 'hailstream.theme', newValue: 'dark' })).toBe(false);
  });
});
