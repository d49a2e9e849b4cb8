import assert from 'node:assert';
import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';
import type { ProviderLimits } from '../limits/provider-limits.js';
import { QUARTER_MS } from '../motion/motion.js';
import { TripTally } from '../tally/trip-tally.js';
import type { MutableFigures } from './figures.js';
import { CLOCK_TOLERANCE_MS } from './newest.js';
import { SeriesReader, SeriesWriter } from './series.js';
import { stagesUnderWay, TripFacts } from './trip.js';
import { tripHash, TripPack, TripPacker } from './trip-pack.js';
import { UnreadTrips } from './unread-trips.js';

/** A trip without an event for this long, by event time, is dropped and no longer counted. */
export const TRIP_KEPT_MS = 6 * 3_600_000;

/** How long the counts of dropped trips are kept: two days, and the interval of now. */
const TALLY_KEPT_MS = 2 * 86_400_000 + QUARTER_MS;

/** Age up to which cancellations are counted. */
export const CANCELLATIONS_WINDOW_MS = 15 * 60_000;

/** Maximum number of packs that are decoded at once because they have trips that are to be dropped. */
const MAX_PACKS_AT_ONCE = 4;

/** Bounds of the trips of a fleet. */
export interface TripLimits {
  /** As soon as this many trips have ended, they are packed, and keyframes refer to the pack. */
  readonly packedFrom: number;
  /** Maximum number of trips of a pack, which is written in one step. */
  readonly packedUpTo: number;
}

export const TRIP_LIMITS: TripLimits = { packedFrom: 512, packedUpTo: 2_048 };

/** Packs by their id. */
export type TripPacks = ReadonlyMap<string, TripPack>;

/**
 * The trips of one provider. Those that have ended are packed: a pack is written once, and every keyframe that has its trips
 * refers to it. A trip that changes later is written as it is then, in addition to the pack.
 */
export class FleetTrips {
  /** The trips that are decoded. */
  private readonly trips = new Map<string, TripFacts>();
  /** Trips that may still count: all that {@link advance} visits. */
  private readonly active = new Set<TripFacts>();
  /** Trips that changed since {@link takeChanged}. */
  private changed = new Set<TripFacts>();
  /** Decoded trips that no pack has as they are now. */
  private readonly loose = new Set<TripFacts>();
  /** Packs with trips of the fleet, in the order of packing: a later one has a trip as it was later. */
  private packs: TripPack[] = [];
  /** Trips that are not decoded yet; those that were written last are first. */
  private unread: UnreadTrips[] = [];
  /** Trips that were dropped for want of room and are in a pack, and the times of their newest events. */
  private readonly removed = new Map<string, number>();
  /** Counts of the trips that were dropped. */
  private dropped = new TripTally(QUARTER_MS);
  /** Trips whose newest event is not after this were dropped and counted: later copies of their events are not counted again. */
  private droppedUpTo = Number.NEGATIVE_INFINITY;
  /** Trips that were dropped for want of room since the process started. */
  private overQuota = 0;

  /** @param newestEventAt returns the time of the fleet's newest event */
  constructor(
    private readonly newestEventAt: () => number | null,
    private readonly limits: TripLimits & Pick<ProviderLimits, 'trips'>,
  ) {}

  get(tripId: string): TripFacts | undefined {
    return this.trips.get(tripId) ?? this.decode(tripId, this.unread.length);
  }

  /** A trip that is under way, or one that is decoded. */
  underWay(tripId: string): TripFacts | undefined {
    const known = this.trips.get(tripId);
    if (known !== undefined) return known;
    const end = this.unread.findLastIndex(({ isUnderWay }) => isUnderWay) + 1;
    return this.decode(tripId, end);
  }

  all(): Iterable<TripFacts> {
    this.unpack(Number.POSITIVE_INFINITY);
    return this.trips.values();
  }

  /** Trips that no vehicle is reserved for yet. */
  *waiting(): Generator<TripFacts> {
    for (const trip of this.active) if (trip.stage === 'requested') yield trip;
  }

  /** Decodes at most `count` of the trips that were not needed yet. Returns whether others are left. */
  unpack(count: number): boolean {
    for (let left = count; left > 0 && this.unread.length > 0; left -= 1) this.decodeNext(0);
    return this.unread.length > 0;
  }

  /** Folds an event into a trip, which is added if it is new. */
  fold(tripId: string, fold: (trip: TripFacts) => void): TripFacts {
    let trip = this.get(tripId);
    if (trip === undefined) {
      trip = new TripFacts(tripId);
      this.add(trip);
    }
    fold(trip);
    this.noteChange(trip);
    return trip;
  }

