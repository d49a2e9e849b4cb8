import type { EventOf, FamilyName } from '@hailstream/events';
import type { Answer, IngestClient, ItemFailure } from './ingest-client.http.js';
import { Lanes, type Batch, type KeptEvent, type Lane } from './lanes.js';
import { familyNames, familyOf } from './outgoing.js';
import { retryDelayMs } from './retry-delay.js';

/** Most events in a request: half of what ingest takes at once. */
const MAX_EVENTS_PER_REQUEST = 500;

/** Most events of one key in a request: a long lane leaves room for the others. */
const MAX_EVENTS_PER_LANE = 100;

/** Consecutive failed requests after which ingest is said to be away: a single one is a connection that had grown old. */
const AWAY_AFTER_FAILURES = 2;

/** Most requests under way at a time. */
export const MAX_REQUESTS_IN_FLIGHT = 4;

/** Ingest said that no event will ever be taken like this: a wrong address, token or permission. */
export class IngestRefusedError extends Error {
  override readonly name = 'IngestRefusedError';
  readonly code = 'refused';
  readonly retryable = false;
}

/** What an outbox says while it works. */
export interface OutboxObserver {
  /** Ingest can't be reached, or can't take events; said once until it is back. */
  away(reason: string): void;
  back(): void;
  /** An event was turned down for what it is, and is dropped. */
  rejected(kind: FamilyName, id: string, reason: string): void;
  /** The outbox has stopped for good; whoever waits for it gets the same error. */
  failed(error: Error): void;
}

export interface OutboxCounts {
  /** Events that went out at least once. */
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Times that an event went out again. */
  readonly retried: number;
  /** Events dropped to stay within bounds, see {@link Outbox.thin}. */
  readonly thinned: number;
}

/**
 * What the devices have not been able to hand over yet. Events stay until ingest has accepted them, go out again with
 * the same ids, and of one key (the device; for riders and trips, the trip) in order.
 */
export class Outbox {
  readonly #client: IngestClient;
  readonly #observer: OutboxObserver;
  readonly #random: () => number;
  readonly #lanes = Object.fromEntries(familyNames.map((name) => [name, new Lanes()])) as Readonly<
    Record<FamilyName, Lanes>
  >;
  readonly #counts = { sent: 0, accepted: 0, rejected: 0, retried: 0, thinned: 0 };
  readonly #waiters = new Set<{ count: number; settle: (error?: Error) => void }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #nextKind = 0;
  #inFlight = 0;
  #failures = 0;
  #paused = false;
  #stopped = false;
  #pumpPlanned = false;
  #failure: Error | undefined;

  constructor(options: { client: IngestClient; observer: OutboxObserver; random?: () => number }) {
    this.#client = options.client;
    this.#observer = options.observer;
    this.#random = options.random ?? Math.random;
  }

