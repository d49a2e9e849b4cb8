import { parseArgs } from 'node:util';
import { isUuid } from '../uuid.js';
import type { TokenClaims } from './make-token.js';
import type { Scope } from './principal.js';

/** The provider of the simulated city and of replayed traces. */
export const LOCAL_PROVIDER_ID = '0197a1c0-6d1f-7000-8000-000000000001';

/** Usage of the commands that print tokens. */
export const TOKEN_USAGE = '--scope read|write|operate[,…] [--provider UUID] [--name NAME]';

const scopes: readonly Scope[] = ['read', 'write', 'operate'];

/** Lifetime of the tokens that the commands print. */
export const TOKEN_EXPIRES_IN = '30 days';

/** Lifetime of sign-in links: the page exchanges one for a session. */
export const SIGN_IN_EXPIRES_IN = '10 minutes';

/**
 * Parses the arguments of a command that prints tokens. Returns the claims, or the problem in one line. With scope `write`,
 * the default provider is the local one.
 */
export function parseTokenArgs(args: readonly string[]): TokenClaims | { readonly problem: string } {
  let values: { [Name in 'scope' | 'provider' | 'name']?: string | undefined };
  try {
    const options = {
      scope: { type: 'string' },
      provider: { type: 'string' },
      name: { type: 'string' },
    } as const;
    values = parseArgs({ args: [...args], options }).values;
  } catch {
    return { problem: `expected ${TOKEN_USAGE}` };
  }
  const { provider, name } = values;
  const requested = values.scope?.split(',') ?? [];
  const granted = scopes.filter((scope) => requested.includes(scope));
  if (granted.length === 0 || granted.length !== requested.length)
    return { problem: `expected ${TOKEN_USAGE}` };
  if (provider !== undefined && !isUuid(provider)) {
    return { problem: `--provider: expected a UUID, got "${provider}"` };
  }
  const providerId = provider ?? (granted.includes('write') ? LOCAL_PROVIDER_ID : undefined);
  return {
    scopes: granted,
    ...(providerId !== undefined && { providerId }),
    ...(name !== undefined && { name }),
  };
}
