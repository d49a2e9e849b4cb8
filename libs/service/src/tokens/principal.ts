import { isUuid } from '../uuid.js';
import { AuthError } from './auth.error.js';

/**
 * Permissions of a token: `read` to read events, `write` to send them, `operate` to pause and resume jobs, to acknowledge
 * alerts and to draw zones.
 */
export const scopes = ['read', 'write', 'operate'] as const;
export type Scope = (typeof scopes)[number];

/** The authenticated caller. */
export interface Principal {
  readonly scopes: ReadonlySet<Scope>;
  /** The only provider whose events the caller may read and write; all providers if it is not set. */
  readonly providerId?: string;
  /** Who the caller is, for people; not set if the token does not say it. */
  readonly name?: string;
}

/** The claims that may name the caller, the most readable first. @see OpenID Connect Core, 5.1 */
const NAME_CLAIMS = ['name', 'preferred_username', 'email', 'sub'] as const;

const MAX_NAME_CHARS = 100;

/** The caller of a service without authentication. */
export const anyone: Principal = Object.freeze({ scopes: new Set(scopes) });

/** Value of the claim `provider_id` in a token that may read the events of all providers. */
export const ALL_PROVIDERS = '*';

/** Value of the claim `use` in the token of a sign-in link. */
export const SIGN_IN_USE = 'sign-in';

/**
 * Converts the claims of a token. `scope` is a space-separated list; unknown scopes are ignored. A token with scope `write`
 * names one provider. A token with only `read` names one provider, or `*` for all of them.
 *
 * @param allByDefault whether a token without `provider_id` may read the events of all providers
 * @throws AuthError `CLAIM_INVALID`, or `CLAIM_MISSING` if `provider_id` is required and missing
 */
export function toPrincipal(claims: Readonly<Record<string, unknown>>, allByDefault: boolean): Principal {
  const { scope = '', provider_id: providerId } = claims;
  if (typeof scope !== 'string') throw new AuthError('CLAIM_INVALID', 'the claim scope must be a string');
  const granted = new Set(scopes.filter((name) => scope.split(' ').includes(name)));
  if (providerId === undefined && (granted.has('write') || !allByDefault)) {
    const which = granted.has('write') ? 'a token with scope write' : 'a token';
    const values = granted.has('write') ? 'a UUID' : `a UUID, or "${ALL_PROVIDERS}" for all providers`;
    throw new AuthError('CLAIM_MISSING', `${which} must have the claim provider_id: ${values}`);
  }
  const caller = { scopes: granted, ...nameOf(claims) };
  if (providerId === undefined) return caller;
  if (providerId === ALL_PROVIDERS) {
    if (!granted.has('write')) return caller;
    throw new AuthError('CLAIM_INVALID', 'a token with scope write must name one provider in provider_id');
  }
  if (typeof providerId !== 'string' || !isUuid(providerId)) {
    throw new AuthError('CLAIM_INVALID', 'the claim provider_id must be a UUID');
  }
  return { ...caller, providerId: providerId.toLowerCase() };
}

function nameOf(claims: Readonly<Record<string, unknown>>): { readonly name?: string } {
  for (const claim of NAME_CLAIMS) {
    const value = claims[claim];
    if (typeof value === 'string' && value.trim() !== '')
      return { name: value.trim().slice(0, MAX_NAME_CHARS) };
  }
  return {};
}

/** @throws AuthError `SCOPE_MISSING` */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!principal.scopes.has(scope))
    throw new AuthError('SCOPE_MISSING', `the token lacks the scope ${scope}`);
}
