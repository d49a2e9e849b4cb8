import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from '@hailstream/service/tokens';

/** Recognizes callers without a token by a cookie. */
export interface CookieSessions {
  /**
   * The session of a request; `undefined` if it has none that is valid. Called for each request without `Authorization`.
   *
   * @throws AuthError if sessions cannot be verified at the moment
   */
  recall(headers: IncomingHttpHeaders): { readonly principal: Principal } | undefined;
}

/** Injects {@link CookieSessions}, if a service has them. */
export const COOKIE_SESSIONS = Symbol('CookieSessions');
