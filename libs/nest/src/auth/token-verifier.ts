import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { AuthOptions } from './auth-options.js';
import { AuthError } from './auth.error.js';
import { anyone, toPrincipal, type Principal } from './principal.js';

/** Most tokens whose verification is remembered: each device of a large fleet has its own. */
const MAX_REMEMBERED_TOKENS = 20_000;

/** Longest that a verification is remembered: so long a withdrawn key may still be taken. */
const REMEMBERED_MS = 60_000;

const JWKS_TIMEOUT_MS = 3_000;

const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

interface Remembered {
  readonly principal: Principal;
  readonly untilMs: number;
}

/** Verifies bearer tokens, and remembers those it has verified: a signature costs more than the event it comes with. */
export class TokenVerifier {
  private readonly remembered = new Map<string, Remembered>();
  private readonly check: ((token: string) => Promise<JWTPayload>) | undefined;

  constructor(
    options: AuthOptions,
    private readonly now: () => number = Date.now,
  ) {
    this.check = signatureCheck(options, now);
  }

  /**
   * Who presents this token. Where the service is open: anyone, whatever they present.
   *
   * @throws AuthError
   */
  async verify(token: string | undefined): Promise<Principal> {
    return this.recall(token) ?? this.verifySignature(token);
  }

  /** What {@link verify} would resolve to, where that is known without asking: for the path that every request takes. */
  recall(token: string | undefined): Principal | undefined {
    if (this.check === undefined) return anyone;
    const known = token === undefined ? undefined : this.remembered.get(token);
    return known !== undefined && known.untilMs > this.now() ? known.principal : undefined;
  }

  private async verifySignature(token: string | undefined): Promise<Principal> {
    if (this.check === undefined) return anyone;
    if (token === undefined || token === '') throw new AuthError('TOKEN_MISSING', 'a bearer token is needed');
    const claims = await this.check(token).catch((error: unknown) => {
      this.remembered.delete(token);
      throw toAuthError(error);
    });
    const principal = toPrincipal(claims);
    this.remember(token, { principal, untilMs: this.untilMs(claims) });
    return principal;
  }

  private untilMs({ exp }: JWTPayload): number {
    return Math.min(this.now() + REMEMBERED_MS, exp === undefined ? Infinity : exp * 1_000);
  }

  private remember(token: string, entry: Remembered): void {
    this.remembered.delete(token);
    if (this.remembered.size >= MAX_REMEMBERED_TOKENS) {
      // A map lists its keys in the order they came: the first is the longest known.
      const [oldest] = this.remembered.keys();
      if (oldest !== undefined) this.remembered.delete(oldest);
    }
    this.remembered.set(token, entry);
  }
}

function signatureCheck(
  options: AuthOptions,
  now: () => number,
): ((token: string) => Promise<JWTPayload>) | undefined {
  const withKey = (key: KeyObject | JWTVerifyGetKey, algorithms: string[]) => async (token: string) => {
    const settings = { algorithms, currentDate: new Date(now()) };
    const { payload } = await (typeof key === 'function'
      ? jwtVerify(token, key, settings)
      : jwtVerify(token, key, settings));
    return payload;
  };
  switch (options.kind) {
    case 'open':
      return undefined;
    case 'secret':
      return withKey(createSecretKey(Buffer.from(options.secret)), ['HS256']);
    case 'public-key':
      return withKey(createPublicKey(options.pem), ASYMMETRIC);
    case 'jwks':
      return withKey(
        createRemoteJWKSet(new URL(options.url), { timeoutDuration: JWKS_TIMEOUT_MS }),
        ASYMMETRIC,
      );
  }
}

function toAuthError(error: unknown): AuthError {
  const options = { cause: error };
  if (error instanceof errors.JWTExpired) {
    return new AuthError('TOKEN_EXPIRED', `the token expired at ${expiry(error.payload)}`, options);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new AuthError('TOKEN_INVALID', `the token is not valid: ${error.message}`, options);
  }
  const keysFault = error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid;
  if (keysFault || !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC') {
    return new AuthError(
      'KEYS_UNAVAILABLE',
      'the keys that tokens are verified with are not available',
      options,
    );
  }
  return new AuthError(
    'TOKEN_INVALID',
    'the token is malformed, or not signed by a key that is trusted here',
    options,
  );
}

function expiry({ exp }: JWTPayload): string {
  return exp === undefined ? 'an unknown time' : new Date(exp * 1_000).toISOString();
}