  get counts(): OutboxCounts {
    return { ...this.#counts };
  }

  /** Events kept of one kind, or of all. */
  waiting(kind?: FamilyName): number {
    if (kind !== undefined) return this.#lanes[kind].count;
    return familyNames.reduce((sum, each) => sum + this.#lanes[each].count, 0);
  }

  /** Whether ingest is out of reach at the moment. */
  get away(): boolean {
    return this.#failures >= AWAY_AFTER_FAILURES;
  }

  put<Name extends FamilyName>(kind: Name, event: EventOf<Name>): void {
    const family = familyOf(kind);
    this.#lanes[kind].put(family.key(event), { id: family.id(event), json: JSON.stringify(event), sends: 0 });
    if (this.#pumpPlanned) return;
    // What is put in the same turn of the event loop leaves together.
    this.#pumpPlanned = true;
    setImmediate(() => {
      this.#pumpPlanned = false;
      this.#pump();
    });
  }

  /** Drops every second of the events of a kind that wait, and counts them: a coarser past instead of none. */
  thin(kind: FamilyName): number {
    const dropped = this.#lanes[kind].thin();
    this.#counts.thinned += dropped;
    return dropped;
  }

  /**
   * Waits until at most so many events are kept, or `signal` says not to wait any longer.
   *
   * @throws {IngestRefusedError} when ingest will never take them
   */
  async whenAtMost(count: number, signal?: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.waiting() <= count || signal?.aborted === true) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        this.#waiters.delete(waiter);
        // A signal outlives many waits.
        signal?.removeEventListener('abort', stopWaiting);
        if (error === undefined) resolve();
        else reject(error);
      };
      const stopWaiting = (): void => settle();
      const waiter = { count, settle };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', stopWaiting, { once: true });
    });
  }

  /** Gives up: stops sending, and everybody who waits gets the error. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this[Symbol.dispose]();
    this.#observer.failed(error);
    for (const waiter of [...this.#waiters]) waiter.settle(error);
  }

  /** Stops sending. Events still kept are lost with the process: see {@link waiting}. */
  [Symbol.dispose](): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #pump(): void {
    // While ingest is away one request at a time finds out whether it is back.
    const maxInFlight = this.#failures > 0 ? 1 : MAX_REQUESTS_IN_FLIGHT;
    while (!this.#stopped && !this.#paused && this.#inFlight < maxInFlight) {
      const next = this.#nextBatch();
      if (next === undefined) return;
      void this.#send(next.kind, next.batch);
    }
  }

  /** The kinds take turns. */
  #nextBatch(): { kind: FamilyName; batch: Batch } | undefined {
    for (let turn = 0; turn < familyNames.length; turn += 1) {
      const kind = familyNames[this.#nextKind]!;
      this.#nextKind = (this.#nextKind + 1) % familyNames.length;
      const batch = this.#lanes[kind].take({
        maxEvents: MAX_EVENTS_PER_REQUEST,
        maxEventsPerLane: MAX_EVENTS_PER_LANE,
      });
      if (batch !== undefined) return { kind, batch };
    }
    return undefined;
  }

  async #send(kind: FamilyName, batch: Batch): Promise<void> {
    this.#inFlight += 1;
    for (const event of batch.events) {
      if (event.sends === 0) this.#counts.sent += 1;
      else this.#counts.retried += 1;
      event.sends += 1;
    }
    const body = `[${batch.events.map((event) => event.json).join(',')}]`;
    const answer = await this.#client.post(familyOf(kind).path, body);
    this.#inFlight -= 1;
    this.#take(answer, kind, batch);
    this.#wake();
    this.#pump();
  }

  #take(answer: Answer, kind: FamilyName, batch: Batch): void {
    switch (answer.kind) {
      case 'answered':
        if (this.away) this.#observer.back();
        this.#failures = 0;
        this.#settle(kind, batch, answer.failures);
        return;
      case 'away':
        for (const lane of batch.lanes) this.#lanes[kind].ready(lane);
        this.#pause(answer.reason, answer.retryAfterMs);
        return;
      case 'refused':
        for (const lane of batch.lanes) this.#lanes[kind].ready(lane);
        this.fail(new IngestRefusedError(answer.reason));
    }
  }

  #settle(kind: FamilyName, batch: Batch, failures: readonly ItemFailure[]): void {
    const family = familyOf(kind);
    const failureOf = new Map(
      failures.map((failure) => {
        const { event } = failure;
        return ['index' in event ? batch.events[event.index]?.id : family.id(event.item as never), failure];
      }),
    );
    const setBack = this.#lanes[kind].settle(batch, (event) => {
      const failure = failureOf.get(event.id);
      if (failure?.passing === true) return 'again';
      if (failure !== undefined) this.#reject(kind, event, failure.reason);
      else this.#counts.accepted += 1;
      return failure === undefined ? 'accepted' : 'rejected';
    });
    this.#readyLater(kind, setBack);
  }

  #reject(kind: FamilyName, event: KeptEvent, reason: string): void {
    this.#counts.rejected += 1;
    this.#observer.rejected(kind, event.id, reason);
  }

  /** Nobody sends until the wait is over. Requests that fail meanwhile were under way and tell nothing new. */
  #pause(reason: string, askedMs: number): void {
    if (this.#paused) return;
    this.#failures += 1;
    if (this.#failures === AWAY_AFTER_FAILURES) this.#observer.away(reason);
    this.#paused = true;
    this.#after(retryDelayMs(this.#failures, this.#random, askedMs), () => {
      this.#paused = false;
      this.#pump();
    });
  }

  /** Lanes whose events have to go out again wait on their own; the others go on. */
  #readyLater(kind: FamilyName, lanes: readonly Lane[]): void {
    if (lanes.length === 0) return;
    const setbacks = Math.max(...lanes.map((lane) => lane.setbacks));
    this.#after(retryDelayMs(setbacks, this.#random), () => {
      for (const lane of lanes) this.#lanes[kind].ready(lane);
      this.#pump();
    });
  }

  #wake(): void {
    const count = this.waiting();
    for (const waiter of [...this.#waiters]) if (count <= waiter.count) waiter.settle();
  }

  #after(delayMs: number, action: () => void): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
  }
}
