/** Keeps the token over reloads and new tabs, until it is signed out of. */
const STORAGE_KEY = 'hailstream.token';

/** What {@link openSession} needs of the browser. */
export interface SessionBrowser {
  readonly location: Pick<Location, 'hash' | 'pathname' | 'search'>;
  readonly history: Pick<History, 'replaceState' | 'state'>;
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

/** The bearer token of whoever looks at the page; `null` where none was ever given. */
export interface Session {
  readonly token: string | null;
}

/**
 * Takes the token of a sign-in link (`#token=…`) out of the address bar, so that it is in no bookmark, screenshot or
 * referrer, and keeps it; otherwise finds the one kept before.
 */
export function openSession({ location, history, storage }: SessionBrowser): Session {
  const token = tokenOfHash(location.hash);
  if (token === null) return { token: read(storage) };
  history.replaceState(history.state, '', location.pathname + location.search);
  write(storage, token);
  return { token };
}

export function closeSession(storage: SessionBrowser['storage']): void {
  write(storage, null);
}

export function tokenOfHash(hash: string): string | null {
  const token = new URLSearchParams(hash.replace(/^#/, '')).get('token')?.trim();
  return token === undefined || token === '' ? null : token;
}

function read(storage: SessionBrowser['storage']): string | null {
  try {
    return storage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

function write(storage: SessionBrowser['storage'], token: string | null): void {
  try {
    if (token === null) storage.removeItem(STORAGE_KEY);
    else storage.setItem(STORAGE_KEY, token);
  } catch {
    // Storage can be forbidden: the session then lasts as long as the page.
  }
}