  /** Returns the trips that changed since the last call, those that no longer count included. */
  takeChanged(): Set<TripFacts> {
    const { changed } = this;
    this.changed = new Set();
    return changed;
  }

  /** Whether a trip may count: not if it was dropped, or had no event for {@link TRIP_KEPT_MS} at the last {@link advance}. */
  isActive(trip: TripFacts): boolean {
    return this.active.has(trip);
  }

  /** Adds the trips that count at a time to figures. */
  advance(figures: MutableFigures, now: number): void {
    if (this.overQuota > 0) figures.tripsOverQuota = this.overQuota;
    for (const unread of [...this.unread]) {
      if (!unread.isUnderWay) continue;
      if (now - unread.pack.earliest >= TRIP_KEPT_MS) this.decodeAll(unread);
      else figures.tripsNow += unread.count;
    }
    for (const trip of this.active) {
      if (mayCount(trip, now)) {
        countTrip(trip, figures, now);
      } else {
        this.active.delete(trip);
        this.changed.add(trip);
      }
    }
  }

  /** Drops and counts trips that are too old, by the newest event. */
  forget(): void {
    const { asOf } = this;
    const upTo = asOf - TRIP_KEPT_MS;
    // A trip that is not decoded yet would be taken for one that was dropped, and counted, before.
    if (!this.decodeUpTo(upTo)) return;
    for (const trip of this.trips.values()) if (isForgotten(trip, asOf)) this.drop(trip);
    this.droppedUpTo = Math.max(this.droppedUpTo, upTo);
    this.dropped.forget(asOf - TALLY_KEPT_MS);
    this.packs = this.packs.filter(({ latest }) => latest > this.droppedUpTo);
    for (const [tripId, heardAt] of this.removed) {
      if (heardAt <= this.droppedUpTo) this.removed.delete(tripId);
    }
  }

  /** Drops the trips of a vehicle. Their counts remain. */
  erase(deviceId: string): void {
    for (const trip of this.all()) if (trip.deviceId === deviceId) this.remove(trip);
  }

  /** Adds the trips up to `asOf` to counts, which include dropped trips only if they are per {@link QUARTER_MS}. */
  count(into: TripTally, asOf: number): void {
    if (into.stepMs === QUARTER_MS) into.addAll(this.dropped);
    for (const trip of this.all()) {
      if (trip.heardAt <= this.droppedUpTo) continue;
      // A trip that is over has nothing after its newest event.
      if (trip.heardAt < into.from && !this.active.has(trip)) continue;
      into.add(trip.times, Math.min(asOf, trip.heardAt + TRIP_KEPT_MS));
    }
  }

  /**
   * Writes the trips in steps, between which they may change: what is written contains all events that were folded before. The
   * packs that it refers to are added to `packs`.
   */
  *write(bytes: ByteWriter, packs: Map<string, TripPack>): Generator<void> {
    // Only the trips of packs are not written again.
    for (let at = this.inlineAt(); at !== -1; at = this.inlineAt()) {
      this.decodeNext(at);
      yield;
    }
    // A moment that starts from these bytes is not before the newest event, by a clock that may differ.
    const { asOf } = this;
    // The trips of now, and the counts of those that were dropped before: no trip is in both, or in neither.
    const loose = new Set(this.loose);
    const referred = [...this.packs];
    this.writeDropped(bytes);
    yield* this.pack(loose, { referred, asOf });
    const [underWay, ended] = [new TripPacker(), new TripPacker()];
    for (const trip of loose) {
      if (!mayCount(trip, asOf)) {
        ended.add(trip);
      } else if (isOnlyUnderWay(trip)) {
        underWay.add(trip);
      } else {
        bytes.count(1);
        trip.write(new SeriesWriter(bytes));
      }
      yield;
    }
    bytes.count(0);
    bytes.section(underWay.finish().bytes);
    bytes.section(ended.finish().bytes);
    bytes.count(referred.length);
    for (const pack of referred) {
      bytes.text(pack.id);
      packs.set(pack.id, pack);
    }
  }

