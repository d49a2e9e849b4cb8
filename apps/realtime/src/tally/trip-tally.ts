import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';

/** Waits are counted by length, in steps of this factor from a second on: a quantile is at most 5 % off. */
const WAIT_STEP = 1.1;
const SHORTEST_WAIT_MS = 1_000;

/** Times of a trip, in milliseconds; `null` if unknown. */
interface CountedTrip {
  readonly requestedAt: number | null;
  readonly reservedAt: number | null;
  readonly pickedUpAt: number | null;
  readonly completedAt: number | null;
  readonly cancelledAt: number | null;
}

/** What happened to trips within one interval. */
export interface TripCounts {
  readonly requested: number;
  readonly completed: number;
  readonly cancelled: number;
  /** Time that vehicles were reserved or on trips, of all vehicles together. */
  readonly busyMs: number;
  /** Time that riders waited until a vehicle was reserved, of all riders together. */
  readonly waitingMs: number;
  /** Waits from the request to the start of the trip, by the step of their length. */
  readonly waits: ReadonlyMap<number, number>;
}

type MutableCounts = {
  -readonly [Name in keyof TripCounts]: Name extends 'waits' ? Map<number, number> : TripCounts[Name];
};

interface Range {
  readonly from: number;
  readonly to: number;
}

const EVERYTHING: Range = { from: 0, to: Number.POSITIVE_INFINITY };

/** Counts of trips per interval of time, aligned to the epoch. */
export class TripTally {
  private readonly intervals = new Map<number, MutableCounts>();

  /** @param range the times that are counted */
  constructor(
    readonly stepMs: number,
    private readonly range = EVERYTHING,
  ) {}

  /** Nothing before this time is counted. */
  get from(): number {
    return this.range.from;
  }

  /** Adds a trip; one that is still requested or under way is counted until `until`. */
  add(trip: CountedTrip, until: number): void {
    const { requestedAt, reservedAt, pickedUpAt, completedAt, cancelledAt } = trip;
    if (requestedAt !== null) this.count(requestedAt, 'requested');
    if (completedAt !== null) this.count(completedAt, 'completed');
    if (cancelledAt !== null) this.count(cancelledAt, 'cancelled');
    const end = completedAt ?? cancelledAt ?? until;
    if (reservedAt !== null) this.spread('busyMs', reservedAt, end);
    if (requestedAt === null) return;
    this.spread('waitingMs', requestedAt, reservedAt ?? end);
    if (pickedUpAt !== null && pickedUpAt >= requestedAt)
      this.countWait(pickedUpAt, pickedUpAt - requestedAt);
  }

  addAll(other: TripTally): void {
    for (const [interval, counts] of other.intervals) {
      if (!this.isCounted(interval * this.stepMs)) continue;
      const of = this.of(interval);
      of.requested += counts.requested;
      of.completed += counts.completed;
      of.cancelled += counts.cancelled;
      of.busyMs += counts.busyMs;
      of.waitingMs += counts.waitingMs;
      for (const [step, count] of counts.waits) of.waits.set(step, (of.waits.get(step) ?? 0) + count);
    }
  }

  /** The counts of the interval that starts at a time; `null` if it has none. */
  at(start: number): TripCounts | null {
    return this.intervals.get(Math.floor(start / this.stepMs)) ?? null;
  }

  /** Start of the first interval with counts. */
  get first(): number | null {
    const [first] = [...this.intervals.keys()].sort((a, b) => a - b);
    return first === undefined ? null : first * this.stepMs;
  }

  /** Drops intervals that start before a time. */
  forget(before: number): void {
    for (const interval of this.intervals.keys()) {
      if (interval * this.stepMs < before) this.intervals.delete(interval);
    }
  }

  write(to: ByteWriter): void {
    to.count(this.intervals.size);
    for (const [interval, counts] of this.intervals) {
      to.count(interval);
      to.count(counts.requested);
      to.count(counts.completed);
      to.count(counts.cancelled);
      to.count(counts.busyMs);
      to.count(counts.waitingMs);
      to.count(counts.waits.size);
      for (const [step, count] of counts.waits) {
        to.count(step);
        to.count(count);
      }
    }
  }

  read(from: ByteReader): void {
    for (let count = from.count(); count > 0; count -= 1) {
      const of = this.of(from.count());
      of.requested = from.count();
      of.completed = from.count();
      of.cancelled = from.count();
      of.busyMs = from.count();
      of.waitingMs = from.count();
      for (let waits = from.count(); waits > 0; waits -= 1) of.waits.set(from.count(), from.count());
    }
  }

  private count(time: number, what: 'requested' | 'completed' | 'cancelled'): void {
    if (this.isCounted(time)) this.of(Math.floor(time / this.stepMs))[what] += 1;
  }

  private countWait(time: number, waitMs: number): void {
    if (!this.isCounted(time)) return;
    const { waits } = this.of(Math.floor(time / this.stepMs));
    const step = Math.floor(Math.log(Math.max(1, waitMs / SHORTEST_WAIT_MS)) / Math.log(WAIT_STEP));
    waits.set(step, (waits.get(step) ?? 0) + 1);
  }

  /** Adds the part of a duration that is within each interval. */
  private spread(what: 'busyMs' | 'waitingMs', from: number, to: number): void {
    const { stepMs, range } = this;
    const end = Math.min(to, range.to);
    for (let at = Math.max(from, range.from); at < end;) {
      const interval = Math.floor(at / stepMs);
      const next = Math.min(end, (interval + 1) * stepMs);
      this.of(interval)[what] += next - at;
      at = next;
    }
  }

  private isCounted(time: number): boolean {
    return time >= this.range.from && time < this.range.to;
  }

  private of(interval: number): MutableCounts {
    let counts = this.intervals.get(interval);
    if (counts === undefined) {
      counts = { requested: 0, completed: 0, cancelled: 0, busyMs: 0, waitingMs: 0, waits: new Map() };
      this.intervals.set(interval, counts);
    }
    return counts;
  }
}

/** The wait that a share of the counted ones does not exceed, in milliseconds; `null` without any. */
export function waitQuantile(parts: readonly TripCounts[], share: number): number | null {
  const waits = new Map<number, number>();
  for (const { waits: of } of parts) {
    for (const [step, count] of of) waits.set(step, (waits.get(step) ?? 0) + count);
  }
  const total = [...waits.values()].reduce((sum, count) => sum + count, 0);
  const rank = Math.ceil(total * share);
  let seen = 0;
  for (const [step, count] of [...waits].sort(([a], [b]) => a - b)) {
    seen += count;
    if (seen >= rank) return Math.round(SHORTEST_WAIT_MS * WAIT_STEP ** (step + 0.5));
  }
  return null;
}
