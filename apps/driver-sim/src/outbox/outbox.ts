import { eventRegistry, type EventFamily, type EventOf, type FamilyName } from '@hailstream/events';
import type { Answer, IngestClient, ItemFailure } from './ingest-client.http.js';
import { KeyQueues, type Batch, type KeyQueue, type PendingEvent } from './key-queues.js';
import { retryDelayMs } from './retry-delay.js';

/** Maximum number of events in a request: half of what ingest accepts. */
const MAX_EVENTS_PER_REQUEST = 500;

/** Maximum number of events of one key in a request, so that a long queue leaves room for others. */
const MAX_EVENTS_PER_KEY = 100;

/** Consecutive failed requests after which ingest counts as unavailable. A single failure may be a stale connection. */
const UNAVAILABLE_AFTER_FAILURES = 2;

/** Maximum number of requests in flight: 20,000 events per second if ingest answers within 200 ms. */
export const MAX_REQUESTS_IN_FLIGHT = 8;

/** The families that are sent to ingest: all of the registry. */
export const familyNames = eventRegistry.families.map(({ name }) => name) as readonly FamilyName[];

export function familyOf<Name extends FamilyName>(name: Name): EventFamily<EventOf<Name>> {
  return eventRegistry.byName.get(name) as EventFamily<EventOf<Name>>;
}

/** Ingest rejects every request like these: wrong address, token or permission. */
export class IngestRefusedError extends Error {
  override readonly name = 'IngestRefusedError';
  readonly code = 'refused';
  readonly retryable = false;
}

/** Receives the state changes of an outbox. */
export interface OutboxObserver {
  /** Ingest is unreachable or returns errors; called once until {@link OutboxObserver.recovered}. */
  unavailable(reason: string): void;
  recovered(): void;
  /** Ingest rejected an event, which is dropped. */
  rejected(family: FamilyName, id: string, reason: string): void;
  /** The outbox has stopped for good; pending {@link Outbox.whenAtMost} calls reject with the same error. */
  failed(error: Error): void;
}

export interface OutboxCounts {
  /** Events that were sent at least once. */
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Repeated sends of events. */
  readonly retried: number;
  /** Events dropped by {@link Outbox.thin}. */
  readonly thinned: number;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/**
 * Events that ingest has not accepted yet. An event stays until it is accepted or rejected; retries have the same id, and
 * events of one key (device or trip) are sent in order.
 */
export class Outbox {
  private readonly client: IngestClient;
  private readonly observer: OutboxObserver;
  private readonly random: () => number;
  private readonly queues: Readonly<Record<FamilyName, KeyQueues>>;
  private readonly totals: Readonly<Record<FamilyName, Mutable<OutboxCounts>>>;
  private readonly waiters = new Set<{ count: number; settle: (error?: Error) => void }>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private nextFamily = 0;
  private inFlight = 0;
  private failures = 0;
  private paused = false;
  private stopped = false;
  private pumpScheduled = false;
  private failure: Error | undefined;

  constructor(options: { client: IngestClient; observer: OutboxObserver; random?: () => number }) {
    this.client = options.client;
    this.observer = options.observer;
    this.random = options.random ?? Math.random;
    this.queues = perFamily(() => new KeyQueues());
    this.totals = perFamily(() => ({ sent: 0, accepted: 0, rejected: 0, retried: 0, thinned: 0 }));
  }

  /** Counts of all families. */
  get counts(): OutboxCounts {
    const sum = { sent: 0, accepted: 0, rejected: 0, retried: 0, thinned: 0 };
    for (const name of familyNames) {
      for (const key of Object.keys(sum) as (keyof OutboxCounts)[]) sum[key] += this.totals[name][key];
    }
    return sum;
  }

  countsOf(family: FamilyName): OutboxCounts {
    return { ...this.totals[family] };
  }

  /** Number of events of one family, or of all, that are not accepted yet. */
  waiting(family?: FamilyName): number {
    if (family !== undefined) return this.queues[family].count;
    return familyNames.reduce((sum, each) => sum + this.queues[each].count, 0);
  }

  get isUnavailable(): boolean {
    return this.failures >= UNAVAILABLE_AFTER_FAILURES;
  }

  put<Name extends FamilyName>(name: Name, event: EventOf<Name>): void {
    const family = familyOf(name);
    this.queues[name].add(family.key(event), { id: family.id(event), json: JSON.stringify(event), sends: 0 });
    if (this.pumpScheduled) return;
    // Events that are put in the same turn of the event loop share a request.
    this.pumpScheduled = true;
    setImmediate(() => {
      this.pumpScheduled = false;
      this.pump();
    });
  }

  /** Drops every second waiting event of a family. Returns how many were dropped. */
  thin(name: FamilyName): number {
    const dropped = this.queues[name].thin();
    this.totals[name].thinned += dropped;
    return dropped;
  }

