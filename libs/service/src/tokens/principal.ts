import { isUuid } from '../uuid.js';
import { AuthError } from './auth.error.js';

/** What a token allows: to see (`read`), to send (`write`). */
export const scopes = ['read', 'write'] as const;
export type Scope = (typeof scopes)[number];

/** Who calls. */
export interface Principal {
  readonly scopes: ReadonlySet<Scope>;
  /** The provider that it speaks for: nothing of another one is written or seen. Not given: all of them. */
  readonly providerId?: string;
}

/** Who calls a service that is open. */
export const anyone: Principal = Object.freeze({ scopes: new Set(scopes) });

/** The claim `provider_id` of a token that may see the events of all providers. */
export const ALL_PROVIDERS = '*';

/**
 * The principal of a token's claims. `scope` has names with blanks between; those that we don't know are for others.
 * Events are written for one provider, and seen of one or, if `provider_id` is `*`, of all.
 *
 * @param allByDefault whether a token without `provider_id` may see the events of all providers
 * @throws AuthError `CLAIM_INVALID`; `CLAIM_MISSING` without a `provider_id` that is needed
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
  if (providerId === undefined) return { scopes: granted };
  if (providerId === ALL_PROVIDERS) {
    if (!granted.has('write')) return { scopes: granted };
    throw new AuthError('CLAIM_INVALID', 'a token with scope write must name one provider in provider_id');
  }
  if (typeof providerId !== 'string' || !isUuid(providerId)) {
    throw new AuthError('CLAIM_INVALID', 'the claim provider_id must be a UUID');
  }
  return { scopes: granted, providerId: providerId.toLowerCase() };
}

/** @throws AuthError `SCOPE_MISSING` */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!principal.scopes.has(scope))
    throw new AuthError('SCOPE_MISSING', `the token lacks the scope ${scope}`);
}
