import { createSecretKey } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Scope } from './principal.js';

export interface TokenClaims {
  readonly scopes: readonly Scope[];
  /** Needed with `write`. */
  readonly providerId?: string;
}

/** Makes a token that {@link TokenVerifier} takes under the same secret. `expiresIn` as in `12h`, `30 days`. */
export async function makeToken(secret: string, claims: TokenClaims, expiresIn: string): Promise<string> {
  const payload = {
    scope: claims.scopes.join(' '),
    ...(claims.providerId !== undefined && { provider_id: claims.providerId }),
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime(expiresIn)
    .sign(createSecretKey(Buffer.from(secret)));
}
