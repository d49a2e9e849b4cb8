/** The token is kept across reloads and tabs until the user signs out. */
const STORAGE_KEY = 'hailstream.token';

type TokenStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** The parts of the browser that {@link openSession} uses. */
interface SessionBrowser {
  readonly location: Pick<Location, 'hash' | 'pathname' | 'search'>;
  readonly history: Pick<History, 'replaceState' | 'state'>;
  /** The token is read from all of them, in this order, and written to the first one. */
  readonly storages: readonly TokenStorage[];
}

/** The user's bearer token; `null` if none was given. */
interface Session {
  readonly token: string | null;
}

/**
 * Stores the token of a sign-in link (`#token=…`) and removes it from the address bar, so that it does not end up in
 * bookmarks, screenshots or referrers. Without a token in the address, returns the stored one.
 */
export function openSession({ location, history, storages }: SessionBrowser): Session {
  const token = tokenOfHash(location.hash);
  if (token === null) return { token: firstOf(storages) };
  history.replaceState(history.state, '', location.pathname + location.search);
  for (const storage of storages.slice(0, 1)) write(storage, token);
  return { token };
}

export function closeSession(storages: SessionBrowser['storages']): void {
  for (const storage of storages) write(storage, null);
}

/** Whether the user has signed in with another tab that has the same storage. */
export function isSignIn({ key, newValue }: Pick<StorageEvent, 'key' | 'newValue'>): boolean {
  return key === STORAGE_KEY && newValue !== null;
}

export function tokenOfHash(hash: string): string | null {
  const token = new URLSearchParams(hash.replace(/^#/, '')).get('token')?.trim();
  return token === undefined || token === '' ? null : token;
}

function firstOf(storages: readonly TokenStorage[]): string | null {
  for (const storage of storages) {
    const token = read(storage);
    if (token !== null) return token;
  }
  return null;
}

function read(storage: TokenStorage): string | null {
  try {
    return storage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

function write(storage: TokenStorage, token: string | null): void {
  try {
    if (token === null) storage.removeItem(STORAGE_KEY);
    else storage.setItem(STORAGE_KEY, token);
  } catch {
    // Storage may be disabled: the session then ends with the page.
  }
}
