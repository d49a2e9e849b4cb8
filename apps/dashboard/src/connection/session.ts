import type { SessionState, SessionUser } from '@hailstream/events/live';
import { retryAfterMs } from './request.js';

/** The token of a frame is kept across its reloads. That of a link is exchanged for a session, and not kept. */
const FRAME_TOKEN_KEY = 'hailstream.token';

type TokenStorage = Pick<Storage, 'getItem' | 'setItem'>;

interface AddressOfPage {
  readonly location: Pick<Location, 'hash' | 'pathname' | 'search'>;
  readonly history: Pick<History, 'replaceState' | 'state'>;
}

/**
 * Returns the token of a sign-in link (`#token=…`) and removes it from the address bar, so that it does not end up in
 * bookmarks, screenshots or referrers; `null` without a token.
 */
export function takeToken({ location, history }: AddressOfPage): string | null {
  const token = tokenOfHash(location.hash);
  if (token !== null) history.replaceState(history.state, '', location.pathname + location.search);
  return token;
}

/**
 * The token of a frame in a page of another site, which does not have the user's session: the one of its address, or else the
 * one that it had before a reload. The page around the frame has the token anyway.
 */
export function frameToken(token: string | null, storage: TokenStorage | null): string | null {
  try {
    if (token !== null) storage?.setItem(FRAME_TOKEN_KEY, token);
    return token ?? storage?.getItem(FRAME_TOKEN_KEY) ?? null;
  } catch {
    // Storage may be disabled: the token then ends with the page.
    return token;
  }
}

export function tokenOfHash(hash: string): string | null {
  const token = new URLSearchParams(hash.replace(/^#/, '')).get('token')?.trim();
  return token === undefined || token === '' ? null : token;
}

/** Why a user could not be signed in with the identity provider. */
const signInFailures = ['expired', 'refused', 'unavailable', 'invalid', 'not-permitted', 'busy'] as const;
export type SignInFailure = (typeof signInFailures)[number];

/** How signing in with the identity provider has ended. `switched`: this browser was signed in as another user. */
export type ProviderSignIn = 'done' | 'switched' | SignInFailure;
const outcomes: readonly ProviderSignIn[] = ['done', 'switched', ...signInFailures];

/** Returns what the service says of a sign-in (`#sign-in=…`) and removes it from the address bar; `null` if it says nothing. */
export function takeProviderSignIn({ location, history }: AddressOfPage): ProviderSignIn | null {
  const named = new URLSearchParams(location.hash.replace(/^#/, '')).get('sign-in');
  const outcome = outcomes.find((each) => each === named);
  if (outcome === undefined) return null;
  history.replaceState(history.state, '', location.pathname + location.search);
  return outcome;
}

/** What became of a sign-in link. */
export type SignIn =
  | { readonly kind: 'signed-in'; readonly state: SessionState }
  | { readonly kind: 'invalid' }
  /** This browser is signed in as another user, who decides. */
  | { readonly kind: 'other'; readonly current: SessionUser; readonly offered: SessionUser }
  /** There were too many attempts. */
  | { readonly kind: 'limited'; readonly waitMs: number }
  /** The service does not respond. */
  | { readonly kind: 'failed' };

const TIMEOUT_MS = 10_000;

/** Exchanges a token for a session, which is a cookie that scripts cannot read. */
export async function signIn(
  token: string,
  { replaces }: { readonly replaces: boolean },
  send: typeof fetch = fetch,
): Promise<SignIn> {
  try {
    const response = await send(`/session${replaces ? '?replace=true' : ''}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 409) {
      const { current, offered } = (await response.json()) as { current: SessionUser; offered: SessionUser };
      return { kind: 'other', current, offered };
    }
    if (response.status === 429) return { kind: 'limited', waitMs: retryAfterMs(response) };
    if (response.status >= 500) return { kind: 'failed' };
    if (!response.ok) return { kind: 'invalid' };
    return { kind: 'signed-in', state: (await response.json()) as SessionState };
  } catch {
    return { kind: 'failed' };
  }
}
