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
  it('takes the token of a sign-in link out of the address and keeps it', () => {
    const given = browser('#token=abc.def.ghi', 'older');
    expect(openSession(given)).toEqual({ token: 'abc.def.ghi' });
    expect(given.replaced).toEqual(['/?a=1']);
    expect([...given.items.values()]).toEqual(['abc.def.ghi']);
  });

  it('finds the token that was kept', () => {
    const given = browser('', 'kept');
    expect(openSession(given)).toEqual({ token: 'kept' });
    expect(given.replaced).toEqual([]);
  });

  it.each(['', '#', '#token=', '#token=%20', '#place=1'])('has no token from %j', (hash) => {
    expect(openSession(browser(hash))).toEqual({ token: null });
  });

  it('works for as long as the page where storage is forbidden', () => {
    const refuse = () => {
      throw new DOMException('denied', 'SecurityError');
    };
    const storage = { getItem: refuse, setItem: refuse, removeItem: refuse };
    expect(openSession({ ...browser('#token=abc'), storage })).toEqual({ token: 'abc' });
    expect(openSession({ ...browser(''), storage })).toEqual({ token: null });
  });

  it('forgets the token when the session is closed', () => {
    const given = browser('', 'kept');
    closeSession(given.storage);
    expect(openSession(given)).toEqual({ token: null });
  });
});
