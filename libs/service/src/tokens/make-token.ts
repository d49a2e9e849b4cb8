import { createSecretKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { ALL_PROVIDERS, SIGN_IN_USE, type Scope } from './principal.js';

export interface TokenClaims {
  readonly scopes: readonly Scope[];
  /** Required with scope `write`. @default all providers */
  readonly providerId?: string;
  /** Who the token is for, as its claim `sub`. @default none */
  readonly name?: string;
  /** Whether it is for a sign-in link: it is valid for minutes, and the session that it opens for longer. @default false */
  readonly isForSignIn?: boolean;
}

/** Creates a token that a {@link TokenVerifier} with the same secret accepts. `expiresIn`: `12h`, `30 days`. */
export async function makeToken(secret: string, claims: TokenClaims, expiresIn: string): Promise<string> {
  const providerId = claims.providerId ?? (claims.scopes.includes('write') ? undefined : ALL_PROVIDERS);
  const payload = {
    scope: claims.scopes.join(' '),
    ...(providerId !== undefined && { provider_id: providerId }),
    ...(claims.name !== undefined && { sub: claims.name }),
    ...(claims.isForSignIn === true && { use: SIGN_IN_USE }),
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime(expiresIn)
    .sign(createSecretKey(Buffer.from(secret)));
}