  /** Reads what {@link write} has written into trips without any. */
  *read(bytes: ByteReader, packs: TripPacks): Generator<void> {
    this.readDropped(bytes);
    while (bytes.count() === 1) {
      const trip = TripFacts.read(new SeriesReader(bytes));
      this.trips.set(trip.tripId, trip);
      this.noteChange(trip);
      yield;
    }
    const underWay = new UnreadTrips(new TripPack(bytes.section()), { isUnderWay: true });
    const ended = new UnreadTrips(new TripPack(bytes.section()));
    for (let count = bytes.count(); count > 0; count -= 1) {
      const pack = packs.get(bytes.text());
      assert.ok(pack !== undefined, 'the pack is known');
      this.packs.push(pack);
    }
    const packed = this.packs.map((pack) => new UnreadTrips(pack, { isPacked: true }));
    this.unread = [underWay, ended, ...packed.toReversed()].filter(({ count }) => count > 0);
  }

  /** Adds other trips, as `Fleet.join` does. */
  *join(other: FleetTrips): Generator<void> {
    for (; this.unread.length > 0; yield) this.decodeNext(0);
    for (; other.unread.length > 0; yield) other.decodeNext(0);
    // What either has packed lacks what the other one knows.
    for (const trip of this.trips.values()) this.loose.add(trip);
    this.packs = [];
    this.removed.clear();
    this.dropped = other.dropped;
    this.droppedUpTo = other.droppedUpTo;
    for (const trip of other.trips.values()) {
      this.joinTrip(trip);
      yield;
    }
  }

  private joinTrip(other: TripFacts): void {
    let trip = this.get(other.tripId);
    if (trip === undefined) {
      trip = other;
      this.add(trip);
    } else {
      trip.join(other);
      this.active.add(trip);
    }
    this.loose.add(trip);
    // Most trips have ended: those that cannot count are not visited by the next advance.
    if (!this.active.has(trip) && !mayCount(trip, this.asOf)) return;
    this.active.add(trip);
    this.changed.add(trip);
  }

  /** The time as of which trips are dropped. Events are at most this much later than their receipt: nothing is dropped that a page may have shown then. */
  private get asOf(): number {
    return (this.newestEventAt() ?? Number.NEGATIVE_INFINITY) - CLOCK_TOLERANCE_MS;
  }

  private noteChange(trip: TripFacts): void {
    this.active.add(trip);
    this.changed.add(trip);
    this.loose.add(trip);
  }

  private add(trip: TripFacts): void {
    if (this.trips.size >= this.limits.trips) this.dropFirst();
    this.trips.set(trip.tripId, trip);
  }

  private dropFirst(): void {
    this.overQuota += 1;
    for (const trip of this.trips.values()) {
      this.remove(trip);
      return;
    }
  }

  private remove(trip: TripFacts): void {
    // Otherwise, the trip would be read from its pack again.
    if (this.packs.some((pack) => pack.has(trip.tripId))) this.noteRemoved(trip);
    this.drop(trip);
  }

  private noteRemoved({ tripId, heardAt }: TripFacts): void {
    this.removed.set(tripId, Math.max(heardAt, this.removed.get(tripId) ?? heardAt));
  }

  private drop(trip: TripFacts): void {
    if (trip.heardAt > this.droppedUpTo) {
      const from = (this.newestEventAt() ?? trip.heardAt) - TALLY_KEPT_MS;
      const counts = new TripTally(QUARTER_MS, { from, to: Number.POSITIVE_INFINITY });
      counts.add(trip.times, trip.heardAt + TRIP_KEPT_MS);
      this.dropped.addAll(counts);
    }
    this.trips.delete(trip.tripId);
    this.active.delete(trip);
    this.loose.delete(trip);
    this.changed.add(trip);
  }

  private writeDropped(bytes: ByteWriter): void {
    const times = new SeriesWriter(bytes);
    times.time(this.droppedUpTo === Number.NEGATIVE_INFINITY ? null : this.droppedUpTo);
    this.dropped.write(bytes);
    bytes.count(this.removed.size);
    for (const [tripId, heardAt] of this.removed) {
      bytes.text(tripId);
      times.time(heardAt);
    }
  }

  private readDropped(bytes: ByteReader): void {
    const times = new SeriesReader(bytes);
    this.droppedUpTo = times.time() ?? Number.NEGATIVE_INFINITY;
    this.dropped.read(bytes);
    for (let count = bytes.count(); count > 0; count -= 1) {
      this.removed.set(bytes.text(), times.knownTime());
    }
  }

