import { performance } from 'node:perf_hooks';
import { BodyMemory, ProblemError, type HeldBody, type ProblemAnswer } from '@hailstream/nest';
import { RefusalDelay } from '@hailstream/service/refusal-delay';
import { TokenBucket, type RateLimit } from '@hailstream/service/token-bucket';
import { overloaded, rateExceeded, shareExceeded } from './admission.errors.js';
import { FairQueue, newParty, type Party } from './fair-queue.js';
import { LogQueue } from './log-queue.js';

/** Limits of what one process admits. */
export interface AdmissionLimits {
  /** Events per second of each provider; `null`: not limited. */
  readonly providerRate: RateLimit | null;
  /** Part of the memory for bodies, and of the buffer for the log, that one provider may use: from 0 to 1. */
  readonly providerShare: number;
  /** Bodies of requests that are not answered yet. */
  readonly bodiesBytes: number;
  /** Records that the log has not acknowledged. */
  readonly logBufferBytes: number;
  /** A request that would wait longer, for its turn or for the log, is refused. */
  readonly maxQueueingMs: number;
}

/** Why requests are refused. */
export const refusals = [
  'rate',
  'bodies-share',
  'buffer-share',
  'bodies',
  'slow-bodies',
  'queue',
  'log-queue',
] as const;
export type Refusal = (typeof refusals)[number];

/** What a request needs in addition to the size of its body. */
const REQUEST_BYTES = 4_096;

/** Each of these bytes of a body costs as much as an event, so that large bodies with few events are not free. */
const BYTES_PER_EVENT = 2_048;

/**
 * Requests are refused on arrival if they are expected to wait for more than this part of the limit: what is expected may be wrong
 * by the rest, because providers may come, and work may become more expensive.
 */
const EXPECTED_PART = 0.5;

/** When there are more accounts, those that are idle are removed. */
const MAX_IDLE_ACCOUNTS = 1_000;

/** What a provider uses. */
interface Account extends Party {
  readonly providerId: string | undefined;
  readonly bucket: TokenBucket | null;
  readonly refusals: RefusalDelay;
  logBytes: number;
}

/** A request that was admitted. */
export interface Visit {
  readonly providerId: string | undefined;
  readonly account: Account;
  readonly body: HeldBody<Account>;
  /** Of the body, as far as it is known. */
  sizeBytes: number;
}

/**
 * Admits requests by their headers, before their bodies are read. A provider has a rate of events, and a share of the memory for
 * bodies and of the buffer for the log: beyond them, its requests are refused with 429, and those of others are not. If the
 * service itself is full, or requests would wait too long, the response is 503.
 */
