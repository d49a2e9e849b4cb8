import { describe, expect, it } from 'vitest';
import { closeSession, openSession } from './session.js';

function browser(hash: string, kept: string | null = null) {
  const items = new Map<string, string>(kept === null ? [] : [['hailstream.token', kept]]);
  const replaced: string[] = [];
  return {
    items,
    replaced,
    location: { hash, pathname: '/', search: '?a=1' },
    history: {
      state: null,
      replaceState: (_: unknown, __: string, url?: string | URL | null) => void replaced.push(String(url)),
    },
    storage: {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, value: string) => void items.set(key, value),
      removeItem: (key: string) => void items.delete(key),
    },
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
    expect(openSession({ ...browser('#token=abc'), storage })).toEqual({ token: 'abc' });
    expect(openSession({ ...browser(''), storage })).toEqual({ token: null });
  });

  it('removes the token when the session is closed', () => {
    const given = browser('', 'kept');
    closeSession(given.storage);
    expect(openSession(given)).toEqual({ token: null });
  });
});