  /** Packs trips that have ended, if there are enough of them. They are removed from `loose`, and their packs are referred to. */
  private *pack(
    loose: Set<TripFacts>,
    { referred, asOf }: { readonly referred: TripPack[]; readonly asOf: number },
  ): Generator<void> {
    const { packedFrom, packedUpTo } = this.limits;
    const ended: TripFacts[] = [];
    for (const trip of loose) {
      if (this.isPackable(trip, asOf)) ended.push(trip);
      yield;
    }
    if (ended.length < packedFrom) return;
    for (let at = 0; at < ended.length; at += packedUpTo) {
      const packer = new TripPacker();
      for (const trip of ended.slice(at, at + packedUpTo)) {
        // It may have changed in a step before.
        if (!this.isPackable(trip, asOf)) continue;
        packer.add(trip);
        loose.delete(trip);
        this.loose.delete(trip);
      }
      const pack = packer.finish();
      if (pack.count > 0) {
        this.packs.push(pack);
        referred.push(pack);
      }
      yield;
    }
  }

  /** Whether a trip does not count, and can be read from a pack: none that was dropped is. */
  private isPackable(trip: TripFacts, asOf: number): boolean {
    const { tripId, heardAt } = trip;
    const isKept = this.trips.get(tripId) === trip && heardAt > this.droppedUpTo && !this.removed.has(tripId);
    return isKept && !mayCount(trip, asOf);
  }

  private inlineAt(): number {
    return this.unread.findIndex(({ isPacked }) => !isPacked);
  }

  /** Decodes the trips of packs with an event up to a time. Returns `false` if there are too many, and others are left. */
  private decodeUpTo(time: number): boolean {
    for (let left = MAX_PACKS_AT_ONCE; ; left -= 1) {
      const next = this.unread.find(({ pack }) => pack.earliest <= time);
      if (next === undefined) return true;
      if (left === 0) return false;
      this.decodeAll(next);
    }
  }

  private decodeAll(unread: UnreadTrips): void {
    while (this.unread.includes(unread)) this.decodeNext(this.unread.indexOf(unread));
  }

  /** Decodes one of the trips that were not needed yet. */
  private decodeNext(at: number): void {
    const unread = this.unread[at]!;
    const trip = unread.takeNext();
    if (trip === null) {
      this.unread.splice(at, 1);
    } else if (!this.trips.has(trip.tripId) && this.decode(trip.tripId, at) === undefined) {
      this.adopt(trip, unread);
    }
  }

  /** Decodes a trip that is in one of the first `end` packs, as the first of them has it. */
  private decode(tripId: string, end: number): TripFacts | undefined {
    if (end === 0) return undefined;
    const hash = tripHash(tripId);
    for (let at = 0; at < end; at += 1) {
      const unread = this.unread[at]!;
      const trip = unread.take(tripId, hash);
      if (trip !== null) return this.adopt(trip, unread);
    }
    return undefined;
  }

  /** Adds a trip that was decoded, unless it was dropped after it was packed. */
  private adopt(trip: TripFacts, { isPacked, isUnderWay }: UnreadTrips): TripFacts | undefined {
    const { tripId, heardAt } = trip;
    if (isPacked && (heardAt <= this.droppedUpTo || this.removed.has(tripId))) return undefined;
    this.trips.set(tripId, trip);
    if (!isPacked) this.loose.add(trip);
    if (isUnderWay) this.active.add(trip);
    return trip;
  }
}

/** Whether a trip counts, or may count again later without a new event. */
function mayCount(trip: TripFacts, now: number): boolean {
  if (isForgotten(trip, now)) return false;
  const { stage } = trip;
  return stagesUnderWay.has(stage) || stage === 'requested' || isRecentlyCancelled(trip, now);
}

/** Whether a trip that may count counts as one under way and as nothing else, at any later time. */
function isOnlyUnderWay(trip: TripFacts): boolean {
  return stagesUnderWay.has(trip.stage) && trip.cancelledAt === null;
}

/** Adds a trip that may count to the figures. */
function countTrip(trip: TripFacts, figures: MutableFigures, now: number): void {
  const { stage } = trip;
  if (isRecentlyCancelled(trip, now)) figures.cancellations += 1;
  if (stagesUnderWay.has(stage)) {
    figures.tripsNow += 1;
  } else if (stage === 'requested') {
    figures.requestsWaiting += 1;
    figures.longestWaitMs = Math.max(figures.longestWaitMs, now - (trip.requestedAt ?? now));
  }
}

function isRecentlyCancelled({ cancelledAt }: TripFacts, now: number): boolean {
  return cancelledAt !== null && now - cancelledAt < CANCELLATIONS_WINDOW_MS;
}

function isForgotten(trip: TripFacts, now: number): boolean {
  return now - trip.heardAt >= TRIP_KEPT_MS;
}
