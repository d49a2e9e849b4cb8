import { createPublicKey, createSecretKey } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { AuthError } from './auth.error.js';
import { KeySet } from './key-set.js';
import { anyone, SIGN_IN_USE, toPrincipal, type Principal } from './principal.js';

/**
 * How callers are authenticated. `open` disables authentication, for services that listen on loopback only. A secret is
 * known to Hailstream alone. A public key or a key set belongs to an identity provider, which also signs tokens for other
 * services; therefore issuer and audience are checked.
 */
export type AuthOptions = (
  | { readonly kind: 'open' }
  | ({ readonly kind: 'secret'; readonly secret: string } & Roles)
  | ({ readonly kind: 'public-key'; readonly pem: string } & TokenOrigin & Roles)
  | ({ readonly kind: 'jwks'; readonly url: string } & TokenOrigin & Roles)
) & {
  readonly failures?: FailureLimit;
};

/** How many authentications may fail. */
export interface FailureLimit {
  /** Of each client address. @default 10 */
  readonly perSecond?: number;
  /** Addresses and subnets in CIDR notation of proxies whose `X-Forwarded-For` has the address of the client. @default none */
  readonly trustedProxies?: readonly string[];
}

interface Roles {
  /** The claim with the roles of the user. @default roles are not read */
  readonly roleClaim?: string;
}

/** Required claims of tokens that an identity provider signs. */
export interface TokenOrigin {
  /** The value of `iss`. */
  readonly issuer: string;
  /** `aud` must contain one of these values. */
  readonly audience: readonly string[];
}

/** Maximum number of cached tokens. Each device of a large fleet has its own token. */
const MAX_CACHED_TOKENS = 20_000;

/** Maximum age of a cached verification. A withdrawn key is accepted for at most this long. */
const CACHED_MS = 60_000;

/** Maximum accepted difference between the clock of the signer and the local clock. */
const CLOCK_LEEWAY_SECONDS = 30;
const CLOCK_LEEWAY_MS = CLOCK_LEEWAY_SECONDS * 1_000;

/** The last time that a `Date` can have. */
const LAST_TIME_SECONDS = 8_640_000_000_000;

const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** A token that was verified. */
interface VerifiedToken {
  readonly principal: Principal;
  /** Unix time in milliseconds. */
  readonly expiresAtMs: number;
  /** Whether it is the token of a sign-in link. Only a token that is signed with the secret can be one. */
  readonly isForSignIn: boolean;
}

interface CachedVerification extends VerifiedToken {
  /** Monotonic time of the verification. */
  readonly verifiedAt: number;
}

/** The clocks of a verifier, in milliseconds. */
interface Clocks {
  /** Unix time. */
  readonly now: () => number;
  /** Monotonic time. */
  readonly elapsed: () => number;
}

const SYSTEM_CLOCKS: Clocks = { now: () => Date.now(), elapsed: () => performance.now() };

/** Verifies bearer tokens. Verifications are cached, because verifying a signature costs more than ingesting an event. */
export class TokenVerifier {
  private readonly cache = new Map<string, CachedVerification>();
  private isRevoked: (token: string) => boolean = () => false;
  private readonly check: ((token: string) => Promise<JWTPayload>) | undefined;

  constructor(
    private readonly options: AuthOptions,
    private readonly clocks: Clocks = SYSTEM_CLOCKS,
  ) {
    this.check = signatureCheck(options, clocks);
  }

  /**
   * Returns the caller that presents this token. Without authentication, every token is accepted.
   *
   * @throws AuthError if the token is missing or invalid, or if it cannot be verified at the moment
   */
  async verify(token: string | undefined): Promise<Principal> {
    return this.recall(token) ?? (await this.inspect(token))?.principal ?? anyone;
  }

  /**
   * Returns what is known of a token; `undefined` without authentication.
   *
   * @throws AuthError if the token is missing or invalid, or if it cannot be verified at the moment
   */
  async inspect(token: string | undefined): Promise<VerifiedToken | undefined> {
    if (this.check === undefined) return undefined;
    return this.recallToken(token) ?? (await this.verifySignature(this.check, token));
  }

  /** Rejects tokens that were revoked, although they have not expired. The function is called for each request. */
  rejectRevoked(isRevoked: (token: string) => boolean): void {
    this.isRevoked = isRevoked;
  }

  /** Returns what {@link verify} would resolve to if that is cached. Synchronous, because every request calls it. */
  recall(token: string | undefined): Principal | undefined {
    if (this.check === undefined) return anyone;
    return this.recallToken(token)?.principal;
  }

