import { isUuid } from '../uuid.js';
import { AuthError } from './auth.error.js';

/**
 * Permissions of a token: `read` to read events, `write` to send them, `operate` to pause and resume jobs, to acknowledge
 * alerts and to draw zones, `acknowledge` of these only to acknowledge alerts.
 */
export const scopes = ['read', 'write', 'operate', 'acknowledge'] as const;
export type Scope = (typeof scopes)[number];

/** The authenticated caller. */
export interface Principal {
  readonly scopes: ReadonlySet<Scope>;
  /** The only provider whose events the caller may read and write; all providers if it is not set. */
  readonly providerId?: string;
  /** Who the caller is, for people; not set if the token does not say it. */
  readonly name?: string;
}

/** The scopes of the roles that an identity provider may assign to users. */
const ROLES: ReadonlyMap<string, readonly Scope[]> = new Map<string, readonly Scope[]>([
  ['viewer', ['read']],
  ['operator', ['read', 'acknowledge']],
  ['admin', ['read', 'operate']],
]);

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
 * @param options.allByDefault whether a token without `provider_id` may read the events of all providers
 * @param options.roleClaim the claim with the user's roles, which grant scopes in addition to those of `scope`
 * @throws AuthError `CLAIM_INVALID`, or `CLAIM_MISSING` if `provider_id` is required and missing
 */
export function toPrincipal(
  claims: Readonly<Record<string, unknown>>,
  { allByDefault, roleClaim }: { readonly allByDefault: boolean; readonly roleClaim?: string },
): Principal {
  const { scope = '', provider_id: providerId } = claims;
  if (typeof scope !== 'string') throw new AuthError('CLAIM_INVALID', 'the claim scope must be a string');
  const ofRoles =
    roleClaim === undefined ? [] : rolesOf(claims, roleClaim).flatMap((role) => ROLES.get(role) ?? []);
  const words = [...scope.split(' '), ...ofRoles];
  const granted = new Set(scopes.filter((name) => words.includes(name)));
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

/** The words of a claim, which may be one of an object: `realm_access.roles`. */
function rolesOf(claims: Readonly<Record<string, unknown>>, claim: string): string[] {
  // Names of claims may contain dots themselves, if they are URLs.
  const value =
    claims[claim] ??
    claim.split('.').reduce<unknown>((object, name) => (isObject(object) ? object[name] : undefined), claims);
  if (typeof value === 'string') return value.split(/[ ,]+/);
  return Array.isArray(value) ? value.filter((role) => typeof role === 'string') : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function nameOf(claims: Readonly<Record<string, unknown>>): { readonly name?: string } {
  for (const claim of NAME_CLAIMS) {
    const value = claims[claim];
    if (typeof value === 'string' && value.trim() !== '')
      return { name: value.trim().slice(0, MAX_NAME_CHARS) };
  }
  return {};
}

/** Whether the caller has a scope, or one that includes it. */
export function hasScope({ scopes: granted }: Principal, scope: Scope): boolean {
  return granted.has(scope) || (scope === 'acknowledge' && granted.has('operate'));
}

/** @throws AuthError `SCOPE_MISSING` */
export function requireScope(principal: Principal, scope: Scope): void {
  if (!hasScope(principal, scope)) throw new AuthError('SCOPE_MISSING', `the token lacks the scope ${scope}`);
}
