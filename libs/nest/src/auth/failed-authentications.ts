import type { IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import { clientNetwork, TrustedProxies } from '@hailstream/service/client-address';
import { TokenBucket, type RateLimit } from '@hailstream/service/token-bucket';
import { AuthError, type FailureLimit } from '@hailstream/service/tokens';
import { ProblemError } from '../http/problem.js';

/** Failures of an address if no limit is set. */
const DEFAULT_PER_SECOND = 10;

/** Burst of an address: as many failures as its rate allows in this time. */
const BURST_SECONDS = 10;

/** Addresses that are remembered, those that failed last. */
const MAX_ADDRESSES = 10_000;

/** How long a refusal waits before it is sent, so that an address cannot use the processor with refusals. */
const DELAY_MS = 500;

/** Failures of callers who are known, or that are not theirs. */
const NOT_COUNTED: ReadonlySet<AuthError['code']> = new Set<AuthError['code']>([
  'SCOPE_MISSING',
  'KEYS_UNAVAILABLE',
]);

/**
 * Bounds the failed authentications of each address: those without a token, and with a token that is not valid. Callers with
 * a valid token are never refused, because many vehicles may have the address of one carrier.
 */
export class FailedAuthentications {
  private readonly buckets = new Map<string, TokenBucket>();
  private readonly proxies: TrustedProxies;

  private readonly rate: RateLimit;

  constructor(
    { perSecond = DEFAULT_PER_SECOND, trustedProxies = [] }: FailureLimit = {},
    private readonly now: () => number = () => performance.now(),
  ) {
    this.proxies = new TrustedProxies(trustedProxies);
    this.rate = { perSecond, burst: BURST_SECONDS * perSecond };
  }

  /** Counts an error if it is a failed authentication. Returns the error to respond with: 429 beyond the rate. */
  count(error: unknown, request: Pick<IncomingMessage, 'socket' | 'headers'>): unknown {
    if (!(error instanceof AuthError) || NOT_COUNTED.has(error.code)) return error;
    const now = this.now();
    const bucket = this.bucketOf(clientNetwork(this.proxies.clientOf(request)), now);
    if (bucket.remaining(now) < 1) return tooManyFailures(error, bucket.waitMs(now));
    bucket.take(1, now);
    return error;
  }

  private bucketOf(address: string, now: number): TokenBucket {
    const bucket = this.buckets.get(address) ?? new TokenBucket(this.rate, now);
    this.buckets.delete(address);
    this.buckets.set(address, bucket);
    if (this.buckets.size > MAX_ADDRESSES) {
      const [oldest] = this.buckets.keys();
      this.buckets.delete(oldest!);
    }
    return bucket;
  }
}

function tooManyFailures(cause: AuthError, waitMs: number): ProblemError {
  return new ProblemError(
    {
      status: 429,
      title: 'Too Many Requests',
      detail: `too many requests of this address had no valid token; of this one: ${cause.message}`,
      headers: { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1_000))) },
      extensions: { code: 'TOO_MANY_FAILURES' },
      delayMs: DELAY_MS,
    },
    { cause },
  );
}
