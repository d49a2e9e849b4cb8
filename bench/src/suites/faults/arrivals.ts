import { setTimeout as pause } from 'node:timers/promises';
import type { Histogram } from 'hdr-histogram-js';
import type { Telemetry } from '@hailstream/events';
import { newLatencies, recordSince } from '../../harness/latencies.js';

/** How often a destination is polled. Measured times are too long by up to this interval. */
const POLL_MS = 250;
/** Maximum time that accepted events may take to arrive once a fault is over. */
const SETTLE_MS = 180_000;

/** Where accepted events have to arrive: a realtime process, a table. */
export interface Destination {
  /** Returns those of the events that have arrived; none if the destination does not respond. */
  find(events: readonly Telemetry[]): Promise<Iterable<Telemetry>>;
}

/** Times from the acceptance of an event to its arrival, in microseconds. */
export interface ArrivalTimes {
  /** At the first of the destinations. */
  readonly first: Histogram;
  /** At the last of them. */
  readonly last: Histogram;
}

/** Measures when accepted events arrive at destinations of one kind. Each destination has to receive all of them. */
export class Arrivals implements AsyncDisposable {
  private readonly awaited = new Map<Destination, Map<Telemetry, number>>();
  private readonly destinations: readonly Destination[];
  private readonly stop = new AbortController();
  private readonly watching: Promise<unknown>;
  private times = newTimes();

  constructor(destinations: readonly Destination[]) {
    this.destinations = destinations;
    for (const destination of destinations) this.awaited.set(destination, new Map());
    this.watching = Promise.all(destinations.map((destination) => this.watch(destination)));
  }

  /** Adds an event that has to arrive. */
  expect(event: Telemetry): void {
    const acceptedAt = performance.now();
    for (const awaited of this.awaited.values()) awaited.set(event, acceptedAt);
  }

  /**
   * Resolves once all expected events have arrived at all destinations, to the times of those since the last call.
   *
   * @throws Error if events are missing after {@link SETTLE_MS}
   */
  async settled(): Promise<ArrivalTimes> {
    const giveUpAt = performance.now() + SETTLE_MS;
    for (let missing = this.missing(); missing > 0; missing = this.missing()) {
      if (performance.now() > giveUpAt)
        throw new Error(`${missing} accepted events did not arrive within ${SETTLE_MS / 1_000} s`);
      await pause(POLL_MS);
    }
    const times = this.times;
    this.times = newTimes();
    return times;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.watching;
  }

  private missing(): number {
    return Math.max(...[...this.awaited.values()].map((awaited) => awaited.size));
  }

  private async watch(destination: Destination): Promise<void> {
    const awaited = this.awaited.get(destination)!;
    while (!this.stop.signal.aborted) {
      if (awaited.size > 0) {
        for (const event of await destination.find([...awaited.keys()])) this.arrived(awaited, event);
      }
      await pause(POLL_MS);
    }
  }

  private arrived(awaited: Map<Telemetry, number>, event: Telemetry): void {
    const acceptedAt = awaited.get(event);
    awaited.delete(event);
    if (acceptedAt === undefined) return;
    const stillAwaited = [...this.awaited.values()].filter((others) => others.has(event)).length;
    if (stillAwaited === this.destinations.length - 1) recordSince(this.times.first, acceptedAt);
    if (stillAwaited === 0) recordSince(this.times.last, acceptedAt);
  }
}

function newTimes(): ArrivalTimes {
  return { first: newLatencies(), last: newLatencies() };
}
