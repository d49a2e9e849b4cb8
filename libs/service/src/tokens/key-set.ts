import { performance } from 'node:perf_hooks';
import {
  createLocalJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyOptions,
} from 'jose';
import { AuthError } from './auth.error.js';

const FETCH_TIMEOUT_MS = 3_000;

/** Maximum age of a fetched key set. A withdrawn key is accepted for at most this long. */
const MAX_AGE_MS = 600_000;

/** Limits fetches, however many tokens have unknown keys: a burst of this many, then one per interval. */
export const MAX_FETCHES_IN_A_ROW = 5;
export const FETCH_ALLOWED_EVERY_MS = 10_000;

/** Maximum number of keys that are tried for a token without a `kid`. */
const MAX_KEYS_TRIED = 16;

/** Maximum size of a key set: about a hundred keys with certificates. */
const MAX_KEY_SET_BYTES = 1_048_576;

/**
 * The keys of an identity provider, fetched on demand. Because keys are rotated, the set is fetched again if the key of a
 * token is unknown or its signature does not match. The rate of fetches is limited.
 */
export class KeySet {
  private keys: ReturnType<typeof createLocalJWKSet> | undefined;
  private fetchedAt = -Infinity;
  private fetching: Promise<void> | undefined;
  private allowedFetches = MAX_FETCHES_IN_A_ROW;
  private allowedAt: number;

  /** @param elapsed monotonic time in milliseconds */
  constructor(
    private readonly url: string,
    private readonly elapsed: () => number = () => performance.now(),
  ) {
    this.allowedAt = elapsed();
  }

  /**
   * Verifies that a key of the set has signed the token, and returns its claims.
   *
   * @throws JOSEError if the token is invalid; AuthError `KEYS_UNAVAILABLE` if the keys cannot be fetched
   */
  async verify(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    const isFresh = this.elapsed() - this.fetchedAt < MAX_AGE_MS;
    if (!isFresh) await this.refresh();
    try {
      return await this.verifyNow(token, options);
    } catch (error) {
      const mayBeOutdated =
        error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
      if (!mayBeOutdated || !isFresh || !this.mayFetch()) throw error;
      await this.refresh();
      return await this.verifyNow(token, options);
    }
  }

  private async verifyNow(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    if (this.keys === undefined) throw new AuthError('KEYS_UNAVAILABLE', UNAVAILABLE);
    try {
      return (await jwtVerify(token, this.keys, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      return await tryEach(error, token, options);
    }
  }

  /** Fetches the set. Concurrent calls share one fetch. */
  private async refresh(): Promise<void> {
    this.fetching ??= this.fetch().finally(() => (this.fetching = undefined));
    await this.fetching;
  }

  private async fetch(): Promise<void> {
    if (!this.mayFetch()) throw new AuthError('KEYS_UNAVAILABLE', UNAVAILABLE);
    this.allowedFetches -= 1;
    try {
      // A redirect could lead to plain HTTP.
      const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
      const response = await fetch(this.url, { signal, redirect: 'error' });
      if (!response.ok) throw new Error(`the key set URL returned status ${response.status}`);
      this.keys = createLocalJWKSet(JSON.parse(await boundedText(response)) as JSONWebKeySet);
      this.fetchedAt = this.elapsed();
    } catch (cause) {
      throw new AuthError('KEYS_UNAVAILABLE', UNAVAILABLE, { cause });
    }
  }

  /** Whether a fetch is allowed now. */
  private mayFetch(): boolean {
    const more = Math.floor((this.elapsed() - this.allowedAt) / FETCH_ALLOWED_EVERY_MS);
    this.allowedFetches = Math.min(MAX_FETCHES_IN_A_ROW, this.allowedFetches + more);
    this.allowedAt += more * FETCH_ALLOWED_EVERY_MS;
    return this.fetching !== undefined || this.allowedFetches > 0;
  }
}

const UNAVAILABLE = 'the keys to verify tokens cannot be fetched';

/** Tries all keys that match a token without a `kid`. */
async function tryEach(
  keys: errors.JWKSMultipleMatchingKeys,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  let tried = 0;
  for await (const key of keys) {
    tried += 1;
    if (tried > MAX_KEYS_TRIED) break;
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > MAX_KEY_SET_BYTES)
      throw new Error(`the key set is larger than ${MAX_KEY_SET_BYTES} bytes`);
  }
  return text + decoder.decode();
}