  private recallToken(token: string | undefined): CachedVerification | undefined {
    const known = token === undefined ? undefined : this.cache.get(token);
    if (known === undefined || this.clocks.elapsed() - known.verifiedAt >= CACHED_MS) return undefined;
    const hasExpired = known.expiresAtMs + CLOCK_LEEWAY_MS <= this.clocks.now();
    return hasExpired || this.isRevoked(token!) ? undefined : known;
  }

  private async verifySignature(check: Check, token: string | undefined): Promise<CachedVerification> {
    if (token === undefined || token === '')
      throw new AuthError('TOKEN_MISSING', 'a bearer token is required');
    const claims = await check(token).catch((error: unknown) => {
      this.cache.delete(token);
      throw toAuthError(error);
    });
    if (claims.iat !== undefined && claims.iat > this.clocks.now() / 1_000 + CLOCK_LEEWAY_SECONDS) {
      throw new AuthError('TOKEN_INVALID', 'the token is not valid yet: its iat is in the future');
    }
    if (!(claims.exp !== undefined && claims.exp <= LAST_TIME_SECONDS)) {
      throw new AuthError('TOKEN_INVALID', 'the token is not valid: its exp is not a time');
    }
    if (this.isRevoked(token)) throw new AuthError('TOKEN_INVALID', 'the token was revoked');
    const isOwn = this.options.kind === 'secret';
    const verified = {
      principal: toPrincipal(claims, { allByDefault: isOwn, ...roleClaim(this.options) }),
      verifiedAt: this.clocks.elapsed(),
      expiresAtMs: claims.exp * 1_000,
      isForSignIn: isOwn && claims['use'] === SIGN_IN_USE,
    };
    this.addToCache(token, verified);
    return verified;
  }

  private addToCache(token: string, entry: CachedVerification): void {
    this.cache.delete(token);
    if (this.cache.size >= MAX_CACHED_TOKENS) {
      // A map iterates its keys in insertion order: the first key is the oldest.
      const [oldest] = this.cache.keys();
      if (oldest !== undefined) this.cache.delete(oldest);
    }
    this.cache.set(token, entry);
  }
}

type Check = (token: string) => Promise<JWTPayload>;

/** The kind of the key determines the accepted algorithms, so that a public key cannot be used as an HMAC secret. */
function signatureCheck(options: AuthOptions, { now, elapsed }: Clocks): Check | undefined {
  const settings = (algorithms: string[]): JWTVerifyOptions => ({
    algorithms,
    currentDate: new Date(now()),
    clockTolerance: CLOCK_LEEWAY_SECONDS,
    // A token without it could never be withdrawn.
    requiredClaims: ['exp'],
  });
  const originSettings = ({ issuer, audience }: TokenOrigin): JWTVerifyOptions => ({
    ...settings(ASYMMETRIC),
    issuer,
    audience: [...audience],
  });
  switch (options.kind) {
    case 'open':
      return undefined;
    case 'secret': {
      const key = createSecretKey(Buffer.from(options.secret));
      return async (token) => (await jwtVerify(token, key, settings(['HS256']))).payload;
    }
    case 'public-key': {
      const key = createPublicKey(options.pem);
      return async (token) => (await jwtVerify(token, key, originSettings(options))).payload;
    }
    case 'jwks': {
      const keys = new KeySet(options.url, elapsed);
      return (token) => keys.verify(token, originSettings(options));
    }
  }
}

function roleClaim(options: AuthOptions): Roles {
  return options.kind === 'open' || options.roleClaim === undefined ? {} : { roleClaim: options.roleClaim };
}

function toAuthError(error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  const options = { cause: error };
  if (error instanceof errors.JWTExpired) {
    return new AuthError('TOKEN_EXPIRED', `the token expired at ${expiry(error.payload)}`, options);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new AuthError('TOKEN_INVALID', `the token is not valid: ${error.message}`, options);
  }
  const keysFault = error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid;
  if (keysFault || !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC') {
    return new AuthError('KEYS_UNAVAILABLE', 'the keys to verify tokens cannot be fetched', options);
  }
  return new AuthError('TOKEN_INVALID', 'the token is malformed or not signed by a trusted key', options);
}

function expiry({ exp }: JWTPayload): string {
  const isTime = exp !== undefined && Math.abs(exp) <= LAST_TIME_SECONDS;
  return isTime ? new Date(exp * 1_000).toISOString() : 'an unknown time';
}