export class Admission {
  private readonly accounts = new Map<string | undefined, Account>();
  private readonly queue: FairQueue;
  private readonly logQueue: LogQueue;
  private readonly bodies: BodyMemory<Account>;
  private readonly refused = new Map<Refusal, number>();

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly onRefused: (refusal: Refusal, providerId: string | undefined) => void = () => undefined,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.queue = new FairQueue(now);
    this.logQueue = new LogQueue(limits.maxQueueingMs, now);
    const { bodiesBytes: totalBytes, providerShare } = limits;
    this.bodies = new BodyMemory({ totalBytes, partyBytes: providerShare * totalBytes }, now);
  }

  /**
   * Admits a request with a body of a size that is known, or of at most `sizeBytes`. It must be left when it has been answered.
   *
   * @param onSlow called if the body arrives slowly while others need the memory
   * @throws ProblemError if a provider exceeds a limit: 429; if the service is overloaded: 503
   */
  enter(
    providerId: string | undefined,
    sizeBytes: number,
    onSlow: (problem: ProblemError) => void = () => undefined,
  ): Visit {
    const account = this.accountOf(providerId);
    const bytes = sizeBytes + REQUEST_BYTES;
    const problem = this.problemOf(account, bytes);
    if (problem !== undefined) throw problem;
    const body = this.bodies.hold(account, {
      bytes,
      onSlow: (slow) => {
        this.count('slow-bodies', account);
        onSlow(slow);
      },
    });
    if (body === 'share')
      throw this.refuse('bodies-share', account, shareExceeded('requests', this.rateHeaders(account)));
    if (body === 'total')
      throw this.refuse('bodies', account, overloaded('too many requests are not answered yet'));
    return { providerId, account, sizeBytes, body };
  }

  leave({ body }: Visit): void {
    this.bodies.release(body);
  }

  /** The body has arrived. */
  arrive({ body }: Visit): void {
    this.bodies.arrive(body);
  }

  /** The size of the body is known. */
  resize(visit: Visit, sizeBytes: number): void {
    this.bodies.resize(visit.body, sizeBytes + REQUEST_BYTES);
    visit.sizeBytes = sizeBytes;
  }

  /**
   * Runs work of a request when it is its provider's turn, unless the sender has closed the connection. If it would wait too
   * long, or has, `onRefused` is called instead: with a problem, 503.
   */
  run(visit: Visit, work: () => void, onRefused: (problem: ProblemError) => void): void {
    const { account } = visit;
    if (visit.body.isReleased) return;
    const bytes = visit.sizeBytes + REQUEST_BYTES;
    if (this.waitsTooLong(account, bytes)) {
      onRefused(this.refuseQueueing(account));
      return;
    }
    this.queue.run(account, bytes, (waitedMs) => {
      if (visit.body.isReleased) return;
      // More providers than were expected use the processor.
      if (waitedMs > this.limits.maxQueueingMs) onRefused(this.refuseQueueing(account));
      else work();
    });
  }

  /** Counts the events of a request. */
  charge({ account, sizeBytes }: Visit, events: number): void {
    if (account.bucket === null) return;
    account.bucket.take(Math.max(1, events, Math.floor(sizeBytes / BYTES_PER_EVENT)), this.now());
  }

  /**
   * Reserves a part of the buffer for the log, until the records have a result.
   *
   * @throws ProblemError if the provider's records use its whole share: 429
   */
  addToLog({ account }: Visit, bytes: number): void {
    if (account.logBytes > 0 && this.exceedsLogShare(account.logBytes + bytes))
      throw this.refuse('buffer-share', account, shareExceeded(RECORDS, this.rateHeaders(account)));
    account.logBytes += bytes;
    this.logQueue.add(bytes);
  }

  removeFromLog({ account }: Visit, bytes: number, isAcknowledged: boolean): void {
    account.logBytes -= bytes;
    this.logQueue.remove(bytes, isAcknowledged);
  }

  /**
   * The header fields of a response that tell a provider its rate limit; empty if it has none.
   *
   * @see draft-ietf-httpapi-ratelimit-headers-10
   */
  headersOf({ account }: Visit): Readonly<Record<string, string>> {
    return this.rateHeaders(account);
  }

  /** How many requests were refused for a reason. */
  refusedCount(refusal: Refusal): number {
    return this.refused.get(refusal) ?? 0;
  }

  /** Bytes of bodies of requests that are not answered yet. */
  get heldBytes(): number {
    return this.bodies.heldBytes;
  }

  /** How long a record would wait for the log. */
  get logQueueMs(): number {
    return this.logQueue.estimatedWaitMs;
  }

  private problemOf(account: Account, bytes: number): ProblemError | undefined {
    const { bucket } = account;
    if (bucket !== null && bucket.remaining(this.now()) < 1)
      return this.refuse('rate', account, this.rateProblem(bucket));
    if (this.exceedsLogShare(account.logBytes))
      return this.refuse('buffer-share', account, shareExceeded(RECORDS, this.rateHeaders(account)));
    if (this.waitsTooLong(account, bytes)) return this.refuseQueueing(account);
    // Those that have few records in the queue do not cause its length.
    if (this.logQueue.isLong && account.logBytes > this.fairLogBytes())
      return this.refuse('log-queue', account, overloaded('records wait too long for the log'));
    return undefined;
  }

  /** A provider with nothing that waits is never refused: it would be for as long as others use the processor. */
  private waitsTooLong(account: Account, bytes: number): boolean {
    const { queue, limits } = this;
    if (account.waiting.length === 0) return false;
    return queue.expectedWaitMs(account, bytes) > EXPECTED_PART * limits.maxQueueingMs;
  }

  private refuseQueueing(account: Account): ProblemError {
    return this.refuse('queue', account, overloaded('requests wait too long for their turn'));
  }

  private refuse(refusal: Refusal, account: Account, problem: ProblemAnswer): ProblemError {
    this.count(refusal, account);
    return new ProblemError({ ...problem, delayMs: account.refusals.nextMs(this.now()) });
  }

  private count(refusal: Refusal, { providerId }: Account): void {
    this.refused.set(refusal, this.refusedCount(refusal) + 1);
    this.onRefused(refusal, providerId);
  }

  /** While the log acknowledges nothing, no provider can use what another one leaves. */
  private exceedsLogShare(bytes: number): boolean {
    return bytes > this.limits.providerShare * this.limits.logBufferBytes && !this.logQueue.isStalled;
  }

  /** Half of an equal part of the records in the queue. */
  private fairLogBytes(): number {
    let total = 0;
    let providers = 0;
    for (const { logBytes } of this.accounts.values()) {
      if (logBytes === 0) continue;
      total += logBytes;
      providers += 1;
    }
    return total / Math.max(1, providers) / 2;
  }

  private accountOf(providerId: string | undefined): Account {
    const known = this.accounts.get(providerId);
    if (known !== undefined) return known;
    if (this.accounts.size >= MAX_IDLE_ACCOUNTS) this.removeIdle();
    const { providerRate } = this.limits;
    const now = this.now();
    const bucket = providerRate === null ? null : new TokenBucket(providerRate, now);
    const refusals = new RefusalDelay(now);
    const account: Account = { providerId, bucket, refusals, logBytes: 0, ...newParty() };
    this.accounts.set(providerId, account);
    return account;
  }

  private removeIdle(): void {
    const now = this.now();
    for (const [providerId, account] of this.accounts) {
      const { logBytes, waiting, refusals, bucket } = account;
      const usesNothing = this.bodies.heldBy(account) === 0 && logBytes === 0 && waiting.length === 0;
      if (usesNothing && refusals.isUnused(now) && (bucket === null || bucket.fullInMs(now) <= 0))
        this.accounts.delete(providerId);
    }
  }

  private rateProblem(bucket: TokenBucket): ProblemAnswer {
    const retryAfterSeconds = Math.max(1, Math.ceil(bucket.waitMs(this.now()) / 1_000));
    const { perSecond } = this.limits.providerRate!;
    return rateExceeded(perSecond, retryAfterSeconds, this.fields(0, retryAfterSeconds));
  }

  private rateHeaders({ bucket }: Account): Readonly<Record<string, string>> {
    if (bucket === null) return NO_HEADERS;
    const now = this.now();
    const remaining = Math.max(0, Math.floor(bucket.remaining(now)));
    return this.fields(remaining, Math.ceil(bucket.fullInMs(now) / 1_000));
  }

  private fields(remaining: number, resetSeconds: number): Readonly<Record<string, string>> {
    const { burst, perSecond } = this.limits.providerRate!;
    const windowSeconds = Math.max(1, Math.round(burst / perSecond));
    return {
      'ratelimit-policy': `"provider";q=${burst};w=${windowSeconds};qu="events"`,
      ratelimit: `"provider";r=${remaining};t=${resetSeconds}`,
    };
  }
}

const RECORDS = 'events that the log has not stored yet';
const NO_HEADERS: Readonly<Record<string, string>> = {};