  /**
   * Waits until at most `count` events are waiting, or until `signal` is aborted.
   *
   * @throws IngestRefusedError if ingest will never accept them
   */
  async whenAtMost(count: number, signal?: AbortSignal): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    if (this.waiting() <= count || signal?.aborted === true) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        this.waiters.delete(waiter);
        // The signal outlives this call.
        signal?.removeEventListener('abort', stopWaiting);
        if (error === undefined) resolve();
        else reject(error);
      };
      const stopWaiting = (): void => settle();
      const waiter = { count, settle };
      this.waiters.add(waiter);
      signal?.addEventListener('abort', stopWaiting, { once: true });
    });
  }

  /** Stops sending, and rejects all pending {@link whenAtMost} calls with the error. */
  fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this[Symbol.dispose]();
    this.observer.failed(error);
    for (const waiter of [...this.waiters]) waiter.settle(error);
  }

  /** Stops sending. Waiting events are lost when the process exits. */
  [Symbol.dispose](): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private pump(): void {
    // After a failure, one request at a time probes whether ingest has recovered.
    const maxInFlight = this.failures > 0 ? 1 : MAX_REQUESTS_IN_FLIGHT;
    while (!this.stopped && !this.paused && this.inFlight < maxInFlight) {
      const next = this.nextBatch();
      if (next === undefined) return;
      void this.send(next.name, next.batch);
    }
  }

  /** Serves the families in turn. */
  private nextBatch(): { name: FamilyName; batch: Batch } | undefined {
    for (let turn = 0; turn < familyNames.length; turn += 1) {
      const name = familyNames[this.nextFamily]!;
      this.nextFamily = (this.nextFamily + 1) % familyNames.length;
      const batch = this.queues[name].nextBatch({
        maxEvents: MAX_EVENTS_PER_REQUEST,
        maxEventsPerKey: MAX_EVENTS_PER_KEY,
      });
      if (batch !== undefined) return { name, batch };
    }
    return undefined;
  }

  private async send(name: FamilyName, batch: Batch): Promise<void> {
    this.inFlight += 1;
    for (const event of batch.events) {
      if (event.sends === 0) this.totals[name].sent += 1;
      else this.totals[name].retried += 1;
      event.sends += 1;
    }
    const body = `[${batch.events.map((event) => event.json).join(',')}]`;
    const answer = await this.client.post(familyOf(name).path, body);
    this.inFlight -= 1;
    this.handleAnswer(answer, name, batch);
    this.settleWaiters();
    this.pump();
  }

  private handleAnswer(answer: Answer, name: FamilyName, batch: Batch): void {
    switch (answer.kind) {
      case 'processed':
        if (this.isUnavailable) this.observer.recovered();
        this.failures = 0;
        this.completeBatch(name, batch, answer.failures);
        return;
      case 'unavailable':
        for (const queue of batch.queues) this.queues[name].makeReady(queue);
        this.pause(answer.reason, answer.retryAfterMs);
        return;
      case 'refused':
        for (const queue of batch.queues) this.queues[name].makeReady(queue);
        this.fail(new IngestRefusedError(answer.reason));
    }
  }

  private completeBatch(name: FamilyName, batch: Batch, failures: readonly ItemFailure[]): void {
    const family = familyOf(name);
    const failureById = new Map(
      failures.map((failure) => {
        const { event } = failure;
        return ['index' in event ? batch.events[event.index]?.id : family.id(event.item as never), failure];
      }),
    );
    const toRetry = this.queues[name].complete(batch, (event) => {
      const failure = failureById.get(event.id);
      if (failure?.retryable === true) return 'retry';
      if (failure !== undefined) this.reject(name, event, failure.reason);
      else this.totals[name].accepted += 1;
      return failure === undefined ? 'accepted' : 'rejected';
    });
    this.retryLater(name, toRetry);
  }

  private reject(name: FamilyName, event: PendingEvent, reason: string): void {
    this.totals[name].rejected += 1;
    this.observer.rejected(name, event.id, reason);
  }

  /** Pauses all sending. Requests that fail during the pause were in flight at its start, and do not extend it. */
  private pause(reason: string, retryAfterMs: number): void {
    if (this.paused) return;
    this.failures += 1;
    if (this.failures === UNAVAILABLE_AFTER_FAILURES) this.observer.unavailable(reason);
    this.paused = true;
    this.after(retryDelayMs(this.failures, this.random, retryAfterMs), () => {
      this.paused = false;
      this.pump();
    });
  }

  /** Pauses the queues of retried events; the others continue. */
  private retryLater(name: FamilyName, queues: readonly KeyQueue[]): void {
    if (queues.length === 0) return;
    const failures = Math.max(...queues.map((queue) => queue.failures));
    this.after(retryDelayMs(failures, this.random), () => {
      for (const queue of queues) this.queues[name].makeReady(queue);
      this.pump();
    });
  }

  private settleWaiters(): void {
    const count = this.waiting();
    for (const waiter of [...this.waiters]) if (count <= waiter.count) waiter.settle();
  }

  private after(delayMs: number, action: () => void): void {
    if (this.stopped) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      action();
    }, delayMs);
    this.timers.add(timer);
  }
}

function perFamily<Value>(create: () => Value): Record<FamilyName, Value> {
  return Object.fromEntries(familyNames.map((name) => [name, create()])) as Record<FamilyName, Value>;
}
