/** An event that waits for acceptance, serialized. */
export interface PendingEvent {
  readonly id: string;
  readonly json: string;
  /** Number of times it was sent. */
  sends: number;
}

/** Result of sending an event: accepted by ingest, rejected for good, or to be sent again. */
type SendResult = 'accepted' | 'rejected' | 'retry';

/** The events of one key, oldest first; the first `inFlight` of them are being sent. */
export interface KeyQueue {
  readonly key: string;
  readonly events: PendingEvent[];
  inFlight: number;
  /** Consecutive batches with an event of this key to be sent again. */
  failures: number;
}

/** Events that are sent together: the oldest ones of each queue. */
export interface Batch {
  readonly queues: readonly KeyQueue[];
  readonly events: readonly PendingEvent[];
}

/**
 * Events that wait for acceptance, in one queue per key. A queue with events in flight sends no others, so that no event
 * overtakes an earlier one of its key.
 */
export class KeyQueues {
  private readonly queues = new Map<string, KeyQueue>();
  private readonly ready = new Set<KeyQueue>();
  private eventCount = 0;

  /** Number of events, including those in flight. */
  get count(): number {
    return this.eventCount;
  }

  add(key: string, event: PendingEvent): void {
    let queue = this.queues.get(key);
    if (queue === undefined) {
      queue = { key, events: [], inFlight: 0, failures: 0 };
      this.queues.set(key, queue);
      this.ready.add(queue);
    }
    queue.events.push(event);
    this.eventCount += 1;
  }

  /** Takes the oldest events of the ready queues; queues that have waited longest come first. */
  nextBatch(limits: { maxEvents: number; maxEventsPerKey: number }): Batch | undefined {
    const queues: KeyQueue[] = [];
    const events: PendingEvent[] = [];
    for (const queue of this.ready) {
      const room = limits.maxEvents - events.length;
      if (room === 0) break;
      // A retried event is sent without later ones of its key: one of those could be accepted although it fails.
      const allowed = queue.failures > 0 ? 1 : Math.min(limits.maxEventsPerKey, room);
      queue.inFlight = Math.min(queue.events.length, allowed);
      for (let index = 0; index < queue.inFlight; index += 1) events.push(queue.events[index]!);
      queues.push(queue);
      this.ready.delete(queue);
    }
    return events.length === 0 ? undefined : { queues, events };
  }

  /**
   * Completes a batch: removes accepted and rejected events. Returns the queues that have events to be sent again; these
   * send nothing until {@link makeReady}.
   */
  complete(batch: Batch, resultOf: (event: PendingEvent) => SendResult): KeyQueue[] {
    return batch.queues.filter((queue) => {
      const retried = queue.events.splice(0, queue.inFlight).filter((event) => resultOf(event) === 'retry');
      this.eventCount -= queue.inFlight - retried.length;
      queue.inFlight = 0;
      queue.events.unshift(...retried);
      queue.failures = retried.length > 0 ? queue.failures + 1 : 0;
      if (retried.length === 0) this.makeReady(queue);
      return retried.length > 0;
    });
  }

  /** Lets a queue send again, or removes it if it is empty. */
  makeReady(queue: KeyQueue): void {
    queue.inFlight = 0;
    if (queue.events.length > 0) this.ready.add(queue);
    else this.queues.delete(queue.key);
  }

  /** Drops every second event that is not in flight, never the newest of a key. Returns how many were dropped. */
  thin(): number {
    const before = this.eventCount;
    for (const queue of this.queues.values()) {
      const last = queue.events.length - 1;
      const remaining = queue.events.filter(
        (_event, index) => index < queue.inFlight || (last - index) % 2 === 0,
      );
      this.eventCount -= queue.events.length - remaining.length;
      queue.events.splice(0, queue.events.length, ...remaining);
    }
    return before - this.eventCount;
  }
}
