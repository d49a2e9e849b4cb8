import { setTimeout as pause } from 'node:timers/promises';
import type { Histogram } from 'hdr-histogram-js';
import type { Telemetry } from '@hailstream/events';
import { newLatencies, recordSince } from '../../harness/latencies.js';

/** How often a place is asked: what is measured is this much too long, at most. */
const POLL_MS = 250;
/** Longest until everything that was accepted has arrived everywhere, once a fault is over. */
const SETTLE_MS = 180_000;

/** Somewhere that accepted events must come to: a page, a table. */
export interface Place {
  /** Which of these are there now. Where it does not answer, none is. */
  find(events: readonly Telemetry[]): Promise<Iterable<Telemetry>>;
}

/** How long it took, from the acceptance of an event, until it had arrived; in microseconds. */
export interface ArrivalTimes {
  /** At the first of the places. */
  readonly first: Histogram;
  /** At the last of them. */
  readonly last: Histogram;
}

/** Watches for the arrival of accepted events at places of one kind, each of which must get all of them. */
export class Arrivals implements AsyncDisposable {
  private readonly awaited = new Map<Place, Map<Telemetry, number>>();
  private readonly places: readonly Place[];
  private readonly stop = new AbortController();
  private readonly watching: Promise<unknown>;
  private times = newTimes();

  constructor(places: readonly Place[]) {
    this.places = places;
    for (const place of places) this.awaited.set(place, new Map());
    this.watching = Promise.all(places.map((place) => this.watch(place)));
  }

  /** From now on this event is awaited. */
  expect(event: Telemetry): void {
    const acceptedAt = performance.now();
    for (const awaited of this.awaited.values()) awaited.set(event, acceptedAt);
  }

  /**
   * Resolves once all that was expected has arrived everywhere, to how long that took since the last call.
   *
   * @throws Error where something is still missing after {@link SETTLE_MS}
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

  private async watch(place: Place): Promise<void> {
    const awaited = this.awaited.get(place)!;
    while (!this.stop.signal.aborted) {
      if (awaited.size > 0) {
        for (const event of await place.find([...awaited.keys()])) this.arrived(awaited, event);
      }
      await pause(POLL_MS);
    }
  }

  private arrived(awaited: Map<Telemetry, number>, event: Telemetry): void {
    const acceptedAt = awaited.get(event);
    awaited.delete(event);
    if (acceptedAt === undefined) return;
    const stillAwaited = [...this.awaited.values()].filter((others) => others.has(event)).length;
    if (stillAwaited === this.places.length - 1) recordSince(this.times.first, acceptedAt);
    if (stillAwaited === 0) recordSince(this.times.last, acceptedAt);
  }
}

function newTimes(): ArrivalTimes {
  return { first: newLatencies(), last: newLatencies() };
}
