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

/**
 * The principal of a token's claims. `scope` has names with blanks between; those that we don't know are for others.
 *
 * @throws AuthError `CLAIM_INVALID`; `CLAIM_MISSING` for `write` without `provider_id`
 */
export function toPrincipal(claims: Readonly<Record<string, unknown>>): Principal {
  const { scope = '', provider_id: providerId } = claims;
  if (typeof scope !== 'string') throw new AuthError('CLAIM_INVALID', 'the claim scope must be a string');
  const granted = new Set(scopes.filter((name) => scope.split(' ').includes(name)));
  if (providerId === undefined) {
    if (granted.has('write')) {
      throw new AuthError('CLAIM_MISSING', 'a token with scope write must have the claim provider_id');
    }
    return { scopes: granted };
  }
  if (typeof providerId !== 'string' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(providerId)) {
    throw new AuthError('CLAIM_INVALID', 'the claim provider_id must be a UUID');
  }
  return { scopes: granted, providerId: providerId.toLowerCase() };
}

/** @throws AuthError `SCOPE_MISSING` */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!principal.scopes.has(scope))
    throw new AuthError('SCOPE_MISSING', `the token lacks the scope ${scope}`);
}
