/** The token is kept across reloads and tabs until the user signs out. */
const STORAGE_KEY = 'hailstream.token';

/** The parts of the browser that {@link openSession} uses. */
interface SessionBrowser {
  readonly location: Pick<Location, 'hash' | 'pathname' | 'search'>;
  readonly history: Pick<History, 'replaceState' | 'state'>;
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

/** The user's bearer token; `null` if none was given. */
interface Session {
  readonly token: string | null;
}

/**
 * Stores the token of a sign-in link (`#token=…`) and removes it from the address bar, so that it does not end up in
 * bookmarks, screenshots or referrers. Without a token in the address, returns the stored one.
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
    // Storage may be disabled: the session then ends with the page.
  }
}
